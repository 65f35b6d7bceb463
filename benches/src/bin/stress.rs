//! Everything that a process may do to its profiler, for as long as asked: `cargo run --release -p plop-benches --bin
//! stress -- --seconds 600`.
//!
//! Each hazard runs alone, then all together, then all together with the collector started and stopped by several threads;
//! at 1 kHz and at 10 kHz; with CPU timers, with the wall clock besides, and with all that the collector has: perf events (where
//! the kernel permits them), the wall clock and the timeline. Every phase has a process of its own, so that a crash is seen; a watchdog ends one in which a
//! hazard stands still; and at its end the threads, timers, descriptors and memory are counted.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use plop_benches::process;
use plop_benches::stress::{self, Course, HAZARDS};
use plop_collector::{Builder, Clock, Collector};
use plop_profile::Profile;

/// A hazard that does no round for so long has hung. The longest round, on two cores with all others running, takes far
/// less than a second.
const PATIENCE: Duration = Duration::from_secs(20);
/// What resident memory may grow by between the first second of a phase and its end. Allocators keep some of what is
/// freed; the collector's tables and tree are bounded far below this.
const GROWTH_BOUND_KIB: u64 = 64 << 10;

const INTERVALS_US: [u64; 2] = [1000, 100];

/// What the collector runs with.
const TIMERS: &str = "timers";
const WALL: &str = "wall clock";
const EVERYTHING: &str = "everything";

/// The phases in which all hazards run together: under one collector, and under one that is started and stopped.
const ALL: &str = "all together";
const ALL_SWITCHING: &str = "all together, start and stop";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--phase", name, mode, interval_us, milliseconds] => {
            let interval = Duration::from_micros(number(interval_us));
            phase(name, mode, interval, Duration::from_millis(number(milliseconds)));
            ExitCode::SUCCESS
        }
        [] => all_phases(Duration::from_secs(600)),
        ["--seconds", seconds] => all_phases(Duration::from_secs(number(seconds))),
        _ => {
            eprintln!("usage: stress [--seconds N]");
            ExitCode::from(2)
        }
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("{word}: not a whole number"))
}

/// The phases: what the process does, what the collector runs with, and its interval in microseconds.
fn phases() -> Vec<(&'static str, &'static str, u64)> {
    let mut phases = Vec::new();
    let alone = HAZARDS.iter().map(|hazard| hazard.name);
    for mode in [TIMERS, EVERYTHING] {
        for name in alone.clone().chain([ALL, ALL_SWITCHING]) {
            phases.extend(INTERVALS_US.map(|interval_us| (name, mode, interval_us)));
        }
    }
    phases.extend([ALL, ALL_SWITCHING].map(|name| (name, WALL, INTERVALS_US[0])));
    phases
}

/// Runs every phase in a process of its own.
fn all_phases(length: Duration) -> ExitCode {
    let phases = phases();
    let each_ms = (length / phases.len() as u32).as_millis();
    let program = std::env::current_exe().expect("the program's own path is known");
    let mut failed = 0;
    for (name, mode, interval_us) in &phases {
        let arguments = ["--phase", name, mode, &interval_us.to_string(), &each_ms.to_string()];
        let status = Command::new(&program).args(arguments).status().expect("this program can start itself");
        if !status.success() {
            failed += 1;
            println!("FAILED  {name}, {mode}, every {interval_us} µs: {status}");
        }
    }
    println!("{} phases passed, {failed} failed", phases.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A collector with that interval and what the mode says; perf events only where there are any.
fn builder(mode: &str, interval: Duration) -> Builder {
    let plain = Collector::builder().interval(interval).flush_every(Duration::from_millis(200));
    match mode {
        TIMERS => plain,
        WALL => plain.wall(Duration::from_millis(1)),
        EVERYTHING => {
            let clock = match Collector::builder().clock(Clock::PerfEvents).start() {
                Ok(_) => Clock::PerfEvents,
                Err(error) => {
                    println!("without perf events: {error}");
                    Clock::CpuTimers
                }
            };
            plain.clock(clock).wall(Duration::from_millis(1)).timeline(true)
        }
        _ => panic!("{mode}: no such mode; there are {TIMERS}, {WALL}, {EVERYTHING}"),
    }
}

/// What may not grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holdings {
    threads: usize,
    timers: usize,
    descriptors: usize,
}

impl Holdings {
    /// What is held once threads that have returned are gone from the kernel's lists too, which a join does not wait for.
    fn settled(before: &Holdings) -> Self {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let now = Holdings::now();
            if now == *before || Instant::now() > deadline {
                return now;
            }
            std::thread::yield_now();
        }
    }

    fn now() -> Self {
        let entries = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
        let timers = std::fs::read_to_string("/proc/self/timers").unwrap_or_default();
        Holdings {
            threads: entries("/proc/self/task"),
            timers: timers.lines().filter(|line| line.starts_with("ID:")).count(),
            descriptors: entries("/proc/self/fd"),
        }
    }
}

