//! Where asked for, samples say when they were taken.

mod work;

use std::time::{Duration, Instant};

use plop_collector::Collector;
use plop_profile::Profile;
use work::{child, holds, is_child, multiply, rotate, spend};

/// The number of each window that has samples of that function.
fn windows(profile: &Profile, function: &str) -> Vec<usize> {
    let timeline = profile.timeline().expect("it was asked for");
    let of = profile.samples.iter().filter(|sample| holds(profile, sample.stack, function));
    let mut windows: Vec<_> = of.filter_map(|sample| timeline.window(profile.label_sets.get(sample.labels))).collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}

#[test]
fn what_is_done_first_lies_in_earlier_windows() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("profile.pb.gz");
    let window = Duration::from_millis(200);
    let begun = Instant::now();
    let collector = Collector::builder().timeline(true).flush_every(window).output(&path).start();
    let collector = collector.expect("nothing else runs");
    spend(Duration::from_millis(700), multiply);
    spend(Duration::from_millis(700), rotate);
    let profile = collector.stop().expect("the directory can be written");
    let longest = begun.elapsed();

    let timeline = profile.timeline().expect("it was asked for");
    assert_eq!(timeline.window_ns, window.as_nanos() as i64);
    // From the start on, the last window perhaps unfinished.
    let possible = longest.as_nanos().div_ceil(window.as_nanos()) as usize;
    assert!((7..=possible).contains(&timeline.windows), "{} of {possible}", timeline.windows);
    let (first, second) = (windows(&profile, "multiply"), windows(&profile, "rotate"));
    // 700 ms touch at least three windows of 200 ms each; both may have samples in the one in which the work changes, and what
    // is taken out of the buffer up to 100 ms late counts for the next.
    assert!(first.len() >= 3 && second.len() >= 3, "{first:?} {second:?}");
    assert!(first.last() <= second.first().map(|at| at + 1).as_ref(), "{first:?} {second:?}");

    let saved = Profile::load(&path).expect("the file is a profile");
    assert_eq!(saved.timeline().map(|of| (of.window_ns, of.windows)), Some((timeline.window_ns, timeline.windows)));
    assert_eq!(saved.total(0), profile.total(0));
}

#[test]
fn unless_asked_for_samples_say_no_time() {
    const NAME: &str = "unless_asked_for_samples_say_no_time";
    if !is_child() {
        // There is one collector in a process, and the other test runs at the same time.
        assert!(child(NAME).status().expect("the child can be started").success());
        return;
    }
    let collector = plop_collector::start().expect("nothing else runs");
    spend(Duration::from_millis(100), multiply);
    assert_eq!(collector.stop().expect("there is no output that could fail").timeline(), None);
}
