//! The buffer between the handlers and the collector's thread: a ring of words that any number of handlers write to and one
//! thread reads, without a lock. Knows nothing of what the words mean beyond a record's header.
//!
//! A record is its header and its frames. A handler reserves the words, fills them and stores the header's first word last;
//! 0 there means that the record is not finished. The reader takes finished records in order, sets their words to 0 again
//! and only then gives the room back.

use core::sync::atomic::{AtomicU64, Ordering};

/// Words in the ring: 1 MiB, about 2,900 stacks of 40 frames.
const WORDS: usize = 1 << 17;
/// Words of a record before its frames.
const HEADER: usize = 3;
/// How often a reservation is tried while other handlers reserve too; each failure means that another one succeeded.
const TRIES: u32 = 100;
/// In a record's first word: it is finished.
const FINISHED: u64 = 1 << 63;
/// How far ahead of the handlers the reader has the kernel back the ring with memory: 128 KiB, what 100 handlers with stacks of
/// 150 frames write. A handler that is the first to touch a page waits for the kernel to find one and clear it, which takes
/// longer than all the rest that it does.
const AHEAD: u64 = 1 << 14;
const WORDS_OF_A_PAGE: u64 = 4096 / size_of::<u64>() as u64;

/// What a record says besides its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tid: u32,
    /// How many periods the sample stands for.
    pub(crate) weight: u32,
    /// The thread's label set.
    pub(crate) label: u32,
    /// Whether the stack ends before the thread's start.
    pub(crate) truncated: bool,
}

/// A counter on a cache line of its own.
#[repr(align(64))]
struct Position(AtomicU64);

/// The ring. All zero is an empty one.
pub(crate) struct Buffer {
    /// Words ever reserved; written by handlers.
    reserved: Position,
    /// Words ever given back; written by the reader.
    consumed: Position,
    /// Words that are known to be backed with memory; the reader's alone.
    touched: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Buffer {
    /// Puts in a sample; `false` when there is no room.
    ///
    /// # Signal safety
    /// Runs in the handler, on any number of threads at once: bounded by [`TRIES`] and the number of frames.
    pub(crate) fn push(&self, header: Header, frames: &[u64]) -> bool {
        let size = (HEADER as u64).wrapping_add(frames.len() as u64);
        let Some(at) = self.reserve(size) else { return false };
        // These become visible with the release store of the first word.
        self.set(at.wrapping_add(1), u64::from(header.tid) | u64::from(header.label) << 32);
        self.set(at.wrapping_add(2), u64::from(header.weight) | u64::from(header.truncated) << 32);
        let mut next = at.wrapping_add(HEADER as u64);
        for &frame in frames {
            self.set(next, frame);
            next = next.wrapping_add(1);
        }
        // Pairs with the acquire load in `drain`.
        self.word(at).store(FINISHED | size, Ordering::Release);
        true
    }

    /// Reserves words; where they begin, or `None` when there is no room.
    ///
    /// # Signal safety
    /// As [`Buffer::push`].
    fn reserve(&self, size: u64) -> Option<u64> {
        // Which handler gets which words is settled by the exchange alone, so it is relaxed.
        let mut at = self.reserved.0.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            // Pairs with the release store in `drain`: the words before it have been set to 0.
            let consumed = self.consumed.0.load(Ordering::Acquire);
            let end = at.wrapping_add(size);
            // An outdated `at` may lie before `consumed`; then the exchange fails.
            if end.saturating_sub(consumed) > WORDS as u64 {
                return None;
            }
            match self.reserved.0.compare_exchange_weak(at, end, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(at),
                Err(now) => at = now,
            }
        }
        None
    }

    /// Takes all finished records out. Only one thread may do so at a time.
    #[expect(clippy::disallowed_types, clippy::arithmetic_side_effects, reason = "runs on the collector's thread")]
    pub(crate) fn drain(&self, mut take: impl FnMut(Header, &[u64])) {
        let mut frames = Vec::new();
        // Written by this thread only.
        let mut at = self.consumed.0.load(Ordering::Relaxed);
        loop {
            // Pairs with the release store in `push`: what it finds finished is there.
            let first = self.word(at).load(Ordering::Acquire);
            if first & FINISHED == 0 {
                break;
            }
            let size = first & !FINISHED;
            let (second, third) = (self.get(at + 1), self.get(at + 2));
            frames.clear();
            frames.extend((HEADER as u64..size).map(|offset| self.get(at + offset)));
            (0..size).for_each(|offset| self.set(at + offset, 0));
            at += size;
            // Pairs with the acquire load in `reserve`.
            self.consumed.0.store(at, Ordering::Release);
            let header = Header {
                tid: second as u32,
                label: (second >> 32) as u32,
                weight: third as u32,
                truncated: third >> 32 != 0,
            };
            take(header, &frames);
        }
        self.touch_ahead();
    }

