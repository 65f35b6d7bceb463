//! What a forked child must not inherit: the running session and the open file. Timers and threads stay behind by
//! themselves, and the signal zone's memory is wiped by the kernel.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

use crate::Error;

/// The process in which a session runs, or 0. A child that was forked past libc, so that `in_child` did not run, finds its
/// parent's number there, which is not its own.
static RUNNING: AtomicU32 = AtomicU32::new(0);
/// The descriptor of the growing file, or -1.
static DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);

/// Which descriptors are perf events, one bit each; those beyond are not used. Changed by the collector's thread, read by a
/// child, which has the memory as it was at the fork.
static EVENTS: [AtomicU64; 1024] = [const { AtomicU64::new(0) }; 1024];

/// Forks so far; changed only in a child that has one thread yet.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The right to run the one session of a process; given back when dropped.
pub(crate) struct Claim;

impl Claim {
    /// # Errors
    /// When a session runs in this process.
    pub(crate) fn take() -> Result<Claim, Error> {
        watch();
        let own = std::process::id();
        // Acquire pairs with the release in `drop`: the last session's end is over.
        let taken =
            RUNNING.fetch_update(Ordering::AcqRel, Ordering::Acquire, |running| (running != own).then_some(own));
        taken.map(|_| Claim).map_err(|_| Error::AlreadyRunning)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Only our own: a child that drops a copy has its own number or 0 there. Release pairs with `take`.
        let _ = RUNNING.compare_exchange(std::process::id(), 0, Ordering::Release, Ordering::Relaxed);
    }
}

/// Sees to it that `in_child` runs in every child forked from now on.
fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        // Its only error is a lack of memory; then the process numbers alone tell a child from its parent.
        // SAFETY: these are safe to run around any fork: the first takes and the others release a lock that is held
        // for moments only, and in the child nothing else is done but atomic changes and a system call.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

/// How many forks lie between this process and the one that first watched.
pub(crate) fn count() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Closes the descriptor in every child forked from now on.
pub(crate) fn keep_from_children(descriptor: i32) {
    // Read by a child, which has this thread's memory as it was at the fork.
    DESCRIPTOR.store(descriptor, Ordering::SeqCst);
}

/// Says that the descriptor is about to be closed here.
pub(crate) fn no_longer_keep(descriptor: i32) {
    let _ = DESCRIPTOR.compare_exchange(descriptor, -1, Ordering::SeqCst, Ordering::Relaxed);
}

/// Closes the perf event's descriptor in every child forked from now on; `false` if its number is too high for that.
pub(crate) fn keep_event(descriptor: i32) -> bool {
    let word = EVENTS.get(descriptor as usize / 64);
    word.map(|word| word.fetch_or(1 << (descriptor % 64), Ordering::SeqCst)).is_some()
}

/// Says that the perf event's descriptor is about to be closed here.
pub(crate) fn no_longer_keep_event(descriptor: i32) {
    if let Some(word) = EVENTS.get(descriptor as usize / 64) {
        word.fetch_and(!(1 << (descriptor % 64)), Ordering::SeqCst);
    }
}

/// Takes the lock that is to be held while a thread forks.
static HOLD: OnceLock<fn() -> Box<dyn Any>> = OnceLock::new();

/// From now on, holds what `hold` gives while a thread forks, so that the child finds it with no other thread at work in it.
pub(crate) fn hold_at_forks(hold: fn() -> Box<dyn Any>) {
    let _ = HOLD.set(hold);
    watch();
}

thread_local! {
    /// The lock that this thread holds while it forks: no other thread is at work in what it guards.
    static HELD: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Runs before the fork, in the thread that forks. A thread that is being torn down goes without.
extern "C" fn before() {
    let _ = HELD.try_with(|held| *held.borrow_mut() = HOLD.get().map(|hold| hold()));
}

extern "C" fn in_parent() {
    let _ = HELD.try_with(|held| held.take());
}

/// Runs in the child, which has the forking thread only; a lock that another thread held is held for ever, so it touches only
/// the one that this thread holds.
extern "C" fn in_child() {
    in_parent();
    FORKS.fetch_add(1, Ordering::Relaxed);
    RUNNING.store(0, Ordering::SeqCst);
    for (at, word) in EVENTS.iter().enumerate() {
        let mut bits = word.swap(0, Ordering::SeqCst);
        while let Some(bit) = bits.checked_ilog2() {
            bits &= !(1 << bit);
            // SAFETY: as below.
            unsafe { libc::close((at * 64) as i32 + bit as i32) };
        }
    }
    let descriptor = DESCRIPTOR.swap(-1, Ordering::SeqCst);
    if descriptor >= 0 {
        // SAFETY: the child's copy of a descriptor that only the parent's collector uses, on a thread that the child lacks.
        unsafe { libc::close(descriptor) };
    }
}
