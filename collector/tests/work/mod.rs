//! Loads with a known cost, and what tests ask of a profile.
#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use plop_profile::{Profile, StackId};

/// CPU time of the calling thread.
pub fn thread_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the clock exists").into()
}

/// CPU time of the process.
pub fn process_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("the clock exists").into()
}

/// Uses that much of the calling thread's CPU time in short turns of `work`.
#[inline(never)]
pub fn spend(cpu: Duration, mut work: impl FnMut()) {
    let end = thread_cpu() + cpu;
    while thread_cpu() < end {
        work();
    }
}

// Three functions of distinct bodies, so that the linker can't fold them into one.

#[inline(never)]
pub fn multiply() {
    let mut x = 3_u64;
    for n in 0..40_000 {
        x = black_box(x).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n);
    }
    black_box(x);
}

#[inline(never)]
pub fn rotate() {
    let mut x = 5_u64;
    for n in 0..40_000 {
        x = black_box(x).rotate_left(7) ^ n;
    }
    black_box(x);
}

#[inline(never)]
pub fn square_root() {
    let mut x = 7.0_f64;
    for n in 0..20_000 {
        x = (black_box(x) + f64::from(n)).sqrt();
    }
    black_box(x);
}

/// Uses `cpu` of the calling thread's CPU time: 70 % in `multiply`, 20 % in `rotate`, 10 % in `square_root`, in many turns.
#[inline(never)]
pub fn split_70_20_10(cpu: Duration) {
    const TURNS: u32 = 20;
    for _ in 0..TURNS {
        spend(cpu * 7 / 10 / TURNS, multiply);
        spend(cpu * 2 / 10 / TURNS, rotate);
        spend(cpu / 10 / TURNS, square_root);
    }
}

/// The share of samples whose stack holds a function of that name, of all but the collector's own: reading names takes a good
/// part of a short run where this library is built without optimisation.
pub fn share(profile: &Profile, function: &str) -> f64 {
    let holding = |name: &str| -> i64 {
        let matching = profile.samples.iter().filter(|sample| holds(profile, sample.stack, name));
        matching.map(|sample| sample.values[0]).sum()
    };
    holding(function) as f64 / (profile.total(0) - holding("[plop]")) as f64
}

/// Whether a function of that name is on the stack.
pub fn holds(profile: &Profile, stack: StackId, name: &str) -> bool {
    let lines = profile.stacks.leaf_first(stack).flat_map(|at| &profile.locations[at.0 as usize].lines);
    let mut names = lines.map(|line| &profile.strings[profile.functions[line.function.0 as usize].name]);
    names.any(|have| have == name || have.ends_with(&format!("::{name}")))
}

/// Sampled CPU time.
pub fn sampled(profile: &Profile) -> Duration {
    Duration::from_nanos(profile.total(1) as u64)
}

/// This test again in a process of its own, where [`is_child`] is true.
pub fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its file"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    command
}

/// Whether this process is the child that a test has started.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

const CHILD: &str = "PLOP_TEST_CHILD";
