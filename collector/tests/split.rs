//! A known split of CPU time comes out as it is, on one thread and on eight; and the samples stand for all of it.

mod work;

use std::time::Duration;

use plop_collector::Collector;
use plop_profile::Profile;
use work::{sampled, share, split_70_20_10};

/// CPU seconds to use for each case; more makes the bounds tighter.
fn cpu() -> Duration {
    let seconds = std::env::var("PLOP_TEST_CPU_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

fn profile(threads: u32) -> Profile {
    let collector = Collector::builder().interval(Duration::from_millis(10)).start().expect("nothing else runs");
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| split_70_20_10(cpu() / threads));
        }
    });
    collector.stop().expect("there is no output that could fail")
}

fn check(profile: &Profile) {
    let samples = profile.total(0) as f64;
    for (function, expected) in [("multiply", 0.7), ("rotate", 0.2), ("square_root", 0.1)] {
        // Sampling once per period from a random start is at worst a binomial draw: four standard deviations, and half a
        // point for what `spend` itself takes. It is better than that in truth, since periods are even: of 20 s, 2 points
        // are asked.
        let binomial = 4.0 * (expected * (1.0 - expected) / samples).sqrt() + 0.005;
        let tolerance = if cpu() >= Duration::from_secs(20) { 0.02 } else { binomial };
        let share = share(profile, function);
        println!("{function}: {share:.4}");
        assert!((share - expected).abs() < tolerance, "{function}: {share:.3}, expected {expected} ± {tolerance:.3}");
    }
    let check = profile.self_check.expect("the collector says how well it did");
    let coverage = check.coverage().expect("the process has used CPU time");
    println!("{samples} samples, coverage {coverage:.3}, {check:?}");
    assert!((0.95..1.05).contains(&coverage), "coverage {coverage:.3}");
    assert_eq!(check.lost, 0);
    assert_eq!(sampled(profile).as_nanos(), u128::from(check.sampled_cpu_ns));
}

#[test]
fn a_70_20_10_split_is_found_on_one_thread_and_on_eight() {
    for threads in [1, 8] {
        check(&profile(threads));
    }
}
