//! Room for a stack while it is being walked, off the sampled thread's own stack: a few slots that a handler takes for as
//! long as it runs.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// The deepest stack that is kept whole.
pub(crate) const MAX_FRAMES: usize = 1024;
/// How many handlers can walk at a time. One takes microseconds, so more than the processors' number are taken only when
/// handlers are preempted.
const SLOTS: usize = 64;
/// How many slots a handler tries.
const TRIES: usize = 8;

#[repr(align(64))]
struct Slot {
    taken: AtomicBool,
    frames: UnsafeCell<[u64; MAX_FRAMES]>,
}

/// The slots. All zero is all free.
pub(crate) struct Scratch {
    slots: [Slot; SLOTS],
}

// SAFETY: the frames of a slot are reached only through a `Guard`, of which `taken` allows one at a time.
unsafe impl Sync for Scratch {}

/// A slot that is taken until this is dropped.
pub(crate) struct Guard<'a> {
    slot: &'a Slot,
}

impl Scratch {
    /// Takes a slot, a free one near `hint`; `None` when those are taken.
    ///
    /// # Signal safety
    /// Runs in the handler: bounded by [`TRIES`].
    pub(crate) fn take(&self, hint: usize) -> Option<Guard<'_>> {
        for offset in 0..TRIES {
            let slot = self.slots.get(hint.wrapping_add(offset) % SLOTS)?;
            // Acquire pairs with the release store in `drop`: the slot's last user has finished with the frames.
            if !slot.taken.swap(true, Ordering::Acquire) {
                return Some(Guard { slot });
            }
        }
        None
    }

    /// Memory that the slots have touched at most.
    pub(crate) const fn memory_bytes() -> usize {
        size_of::<Scratch>()
    }
}

impl Guard<'_> {
    /// # Signal safety
    /// Runs in the handler.
    pub(crate) fn frames(&mut self) -> &mut [u64] {
        // SAFETY: `taken` was false and this guard made it true, so nobody else has the frames until it is dropped.
        unsafe { &mut *self.slot.frames.get() }
    }
}

impl Drop for Guard<'_> {
    /// # Signal safety
    /// Runs in the handler.
    fn drop(&mut self) {
        // Pairs with the acquire swap in `take`.
        self.slot.taken.store(false, Ordering::Release);
    }
}
