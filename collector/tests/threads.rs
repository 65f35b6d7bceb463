//! Threads of all kinds are sampled: short-lived, with small stacks, renamed; and those that can't be are counted.

mod work;

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use plop_collector::Collector;
use plop_profile::{LabelValue, Profile};
use work::{child, holds, is_child, multiply, rotate, sampled, share, spend};

/// There is one collector in a process, and tests run at the same time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// All values of the text label `key`.
fn texts(profile: &Profile, key: &str) -> Vec<String> {
    let labels = profile.samples.iter().flat_map(|sample| profile.label_sets.get(sample.labels));
    let texts = labels.filter(|label| &profile.strings[label.key] == key).filter_map(|label| match label.value {
        LabelValue::Text(text) => Some(profile.strings[text].to_owned()),
        LabelValue::Number(..) => None,
    });
    texts.collect()
}

#[test]
fn threads_too_short_lived_to_be_found_are_sampled_by_the_scout() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    for _ in 0..500 {
        std::thread::spawn(|| spend(Duration::from_millis(2), multiply)).join().expect("it does not panic");
    }
    let profile = collector.stop().expect("there is no output that could fail");
    let check = profile.self_check.expect("the collector says how well it did");
    let coverage = check.coverage().expect("CPU time was used");
    println!("coverage {coverage:.3} {check:?}");
    // About a hundred samples of a share of CPU time that is known on average only; what is missing once threads are gone counts
    // for them, but nothing is taken away where the scout hit more often than it should: within 3 standard deviations.
    assert!((0.9..1.3).contains(&coverage), "coverage {coverage:.3}");
}

#[test]
fn threads_that_come_after_a_calm_are_not_missing() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    // Longer than it takes until the scout comes seldom.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        spend(Duration::from_millis(10), multiply);
    }
    let before = collector.stats();
    for _ in 0..500 {
        std::thread::spawn(|| spend(Duration::from_millis(2), rotate)).join().expect("it does not panic");
    }
    let check = collector.stop().expect("there is no output that could fail").self_check;
    let check = check.expect("the collector says how well it did");
    let (used, sampled) = (check.process_cpu_ns - before.process_cpu_ns, check.sampled_cpu_ns - before.sampled_cpu_ns);
    let coverage = sampled as f64 / used as f64;
    println!("coverage {coverage:.3} {check:?}");
    // As above; that a scout that comes seldom stands for more adds what four samples do to about a hundred.
    assert!((0.86..1.34).contains(&coverage), "coverage {coverage:.3}");
}

#[test]
fn what_threads_use_before_their_end_is_not_missing() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    // Each ends some milliseconds after the last tick that it saw, which is a good part of 25 ms.
    for _ in 0..10 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| spend(Duration::from_millis(25), multiply));
            }
        });
    }
    let check = collector.stop().expect("there is no output that could fail").self_check;
    let check = check.expect("the collector says how well it did");
    println!("{check:?}");
    // Of 2 s: what is under way when it stops is one period of each thread that lives.
    assert!(check.coverage().is_some_and(|coverage| (0.95..1.05).contains(&coverage)), "{check:?}");
    assert!(check.carried > 0 && check.carried < check.samples / 2, "{check:?}");
}

#[test]
fn a_thread_with_a_16_kib_stack_survives() {
    let _alone = alone();
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("nothing else runs");
    let small = std::thread::Builder::new().stack_size(16 << 10);
    let small = small.spawn(|| spend(Duration::from_millis(300), multiply)).expect("a thread can be started");
    small.join().expect("it does not panic");
    let profile = collector.stop().expect("there is no output that could fail");
    assert!(sampled(&profile) > Duration::from_millis(270), "{:?}", sampled(&profile));
}

#[test]
fn a_thread_goes_by_its_name_and_by_its_next_one() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    let named = std::thread::Builder::new().name("first name".to_owned());
    let named = named.spawn(|| {
        spend(Duration::from_millis(200), multiply);
        nix::sys::prctl::set_name(c"second name").expect("a valid name");
        // A name is read again after a second.
        spend(Duration::from_millis(1500), multiply);
    });
    named.expect("a thread can be started").join().expect("it does not panic");
    let names = texts(&collector.stop().expect("there is no output that could fail"), "thread");
    assert!(names.iter().any(|name| name == "first name"), "{names:?}");
    assert!(names.iter().any(|name| name == "second name"), "{names:?}");
}

#[test]
fn a_thread_that_blocks_the_signal_is_reported() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    let begun = Instant::now();
    let mut sigprof = SigSet::empty();
    sigprof.add(Signal::SIGPROF);
    let before = sigprof.thread_swap_mask(SigmaskHow::SIG_BLOCK).expect("a valid mask");
    while collector.stats().blocked_threads == 0 {
        spend(Duration::from_millis(50), multiply);
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", collector.stats());
    }
    before.thread_set_mask().expect("a valid mask");
    let check = collector.stop().expect("there is no output that could fail").self_check;
    assert_eq!(check.map(|check| check.blocked_threads), Some(1));
}

