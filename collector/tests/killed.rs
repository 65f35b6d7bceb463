//! Whatever ends the program, what was flushed stays and is a whole profile.

mod work;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use plop_collector::Collector;
use plop_profile::Profile;
use work::{child, is_child, process_cpu, sampled, split_70_20_10};

const FLUSH: Duration = Duration::from_millis(100);

/// Works for ever and says how much CPU time it has used.
fn work_and_tell(output: std::ffi::OsString) {
    let _collector = Collector::builder().output(output).flush_every(FLUSH).start().expect("nothing else runs");
    let begun = process_cpu();
    loop {
        split_70_20_10(Duration::from_millis(10));
        println!("used {}", (process_cpu() - begun).as_nanos());
    }
}

#[test]
fn a_program_killed_at_any_moment_leaves_all_but_the_last_flush() {
    const NAME: &str = "a_program_killed_at_any_moment_leaves_all_but_the_last_flush";
    if is_child() {
        return work_and_tell(std::env::var_os("PLOP_TEST_OUTPUT").expect("the parent sets it"));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    for round in 0..20_u32 {
        let output = directory.path().join(format!("{round}.pb"));
        let mut command = child(NAME);
        command.env("PLOP_TEST_OUTPUT", &output).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the child can be started");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let used = lines.filter_map(|line| line.strip_prefix("used ")?.parse().ok()).map(Duration::from_nanos);
        let mut used = used.into_iter();
        // Once there is anything: the first flush waits for the files that names are read from, long in a debug build.
        let is_flushed = || Profile::load(&output).is_ok_and(|profile| profile.total(0) > 0);
        let flushed = used.find(|_| is_flushed()).expect("the child works for ever");
        // Then at a moment that differs from round to round, wherever the child is by then.
        let moment = flushed + Duration::from_millis(20 + u64::from(round * 37 % 20) * 20);
        let reached = used.find(|&used| used >= moment).expect("the child works for ever");
        child.kill().expect("it runs");
        child.wait().expect("it is our child");
        let used = used.last().unwrap_or(reached);
        let profile = Profile::load(&output).expect("the file is a profile");
        // A flush comes within its period and the longest nap of 100 ms; the child prints about every 10 ms. Beyond that the
        // machine may be slow to let the collector's thread run: one more period of each.
        let missing = used.saturating_sub(sampled(&profile));
        let bound = 2 * (FLUSH + Duration::from_millis(100)) + Duration::from_millis(20);
        assert!(missing <= bound, "round {round}: {used:?} used, {missing:?} missing");
        assert!(!profile.torn, "a chunk is written as one");
    }
}

#[test]
fn a_program_that_exits_without_stopping_leaves_what_was_flushed() {
    const NAME: &str = "a_program_that_exits_without_stopping_leaves_what_was_flushed";
    if is_child() {
        let output = std::env::var_os("PLOP_TEST_OUTPUT").expect("the parent sets it");
        let collector = Collector::builder().output(output).flush_every(FLUSH).start().expect("nothing else runs");
        split_70_20_10(Duration::from_secs(1));
        std::mem::forget(collector);
        std::process::exit(0);
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = directory.path().join("exited.pb");
    let ended = child(NAME).env("PLOP_TEST_OUTPUT", &output).output().expect("the child can be started");
    assert!(ended.status.success(), "{ended:?}");
    let profile = Profile::load(&output).expect("the file is a profile");
    assert!(sampled(&profile) > Duration::from_millis(500), "{:?}", sampled(&profile));
}
