//! The rules that were looked up last, one cache line a look-up: shared by all handlers, without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::rule::Packed;

/// How many: 16 KiB of them.
const ENTRIES_LOG2: u32 = 11;
const ENTRIES: usize = 1 << ENTRIES_LOG2;
/// The lower bits of an entry are the rule, the upper ones the place; code of a user's program lies below 2⁴⁷.
const RULE_BITS: u32 = 16;

/// Each entry is one word, so that whoever reads one reads a place and its rule together; nothing else is inferred from it, and
/// every access is relaxed. An entry of zero says that nothing is known of place 0.
pub(crate) struct Cache {
    entries: Box<[AtomicU64; ENTRIES]>,
}

impl Cache {
    pub(crate) fn new() -> Cache {
        Cache { entries: Box::new([const { AtomicU64::new(0) }; ENTRIES]) }
    }

    /// The rule at a place, if it is here.
    ///
    /// # Signal safety
    /// Runs in the handler: one load.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<Packed> {
        let entry = self.entry(place)?.load(Relaxed);
        (entry >> RULE_BITS == place as u64).then_some(Packed(entry as u16))
    }

    /// Puts a rule in the place of another one.
    ///
    /// # Signal safety
    /// Runs in the handler: one store.
    pub(crate) fn put(&self, place: usize, Packed(rule): Packed) {
        // What lies higher can't be told apart, and is no code.
        if place as u64 >> (u64::BITS - RULE_BITS) == 0
            && let Some(entry) = self.entry(place)
        {
            entry.store((place as u64) << RULE_BITS | u64::from(rule), Relaxed);
        }
    }

    /// Has the processor fetch the entry of a place.
    ///
    /// # Signal safety
    /// Runs in the handler: one instruction, which touches nothing that can be seen.
    #[inline]
    pub(crate) fn prefetch(&self, place: usize) {
        if let Some(entry) = self.entry(place) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: SSE is part of x86_64, and a prefetch may be given any address.
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>((&raw const *entry).cast());
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = entry;
        }
    }

    /// Return addresses spread evenly by the upper bits of a product with the golden ratio (Knuth, The Art of Computer
    /// Programming 3, 6.4).
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    fn entry(&self, place: usize) -> Option<&AtomicU64> {
        let hash = (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - ENTRIES_LOG2);
        self.entries.get(hash as usize)
    }

    pub(crate) const fn memory_bytes() -> usize {
        ENTRIES.wrapping_mul(size_of::<AtomicU64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_until_something_takes_its_place() {
        let cache = Cache::new();
        let place = |n: usize| 0x5555_5555_0000 + n * 24;
        assert_eq!(cache.get(place(1)), None);
        for n in 0..10 * ENTRIES {
            cache.put(place(n), Packed(n as u16));
            assert_eq!(cache.get(place(n)), Some(Packed(n as u16)));
        }
        let found = (0..10 * ENTRIES).filter(|&n| cache.get(place(n)).is_some()).count();
        assert!((ENTRIES / 2..=ENTRIES).contains(&found), "{found}");
        assert!((0..10 * ENTRIES).all(|n| cache.get(place(n)).is_none_or(|rule| rule == Packed(n as u16))));
    }

    #[test]
    fn an_address_that_no_program_has_is_not_kept() {
        let cache = Cache::new();
        cache.put(usize::MAX, Packed(7));
        cache.put(1 << 60, Packed(7));
        assert_eq!((cache.get(usize::MAX), cache.get(1 << 60)), (None, None));
    }
}
