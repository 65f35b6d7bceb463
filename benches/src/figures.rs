//! What one run of a profiler under a workload gives: the line that the `subject` program prints for the bench.

use serde::{Deserialize, Serialize};

/// The figures of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// The profiler's name.
    pub profiler: String,
    /// The workload's name.
    pub workload: String,
    /// Time that starting took, in milliseconds.
    pub start_ms: f64,
    /// What resident memory grew by while it started, in KiB.
    pub start_kib: u64,
    /// How often the handler ran.
    pub handler_runs: u64,
    /// Median time in the handler, in nanoseconds, the two clock reads around it included.
    pub handler_p50_ns: u64,
    /// 99th percentile of the same.
    pub handler_p99_ns: u64,
    /// The longest.
    pub handler_max_ns: u64,
    /// CPU time of the process while sampling, in milliseconds.
    pub cpu_ms: f64,
    /// CPU time that the samples stand for, over the process's; `None` where nothing is sampled, or not by a clock.
    pub coverage: Option<f64>,
    /// Share of the samples whose outermost frame is where a thread starts; `None` where the profiler can't say.
    pub whole: Option<f64>,
    /// The most memory that was resident, in KiB.
    pub peak_kib: u64,
}

/// The figures of naming functions once: the line that the `large` program prints for the bench.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Naming {
    /// How many addresses there were to name.
    pub asked: usize,
    /// How many got a name.
    pub named: usize,
    /// Time that it took, in milliseconds.
    pub ms: f64,
    /// What resident memory grew by at most meanwhile, in KiB.
    pub grown_kib: u64,
}
