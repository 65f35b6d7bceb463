//! Measures every profiler's handler the same way: once a profiler has installed its SIGPROF handler, a handler of ours
//! takes its place, reads the clock, calls it, and reads the clock again.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// How many runs are kept; those beyond are passed over. 2²⁰ is 100 s of samples at 10 kHz.
const CAPACITY: usize = 1 << 20;

static TIMES_NS: [AtomicU32; CAPACITY] = [const { AtomicU32::new(0) }; CAPACITY];
static RUNS: AtomicUsize = AtomicUsize::new(0);
/// The profiler's handler. Written before ours is installed, so that the system call orders the two.
static MEASURED: AtomicUsize = AtomicUsize::new(0);

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// Puts the clock around whatever handler SIGPROF has.
///
/// # Panics
/// When SIGPROF has no handler: the profiler is not running.
pub fn install() {
    // SAFETY: all zeroes is a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: reads the present action into ours.
    unsafe { libc::sigaction(libc::SIGPROF, std::ptr::null(), &mut action) };
    assert!(action.sa_sigaction > libc::SIG_IGN, "the profiler has installed a SIGPROF handler");
    MEASURED.store(action.sa_sigaction, Ordering::SeqCst);
    action.sa_flags |= libc::SA_SIGINFO;
    action.sa_sigaction = measure as *const () as usize;
    // SAFETY: `measure` has the signature of a SA_SIGINFO handler and calls nothing that a handler must not.
    unsafe { libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) };
}

/// Installs a handler that does nothing, as the floor for all others.
pub fn install_empty() {
    extern "C" fn nothing(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}
    // SAFETY: all zeroes is a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    action.sa_sigaction = nothing as *const () as usize;
    // SAFETY: `nothing` has the signature of a SA_SIGINFO handler.
    unsafe { libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) };
    install();
}

extern "C" fn measure(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: `install` stored a handler's address before it installed this one. A handler without SA_SIGINFO ignores the
    // two further arguments, which the C calling convention allows.
    let handler = unsafe { std::mem::transmute::<usize, Handler>(MEASURED.load(Ordering::SeqCst)) };
    let start = now_ns();
    handler(signal, info, context);
    let took = now_ns().saturating_sub(start);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    if let Some(slot) = TIMES_NS.get(run) {
        slot.store(u32::try_from(took).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec to write to; clock_gettime is async-signal-safe.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// All times so far in nanoseconds, sorted, and how many runs there were.
pub fn times_ns() -> (Vec<u32>, usize) {
    let runs = RUNS.load(Ordering::SeqCst);
    let mut times: Vec<u32> = TIMES_NS[..runs.min(CAPACITY)].iter().map(|time| time.load(Ordering::SeqCst)).collect();
    times.sort_unstable();
    (times, runs)
}
