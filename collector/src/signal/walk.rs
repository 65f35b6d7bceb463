//! Walks a stack by frame pointers.

use crate::unwind::Tables;

pub(crate) struct Walk {
    pub(crate) len: usize,
    pub(crate) end: End,
}

#[allow(dead_code)]
pub(crate) enum End {
    Root,
    Truncated,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackBounds {
    pub(crate) low: usize,
    pub(crate) high: usize,
}

pub(crate) fn walk(context: &libc::ucontext_t, stack: StackBounds, _tables: &Tables, out: &mut [u64]) -> Walk {
    let gregs = &context.uc_mcontext.gregs;
    let mut len = 0;
    if let Some(first) = out.first_mut() {
        *first = gregs[libc::REG_RIP as usize] as u64;
        len = 1;
    }
    let mut fp = gregs[libc::REG_RBP as usize] as usize;
    while fp >= stack.low && fp + 16 <= stack.high && fp % 8 == 0 && len < out.len() {
        // SAFETY: inside the thread's stack.
        let next = unsafe { *(fp as *const usize) };
        // SAFETY: inside the thread's stack.
        let pc = unsafe { *((fp + 8) as *const usize) };
        if pc == 0 {
            return Walk { len, end: End::Root };
        }
        out[len] = pc as u64 - 1;
        len += 1;
        if next <= fp {
            break;
        }
        fp = next;
    }
    Walk { len, end: End::Truncated }
}
