//! Asks a thread where it is: a signal that makes it take a sample, whether it runs or waits.

use std::io;

use super::syscall::syscall;
use super::timer::asking_value;

/// The signal with which threads are asked, and with which perf events report. Unlike SIGPROF it is ignored by default: one
/// that is sent while its thread is in `execve` arrives in the new program, which it must not end. (The kernel takes back those
/// of timers.) Go uses it to preempt for that reason and because few programs do anything with it
/// (<https://github.com/golang/proposal/blob/master/design/24543-non-cooperative-preemption.md>).
pub(crate) const SIGNAL: libc::c_int = libc::SIGURG;

/// A `siginfo_t` as a 64-bit kernel reads it from who queues a signal, 128 bytes.
#[repr(C)]
struct Question {
    signal: i32,
    errno: i32,
    code: i32,
    _pad: i32,
    pid: u32,
    uid: u32,
    value: usize,
    _rest: [usize; 12],
}

/// Sends the question to a thread of this process. It is one signal at a time: while one waits to be answered, another is
/// dropped by the kernel. A thread that waits uninterruptibly, or is stopped, is not woken; it answers when it goes on.
pub(crate) fn ask(pid: u32, tid: u32) -> io::Result<()> {
    send(pid, tid, SIGNAL)
}

/// Whether this process may ask its threads.
pub(crate) fn may_ask(pid: u32, tid: u32) -> io::Result<()> {
    // Signal 0 is checked and not sent.
    send(pid, tid, 0)
}

fn send(pid: u32, tid: u32, signal: i32) -> io::Result<()> {
    let question = Question {
        signal,
        errno: 0,
        code: libc::SI_QUEUE,
        _pad: 0,
        pid,
        uid: 0,
        value: asking_value(),
        _rest: [0; 12],
    };
    let arguments = [pid as usize, tid as usize, signal as usize, (&raw const question) as usize];
    // SAFETY: the kernel reads the 128 bytes of `question`.
    let result = unsafe { syscall(libc::SYS_rt_tgsigqueueinfo, arguments) };
    if result < 0 { Err(io::Error::from_raw_os_error(result.wrapping_neg() as i32)) } else { Ok(()) }
}

#[expect(clippy::disallowed_macros, reason = "checked by the compiler")]
const _: () = assert!(size_of::<Question>() == 128);
