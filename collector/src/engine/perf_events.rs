//! A clock that the kernel's tick does not bound: each thread has a perf event on its own CPU time, whose timer is a
//! high-resolution one and which sends the thread a signal at each period. Where that is permitted; see
//! <https://docs.kernel.org/admin-guide/perf-security.html>.

use std::io;
use std::time::Duration;

use crate::Error;
use crate::fork;
use crate::signal::syscall::{syscall, thread_id};
use crate::signal::threads::{Thread, Timer};
use crate::signal::{asking, clock};

use super::thread_clock::cpu_time;
use crate::signal::timer::Clock;

/// From Linux's `linux/perf_event.h`.
const PERF_TYPE_SOFTWARE: u32 = 1;
const PERF_COUNT_SW_TASK_CLOCK: u64 = 1;
const PERF_FLAG_FD_CLOEXEC: usize = 1 << 3;
const PERF_EVENT_IOC_ENABLE: libc::Ioctl = 0x2400;
const PERF_EVENT_IOC_DISABLE: libc::Ioctl = 0x2401;
const DISABLED: u64 = 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HV: u64 = 1 << 6;
/// Since Linux 5.13. A child that holds a copy of the descriptor would keep the event alive in the program that its parent
/// executes.
const REMOVE_ON_EXEC: u64 = 1 << 36;
/// From `asm-generic/fcntl.h`.
const F_SETSIG: libc::c_int = 10;
const F_SETOWN_EX: libc::c_int = 15;
const F_OWNER_TID: libc::c_int = 0;

/// `struct perf_event_attr` up to `aux_sample_size`, 120 bytes (PERF_ATTR_SIZE_VER6, Linux 5.5).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    rest: [u64; 8],
}

const _: () = assert!(size_of::<Attributes>() == 120);

#[repr(C)]
struct Owner {
    kind: libc::c_int,
    pid: libc::c_int,
}

/// The events of all threads.
pub(super) struct PerfEvents {
    interval: Duration,
    /// Code in the kernel is left out where the process may not look at it; its time counts for the next sample outside.
    exclude_kernel: bool,
    open: usize,
    /// How many there may be: half of the descriptors that the process may have.
    most: usize,
}

impl PerfEvents {
    /// # Errors
    /// When the process may not have any.
    pub(super) fn new(interval: Duration) -> Result<Self, Error> {
        let mut events = PerfEvents { interval, exclude_kernel: false, open: 0, most: half_of_descriptors() };
        let mut probe = events.create(thread_id(), interval);
        if probe.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            events.exclude_kernel = true;
            probe = events.create(thread_id(), interval);
        }
        match probe {
            Ok(descriptor) => close(descriptor),
            Err(source) => return Err(Error::PerfEvent { source, paranoid: paranoid() }),
        }
        Ok(events)
    }

    /// Gives the thread an event, if it has nothing yet; `false` when it can get none.
    pub(super) fn give(&mut self, thread: &Thread, tid: u32) -> bool {
        if !thread.begin_arming() {
            return true;
        }
        let begun = if self.open < self.most { self.begin(thread, tid) } else { None };
        if begun.is_none() {
            thread.set_timer(Timer::Unarmed);
        }
        begun.is_some()
    }

    fn begin(&mut self, thread: &Thread, tid: u32) -> Option<()> {
        let interval_ns = self.interval.as_nanos() as u64;
        // The first period is over at a random place in a whole one, as that of a timer is; the handler then asks for whole ones.
        let first_ns = 1 + clock::random(u64::from(tid)) % interval_ns;
        let descriptor = self.create(tid, Duration::from_nanos(first_ns)).ok()?;
        let Some(cpu) =
            cpu_time(Clock::Thread(tid)).filter(|_| direct(descriptor, tid) && fork::keep_event(descriptor))
        else {
            close(descriptor);
            return None;
        };
        self.open += 1;
        // As if a period had begun so long ago that it is over with the first. Half a period stands for a whole one, so that neither
        // an event that comes a little early counts for nothing, nor one that comes late for two.
        let begun = (cpu.as_nanos() as u64).wrapping_add(first_ns).wrapping_sub(interval_ns);
        thread.begin_periods(begun.wrapping_sub(interval_ns / 2));
        thread.set_timer(Timer::Event(descriptor));
        // SAFETY: enables the event of this descriptor, which is ours, and touches no memory.
        unsafe { libc::ioctl(descriptor, PERF_EVENT_IOC_ENABLE, 0) };
        Some(())
    }

    /// Ends an event.
    pub(super) fn take_back(&mut self, descriptor: i32) {
        self.open -= 1;
        // A forked child that was not told may have a copy of the descriptor, which keeps the event.
        // SAFETY: disables the event of this descriptor, which is ours, and touches no memory.
        unsafe { libc::ioctl(descriptor, PERF_EVENT_IOC_DISABLE, 0) };
        fork::no_longer_keep_event(descriptor);
        close(descriptor);
    }

    /// A new event on the thread's CPU time, not enabled.
    fn create(&self, tid: u32, period: Duration) -> io::Result<i32> {
        let kernel = if self.exclude_kernel { EXCLUDE_KERNEL } else { 0 };
        let attributes = Attributes {
            kind: PERF_TYPE_SOFTWARE,
            size: size_of::<Attributes>() as u32,
            config: PERF_COUNT_SW_TASK_CLOCK,
            sample_period: period.as_nanos() as u64,
            flags: DISABLED | EXCLUDE_HV | REMOVE_ON_EXEC | kernel,
            wakeup_events: 1,
            ..Attributes::default()
        };
        let (any_cpu, no_group) = (-1_isize as usize, -1_isize as usize);
        // SAFETY: the kernel reads the 120 bytes of `attributes` that its size says, and opens a descriptor.
        let result = unsafe { open_event(&attributes, tid, any_cpu, no_group) };
        if result < 0 { Err(io::Error::from_raw_os_error(result.wrapping_neg() as i32)) } else { Ok(result as i32) }
    }
}

/// # Safety
/// `attributes` must be as the kernel has them.
unsafe fn open_event(attributes: &Attributes, tid: u32, cpu: usize, group: usize) -> isize {
    // SAFETY: the caller vouches for the attributes; libc's function takes the five arguments that the call has.
    let result = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const *attributes, tid as usize, cpu, group, PERF_FLAG_FD_CLOEXEC)
    };
    if result >= 0 {
        return result as isize;
    }
    -(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL) as isize)
}

/// Has the event's signals sent to the thread; says whether that worked.
fn direct(descriptor: i32, tid: u32) -> bool {
    let owner = Owner { kind: F_OWNER_TID, pid: tid as libc::c_int };
    let commands = [
        (libc::F_SETFL, (libc::O_ASYNC | libc::O_NONBLOCK) as usize),
        (F_SETSIG, asking::SIGNAL as usize),
        (F_SETOWN_EX, (&raw const owner) as usize),
    ];
    commands.into_iter().all(|(command, argument)| {
        // SAFETY: the descriptor is ours; F_SETOWN_EX reads the two numbers of `owner`, the others take numbers.
        let result = unsafe { syscall(libc::SYS_fcntl, [descriptor as usize, command as usize, argument, 0]) };
        result >= 0
    })
}

fn close(descriptor: i32) {
    // SAFETY: the descriptor is ours and not used after this.
    unsafe { libc::close(descriptor) };
}

fn paranoid() -> Option<i32> {
    std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?.trim().parse().ok()
}

fn half_of_descriptors() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes to `limit` only.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    usize::try_from(limit.rlim_cur / 2).unwrap_or(usize::MAX)
}
