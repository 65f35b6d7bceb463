//! One profiler under one workload, once: prints its figures as a line of JSON. The bench `collector` runs it, built once
//! for each profiler.
//!
//! `subject WORKLOAD SECONDS INTERVAL_US [empty|perf]`; with `empty`, no profiler but a handler that does nothing; with `perf`,
//! plop's perf events instead of its CPU timers. The workload `warm` sends a thousand signals for each second.

use std::time::{Duration, Instant};

use plop_benches::figures::Figures;
use plop_benches::{process, profiler, workload};

mod handler_clock;

/// With the frames of `main` and of what starts it, and of what sends the signals, 40.
const DEPTH: u32 = 28;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [workload, seconds, interval_us, rest @ ..] = &arguments[..] else {
        panic!("usage: subject WORKLOAD SECONDS INTERVAL_US [empty|perf]");
    };
    let length = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    let interval = Duration::from_micros(interval_us.parse().expect("INTERVAL_US is a whole number"));
    let says = |word: &str| rest.iter().any(|have| have == word);
    let empty = says("empty");

    let (resident_before, _) = process::resident_kib();
    let before = Instant::now();
    let running = (!empty).then(|| profiler::start(interval, says("perf")));
    let start = before.elapsed();
    let (resident_after, _) = process::resident_kib();
    if running.is_none() {
        start_empty(interval);
    }

    let cpu_before = process::cpu_time();
    if workload == workload::WARM {
        workload::at_depth(DEPTH, &mut || handler_clock::repeat((length.as_secs_f64() * 1000.0) as usize));
    } else {
        workload::run(workload, length);
    }
    let cpu = process::cpu_time() - cpu_before;
    let (times, runs) = handler_clock::times_ns();
    let gathered = running.map(|stop| stop());
    let quantile = |share: f64| {
        let last = times.len().saturating_sub(1);
        times.get((share * last as f64).round() as usize).copied().map_or(0, u64::from)
    };
    let figures = Figures {
        profiler: if empty { "an empty handler".to_owned() } else { profiler::NAME.to_owned() },
        workload: workload.clone(),
        start_ms: start.as_secs_f64() * 1e3,
        start_kib: resident_after.saturating_sub(resident_before),
        handler_runs: runs as u64,
        handler_p50_ns: quantile(0.5),
        handler_p99_ns: quantile(0.99),
        handler_max_ns: quantile(1.0),
        cpu_ms: cpu.as_secs_f64() * 1e3,
        // Signals that are sent stand for no CPU time.
        coverage: gathered
            .filter(|_| workload != workload::WARM)
            .map(|of| of.sampled.as_secs_f64() / cpu.as_secs_f64()),
        whole: gathered.and_then(|gathered| gathered.whole),
        peak_kib: process::resident_kib().1,
    };
    println!("{}", serde_json::to_string(&figures).expect("figures are plain data"));
}

/// SIGPROF at the interval of the process's CPU time, to a handler that does nothing.
fn start_empty(interval: Duration) {
    handler_clock::install_empty();
    let period = libc::timeval { tv_sec: 0, tv_usec: interval.as_micros() as libc::suseconds_t };
    let timer = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: `timer` is a whole itimerval, and SIGPROF has a handler.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut()) };
}
