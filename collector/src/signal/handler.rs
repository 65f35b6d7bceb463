//! The handler of SIGPROF and SIGURG: one sample of the thread that it interrupts.

use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering;

use super::buffer::Header;
use super::memory::StackBounds;
use super::threads::{Thread, Timer};
use super::timer::{ASKING, CALM_PERIODS, CALM_SCOUT, SCOUT, value_of};
use super::walk::{End, walk};
use super::zone::{Visit, Zone};
use super::{clock, event, syscall};

/// The weight of a sample that was asked for: it stands for no CPU time.
pub(crate) const ASKED_WEIGHT: u32 = 0;

/// The beginning of a `siginfo_t` as a 64-bit kernel has it.
#[repr(C)]
struct Info {
    signal: c_int,
    errno: c_int,
    code: c_int,
    _pad: c_int,
    /// Of a timer: its number; of a question, who asks.
    _who: c_int,
    /// Of a timer: how many expiries were merged into this signal.
    overrun: c_int,
    /// Of a timer or a question: what it was made with. Of a descriptor: its number, in the lower half.
    value: usize,
}

/// Why a signal comes.
enum Cause {
    /// The timer of the thread in that slot has expired, so often.
    Timer { slot: usize, times: u32 },
    /// The scout has; it stands for so many periods.
    Scout { times: u32 },
    /// The collector's thread wants to know where this one is.
    Asked,
    /// The perf event with that descriptor has counted a period.
    Event { descriptor: c_int },
}

impl Cause {
    /// `None` if the signal is nothing of ours.
    ///
    /// # Signal safety
    /// Runs in the handler.
    fn of(info: &Info) -> Option<Cause> {
        /// From Linux's `asm-generic/siginfo.h`.
        const POLL_IN: c_int = 1;
        if info.code == POLL_IN {
            // Whether it is ours shows once it is compared with the thread's own event.
            return Some(Cause::Event { descriptor: info.value as c_int });
        }
        if info.value >> 32 != value_of(0) >> 32 {
            return None;
        }
        let times = 1_u32.saturating_add(u32::try_from(info.overrun).unwrap_or(0));
        match (info.code, info.value as u32) {
            (libc::SI_TIMER, SCOUT) => Some(Cause::Scout { times }),
            (libc::SI_TIMER, CALM_SCOUT) => Some(Cause::Scout { times: times.saturating_mul(CALM_PERIODS) }),
            (libc::SI_TIMER, slot) => Some(Cause::Timer { slot: slot as usize, times }),
            (libc::SI_QUEUE, ASKING) => Some(Cause::Asked),
            _ => None,
        }
    }
}

/// Takes a sample if the signal is one of ours; passes over any other, for want of anyone to pass it to: a session starts
/// only where nobody else handles the signal.
///
/// # Signal safety
/// Runs as a signal handler with all signals blocked. It calls nothing but this module, makes system calls by instruction and
/// so leaves `errno` alone, and is bounded by the depth of the stack. It runs on the alternate stack where the thread has one.
pub(crate) extern "C" fn on_signal(_signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let begun = clock::ticks();
    // SAFETY: the kernel passes a siginfo_t, whose 128 bytes begin as `Info` does, to a handler installed with SA_SIGINFO.
    let Some(info) = (unsafe { info.cast::<Info>().as_ref() }) else { return };
    let Some(cause) = Cause::of(info) else { return };
    let Some(zone) = Zone::get() else { return };
    let Some(visit) = zone.enter() else { return };
    // SAFETY: the kernel passes the interrupted thread's ucontext to a handler installed with SA_SIGINFO.
    let Some(context) = (unsafe { context.cast::<libc::ucontext_t>().as_ref() }) else { return };
    let sampled = match cause {
        Cause::Timer { slot, times } => zone.threads.get(slot).is_some_and(|thread| {
            // Its tid is looked up rather than asked for: the timer is the thread's own.
            sample(&visit, Some(thread), zone.threads.tid(slot), times, context, begun);
            true
        }),
        Cause::Scout { times } => scouted(&visit, times, context, begun),
        Cause::Asked => {
            let tid = syscall::thread_id();
            let thread = zone.threads.find(tid).and_then(|slot| zone.threads.get(slot));
            sample(&visit, thread, tid, ASKED_WEIGHT, context, begun);
            true
        }
        Cause::Event { descriptor } => counted(&visit, descriptor, context, begun),
    };
    // Of samples only: what the scout passes over takes next to no time, and would make them look better than they are.
    if sampled {
        zone.handler_time.record(clock::ticks().wrapping_sub(begun));
    }
}

