//! Clocks besides the CPU timers: the wall clock counts time in which threads wait, perf events count what the tick is too slow
//! for.

mod work;

use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction};
use plop_collector::{Clock, Collector, Error};
use plop_profile::{LabelValue, Profile};
use work::{child, holds, is_child, multiply, share, spend};

/// There is one collector in a process, and tests run at the same time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What a thread of that name has of a sample type.
fn of_thread(profile: &Profile, sample_type: usize, name: &str) -> Duration {
    let of = profile.samples.iter().filter(|sample| {
        profile.label_sets.get(sample.labels).iter().any(|label| match label.value {
            LabelValue::Text(text) => &profile.strings[label.key] == "thread" && &profile.strings[text] == name,
            LabelValue::Number(..) => false,
        })
    });
    Duration::from_nanos(of.map(|sample| sample.values[sample_type]).sum::<i64>() as u64)
}

/// What the stacks that hold a function of that name have of a sample type.
fn in_function(profile: &Profile, sample_type: usize, function: &str) -> Duration {
    let of = profile.samples.iter().filter(|sample| holds(profile, sample.stack, function));
    Duration::from_nanos(of.map(|sample| sample.values[sample_type]).sum::<i64>() as u64)
}

fn named<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> std::thread::JoinHandle<T> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).expect("a thread can be started")
}

#[inline(never)]
fn sleep_through(time: Duration) {
    std::thread::sleep(time);
    std::hint::black_box(time);
}

#[inline(never)]
fn read_from(mut pipe: std::fs::File) -> std::io::Result<usize> {
    std::hint::black_box(pipe.read(&mut [0; 8]))
}

fn pipe() -> (std::fs::File, std::fs::File) {
    let mut ends = [0; 2];
    // SAFETY: pipe writes two descriptors, for which there is room.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    let file = |end| {
        // SAFETY: this end was just opened and has no other owner.
        std::fs::File::from(unsafe { OwnedFd::from_raw_fd(end) })
    };
    (file(ends[0]), file(ends[1]))
}

#[test]
fn the_wall_clock_counts_threads_that_run_that_sleep_and_that_wait() {
    let _alone = alone();
    let (reader, writer) = pipe();
    let collector = Collector::builder().wall(Duration::from_millis(20)).start().expect("nothing else runs");
    let (begun, life) = (Instant::now(), Duration::from_secs(2));
    let waiting = named("reader", move || read_from(reader));
    let threads = [
        named("sleeper", move || sleep_through(life)),
        named("runner", move || {
            while begun.elapsed() < life {
                multiply();
            }
        }),
    ];
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let watched = begun.elapsed();
    let check = collector.stats();
    let profile = collector.stop().expect("there is no output that could fail");
    std::io::Write::write_all(&mut { writer }, b"a").expect("the pipe has room");
    assert_eq!(waiting.join().expect("it does not panic").expect("it is restarted"), 1);

    let kinds: Vec<_> = profile.sample_types.iter().map(|of| &profile.strings[of.kind]).collect();
    assert_eq!(kinds, ["samples", "cpu", "wall"]);
    for name in ["sleeper", "runner", "reader"] {
        let wall = of_thread(&profile, 2, name);
        // A thread is found within 0.2 s and looked at within some 30 ms before it ends; a busy machine may delay both.
        assert!(wall > watched * 3 / 4 && wall <= watched * 11 / 10, "{name}: {wall:?} of {watched:?}");
    }
    for (function, thread) in [("sleep_through", "sleeper"), ("multiply", "runner"), ("read_from", "reader")] {
        let there = in_function(&profile, 2, function);
        assert!(there > of_thread(&profile, 2, thread) * 9 / 10, "{function}: {there:?}");
    }
    // What waits uses no CPU time: its part in the other values is at most what it was interrupted for.
    assert!(of_thread(&profile, 1, "sleeper") + of_thread(&profile, 1, "reader") < Duration::from_millis(100));
    assert_eq!(profile.total(1), profile.total(0) * 10_000_000, "a look adds to the wall clock only");
    // Of 100 looks at each of the four threads, those that wait are asked about three times.
    println!("{check:?}");
    assert!(check.wall_signals > 20 && check.wall_signals < 250, "{check:?}");
}

