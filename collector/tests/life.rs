//! Start, stop and everything that can come between: from any thread, again and again, in forked children.

mod work;

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use plop_collector::{Collector, Error};
use work::{child, is_child, multiply, process_cpu, rotate, sampled, share, spend};

/// There is one collector in a process, and tests run at the same time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The kernel's list of this process's timers; none where it keeps no list.
fn timers() -> usize {
    std::fs::read_to_string("/proc/self/timers").map_or(0, |list| list.matches("ID:").count())
}

fn threads_called_plop() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc can be read");
    let name = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks.filter_map(name).filter(|name| name.trim_end() == "plop").count()
}

#[test]
fn a_second_start_is_refused_until_the_first_is_stopped() {
    let _alone = alone();
    let first = plop_collector::start().expect("nothing else runs");
    let refused = plop_collector::start().expect_err("one runs already");
    assert_eq!(refused.to_string(), "a collector is running in this process; stop it first");
    first.stop().expect("there is no output that could fail");
    plop_collector::start().expect("the first one is gone").stop().expect("there is no output that could fail");
}

#[test]
fn an_interval_that_no_timer_can_keep_is_refused() {
    let _alone = alone();
    for interval in [Duration::ZERO, Duration::from_micros(99), Duration::from_secs(2)] {
        let refused = Collector::builder().interval(interval).start().expect_err("out of range");
        assert!(matches!(refused, Error::Interval(_)), "{refused}");
    }
    plop_collector::start().expect("a refused start leaves nothing behind");
}

#[test]
fn dropping_a_collector_stops_it_and_leaves_no_timer_and_no_thread() {
    let _alone = alone();
    let before = timers();
    let collector = plop_collector::start().expect("nothing else runs");
    assert!(timers() > before || before == 0 && timers() == 0);
    assert_eq!(threads_called_plop(), 1);
    drop(collector);
    assert_eq!(timers(), before);
    assert_eq!(threads_called_plop(), 0);
}

#[test]
fn snapshots_grow_while_sampling_goes_on() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    spend(Duration::from_millis(300), multiply);
    let early = collector.snapshot().expect("it runs");
    spend(Duration::from_millis(300), rotate);
    let late = collector.stop().expect("there is no output that could fail");
    assert!(share(&early, "rotate") == 0.0 && share(&early, "multiply") > 0.8);
    // Another test's thread may be at work beside; at least these 300 ms less one period must have come in between.
    assert!(sampled(&late) >= sampled(&early) + Duration::from_millis(290));
    assert!(share(&late, "rotate") > 0.2);
}

#[test]
fn the_figures_are_there_at_any_time() {
    let _alone = alone();
    let before = process_cpu();
    let collector = plop_collector::start().expect("nothing else runs");
    spend(Duration::from_millis(200), multiply);
    let check = collector.stats();
    let used = (process_cpu() - before).as_nanos() as u64;
    assert!((200_000_000..=used).contains(&check.process_cpu_ns), "{check:?}");
    assert!(check.samples >= 19, "{check:?}");
    assert!(0 < check.handler_p50_ns && check.handler_p50_ns <= check.handler_p99_ns, "{check:?}");
    assert!(check.handler_p99_ns <= check.handler_max_ns && check.handler_max_ns <= check.handler_total_ns);
}

#[test]
fn many_threads_may_start_and_stop_as_they_like() {
    let _alone = alone();
    let before = timers();
    let started = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while started.load(Ordering::Relaxed) < 20 {
                    match Collector::builder().interval(Duration::from_millis(1)).symbolize(false).start() {
                        Ok(collector) => {
                            started.fetch_add(1, Ordering::Relaxed);
                            spend(Duration::from_millis(2), multiply);
                            collector.stop().expect("there is no output that could fail");
                        }
                        Err(Error::AlreadyRunning) => spend(Duration::from_millis(1), rotate),
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
    });
    assert_eq!(timers(), before);
    assert_eq!(threads_called_plop(), 0);
}

#[test]
fn a_collector_can_be_stopped_from_another_thread() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    spend(Duration::from_millis(50), multiply);
    let profile = std::thread::spawn(move || collector.stop()).join().expect("it does not panic");
    assert!(profile.expect("there is no output that could fail").total(0) > 0);
}

