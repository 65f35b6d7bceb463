//! Room for a stack while it is being walked, off the sampled thread's own stack: a few slots that a handler takes for as
//! long as it runs.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// The deepest stack that is kept whole.
pub(crate) const MAX_FRAMES: usize = 1024;
/// How many handlers can walk at a time: as many as one cache line can tell of. One takes microseconds, so more than the
/// processors' number are taken only when handlers are preempted.
const SLOTS: usize = 64;

/// The slots. All zero is all free.
pub(crate) struct Scratch {
    /// Which slots are taken. A handler takes the first free one, which is the one most likely to be in the cache.
    taken: Taken,
    slots: [Slot; SLOTS],
}

/// On a cache line of its own, since every handler writes to it.
#[repr(align(64))]
struct Taken([AtomicBool; SLOTS]);

struct Slot(UnsafeCell<[u64; MAX_FRAMES]>);

// SAFETY: the frames of a slot are reached only through a `Guard`, of which `taken` allows one at a time.
unsafe impl Sync for Scratch {}

/// A slot that is taken until this is dropped.
pub(crate) struct Guard<'a> {
    taken: &'a AtomicBool,
    slot: &'a Slot,
}

impl Scratch {
    /// Takes a slot; `None` when all are taken.
    ///
    /// # Signal safety
    /// Runs in the handler: bounded by [`SLOTS`].
    pub(crate) fn take(&self) -> Option<Guard<'_>> {
        let mut all = self.taken.0.iter().zip(&self.slots);
        // Acquire pairs with the release store in `drop`: the slot's last user has finished with the frames. The load before it
        // only spares the exchange.
        let free = |taken: &AtomicBool| !taken.load(Ordering::Relaxed) && !taken.swap(true, Ordering::Acquire);
        all.find(|(taken, _)| free(taken)).map(|(taken, slot)| Guard { taken, slot })
    }

    /// Has the kernel back that many slots with memory, so that no handler has to wait for it. Called while no handler runs.
    #[expect(clippy::disallowed_types, reason = "runs on the collector's thread")]
    pub(crate) fn touch(&self, slots: usize) {
        const WORDS_OF_A_PAGE: usize = 4096 / size_of::<u64>();
        let mut guards: Vec<_> = (0..slots).map_while(|_| self.take()).collect();
        let pages = guards.iter_mut().flat_map(|guard| guard.frames().chunks_mut(WORDS_OF_A_PAGE));
        pages.filter_map(<[u64]>::first_mut).for_each(|word| *word = 0);
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
        unsafe { &mut *self.slot.0.get() }
    }
}

impl Drop for Guard<'_> {
    /// # Signal safety
    /// Runs in the handler.
    fn drop(&mut self) {
        // Pairs with the acquire swap in `take`.
        self.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_one_owner_at_a_time_and_the_lowest_is_taken_first() {
        // SAFETY: slots are made of integers only, for which all bits zero is a value.
        let scratch = unsafe { Box::<Scratch>::new_zeroed().assume_init() };
        scratch.touch(3);
        let mut all: Vec<_> = (0..SLOTS).map_while(|_| scratch.take()).collect();
        assert_eq!(all.len(), SLOTS);
        assert!(scratch.take().is_none());
        let places = all.iter_mut().map(|guard| guard.frames().as_ptr()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(places.len(), SLOTS);
        let third = all.remove(2).frames().as_ptr();
        drop(all.pop());
        assert_eq!(scratch.take().map(|mut guard| guard.frames().as_ptr()), Some(third));
    }
}