#[test]
fn a_thread_that_blocks_the_question_is_reported() {
    let _alone = alone();
    let collector = Collector::builder().wall(Duration::from_millis(20)).start().expect("nothing else runs");
    let (reader, writer) = pipe();
    let blocking = named("blocking", move || {
        SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK).expect("a valid mask");
        read_from(reader)
    });
    let begun = Instant::now();
    while collector.stats().blocked_threads == 0 {
        spend(Duration::from_millis(50), multiply);
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", collector.stats());
    }
    let profile = collector.stop().expect("there is no output that could fail");
    drop(writer);
    assert_eq!(blocking.join().expect("it does not panic").expect("it is not interrupted"), 0);
    assert_eq!(of_thread(&profile, 2, "blocking"), Duration::ZERO, "nobody knows where it was");
}

#[test]
fn a_thousand_waiting_threads_are_counted_at_a_bounded_cost() {
    let _alone = alone();
    let (reader, writer) = pipe();
    let reader = std::sync::Arc::new(reader);
    let waiting: Vec<_> = (0..1000)
        .map(|_| {
            let reader = reader.clone();
            let small = std::thread::Builder::new().name("waiting".to_owned()).stack_size(64 << 10);
            small.spawn(move || (&*reader).read(&mut [0; 1])).expect("a thread can be started")
        })
        .collect();
    let interval = Duration::from_millis(10);
    let collector = Collector::builder().wall(interval).start().expect("nothing else runs");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let check = collector.stats();
    let watched = begun.elapsed();
    let profile = collector.stop().expect("there is no output that could fail");
    drop(writer);
    waiting.into_iter().for_each(|thread| drop(thread.join().expect("it does not panic")));
    let looks = watched.as_nanos() * 4 / 3 / interval.as_nanos() + 1;
    println!("{check:?}, {looks} looks");
    assert!(u128::from(check.wall_signals) <= 16 * looks, "{check:?}");
    // Found within 0.2 s, then looked at every few looks.
    let wall = of_thread(&profile, 2, "waiting");
    assert!(wall > watched * 1000 * 3 / 4 && wall < watched * 1000 * 11 / 10, "{wall:?} of {watched:?} a thread");
}

#[test]
fn a_wall_interval_that_would_be_noticed_is_refused() {
    let _alone = alone();
    for interval in [Duration::from_micros(999), Duration::from_secs(11)] {
        let refused = Collector::builder().wall(interval).start().expect_err("out of range");
        assert!(matches!(refused, Error::WallInterval(_)), "{refused}");
    }
}

extern "C" fn of_somebody_else(_: libc::c_int) {}

#[test]
fn a_handler_of_the_signal_that_asks_is_left_alone() {
    const NAME: &str = "a_handler_of_the_signal_that_asks_is_left_alone";
    if !is_child() {
        assert!(child(NAME).status().expect("the child can be started").success());
        return;
    }
    let theirs = SigAction::new(SigHandler::Handler(of_somebody_else), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGURG, &theirs) }.expect("a valid action");
    let refused =
        Collector::builder().wall(Duration::from_millis(50)).start().expect_err("SIGURG is taken").to_string();
    assert!(refused.starts_with("SIGURG already has a handler (in "), "{refused}");
    assert!(refused.ends_with("); start without the wall clock and perf events, which need it"), "{refused}");
    plop_collector::start().expect("CPU timers do without SIGURG");
}

#[test]
fn a_program_executed_in_the_midst_of_signals_survives() {
    const NAME: &str = "a_program_executed_in_the_midst_of_signals_survives";
    if is_child() {
        let builder = Collector::builder().interval(Duration::from_micros(100)).wall(Duration::from_millis(1));
        let clock = if may_use_perf_events() { Clock::PerfEvents } else { Clock::CpuTimers };
        std::mem::forget(builder.clock(clock).start().expect("nothing else runs"));
        spend(Duration::from_millis(50), multiply);
        let error =
            std::os::unix::process::CommandExt::exec(std::process::Command::new("sh").args(["-c", "echo survived"]));
        panic!("{error}");
    }
    for _ in 0..8 {
        let ended = child(NAME).output().expect("the child can be started");
        assert!(ended.status.success(), "{ended:?}");
        assert!(String::from_utf8_lossy(&ended.stdout).ends_with("survived\n"), "{ended:?}");
    }
}

