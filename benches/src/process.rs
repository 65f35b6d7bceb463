//! What the kernel knows of this process: CPU time and memory.

use std::time::Duration;

/// CPU time of all threads of this process so far.
pub fn cpu_time() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// The time of one of the kernel's clocks.
///
/// # Panics
/// When the kernel does not have it.
pub fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec to write to.
    assert_eq!(unsafe { libc::clock_gettime(id, &mut time) }, 0, "the kernel has clock {id}");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Resident memory now and at its highest, in KiB.
///
/// # Panics
/// When `/proc` is not mounted.
pub fn resident_kib() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_end_matches("kB").trim().parse().unwrap_or(0)
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Makes the highest of [`resident_kib`] begin anew from what is resident now.
///
/// # Panics
/// When `/proc` is not mounted.
pub fn forget_peak() {
    // proc(5), clear_refs.
    std::fs::write("/proc/self/clear_refs", "5").expect("/proc is mounted");
}