    /// Has the kernel back the words that handlers will write to next with memory.
    fn touch_ahead(&self) {
        // How far they are by now is a guess, and only this thread goes by it.
        let until = self.reserved.0.load(Ordering::Relaxed).saturating_add(AHEAD).min(WORDS as u64);
        let mut at = self.touched.load(Ordering::Relaxed);
        while at < until {
            // Leaves the word as it is, whoever may be writing to it.
            self.word(at).fetch_or(0, Ordering::Relaxed);
            at = at.wrapping_add(WORDS_OF_A_PAGE);
        }
        self.touched.store(at, Ordering::Relaxed);
    }

    /// The share of the ring that is reserved now.
    pub(crate) fn fill(&self) -> f64 {
        // A statistic; nothing is inferred from it.
        let consumed = self.consumed.0.load(Ordering::Relaxed);
        self.reserved.0.load(Ordering::Relaxed).saturating_sub(consumed) as f64 / WORDS as f64
    }

    /// The words that hold something at the time, as memory that the ring has touched at most.
    pub(crate) const fn memory_bytes() -> usize {
        WORDS.wrapping_mul(size_of::<u64>())
    }

    #[inline]
    fn set(&self, at: u64, value: u64) {
        self.word(at).store(value, Ordering::Relaxed);
    }

    #[inline]
    fn get(&self, at: u64) -> u64 {
        self.word(at).load(Ordering::Relaxed)
    }

    /// # Signal safety
    /// Runs in the handler: one masked address.
    #[inline]
    fn word(&self, at: u64) -> &AtomicU64 {
        let index = at as usize & (WORDS - 1);
        // SAFETY: the mask keeps the index below the number of words, which is a power of two.
        unsafe { self.words.get_unchecked(index) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Box<Buffer> {
        // SAFETY: a buffer is made of atomic integers only, for which all bits zero is a value.
        unsafe { Box::<Buffer>::new_zeroed().assume_init() }
    }

    #[test]
    fn records_come_out_as_they_went_in_round_after_round() {
        let buffer = empty();
        let frames: Vec<u64> = (1..=1000).collect();
        for round in 0..500_u32 {
            let header = Header { tid: round, weight: 2, label: 7, truncated: round % 2 == 0 };
            assert!(buffer.push(header, &frames[..(round as usize * 7) % 1000]));
            assert!(buffer.push(header, &frames[..3]));
            let mut taken = Vec::new();
            buffer.drain(|header, frames| taken.push((header, frames.to_vec())));
            assert_eq!(taken.len(), 2);
            assert_eq!(taken[0], (header, frames[..(round as usize * 7) % 1000].to_vec()));
            assert_eq!(taken[1], (header, frames[..3].to_vec()));
        }
    }

    #[test]
    fn a_full_buffer_refuses_and_takes_again_once_drained() {
        let buffer = empty();
        let header = Header { tid: 1, weight: 1, label: 0, truncated: false };
        let frames = [9; 97];
        let room = WORDS / (HEADER + frames.len());
        for _ in 0..room {
            assert!(buffer.push(header, &frames));
        }
        assert!(!buffer.push(header, &frames));
        assert!(buffer.fill() > 0.99);
        let mut taken = 0;
        buffer.drain(|_, _| taken += 1);
        assert_eq!(taken, room);
        assert!(buffer.push(header, &frames));
    }

    #[test]
    fn many_writers_and_one_reader_lose_and_mix_nothing() {
        const WRITERS: u32 = 4;
        const EACH: u32 = 20_000;
        let buffer = empty();
        let mut sums = [0_u64; WRITERS as usize];
        let mut taken = 0;
        std::thread::scope(|scope| {
            for tid in 0..WRITERS {
                let buffer = &buffer;
                scope.spawn(move || {
                    for n in 0..EACH {
                        let header = Header { tid, weight: n, label: !n, truncated: false };
                        let frames = [u64::from(n); 20];
                        while !buffer.push(header, &frames[..n as usize % 20]) {
                            std::thread::yield_now();
                        }
                    }
                });
            }
            while taken < WRITERS * EACH {
                buffer.drain(|header, frames| {
                    assert_eq!(header.label, !header.weight);
                    assert_eq!(frames.len(), header.weight as usize % 20);
                    assert!(frames.iter().all(|&frame| frame == u64::from(header.weight)));
                    sums[header.tid as usize] += u64::from(header.weight);
                    taken += 1;
                });
            }
        });
        let expected = u64::from(EACH) * u64::from(EACH - 1) / 2;
        assert_eq!(sums, [expected; WRITERS as usize]);
    }
}
