//! A file mapped into memory, of which little is resident at a time.

use std::cell::Cell;
use std::fs::File;
use std::ops::Range;

use memmap2::{Mmap, UncheckedAdvice};

/// How much may become resident before it is given back.
const RESIDENT: usize = 24 << 20;

pub(super) struct Mapped {
    map: Mmap,
    /// How much may have become resident since the last time.
    touched: Cell<usize>,
}

impl Mapped {
    /// What a read at some place makes resident: the kernel maps what surrounds it, too, if it is in memory already
    /// (`fault_around_bytes`).
    pub(super) const AROUND: usize = 64 << 10;

    pub(super) fn new(file: &File) -> Option<Mapped> {
        // SAFETY: whoever changes a program's file while it runs changes its code, too; nothing can be done about that.
        let map = unsafe { Mmap::map(file) }.ok()?;
        Some(Mapped { map, touched: Cell::new(0) })
    }

    pub(super) fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        self.map.get(range)
    }

    /// Says that so many bytes have been read, or will be at once.
    pub(super) fn touch(&self, bytes: usize) {
        self.touched.set(self.touched.get().saturating_add(bytes));
        if self.touched.get() > RESIDENT {
            self.give_back();
        }
    }

    /// Makes nothing of it resident; it comes back when it is read.
    pub(super) fn give_back(&self) {
        self.touched.set(0);
        // SAFETY: the mapping is never written to, so that what comes back is what was there: the file.
        let _ = unsafe { self.map.unchecked_advise(UncheckedAdvice::DontNeed) };
    }
}
