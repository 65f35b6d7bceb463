//! The hazard of a program's own signals: handlers that run long, nested under and over the collector's.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Course;

/// What the handler has computed. Relaxed: nobody depends on it.
static SINK: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(_: libc::c_int) {
    let sum = (0..20_000_u64).fold(0_u64, |sum, n| sum.rotate_left(3) ^ n);
    SINK.fetch_xor(sum, Ordering::Relaxed);
}

/// Raises SIGUSR2 again and again, with a handler that samples can hit, on a stack of its own every other time.
pub(super) fn handle_signals(course: &Course) {
    let mut stack = vec![0_u8; 64 << 10];
    let alternate = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    // SAFETY: `stack` outlives its use as this thread's signal stack, which ends below. The old one is kept: Rust's own.
    let mut old: libc::stack_t = unsafe { std::mem::zeroed() };
    // SAFETY: both point to whole stack_t.
    unsafe { libc::sigaltstack(&alternate, &mut old) };
    let mut flags = 0;
    while course.goes_on() {
        flags ^= libc::SA_ONSTACK;
        // SAFETY: all zeroes is a valid sigaction.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = flags | libc::SA_RESTART;
        // SAFETY: the handler calls nothing that a handler must not.
        unsafe { libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()) };
        // SAFETY: the signal has a handler.
        unsafe { libc::raise(libc::SIGUSR2) };
    }
    // SAFETY: gives the thread its former signal stack back before `stack` is freed.
    unsafe { libc::sigaltstack(&old, std::ptr::null_mut()) };
}
