//! The handler allocates nothing. The allocator here aborts the process when a worker asks for memory while SIGPROF is blocked,
//! which on a worker it is only inside the handler.

mod work;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use plop_collector::Collector;
use work::{child, is_child, sampled, spend};

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

struct Trap;

/// # Panics
/// Never: it aborts.
fn check() {
    if !IS_WORKER.get() {
        return;
    }
    // SAFETY: a signal set is plain bits, which the next call fills.
    let mut blocked: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: without a new mask this only writes to `blocked`.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut blocked) };
    // SAFETY: `blocked` is a set that the call above has filled.
    if unsafe { libc::sigismember(&blocked, libc::SIGPROF) } == 1 {
        // SAFETY: it never returns.
        unsafe { libc::abort() };
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Trap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        check();
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check();
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Trap = Trap;

fn allocate() {
    let mut texts = BTreeMap::new();
    for n in 0..50_u32 {
        texts.insert(n, n.to_string().repeat(n as usize));
    }
    std::hint::black_box(texts);
}

#[test]
fn the_handler_allocates_nothing_under_a_load_that_does_little_else() {
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("nothing else runs");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                IS_WORKER.set(true);
                spend(Duration::from_millis(500), allocate);
                IS_WORKER.set(false);
            });
        }
    });
    let profile = collector.stop().expect("there is no output that could fail");
    assert!(sampled(&profile) > Duration::from_secs(1), "the handler has run");
}

#[test]
fn the_trap_catches_a_handler_that_allocates() {
    extern "C" fn allocating(_: libc::c_int) {
        drop(std::hint::black_box(Box::new(7)));
    }
    const NAME: &str = "the_trap_catches_a_handler_that_allocates";
    if is_child() {
        IS_WORKER.set(true);
        let handler = nix::sys::signal::SigHandler::Handler(allocating);
        let flags = nix::sys::signal::SaFlags::empty();
        let action = nix::sys::signal::SigAction::new(handler, flags, nix::sys::signal::SigSet::all());
        // SAFETY: that this handler may not allocate is what the test is about.
        unsafe { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGUSR1, &action) }.expect("a valid action");
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGUSR1).expect("a valid signal");
        return;
    }
    let ended = child(NAME).output().expect("the child can be started");
    assert_eq!(ended.status.signal(), Some(libc::SIGABRT));
}
