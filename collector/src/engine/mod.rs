//! What makes samples happen: the seam behind which CPU timers stand, and other clocks can.

use std::time::Instant;

use crate::Error;

pub(crate) mod cpu_timers;

/// A source of samples. It belongs to the collector's thread; when it is dropped, nothing of it is left.
pub(crate) trait Engine: Send {
    /// Looks after threads that came, went or need attention; gives those that are gone. Called about ten times a second.
    fn tend(&mut self, now: Instant) -> Vec<u32>;

    /// What there is to say about threads that are not sampled as they should be.
    fn gaps(&self) -> Gaps;

    /// Makes the samples cease.
    fn stop(&mut self);
}

/// Threads that are not sampled as they should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Threads that could get no timer.
    pub(crate) unarmed: u64,
    /// Threads that block the signal.
    pub(crate) blocked: u64,
}

/// What starting an engine gives.
pub(crate) type Started = Result<Box<dyn Engine>, Error>;
