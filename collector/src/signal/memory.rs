//! Reads from a stack that may not be all there.

use super::syscall::syscall;

const PAGE: usize = 4096;

/// What is known of where a stack lies: from `low` up to `high`, or both 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StackBounds {
    pub(crate) low: usize,
    pub(crate) high: usize,
}

/// The memory of one walk.
pub(crate) struct Memory {
    stack: StackBounds,
    /// The page outside the stack's bounds that was last found readable, or 0.
    page: usize,
}

impl Memory {
    /// # Signal safety
    /// Runs in the handler.
    pub(crate) fn new(stack: StackBounds) -> Self {
        Memory { stack, page: 0 }
    }

    /// The word at an address; nothing if it is not aligned or not there.
    ///
    /// # Signal safety
    /// Runs in the handler: a load inside the stack's bounds, one system call for each new page outside.
    pub(crate) fn read(&mut self, address: usize) -> Option<usize> {
        if address & 7 != 0 || address < PAGE {
            return None;
        }
        if !self.is_inside(address) && !self.probe(address) {
            return None;
        }
        // SAFETY: aligned, and inside the thread's own stack above its stack pointer, or on a page that the kernel has just read.
        Some(unsafe { self.held(address) })
    }

    /// Whether an address lies inside the stack's bounds.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn is_inside(&self, address: usize) -> bool {
        address >= self.stack.low && address < self.stack.high
    }

    /// Whether a word begins at an address that is not below what [`Memory::is_inside`].
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn is_word(&self, address: usize) -> bool {
        address & 7 == 0 && address < self.stack.high
    }

    /// The word at an address that is aligned and inside the stack's bounds.
    ///
    /// # Signal safety
    /// Runs in the handler: a load.
    ///
    /// # Safety
    /// Of the address, [`Memory::is_word`] must hold, and it must not lie below one that [`Memory::is_inside`]; or the kernel must
    /// have read from its page just now.
    #[inline]
    pub(crate) unsafe fn held(&self, address: usize) -> usize {
        // SAFETY: aligned, and the caller says that it is there: inside the thread's own stack above its stack pointer, mostly.
        unsafe { core::ptr::read_volatile(address as *const usize) }
    }

    /// Forgets which page was found readable.
    ///
    /// # Signal safety
    /// Runs in the handler.
    pub(crate) fn forget_page(&mut self) {
        self.page = 0;
    }

    /// Whether the page can be read: the kernel reads a signal set from it, and only then sees that it is not told what to do.
    ///
    /// # Signal safety
    /// Runs in the handler: one system call.
    fn probe(&mut self, address: usize) -> bool {
        let page = address & !(PAGE - 1);
        if page == self.page {
            return true;
        }
        const NO_WAY: usize = usize::MAX;
        // SAFETY: the kernel checks the address itself; with an unknown `how` nothing is changed.
        let result = unsafe { syscall(libc::SYS_rt_sigprocmask, [NO_WAY, page, 0, 8]) };
        let readable = result != (libc::EFAULT as isize).wrapping_neg();
        if readable {
            self.page = page;
        }
        readable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_read() {
        let here = 77_usize;
        let mut memory = Memory::new(StackBounds { low: 0, high: 0 });
        assert_eq!(memory.read((&raw const here) as usize), Some(77));
        assert_eq!(memory.read((&raw const here) as usize + 1), None, "not aligned");
        assert_eq!(memory.read(0), None);
        assert_eq!(memory.read(8 * PAGE), None, "below what Linux maps");
        assert_eq!(memory.read(usize::MAX & !7), None);
    }
}
