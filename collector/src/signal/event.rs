//! What a handler does to its thread's perf event.

use super::syscall::syscall;

/// From Linux's `linux/perf_event.h`: `_IOW('$', 4, __u64)`.
const PERF_EVENT_IOC_PERIOD: usize = 0x4008_2404;

/// Has the event count periods of that length, the next one from now on.
///
/// # Signal safety
/// Runs in the handler: one system call.
pub(super) fn set_period(descriptor: i32, period_ns: u64) {
    let arguments = [descriptor as usize, PERF_EVENT_IOC_PERIOD, (&raw const period_ns) as usize, 0];
    // SAFETY: the kernel reads eight bytes of `period_ns`. If it refuses, the event goes on as it was.
    unsafe { syscall(libc::SYS_ioctl, arguments) };
}
