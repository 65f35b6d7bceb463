//! What makes samples happen: the seam behind which CPU timers and perf events stand, and beside it the wall clock, which
//! comes on top of either.

use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use crate::Error;

pub(crate) mod cpu_timers;
mod perf_events;
pub(crate) mod wall;

/// A source of samples. It belongs to the collector's thread; when it is dropped, nothing of it is left.
pub(crate) trait Engine: Send {
    /// Looks after threads that came, went or need attention; gives what became of them if it was time to look. Called about ten
    /// times a second.
    fn tend(&mut self, now: Instant) -> Option<Census>;

    /// Looks for threads that came and went.
    fn count(&mut self) -> Option<Census>;

    /// Threads that could get no timer.
    fn unarmed(&self) -> u64;

    /// Threads that block the signal.
    fn blocked(&self) -> &FxHashSet<u32>;

    /// Makes the samples cease.
    fn stop(&mut self);
}

/// What became of threads. The kernel looks at CPU timers at its tick only, so what a thread uses after the last tick that it
/// sees goes without a sample; once it is gone, its part of the process's CPU time tells how much that was.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Threads that are gone since the last time.
    pub(crate) gone: Vec<u32>,
    /// CPU time that all threads have used which are not among those that live and have an entry in the table.
    pub(crate) used_by_others: Duration,
    /// Periods that the samples of those stand for that do.
    pub(crate) sampled_of_living: u64,
}

/// What starting an engine gives.
pub(crate) type Started = Result<Box<dyn Engine>, Error>;