/// The scout's signal: a thread with a timer of its own leaves it alone, one without takes it as its sample and gets a timer.
/// Whether it was a sample.
///
/// # Signal safety
/// Runs in the handler: at most five system calls, once in a thread's life.
fn scouted(visit: &Visit<'_>, weight: u32, context: &libc::ucontext_t, begun: u64) -> bool {
    let tid = syscall::thread_id();
    let zone = visit.zone();
    let slot = zone.threads.claim(tid);
    let thread = slot.and_then(|slot| zone.threads.get(slot));
    if let (Some(slot), Some(thread)) = (slot, thread) {
        if let Timer::Armed(_) | Timer::Event(_) = thread.timer() {
            return false;
        }
        visit.arm_itself(slot, thread, tid);
    }
    sample(visit, thread, tid, weight, context, begun);
    true
}

/// A perf event's signal; says whether it became a sample. Signals that come while one waits are merged without a count, so it
/// is the thread's CPU clock that says how many periods have passed.
///
/// # Signal safety
/// Runs in the handler: two system calls, three the first time.
fn counted(visit: &Visit<'_>, descriptor: c_int, context: &libc::ucontext_t, begun: u64) -> bool {
    let tid = syscall::thread_id();
    let zone = visit.zone();
    let Some(thread) = zone.threads.find(tid).and_then(|slot| zone.threads.get(slot)) else { return false };
    if thread.timer() != Timer::Event(descriptor) {
        return false;
    }
    if thread.falls_into_step() {
        event::set_period(descriptor, visit.interval_ns());
    }
    let weight = thread.take_periods(syscall::thread_cpu_ns(), visit.interval_ns());
    if weight > 0 {
        sample(visit, Some(thread), tid, weight, context, begun);
    }
    weight > 0
}

/// Walks the stack and puts it into the buffer.
///
/// # Signal safety
/// Runs in the handler: bounded by the stack's depth, at most [`super::scratch::MAX_FRAMES`].
fn sample(visit: &Visit<'_>, thread: Option<&Thread>, tid: u32, weight: u32, context: &libc::ucontext_t, begun: u64) {
    let zone = visit.zone();
    let (label, stack) = match thread {
        Some(thread) => {
            thread.count_sample(weight);
            (thread.label(), thread.stack(stack_pointer(context)))
        }
        None => (0, StackBounds { low: 0, high: 0 }),
    };
    let taken = match (zone.scratch.take(), visit.tables()) {
        (Some(mut scratch), Some(tables)) => {
            let frames = scratch.frames();
            let walked = walk(context, stack, tables, clock::is_cold(begun), frames);
            let header = Header { tid, weight, label, truncated: !matches!(walked.end, End::Root) };
            frames.get(..walked.len).is_some_and(|frames| zone.samples.push(header, frames))
        }
        _ => false,
    };
    if !taken {
        zone.lost.fetch_add(u64::from(weight), Ordering::Relaxed);
    }
}

/// Where the interrupted code's stack pointer was.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "x86_64")]
fn stack_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs.get(libc::REG_RSP as usize).map_or(0, |&sp| sp as usize)
}

/// Where the interrupted code's stack pointer was.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "aarch64")]
fn stack_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.sp as usize
}
