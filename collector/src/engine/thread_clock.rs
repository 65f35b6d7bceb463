//! What the kernel's CPU clocks say of threads and of the process. Knows nothing of samples.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::signal::timer::Clock;

/// What a clock says, unless its thread is gone.
pub(super) fn cpu_time(clock: Clock) -> Option<Duration> {
    clock_gettime(ClockId::from_raw(clock.id())).ok().map(Duration::from)
}
