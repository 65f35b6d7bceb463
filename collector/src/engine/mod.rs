//! What makes samples happen: the seam behind which CPU timers and perf events stand, and beside it the wall clock, which
//! comes on top of either.

use std::time::Instant;

use rustc_hash::FxHashSet;

use crate::Error;

pub(crate) mod cpu_timers;
mod perf_events;
pub(crate) mod wall;

/// A source of samples. It belongs to the collector's thread; when it is dropped, nothing of it is left.
pub(crate) trait Engine: Send {
    /// Looks after threads that came, went or need attention; gives those that are gone. Called about ten times a second.
    fn tend(&mut self, now: Instant) -> Vec<u32>;

    /// Threads that could get no timer.
    fn unarmed(&self) -> u64;

    /// Threads that block the signal.
    fn blocked(&self) -> &FxHashSet<u32>;

    /// Makes the samples cease.
    fn stop(&mut self);
}

/// What starting an engine gives.
pub(crate) type Started = Result<Box<dyn Engine>, Error>;