fn may_use_perf_events() -> bool {
    match Collector::builder().clock(Clock::PerfEvents).start() {
        Ok(_) => true,
        Err(Error::PerfEvent { source, .. }) => {
            eprintln!("skipped: this machine gives no perf events: {source}");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn perf_events_keep_the_total_at_every_rate_and_really_interrupt() {
    let _alone = alone();
    if !may_use_perf_events() {
        return;
    }
    for interval in [Duration::from_millis(10), Duration::from_millis(1), Duration::from_micros(100)] {
        let collector = Collector::builder().interval(interval).clock(Clock::PerfEvents).symbolize(false).start();
        let collector = collector.expect("nothing else runs");
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| spend(Duration::from_millis(700), multiply));
            }
        });
        let check = collector.stop().expect("there is no output that could fail").self_check;
        let check = check.expect("the collector says how well it did");
        let coverage = check.coverage().expect("CPU time was used");
        println!("{interval:?}: coverage {coverage:.3}, {check:?}");
        // Of 2.1 s; the threads are left to the scout for up to 0.2 s, whose ticks are some 50.
        assert!((0.9..1.1).contains(&coverage), "{interval:?}: {coverage:.3}");
    }
}

/// What a forked child, of which this thread alone is left, counts.
fn counted_by_child(count: impl Fn() -> usize) -> usize {
    // SAFETY: the child only counts and exits.
    match unsafe { nix::unistd::fork() }.expect("the process can be forked") {
        nix::unistd::ForkResult::Child => {
            let counted = count();
            // SAFETY: ends the child without running what the parent has registered.
            unsafe { libc::_exit(counted as i32) }
        }
        nix::unistd::ForkResult::Parent { child } => match nix::sys::wait::waitpid(child, None) {
            Ok(nix::sys::wait::WaitStatus::Exited(_, counted)) => counted as usize,
            other => panic!("{other:?}"),
        },
    }
}

#[test]
fn perf_events_go_with_their_threads_and_with_the_collector() {
    let _alone = alone();
    if !may_use_perf_events() {
        return;
    }
    let events = || {
        let open = std::fs::read_dir("/proc/self/fd").expect("/proc can be read");
        let targets = open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().contains("perf_event")).count()
    };
    let collector = Collector::builder().clock(Clock::PerfEvents).start().expect("nothing else runs");
    let begun = Instant::now();
    let counted = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                while !counted.load(Ordering::Relaxed) {
                    multiply();
                }
            });
        }
        while events() < 20 && begun.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        let seen = events();
        let left = counted_by_child(events);
        counted.store(true, Ordering::Relaxed);
        assert!(seen >= 20, "{seen} events");
        assert_eq!(left, 0);
    });
    while events() > 10 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} events", events());
        std::thread::yield_now();
    }
    collector.stop().expect("there is no output that could fail");
    assert_eq!(events(), 0);
}

#[test]
fn both_clocks_and_the_timeline_go_together() {
    let _alone = alone();
    let clock = if may_use_perf_events() { Clock::PerfEvents } else { Clock::CpuTimers };
    let builder = Collector::builder().clock(clock).wall(Duration::from_millis(10)).timeline(true);
    let collector = builder.flush_every(Duration::from_millis(100)).start().expect("nothing else runs");
    spend(Duration::from_millis(500), multiply);
    sleep_through(Duration::from_millis(500));
    let profile = collector.stop().expect("there is no output that could fail");
    assert!(profile.timeline().is_some_and(|timeline| timeline.windows >= 9));
    assert!(share(&profile, "multiply") > 0.7);
    let slept = in_function(&profile, 2, "sleep_through");
    assert!(slept > Duration::from_millis(300), "{slept:?}");
}
