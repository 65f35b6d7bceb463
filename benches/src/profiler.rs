//! The profilers, behind one shape: start, and stop with what was sampled.

use std::time::Duration;

/// What a profiler gathered.
#[derive(Debug, Clone, Copy)]
pub struct Gathered {
    /// CPU time that its samples stand for.
    pub sampled: Duration,
    /// Share of the samples whose outermost frame is where a thread starts.
    pub whole: Option<f64>,
}

/// A running profiler; calling it stops it.
pub type Running = Box<dyn FnOnce() -> Gathered>;

#[cfg(not(any(feature = "pprof", feature = "rpprof", feature = "framehop")))]
mod chosen {
    use plop_collector::{Clock, Collector};

    use super::{Duration, Gathered, Running};

    pub(super) const NAME: &str = "plop";

    pub(super) fn start(interval: Duration, perf_events: bool) -> Running {
        let clock = if perf_events { Clock::PerfEvents } else { Clock::CpuTimers };
        let collector = Collector::builder().interval(interval).clock(clock).start().expect("plop starts");
        Box::new(move || {
            let profile = collector.stop().expect("plop stops");
            let check = profile.self_check.expect("each of its profiles has a self-check");
            let whole = 1.0 - check.truncated as f64 / check.samples.max(1) as f64;
            Gathered { sampled: Duration::from_nanos(check.sampled_cpu_ns), whole: Some(whole) }
        })
    }
}

#[cfg(feature = "framehop")]
mod chosen {
    use super::{Duration, Gathered, Running};

    pub(super) const NAME: &str = "framehop";

    pub(super) fn start(interval: Duration, _perf_events: bool) -> Running {
        let stop = crate::framehop_walker::start(interval);
        Box::new(move || {
            let walks = u32::try_from(stop()).expect("fewer than 2^32 samples");
            Gathered { sampled: interval * walks, whole: None }
        })
    }
}

/// pprof-rs and its fork have the same interface under two names.
#[cfg(any(feature = "pprof", feature = "rpprof"))]
mod chosen {
    use super::{Duration, Gathered, Running};

    #[cfg(feature = "pprof")]
    use pprof as peer;
    #[cfg(all(feature = "rpprof", not(feature = "pprof")))]
    use rpprof as peer;

    pub(super) const NAME: &str = if cfg!(feature = "pprof-frame-pointer") {
        "pprof-rs, frame pointers"
    } else if cfg!(feature = "pprof") {
        "pprof-rs"
    } else {
        "rpprof"
    };

    pub(super) fn start(interval: Duration, _perf_events: bool) -> Running {
        let frequency = (1.0 / interval.as_secs_f64()).round() as i32;
        let guard = peer::ProfilerGuardBuilder::default().frequency(frequency).build().expect("the peer starts");
        Box::new(move || {
            let report = guard.report().build().expect("the peer reports");
            let (mut samples, mut whole) = (0_u64, 0_u64);
            for (stack, &count) in &report.data {
                let count = count.max(0) as u64;
                samples += count;
                let outermost = stack.frames.iter().rev().flat_map(|symbols| symbols.iter().rev()).next();
                if outermost.is_some_and(|symbol| starts_a_thread(&symbol.name())) {
                    whole += count;
                }
            }
            let sampled = interval * u32::try_from(samples).expect("fewer than 2^32 samples");
            Gathered { sampled, whole: Some(whole as f64 / samples.max(1) as f64) }
        })
    }

    fn starts_a_thread(name: &str) -> bool {
        ["_start", "clone", "clone3", "__clone", "__clone3", "start_thread", "__libc_start_main"]
            .iter()
            .any(|start| name == *start || name.starts_with("__libc_start_"))
    }
}

/// The name of the profiler that this program was built with.
pub const NAME: &str = chosen::NAME;

/// Starts it; `perf_events` is for plop alone.
///
/// # Panics
/// When it does not start.
pub fn start(interval: Duration, perf_events: bool) -> Running {
    chosen::start(interval, perf_events)
}
