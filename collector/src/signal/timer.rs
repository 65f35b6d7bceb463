//! Timers on CPU clocks that send SIGPROF to one thread or to the process, and what tells their signals, and our questions, from
//! others'. Knows nothing of who needs them.

use core::sync::atomic::AtomicU8;

use super::syscall::syscall;

/// The signal that timers send.
pub(crate) const SIGNAL: libc::c_int = libc::SIGPROF;

/// Its address marks our timers' signals; a second copy of this library in the process has another.
static MARK: AtomicU8 = AtomicU8::new(0);

/// The slot number that stands for the scout.
pub(super) const SCOUT: u32 = u32::MAX;
/// The slot number that stands for the collector's thread, which asks.
pub(super) const ASKING: u32 = u32::MAX - 1;
/// The slot number that stands for the scout while it comes seldom, and for how many periods it stands then.
pub(super) const CALM_SCOUT: u32 = u32::MAX - 2;
pub(crate) const CALM_PERIODS: u32 = 4;

/// The value that the timer of the thread in that slot sends: the mark above, the slot below.
///
/// # Signal safety
/// Runs anywhere.
pub(super) fn value_of(slot: u32) -> usize {
    ((&raw const MARK) as usize) << 32 | slot as usize
}

/// The value that the scout sends: each period, or every [`CALM_PERIODS`].
pub(crate) fn scout_value(is_calm: bool) -> usize {
    value_of(if is_calm { CALM_SCOUT } else { SCOUT })
}

/// The value that comes with a question of the collector's thread.
pub(crate) fn asking_value() -> usize {
    value_of(ASKING)
}

/// Whose CPU time a timer counts, and who gets its signal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// One thread's; the signal goes to that thread.
    Thread(u32),
    /// The whole process's; the signal goes to whichever thread the kernel picks, which since Linux 6.4 is the one that runs.
    Process,
}

/// A timer's number in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerId(pub(crate) i32);

/// `struct sigevent` as the kernel has it, 64 bytes.
#[repr(C)]
struct Event {
    value: usize,
    signal: i32,
    notify: i32,
    tid: i32,
    rest: [i32; 11],
}

/// `struct itimerspec` as a 64-bit kernel has it.
#[repr(C)]
struct Setting {
    interval_s: i64,
    interval_ns: i64,
    first_s: i64,
    first_ns: i64,
}

const NS_PER_S: u64 = 1_000_000_000;

impl Clock {
    /// The clock's number: for threads as the kernel composes it, `CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED` (4 | 2) below
    /// the inverted tid, in `include/linux/posix-timers.h`.
    pub(crate) fn id(self) -> libc::clockid_t {
        match self {
            Clock::Thread(tid) => (!(tid as i32) << 3) | 6,
            Clock::Process => libc::CLOCK_PROCESS_CPUTIME_ID,
        }
    }
}

/// Starts a timer that sends SIGPROF with `value` after `first_ns` and then every `interval_ns` of the clock's time; or gives
/// the kernel's error number.
///
/// # Signal safety
/// Runs anywhere: two system calls, three when the second fails.
pub(crate) fn start(clock: Clock, value: usize, first_ns: u64, interval_ns: u64) -> Result<TimerId, i32> {
    let (notify, tid) = match clock {
        Clock::Thread(tid) => (libc::SIGEV_THREAD_ID, tid as i32),
        Clock::Process => (libc::SIGEV_SIGNAL, 0),
    };
    let event = Event { value, signal: SIGNAL, notify, tid, rest: [0; 11] };
    let mut id = 0_i32;
    let arguments = [clock.id() as usize, (&raw const event) as usize, (&raw mut id) as usize, 0];
    // SAFETY: the kernel reads 64 bytes of `event`, which is that large, and writes 4 bytes to `id`.
    let result = unsafe { syscall(libc::SYS_timer_create, arguments) };
    if result < 0 {
        return Err(result.wrapping_neg() as i32);
    }
    let setting = Setting {
        interval_s: (interval_ns / NS_PER_S) as i64,
        interval_ns: (interval_ns % NS_PER_S) as i64,
        first_s: (first_ns / NS_PER_S) as i64,
        first_ns: (first_ns % NS_PER_S) as i64,
    };
    // SAFETY: the kernel reads 32 bytes of `setting`, which is that large; no old setting is asked for.
    let result = unsafe { syscall(libc::SYS_timer_settime, [id as usize, 0, (&raw const setting) as usize, 0]) };
    if result < 0 {
        delete(TimerId(id));
        return Err(result.wrapping_neg() as i32);
    }
    Ok(TimerId(id))
}

/// Whether the thread that a running timer belongs to is gone: the kernel then has no time left for it. Another thread that has
/// got the same tid does not count.
pub(crate) fn is_orphaned(timer: TimerId) -> bool {
    let mut left = Setting { interval_s: 0, interval_ns: 0, first_s: 0, first_ns: 0 };
    // SAFETY: the kernel writes 32 bytes to `left`, which is that large.
    let result = unsafe { syscall(libc::SYS_timer_gettime, [timer.0 as usize, (&raw mut left) as usize, 0, 0]) };
    result == 0 && (left.first_s, left.first_ns) == (0, 0)
}

/// Deletes a timer; one that is gone already stays gone.
///
/// # Signal safety
/// Runs anywhere: one system call.
pub(crate) fn delete(timer: TimerId) {
    // SAFETY: timer_delete takes a number and touches no memory of ours.
    unsafe { syscall(libc::SYS_timer_delete, [timer.0 as usize, 0, 0, 0]) };
}
