//! The handler uses little of the stack that it runs on: a thread with a small one, or deep in its own, must not overflow.
//! Optimised, as a program that is profiled is, it stays within a kibibyte: `cargo test --release`.
#![cfg(target_arch = "x86_64")]

mod work;

use std::arch::asm;
use std::time::{Duration, Instant};

use plop_collector::Collector;
use work::{child, is_child};

/// Without optimisation each value has a place of its own on the stack, and nothing is inlined.
const ALLOWED: usize = if cfg!(debug_assertions) { 6 << 10 } else { 1 << 10 };
/// Words that are painted below the stack pointer: more than a signal's frame and the handler can use.
const WORDS: usize = 8 << 10;
/// Words that are left alone just below the stack pointer.
const KEPT: usize = 64;

/// Paints the stack below its pointer, spins for so many turns, and says how far down the paint has changed, in bytes; 0 if it
/// has not. All of it in one stretch of assembly, which calls nothing, so that only the kernel and handlers touch the paint.
#[inline(never)]
fn used_while_spinning(turns: u64) -> usize {
    let left: usize;
    // SAFETY: writes to the stack below its pointer, where this function has nothing, since the block may use it; a megabyte is
    // there. The direction flag is clear, as the ABI has it.
    unsafe {
        asm!(
            "lea rdi, [rsp - {bottom}]",
            "mov ecx, {words}",
            "rep stosq",
            "2:",
            "dec {turns}",
            "jnz 2b",
            "lea rdi, [rsp - {bottom}]",
            "mov ecx, {words}",
            "repe scasq",
            // Where all words are as they were, the last one is equal, too.
            "je 3f",
            "inc rcx",
            "3:",
            bottom = const (KEPT + WORDS) * 8,
            words = const WORDS,
            turns = inout(reg) turns => _,
            in("rax") 0x5a17_5a17_5a17_5a17_u64,
            out("rdi") _,
            out("rcx") left,
        );
    }
    if left == 0 { 0 } else { (KEPT + left) * 8 }
}

/// The most that was used while the thread was interrupted often enough, on a stack of its own without an alternate one.
fn most_used(wanted: usize, prepare: impl FnOnce() + Send + 'static) -> usize {
    let worker = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        let off = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: takes the alternate stack away from this thread, which overflows nothing.
        assert_eq!(unsafe { libc::sigaltstack(&off, std::ptr::null_mut()) }, 0);
        prepare();
        let begun = Instant::now();
        let (mut most, mut times) = (0, 0);
        while times < wanted {
            let used = used_while_spinning(5_000_000);
            times += usize::from(used > 0);
            most = most.max(used);
            assert!(begun.elapsed() < Duration::from_secs(60), "interrupted {times} times only");
        }
        most
    });
    worker.expect("a thread can be started").join().expect("it does not panic")
}

/// A timer that interrupts the calling thread, where a handler does nothing: what is used then is the kernel's frame.
fn interrupt_with_an_empty_handler() {
    extern "C" fn nothing(_: libc::c_int) {}
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::SA_RESTART, SigSet::all());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGALRM, &action) }.expect("a valid action");
    // SAFETY: a sigevent is plain data.
    let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
    event.sigev_signo = libc::SIGALRM;
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_notify_thread_id = nix::unistd::gettid().as_raw();
    let mut timer = std::ptr::null_mut();
    // SAFETY: the event is whole, and there is room for the timer's number. It goes with the process.
    assert_eq!(unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) }, 0);
    let period = libc::timespec { tv_sec: 0, tv_nsec: 2_000_000 };
    let setting = libc::itimerspec { it_interval: period, it_value: period };
    // SAFETY: the timer is there and the setting whole.
    assert_eq!(unsafe { libc::timer_settime(timer, 0, &setting, std::ptr::null_mut()) }, 0);
}

#[test]
fn the_handler_uses_little_stack_beyond_the_kernel_s_frame() {
    const NAME: &str = "the_handler_uses_little_stack_beyond_the_kernel_s_frame";
    if !is_child() {
        let ended = child(NAME).output().expect("the child can be started");
        print!("{}", String::from_utf8_lossy(&ended.stdout));
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        return;
    }
    let floor = most_used(5, interrupt_with_an_empty_handler);
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("nothing else runs");
    // The scout's first signal, the look at where the thread stands, and samples with the stack's bounds known.
    let most = most_used(50, || {});
    let samples = collector.stop().expect("there is no output that could fail").total(0);
    assert!(samples >= 25, "{samples} samples were taken");
    println!("the kernel's frame: {floor} bytes; with the handler's: {most} bytes; {} of them its own", most - floor);
    assert!(most > floor && most - floor <= ALLOWED, "{} bytes", most as i64 - floor as i64);
}
