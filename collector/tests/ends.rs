//! Ways in which a program ends or becomes another one: what was flushed before stays and is a whole profile.

mod work;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::unistd::{ForkResult, Pid, fork, setsid};
use plop_collector::{Collector, Error};
use plop_profile::Profile;
use work::{child, is_child, multiply, rotate, sampled, share, spend};

const FLUSH: Duration = Duration::from_millis(50);
/// What is in the file before the program ends.
const ENOUGH: Duration = Duration::from_millis(150);

/// A way to end: what it goes by, how it is done, and what the parent is to see.
struct Way {
    name: &'static str,
    end: fn(),
    signal: Option<Signal>,
    code: Option<i32>,
}

const fn by_signal(name: &'static str, end: fn(), signal: Signal) -> Way {
    Way { name, end, signal: Some(signal), code: None }
}

const fn by_itself(name: &'static str, end: fn(), code: i32) -> Way {
    Way { name, end, signal: None, code: Some(code) }
}

const WAYS: [Way; 20] = [
    by_signal("SIGTERM", || send(Signal::SIGTERM), Signal::SIGTERM),
    by_signal("SIGINT", || send(Signal::SIGINT), Signal::SIGINT),
    by_signal("SIGHUP", || send(Signal::SIGHUP), Signal::SIGHUP),
    by_signal("SIGQUIT", || send(Signal::SIGQUIT), Signal::SIGQUIT),
    by_signal("SIGKILL", || send(Signal::SIGKILL), Signal::SIGKILL),
    by_signal("SIGALRM", || send(Signal::SIGALRM), Signal::SIGALRM),
    by_signal("SIGVTALRM", || send(Signal::SIGVTALRM), Signal::SIGVTALRM),
    by_signal("SIGUSR1", || send(Signal::SIGUSR1), Signal::SIGUSR1),
    by_signal("SIGXCPU", || send(Signal::SIGXCPU), Signal::SIGXCPU),
    by_signal("SIGSYS", || send(Signal::SIGSYS), Signal::SIGSYS),
    by_signal("SIGTRAP", || send(Signal::SIGTRAP), Signal::SIGTRAP),
    by_signal("SIGFPE", || send(Signal::SIGFPE), Signal::SIGFPE),
    by_signal("write to nowhere", write_to_nowhere, Signal::SIGSEGV),
    by_signal("read beyond a file's end", read_beyond_the_end, Signal::SIGBUS),
    by_signal("SIGILL", || send(Signal::SIGILL), Signal::SIGILL),
    by_signal("stack overflow", || assert_eq!(dig(1), 0), Signal::SIGABRT),
    by_signal("abort", || std::process::abort(), Signal::SIGABRT),
    by_signal("panic without unwinding", panic_without_unwinding, Signal::SIGABRT),
    by_itself("process::exit", || std::process::exit(7), 7),
    by_itself("exec", || panic!("{}", Command::new("sh").args(["-c", "exit 9"]).exec()), 9),
];

fn send(signal: Signal) {
    if signal != Signal::SIGKILL {
        // Programs that a shell has begun in the background ignore some.
        // SAFETY: from now on the kernel does what it does by itself.
        unsafe { sigaction(signal, &SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty())) }
            .expect("all others can be changed");
    }
    kill(Pid::this(), signal).expect("a process may signal itself");
    // It may reach another thread first.
    loop {
        std::thread::park();
    }
}

fn write_to_nowhere() {
    // The first page is not there, the second one not either (vm.mmap_min_addr).
    let nowhere = std::ptr::without_provenance_mut::<u8>(4096);
    // SAFETY: it is not sound; that it ends the program is what the test wants.
    unsafe { nowhere.write_volatile(1) };
}

fn read_beyond_the_end() {
    let file = tempfile::tempfile().expect("a temporary file");
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&file);
    // SAFETY: a new mapping takes nothing away from anyone.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_SHARED, descriptor, 0) };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: the page is mapped; that the file has none there ends the program, as the test wants.
    std::hint::black_box(unsafe { page.cast::<u8>().read_volatile() });
}

#[expect(unconditional_recursion, reason = "so that the stack overflows")]
fn dig(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 64]);
    dig(depth + 1) + here[7]
}

/// As with `panic = "abort"`: nothing is dropped.
fn panic_without_unwinding() {
    extern "C" fn no_way_out() {
        panic!("as the test wants");
    }
    no_way_out();
}

fn output() -> OsString {
    std::env::var_os("PLOP_TEST_OUTPUT").expect("the parent sets it")
}

/// Works until that much is in the file.
fn work_until_flushed(output: &Path) {
    let flushed = || Profile::load(output).is_ok_and(|profile| sampled(&profile) >= ENOUGH);
    while !flushed() {
        spend(Duration::from_millis(20), multiply);
    }
}

