//! System calls by instruction, so that no libc code runs in the handler and `errno` is never touched. Knows nothing of
//! what the calls are for.

/// Makes a system call.
///
/// # Signal safety
/// Runs anywhere. The kernel's negative error number comes back as it is; `errno` stays as it was.
///
/// # Safety
/// The call with these arguments must be sound: every pointer among them valid for what the kernel reads and writes.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) unsafe fn syscall(number: libc::c_long, arguments: [usize; 4]) -> isize {
    let [first, second, third, fourth] = arguments;
    let result: isize;
    // SAFETY: the caller vouches for the call; the kernel changes rax, rcx, r11 and memory only, all of it declared.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a system call.
///
/// # Signal safety
/// Runs anywhere. The kernel's negative error number comes back as it is; `errno` stays as it was.
///
/// # Safety
/// The call with these arguments must be sound: every pointer among them valid for what the kernel reads and writes.
#[cfg(target_arch = "aarch64")]
#[inline]
pub(crate) unsafe fn syscall(number: libc::c_long, arguments: [usize; 4]) -> isize {
    let [first, second, third, fourth] = arguments;
    let result: isize;
    // SAFETY: the caller vouches for the call; the kernel changes x0 and memory only, all of it declared.
    unsafe {
        core::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") first as isize => result,
            in("x1") second,
            in("x2") third,
            in("x3") fourth,
            options(nostack),
        );
    }
    result
}

/// The calling thread's number.
///
/// # Signal safety
/// Runs anywhere: one system call.
#[inline]
pub(crate) fn thread_id() -> u32 {
    // SAFETY: gettid takes no arguments and cannot fail.
    let tid = unsafe { syscall(libc::SYS_gettid, [0; 4]) };
    tid as u32
}

/// CPU time of the calling thread in nanoseconds; 0 if the clock can't be read.
///
/// # Signal safety
/// Runs anywhere: one system call.
pub(crate) fn thread_cpu_ns() -> u64 {
    let mut time = [0_u64; 2];
    let arguments = [libc::CLOCK_THREAD_CPUTIME_ID as usize, time.as_mut_ptr() as usize, 0, 0];
    // SAFETY: a 64-bit kernel writes two words, seconds and nanoseconds, which is what `time` has.
    let result = unsafe { syscall(libc::SYS_clock_gettime, arguments) };
    let [seconds, nanoseconds] = time;
    if result == 0 { seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds) } else { 0 }
}

/// The calling thread's name, at most 15 bytes and a NUL, as two words in memory order.
///
/// # Signal safety
/// Runs anywhere: one system call.
pub(crate) fn thread_name() -> [u64; 2] {
    let mut name = [0_u64; 2];
    // SAFETY: PR_GET_NAME writes 16 bytes, which is what `name` has.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_NAME as usize, name.as_mut_ptr() as usize, 0, 0]) };
    name
}

/// Where the calling thread's control block lies; 0 if that cannot be known.
///
/// # Signal safety
/// Runs anywhere: one system call, no memory of the thread is read.
#[cfg(target_arch = "x86_64")]
pub(crate) fn thread_pointer() -> usize {
    /// From Linux's `asm/prctl.h`.
    const ARCH_GET_FS: usize = 0x1003;
    let mut pointer = 0_usize;
    // SAFETY: ARCH_GET_FS writes one word, which is what `pointer` has.
    let result = unsafe { syscall(libc::SYS_arch_prctl, [ARCH_GET_FS, (&raw mut pointer) as usize, 0, 0]) };
    if result == 0 { pointer } else { 0 }
}

/// Where the calling thread's control block lies; 0 if that cannot be known.
///
/// # Signal safety
/// Runs anywhere: one register is read.
#[cfg(target_arch = "aarch64")]
pub(crate) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reading this register has no effect; user code may do so on every aarch64 Linux.
    unsafe { core::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Where the calling thread's control block lies, for a thread that has been seen to have one.
///
/// # Signal safety
/// Runs on a thread whose [`thread_pointer`] is not 0: one load.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn control_block() -> usize {
    let pointer: usize;
    // SAFETY: the x86_64 ABI has the control block begin with its own address, and user code in a thread that has one may
    // read it; a process whose threads had one has no threads without.
    unsafe { core::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, preserves_flags, readonly)) };
    pointer
}

/// Where the calling thread's control block lies.
///
/// # Signal safety
/// Runs anywhere: one register is read.
#[cfg(target_arch = "aarch64")]
#[inline]
pub(crate) fn control_block() -> usize {
    thread_pointer()
}
