//! Shared parts of the benches: the workloads, the profilers that run under them, and the figures of a run.

pub mod figures;
#[cfg(feature = "framehop")]
mod framehop_walker;
pub mod inputs;
pub mod process;
pub mod profiler;
#[cfg(not(any(feature = "pprof", feature = "rpprof")))]
pub mod stress;
pub mod subject;
pub mod workload;