#[test]
fn however_the_program_ends_what_was_flushed_stays() {
    const NAME: &str = "however_the_program_ends_what_was_flushed_stays";
    if is_child() {
        let name = std::env::var("PLOP_TEST_WAY").expect("the parent sets it");
        let way = WAYS.iter().find(|way| way.name == name).expect("the parent knows it");
        let builder = Collector::builder().output(output()).flush_every(FLUSH).symbolize(false);
        std::mem::forget(builder.start().expect("nothing else runs"));
        work_until_flushed(Path::new(&output()));
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // Nobody wants what the kernel would write.
        // SAFETY: setrlimit reads `none` only.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) }, 0);
        (way.end)();
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    for way in WAYS {
        let output = directory.path().join(way.name).with_extension("pb");
        let mut command = child(NAME);
        command.env("PLOP_TEST_OUTPUT", &output).env("PLOP_TEST_WAY", way.name).env("RUST_BACKTRACE", "0");
        let ended = command.output().expect("the child can be started");
        let as_wanted =
            |status: ExitStatus| status.signal() == way.signal.map(|signal| signal as i32) && status.code() == way.code;
        assert!(as_wanted(ended.status), "{}: {ended:?}", way.name);
        let profile = Profile::load(&output).expect("what was flushed is a profile");
        assert!(sampled(&profile) >= ENOUGH, "{}: {:?}", way.name, sampled(&profile));
        assert!(!profile.torn, "{}: a chunk is written as one", way.name);
    }
}

/// The profiles in a folder, those that grow and those that are finished.
fn profiles(folder: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let files = std::fs::read_dir(folder).expect("it is there").map(|file| file.expect("it is there").path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "pb" || extension == "gz"))
        .partition(|path| path.extension().is_some_and(|extension| extension == "pb"))
}

/// As daemons begin, with a collector that was started too early: the process forks, ends, and its child becomes the leader of a
/// session and forks again.
#[test]
fn a_daemon_leaves_its_parent_s_profile_whole_and_starts_its_own() {
    const NAME: &str = "a_daemon_leaves_its_parent_s_profile_whole_and_starts_its_own";
    let directory = tempfile::tempdir().expect("a temporary directory");
    if is_child() {
        let folder = PathBuf::from(output());
        let builder = || Collector::builder().output(&folder).flush_every(FLUSH);
        let collector = builder().start().expect("nothing else runs");
        let file = profiles(&folder).0.pop().expect("it is there from the start");
        work_until_flushed(&file);
        // SAFETY: the child of this process, whose other threads hold no locks that it needs, runs what is below and exits.
        if let ForkResult::Parent { .. } = unsafe { fork() }.expect("a process can be forked") {
            std::process::exit(0);
        }
        setsid().expect("a new process leads no group");
        // SAFETY: this process has one thread.
        if let ForkResult::Parent { .. } = unsafe { fork() }.expect("a process can be forked") {
            std::process::exit(0);
        }
        assert!(matches!(collector.snapshot(), Err(Error::Forked { .. })));
        spend(Duration::from_millis(300), rotate);
        let own = builder().start().expect("the parent's does not count here");
        spend(Duration::from_millis(300), rotate);
        own.stop().expect("the folder can be written");
        // Dropped by a process that it was not started in.
        drop(collector);
        std::io::stdout().write_all(b"the daemon is done\n").expect("the parent reads it");
        // Not back into the harness, whose other thread is the parent's.
        std::process::exit(0);
    }
    // Ends when the last process that can write to the pipe has ended: the daemon.
    let ended = child(NAME).env("PLOP_TEST_OUTPUT", directory.path()).output().expect("the child can be started");
    assert!(ended.status.success(), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("the daemon is done"), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    let (growing, finished) = profiles(directory.path());
    assert_eq!((growing.len(), finished.len()), (1, 1), "{growing:?} {finished:?}");
    let of_parent = Profile::load(&growing[0]).expect("it is whole");
    assert!(!of_parent.torn);
    assert!(sampled(&of_parent) >= ENOUGH);
    assert!(share(&of_parent, "multiply") > 0.5 && share(&of_parent, "rotate") == 0.0);
    let of_daemon = Profile::load(&finished[0]).expect("it is whole");
    assert!(share(&of_daemon, "rotate") > 0.8 && share(&of_daemon, "multiply") == 0.0);
    // What it used before its own start is in neither.
    let check = of_daemon.self_check.expect("every profile has one");
    assert!(check.coverage().is_some_and(|coverage| (0.9..1.1).contains(&coverage)), "{check:?}");
}

/// A process that forks away its daemon and goes on itself.
#[test]
fn a_child_of_a_child_is_not_sampled_into_the_profile_of_a_parent_that_goes_on() {
    const NAME: &str = "a_child_of_a_child_is_not_sampled_into_the_profile_of_a_parent_that_goes_on";
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("parent.pb");
    if is_child() {
        let output = output();
        let collector = Collector::builder().output(&output).flush_every(FLUSH).start().expect("nothing else runs");
        work_until_flushed(Path::new(&output));
        // SAFETY: the child of this process, whose other threads hold no locks that it needs, runs what is below and exits.
        if let ForkResult::Child = unsafe { fork() }.expect("a process can be forked") {
            setsid().expect("a new process leads no group");
            // SAFETY: this process has one thread.
            if let ForkResult::Child = unsafe { fork() }.expect("a process can be forked") {
                spend(Duration::from_millis(500), rotate);
            }
            // SAFETY: ends the process without running what the parent has registered.
            unsafe { libc::_exit(0) };
        }
        spend(Duration::from_millis(500), multiply);
        collector.stop().expect("the file can be written");
        return;
    }
    let ended = child(NAME).env("PLOP_TEST_OUTPUT", &file).output().expect("the child can be started");
    assert!(ended.status.success(), "{ended:?}");
    let profile = Profile::load(&file).expect("it is whole");
    assert!(share(&profile, "multiply") > 0.8 && share(&profile, "rotate") == 0.0);
    let check = profile.self_check.expect("every profile has one");
    // Of at least 650 ms.
    assert!(check.coverage().is_some_and(|coverage| (0.95..1.05).contains(&coverage)), "{check:?}");
}
