//! A file mapped into memory, of which little is resident at a time.

use std::cell::RefCell;
use std::fs::File;
use std::ops::Range;

use rustc_hash::FxHashSet;

use memmap2::{Mmap, UncheckedAdvice};

/// How much may become resident before it is given back. Below that it stays, since what is near it is asked for next, and having
/// the kernel map it again takes longer than reading it.
const RESIDENT: usize = 24 << 20;
/// What a read at some place makes resident: the kernel maps what surrounds it, too, if it is in memory already
/// (`fault_around_bytes`).
const AROUND: usize = 64 << 10;

pub(super) struct Mapped {
    map: Mmap,
    /// What is resident, in pieces of [`AROUND`] from the map's beginning on.
    touched: RefCell<FxHashSet<usize>>,
}

impl Mapped {
    pub(super) fn new(file: &File) -> Option<Mapped> {
        // SAFETY: whoever changes a program's file while it runs changes its code, too; nothing can be done about that.
        let map = unsafe { Mmap::map(file) }.ok()?;
        Some(Mapped { map, touched: RefCell::default() })
    }

    pub(super) fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        self.map.get(range)
    }

    /// Says that these bytes have been read, or will be at once. What lies elsewhere, as sections do that were compressed, does
    /// not count. If too much is resident, all of it is given back; it comes back when it is read.
    pub(super) fn touch(&self, bytes: &[u8]) {
        let begin = bytes.as_ptr().addr().wrapping_sub(self.map.as_ptr().addr());
        if begin >= self.map.len() || bytes.is_empty() {
            return;
        }
        let mut touched = self.touched.borrow_mut();
        if touched.len() > RESIDENT / AROUND {
            touched.clear();
            // SAFETY: the mapping is never written to, so that what comes back is what was there: the file.
            let _ = unsafe { self.map.unchecked_advise(UncheckedAdvice::DontNeed) };
        }
        touched.extend(begin / AROUND..=(begin + bytes.len() - 1) / AROUND);
    }
}