/// Starts a thread that gets the tid, if the kernel lets this process say so and nobody else takes it; else gives `run` back.
fn with_tid<F: FnOnce() + Send + 'static>(tid: i32, name: &str, run: F) -> Option<std::thread::JoinHandle<()>> {
    let (tell, told) = std::sync::mpsc::channel::<bool>();
    let (say, said) = std::sync::mpsc::channel();
    // The next one that the kernel gives out is the one after this (proc(5)).
    std::fs::write("/proc/sys/kernel/ns_last_pid", (tid - 1).to_string()).ok()?;
    let named = std::thread::Builder::new().name(name.to_owned());
    let thread = named.spawn(move || {
        say.send(nix::unistd::gettid().as_raw()).expect("it is waited for");
        if told.recv() == Ok(true) {
            run();
        }
    });
    let thread = thread.expect("a thread can be started");
    let has_it = said.recv() == Ok(tid);
    tell.send(has_it).expect("it waits");
    if has_it {
        return Some(thread);
    }
    thread.join().expect("it does not panic");
    None
}

#[test]
fn a_thread_that_gets_the_tid_of_one_that_is_gone_is_another_thread() {
    let _alone = alone();
    if std::fs::write("/proc/sys/kernel/ns_last_pid", std::process::id().to_string()).is_err() {
        eprintln!("skipped: this process may not choose which tid comes next");
        return;
    }
    for attempt in 0.. {
        assert!(attempt < 20, "others always took the tid");
        let collector = plop_collector::start().expect("nothing else runs");
        let first = std::thread::Builder::new().name("first".to_owned()).spawn(|| {
            spend(Duration::from_millis(300), multiply);
            nix::unistd::gettid().as_raw()
        });
        let tid = first.expect("a thread can be started").join().expect("it does not panic");
        // At once, so that the collector can't have noticed that the first one is gone.
        let Some(second) = with_tid(tid, "second", || spend(Duration::from_secs(3), rotate)) else { continue };
        second.join().expect("it does not panic");
        let profile = collector.stop().expect("there is no output that could fail");
        let of = |name: &str, function: Option<&str>| -> Duration {
            let of_name = profile.samples.iter().filter(|sample| {
                profile.label_sets.get(sample.labels).iter().any(|label| match label.value {
                    LabelValue::Text(text) => &profile.strings[label.key] == "thread" && &profile.strings[text] == name,
                    LabelValue::Number(..) => false,
                })
            });
            let there =
                of_name.filter(|sample| function.is_none_or(|function| holds(&profile, sample.stack, function)));
            Duration::from_nanos(there.map(|sample| sample.values[1]).sum::<i64>() as u64)
        };
        let check = profile.self_check.as_ref().expect("the collector says how well it did");
        println!("{check:?}");
        assert_eq!(of("second", Some("multiply")), Duration::ZERO);
        assert_eq!(of("first", Some("rotate")), Duration::ZERO);
        // At its end a thread is a part of a period and of a tick ahead of its last sample. What it used before it was noticed
        // counts where it was last, which may be outside of the function.
        let is_near =
            |found: Duration, used: u64| found.abs_diff(Duration::from_millis(used)) <= Duration::from_millis(40);
        assert!(is_near(of("first", None), 300), "{:?}", of("first", None));
        assert!(is_near(of("second", None), 3000), "{:?}", of("second", None));
        return;
    }
}

#[test]
fn a_thousand_threads_are_sampled_and_their_timers_go_with_them() {
    let _alone = alone();
    let collector = plop_collector::start().expect("nothing else runs");
    let threads: Vec<_> = (0..1000)
        .map(|_| {
            let small = std::thread::Builder::new().stack_size(64 << 10);
            small.spawn(|| spend(Duration::from_millis(2), multiply)).expect("a thread can be started")
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let timers = || std::fs::read_to_string("/proc/self/timers").map_or(0, |list| list.matches("ID:").count());
    let begun = Instant::now();
    // The test's own threads, the scout, and whatever the scan has not yet found gone.
    while timers() > 10 {
        spend(Duration::from_millis(10), multiply);
        assert!(begun.elapsed() < Duration::from_secs(60), "{} timers are left", timers());
    }
    let profile = collector.stop().expect("there is no output that could fail");
    assert!(share(&profile, "multiply") > 0.3);
}

#[test]
fn threads_that_are_refused_a_timer_are_left_to_the_scout_and_counted() {
    const NAME: &str = "threads_that_are_refused_a_timer_are_left_to_the_scout_and_counted";
    if !is_child() {
        // The limit is the whole process's.
        let ended = child(NAME).output().expect("the child can be started");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        return;
    }
    let collector = plop_collector::start().expect("nothing else runs");
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: setrlimit reads `limit` only.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &limit) }, 0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| spend(Duration::from_millis(500), multiply));
        }
    });
    let check = collector.stop().expect("there is no output that could fail").self_check;
    let check = check.expect("the collector says how well it did");
    assert_eq!(check.unarmed_threads, 2, "{check:?}");
    // The scout's signals go to whichever of the threads runs; a tick that hits the main thread, which has a timer, is left.
    assert!(check.coverage().is_some_and(|coverage| coverage > 0.8), "{check:?}");
}

#[test]
fn a_registered_thread_is_sampled_from_its_first_period_on() {
    let _alone = alone();
    plop_collector::register_current_thread();
    let collector = Collector::builder().interval(Duration::from_millis(5)).start().expect("nothing else runs");
    for _ in 0..20 {
        let registered = std::thread::Builder::new().name("registered".to_owned()).spawn(|| {
            plop_collector::register_current_thread();
            spend(Duration::from_millis(20), multiply);
        });
        registered.expect("a thread can be started").join().expect("it does not panic");
    }
    let profile = collector.stop().expect("there is no output that could fail");
    // 20 ms hold at least 3 periods of 5 ms wherever the first one ends.
    assert!(sampled(&profile) >= Duration::from_millis(20 * 3 * 5), "{:?}", sampled(&profile));
}
