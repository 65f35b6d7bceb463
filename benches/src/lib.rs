//! Shared parts of the benches: the workloads, the profilers that run under them, the clock that all handlers are
//! measured by, and the figures of a run.

pub mod figures;
pub mod handler_clock;
pub mod inputs;
pub mod process;
pub mod profiler;
#[cfg(not(any(feature = "pprof", feature = "rpprof")))]
pub mod stress;
pub mod workload;