fn phase(name: &str, mode: &str, interval: Duration, length: Duration) {
    let builder = builder(mode, interval);
    let folder = std::env::temp_dir().join(format!("plop-stress-profiles-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files is writable");
    let before = Holdings::now();
    let started = name == ALL_SWITCHING;
    let collector = (!started).then(|| {
        let file = folder.join("whole.pb.gz");
        builder.clone().output(&file).start().expect("the collector starts")
    });
    let courses: Vec<(&str, Course)> = HAZARDS
        .iter()
        .filter(|hazard| hazard.name == name || name == ALL || name == ALL_SWITCHING)
        .map(|hazard| (hazard.name, Course::new()))
        .collect();
    let switching = Course::new();
    let mut growth = 0;
    std::thread::scope(|scope| {
        for (name, course) in &courses {
            let hazard = HAZARDS.iter().find(|hazard| hazard.name == *name).expect("a course is made for a hazard");
            scope.spawn(|| (hazard.run)(course));
        }
        if started {
            scope.spawn(|| stress::start_and_stop(&switching, &builder, &folder));
        }
        let mut watched: Vec<(&str, &Course)> = courses.iter().map(|(name, course)| (*name, course)).collect();
        if started {
            watched.push(("start and stop", &switching));
        }
        growth = watch(&watched, length);
        watched.iter().for_each(|(_, course)| course.end());
    });
    let rounds: u64 = courses.iter().map(|(_, course)| course.rounds()).sum::<u64>() + switching.rounds();
    let outcome = collector.map(|collector| finish(collector, &folder.join("whole.pb.gz")));
    let after = Holdings::settled(&before);
    std::fs::remove_dir_all(&folder).expect("our own folder can be removed");
    println!(
        "{name}, {mode}, every {} µs: {rounds} rounds, {}, memory grew by {growth} KiB",
        interval.as_micros(),
        outcome.unwrap_or_else(|| format!("{} starts tried", switching.rounds())),
    );
    assert_eq!(after, before, "threads, timers and descriptors are as they were");
    assert!(growth < GROWTH_BOUND_KIB, "memory grew by {growth} KiB");
}

/// Stops the collector and checks what it left.
fn finish(collector: Collector, file: &Path) -> String {
    let profile = collector.stop().expect("a running collector stops");
    let saved = Profile::load(PathBuf::from(file)).expect("a stopped collector leaves a whole profile");
    assert_eq!(saved.total(0), profile.total(0), "the file holds what stop gave");
    let check = profile.self_check.expect("each of its profiles has a self-check");
    let coverage = check.coverage().unwrap_or(1.0);
    format!(
        "{} samples, {:.1} % of the CPU, {} lost, {} truncated",
        check.samples,
        100.0 * coverage,
        check.lost,
        check.truncated
    )
}

/// Waits for the phase's length and ends the process if a hazard stands still. Gives what memory grew by since the first
/// fifth of the phase, in KiB.
fn watch(courses: &[(&str, &Course)], length: Duration) -> u64 {
    let start = Instant::now();
    let mut seen: Vec<(u64, Instant)> = vec![(0, start); courses.len()];
    let mut first_kib = None;
    while start.elapsed() < length {
        std::thread::sleep(Duration::from_millis(50));
        if first_kib.is_none() && start.elapsed() > length / 5 {
            first_kib = Some(process::resident_kib().0);
        }
        for ((name, course), (rounds, when)) in courses.iter().zip(&mut seen) {
            if course.rounds() != *rounds {
                (*rounds, *when) = (course.rounds(), Instant::now());
            } else if when.elapsed() > PATIENCE {
                eprintln!("{name}: no round for {} s: it hangs", PATIENCE.as_secs());
                std::process::abort();
            }
        }
    }
    process::resident_kib().0.saturating_sub(first_kib.unwrap_or(u64::MAX))
}
