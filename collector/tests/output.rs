//! What becomes of the output when it cannot be written.

mod work;

use std::time::Duration;

use plop_collector::{Collector, Error};
use plop_profile::Profile;
use work::{child, is_child, multiply, spend};

fn limit_file_size(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: setrlimit reads `limit` only.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
}

#[test]
fn an_output_that_cannot_be_created_is_a_clear_error_and_nothing_runs() {
    for output in ["/proc/nowhere/", "/proc/nowhere/file.pb", "/dev/null/profiles/"] {
        let refused = Collector::builder().output(output).start().expect_err("it can't be created").to_string();
        assert!(refused.starts_with(output), "{refused}");
        assert!(refused.ends_with("; choose an output that this process can write"), "{refused}");
    }
}

/// Runs in a child: the limit is the whole process's.
fn full_then_free(name: &str, test: impl FnOnce()) {
    if is_child() {
        return test();
    }
    let ended = child(name).output().expect("the child can be started");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert_eq!(said.matches("samples stay in memory").count(), 1, "told once: {said}");
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_nothing() {
    full_then_free("a_disk_that_is_full_for_a_while_costs_nothing", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("profile.pb");
        let every = Duration::from_millis(20);
        // Without names, which a flush would wait for, long in a debug build.
        let builder = Collector::builder().output(&path).flush_every(every).symbolize(false);
        let collector = builder.start().expect("nothing else runs");
        let length = || std::fs::metadata(&path).expect("it is there").len();
        let limit = length() + 100;
        limit_file_size(limit);
        spend(Duration::from_millis(400), multiply);
        // Answered by the thread that flushes, each time that a flush is due and over.
        collector.stats();
        assert!(length() <= limit);
        assert!(!Profile::load(&path).expect("it is a profile").torn);
        limit_file_size(libc::RLIM_INFINITY);
        let before = Profile::load(&path).expect("it is a profile").total(0);
        while Profile::load(&path).expect("it is a profile").total(0) < before + 40 {
            spend(Duration::from_millis(10), multiply);
        }
        let profile = collector.stop().expect("there is room again");
        assert_eq!(Profile::load(&path).expect("it is a profile").total(0), profile.total(0));
    });
}

#[test]
fn a_disk_that_stays_full_leaves_the_profile_with_the_caller() {
    full_then_free("a_disk_that_stays_full_leaves_the_profile_with_the_caller", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("profile.pb");
        let collector = Collector::builder().output(&path).start().expect("nothing else runs");
        let length = std::fs::metadata(&path).expect("it is there").len();
        limit_file_size(length + 10);
        spend(Duration::from_millis(200), multiply);
        match collector.stop() {
            Err(Error::Unwritten { path: named, profile, .. }) => {
                assert_eq!(named, path);
                assert!(profile.total(0) >= 19);
            }
            other => panic!("{other:?}"),
        }
        limit_file_size(libc::RLIM_INFINITY);
        assert!(!Profile::load(&path).expect("the growing file stays").torn);
        let left = std::fs::read_dir(directory.path()).expect("it is there").count();
        assert_eq!(left, 1, "no part of a file is left");
    });
}
