//! Measures every profiler's handler the same way: this program's own `sigaction` stands before libc's, and where a profiler
//! installs a handler for SIGPROF it installs ours, which reads the clock, calls the profiler's, and reads the clock again.
//! A profiler that asks which handler there is gets its own. Runs that take no sample are not counted.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// How many runs are kept; those beyond are passed over. 2²⁰ is 100 s of samples at 10 kHz.
const CAPACITY: usize = 1 << 20;

static TIMES_NS: [AtomicU32; CAPACITY] = [const { AtomicU32::new(0) }; CAPACITY];
static RUNS: AtomicUsize = AtomicUsize::new(0);
/// The thread whose first signal is to be kept; 0 if none is.
static WANTED: AtomicU32 = AtomicU32::new(0);
/// The profiler's handler, or what stood before it. Written before ours is installed, so that the system call orders the two.
static MEASURED: AtomicUsize = AtomicUsize::new(0);

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

type Sigaction = unsafe extern "C" fn(libc::c_int, *const libc::sigaction, *mut libc::sigaction) -> libc::c_int;

/// libc's `sigaction`.
fn real() -> Sigaction {
    // SAFETY: the name ends with NUL.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, c"sigaction".as_ptr()) };
    assert!(!found.is_null(), "libc has sigaction");
    // SAFETY: libc's sigaction has this signature.
    unsafe { std::mem::transmute::<*mut libc::c_void, Sigaction>(found) }
}

/// Stands before libc's.
///
/// # Safety
/// As libc's: `new` and `old` are each null or point to a whole sigaction.
// SAFETY: the name is libc's, which it is meant to stand before; the signature is libc's too.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn sigaction(
    signal: libc::c_int,
    new: *const libc::sigaction,
    old: *mut libc::sigaction,
) -> libc::c_int {
    let real = real();
    let before = MEASURED.load(Ordering::SeqCst);
    // SAFETY: the caller vouches for the pointer.
    let wanted = unsafe { new.as_ref() }.filter(|_| signal == libc::SIGPROF);
    let mut ours = wanted.copied();
    if let Some(action) = &mut ours {
        MEASURED.store(action.sa_sigaction, Ordering::SeqCst);
        if action.sa_sigaction > libc::SIG_IGN {
            action.sa_flags |= libc::SA_SIGINFO;
            action.sa_sigaction = measure as *const () as usize;
        }
    }
    let new = ours.as_ref().map_or(new, |action| action as *const _);
    // SAFETY: `new` is the caller's or ours, `old` the caller's; `measure` calls nothing that a handler must not.
    let result = unsafe { real(signal, new, old) };
    // SAFETY: the caller vouches for the pointer.
    if let Some(old) = unsafe { old.as_mut() }
        && signal == libc::SIGPROF
        && old.sa_sigaction == measure as *const () as usize
    {
        old.sa_sigaction = before;
    }
    result
}

/// Installs a handler that does nothing, as the floor for all others.
pub(crate) fn install_empty() {
    extern "C" fn nothing(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}
    // SAFETY: all zeroes is a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    action.sa_sigaction = nothing as *const () as usize;
    // SAFETY: `nothing` has the signature of a SA_SIGINFO handler.
    unsafe { sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) };
}

/// A signal as it came, to be sent again.
struct Signal(UnsafeCell<MaybeUninit<libc::siginfo_t>>);

// SAFETY: it is written once, before `KEPT` says so with release, and read by whoever has seen that with acquire.
unsafe impl Sync for Signal {}

static SIGNAL: Signal = Signal(UnsafeCell::new(MaybeUninit::uninit()));
/// 0 before there is one, 1 while it is written, 2 once it is there.
static KEPT: AtomicU32 = AtomicU32::new(0);

/// Uses CPU until a sample has been taken of this thread, then sends it the same signal `times` more, in batches that the
/// profiler's buffer has room for, and forgets all times but theirs.
pub(crate) fn repeat(times: usize) {
    const BATCH: usize = 500;
    // SAFETY: gettid takes no arguments.
    let tid = unsafe { libc::gettid() };
    WANTED.store(tid as u32, Ordering::SeqCst);
    while KEPT.load(Ordering::Acquire) != 2 {
        std::hint::spin_loop();
    }
    RUNS.store(0, Ordering::SeqCst);
    for sent in 0..times {
        if sent % BATCH == 0 {
            // Longer than any profiler here lets pass before it takes out what there is.
            std::thread::sleep(std::time::Duration::from_millis(150));
        }
        // SAFETY: a process may send itself what a timer of its own sent; the kernel reads the siginfo, which is there.
        unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, std::process::id(), tid, libc::SIGPROF, SIGNAL.0.get()) };
    }
}

/// Keeps the signal, if it is the first of the thread that [`repeat`] runs on.
fn keep(info: &libc::siginfo_t) {
    let wanted = WANTED.load(Ordering::Relaxed);
    // SAFETY: gettid takes no arguments and is async-signal-safe.
    if wanted == 0 || unsafe { libc::gettid() } as u32 != wanted {
        return;
    }
    if KEPT.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        // SAFETY: of all handlers only the one that has made it 1 gets here.
        unsafe { *SIGNAL.0.get() = MaybeUninit::new(*info) };
        KEPT.store(2, Ordering::Release);
    }
}

extern "C" fn measure(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: `sigaction` stored a handler's address before it installed this one. A handler without SA_SIGINFO ignores the
    // two further arguments, which the C calling convention allows.
    let handler = unsafe { std::mem::transmute::<usize, Handler>(MEASURED.load(Ordering::SeqCst)) };
    let start = now_ns();
    handler(signal, info, context);
    let took = now_ns().saturating_sub(start);
    // plop's scout, whose signals a thread with a timer of its own passes over: half of all signals, and next to no time each,
    // so that counting them would flatter it.
    // SAFETY: the kernel passes a siginfo_t.
    let info = unsafe { &*info };
    // SAFETY: what a timer sends has a value, and who sends SIGPROF otherwise leaves room for one.
    let value = unsafe { info.si_value() };
    if value.sival_ptr as usize as u32 >= u32::MAX - 2 {
        return;
    }
    keep(info);
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
pub(crate) fn times_ns() -> (Vec<u32>, usize) {
    let runs = RUNS.load(Ordering::SeqCst);
    let mut times: Vec<u32> = TIMES_NS[..runs.min(CAPACITY)].iter().map(|time| time.load(Ordering::SeqCst)).collect();
    times.sort_unstable();
    (times, runs)
}