#[test]
fn a_forked_child_starts_without_and_can_start_its_own() {
    const NAME: &str = "a_forked_child_starts_without_and_can_start_its_own";
    if !is_child() {
        // In a process without other tests' threads.
        let ended = child(NAME).output().expect("the child can be started");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = directory.path().to_owned();
    let collector = Collector::builder().output(&output).start().expect("nothing else runs");
    spend(Duration::from_millis(100), multiply);
    // SAFETY: the child of this process, whose other threads hold no locks that it needs, runs what is below and exits.
    match unsafe { fork() }.expect("a process can be forked") {
        ForkResult::Child => {
            let open = std::fs::read_dir("/proc/self/fd").expect("/proc can be read");
            let of_parent = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
            let inherited = of_parent.filter(|path| path.starts_with(&output)).count();
            let refused = matches!(collector.snapshot(), Err(Error::Forked { .. }));
            let own = Collector::builder().output(&output).start().expect("the parent's does not count here");
            spend(Duration::from_millis(200), rotate);
            let profile = own.stop().expect("the directory can be written");
            let fine =
                refused && inherited == 0 && share(&profile, "rotate") > 0.8 && share(&profile, "multiply") == 0.0;
            drop(collector);
            // SAFETY: ends the child without running what the parent has registered.
            unsafe { libc::_exit(i32::from(!fine)) };
        }
        ForkResult::Parent { child } => {
            let ended = waitpid(child, None).expect("it is our child");
            assert_eq!(ended, WaitStatus::Exited(child, 0));
        }
    }
    spend(Duration::from_millis(100), multiply);
    let profile = collector.stop().expect("the directory can be written");
    assert!(share(&profile, "multiply") > 0.8 && share(&profile, "rotate") == 0.0);
    let files = std::fs::read_dir(&output).expect("it is there").count();
    assert_eq!(files, 2, "one of the parent, one of the child");
}

#[test]
fn a_program_that_is_executed_while_sampled_has_no_timer_left() {
    const NAME: &str = "a_program_that_is_executed_while_sampled_has_no_timer_left";
    if is_child() {
        std::mem::forget(plop_collector::start().expect("nothing else runs"));
        spend(Duration::from_millis(50), multiply);
        // A timer that is left would end the shell with "Profiling timer expired" as soon as it has used 10 ms of CPU.
        let spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; grep -c ID /proc/self/timers; echo survived";
        let error = std::os::unix::process::CommandExt::exec(std::process::Command::new("sh").args(["-c", spin]));
        panic!("{error}");
    }
    let ended = child(NAME).output().expect("the child can be started");
    assert!(ended.status.success(), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stdout).ends_with("survived\n"), "{ended:?}");
}

#[test]
fn a_panic_that_ends_the_program_leaves_a_finished_profile() {
    const NAME: &str = "a_panic_that_ends_the_program_leaves_a_finished_profile";
    let output = std::env::temp_dir().join(format!("plop-panic-{}", std::process::id()));
    if is_child() {
        let output = std::env::var_os("PLOP_TEST_OUTPUT").expect("the parent sets it");
        let _collector = Collector::builder().output(output).start().expect("nothing else runs");
        spend(Duration::from_millis(100), multiply);
        panic!("as the test wants");
    }
    // Printing a backtrace would take more CPU time than the work.
    let ended = child(NAME).env("PLOP_TEST_OUTPUT", &output).env("RUST_BACKTRACE", "0").output();
    let ended = ended.expect("the child can be started");
    assert!(!ended.status.success());
    let profile = plop_profile::Profile::load(&output).expect("the collector was dropped and finished its file");
    std::fs::remove_file(&output).expect("it was just read");
    assert!(share(&profile, "multiply") > 0.8);
}

#[test]
fn a_pipe_is_read_on_after_a_signal() {
    let _alone = alone();
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("nothing else runs");
    let mut ends = [0; 2];
    // SAFETY: pipe writes two descriptors, for which there is room.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: this end was just opened and has no other owner.
    let reader = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as the other end.
    let writer = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    let reading = std::thread::spawn(move || {
        spend(Duration::from_millis(20), multiply);
        std::io::Read::read(&mut std::fs::File::from(reader), &mut [0; 8])
    });
    spend(Duration::from_millis(100), rotate);
    std::io::Write::write_all(&mut std::fs::File::from(writer), b"a").expect("the pipe has room");
    assert_eq!(reading.join().expect("it does not panic").expect("no EINTR"), 1);
    drop(collector);
}
