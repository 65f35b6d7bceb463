//! What makes samples happen: the seam behind which CPU timers and perf events stand, and beside it the wall clock, which
//! comes on top of either.

use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use crate::Error;

pub(crate) mod cpu_timers;
mod perf_events;
mod thread_clock;
pub(crate) mod wall;

/// A source of samples. It belongs to the collector's thread; when it is dropped, nothing of it is left.
pub(crate) trait Engine: Send {
    /// Looks after threads that came, went or need attention; gives what became of them if it was time to look. Called about ten
    /// times a second.
    fn tend(&mut self, now: Instant) -> Option<Census>;

    /// The last census, once no more samples come: of those that are gone and of those that live.
    fn last_census(&mut self) -> Option<Census>;

    /// Threads that could get no timer.
    fn unarmed(&self) -> u64;

    /// Threads that block the signal.
    fn blocked(&self) -> &FxHashSet<u32>;

    /// Makes the samples cease.
    fn stop(&mut self);
}

/// What became of threads, and how much of their time went without a sample.
///
/// A timer first expires at a random place of its first period, so that by any moment of a thread's CPU time it has expired, on
/// average, as often as periods fit in. But the kernel looks at CPU timers at its tick only: samples are true of the last tick that
/// the thread saw, and what it used after that goes without. That is up to a tick, which is little for a thread that lives long and
/// much for one that does not, or for many that share a processor. It is known exactly once nothing more can come: CPU time used
/// less periods sampled, summed over all threads that are over. Adding that makes the sum of samples the CPU time used, whatever
/// the threads' lives, and takes away the chance in the first periods besides.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Threads that are gone since the last time.
    pub(crate) gone: Vec<u32>,
    /// Threads that have the tid of one that is gone, and what they had used before that was noticed, which no sample stands for.
    pub(crate) late: Vec<(u32, Duration)>,
    /// Threads that live, will not be sampled any more, and have used more than they were sampled for: in the last census.
    pub(crate) stopped: Vec<u32>,
    /// CPU time of all threads but those that will still be sampled, those that can't be, and the calling one.
    pub(crate) used_by_others: Duration,
    /// Periods that samples of those stand for that are left out of it.
    pub(crate) sampled_of_living: u64,
}

/// What starting an engine gives.
pub(crate) type Started = Result<Box<dyn Engine>, Error>;
