//! Walks the stack of an interrupted thread, from the instruction that was interrupted to where the thread began.

use super::memory::Memory;
use crate::unwind::{Base, Return, Rule, Tables};

/// What is known of where a stack lies: from `low` up to `high`, or both 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StackBounds {
    pub(crate) low: usize,
    pub(crate) high: usize,
}

/// How many frames there were, and why there were no more.
pub(crate) struct Walk {
    pub(crate) len: usize,
    pub(crate) end: End,
}

/// Why a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At the thread's start.
    Root,
    /// Before it: there is no rule, or the stack does not fit the rules.
    Truncated,
    /// There is no room for more frames.
    Full,
}

/// The registers that a walk needs.
#[derive(Clone, Copy)]
struct Registers {
    pc: usize,
    sp: usize,
    fp: usize,
    /// The link register; 0 where there is none or its value is gone.
    link: usize,
}

/// One step up.
enum Step {
    /// To the caller, at a return address.
    Caller(Registers),
    /// To what a signal interrupted, at the instruction itself.
    Interrupted(Registers),
    Root,
    Lost,
}

/// Walks; `out[0]` is the interrupted instruction, every other entry lies inside the instruction that called: one below the
/// return address.
///
/// # Signal safety
/// Runs in the handler: bounded by the length of `out`, each step two binary searches and three reads.
pub(crate) fn walk(context: &libc::ucontext_t, stack: StackBounds, tables: &Tables, out: &mut [u64]) -> Walk {
    let mut registers = interrupted(context);
    // What lies below the stack pointer may not even be mapped.
    let mut memory = Memory::new(StackBounds { low: registers.sp.max(stack.low), high: stack.high });
    // Where the rule is looked up: a return address may already belong to the next function.
    let mut place = registers.pc;
    // A function that calls itself returns to one place again and again.
    let (mut known_place, mut known_rule) = (place, tables.rule(place));
    for (len, slot) in out.iter_mut().enumerate() {
        *slot = place as u64;
        let len = len.wrapping_add(1);
        if place != known_place {
            (known_place, known_rule) = (place, tables.rule(place));
        }
        let step = match known_rule {
            Some(rule) if rule.base != Base::Unknown => step(registers, rule, place, &mut memory),
            Some(_) if len == 1 => match at_entry(registers, tables, &mut memory) {
                Step::Lost => by_frame_pointer(registers, tables, &mut memory),
                step => step,
            },
            _ => by_frame_pointer(registers, tables, &mut memory),
        };
        match step {
            Step::Root => return Walk { len, end: End::Root },
            Step::Lost => return Walk { len, end: End::Truncated },
            Step::Caller(next) => {
                // A stack only ever gets shorter; a leaf that has its return address in a register may share its caller's.
                if next.sp < registers.sp || (next.sp == registers.sp && len > 1) {
                    return Walk { len, end: End::Truncated };
                }
                place = next.pc.wrapping_sub(1);
                registers = next;
            }
            Step::Interrupted(next) => {
                place = next.pc;
                registers = next;
                // It may have been on another stack.
                memory.forget_page();
            }
        }
    }
    Walk { len: out.len(), end: End::Full }
}

/// # Signal safety
/// Runs in the handler.
fn step(registers: Registers, rule: Rule, place: usize, memory: &mut Memory) -> Step {
    if rule.base == Base::Signal {
        return above_signal(registers, memory);
    }
    if rule.return_address == Return::None {
        return Step::Root;
    }
    let cfa = match rule.base {
        Base::FramePointer => registers.fp.wrapping_add_signed(rule.offset as isize),
        Base::Plt => {
            let late = place & 15 >= rule.offset as usize;
            registers.sp.wrapping_add(if late { 16 } else { 8 })
        }
        _ => registers.sp.wrapping_add_signed(rule.offset as isize),
    };
    let at = |offset: i16| cfa.wrapping_add_signed(isize::from(offset));
    let pc = match rule.return_address {
        Return::At(offset) => memory.read(at(offset)),
        Return::Register => Some(registers.link),
        Return::None => None,
    };
    let fp = match rule.frame_pointer {
        // Below the stack pointer it has been taken off the stack already.
        Some(offset) if at(offset) >= registers.sp => memory.read(at(offset)),
        _ => Some(registers.fp),
    };
    match (pc, fp) {
        (Some(0), _) => Step::Root,
        (Some(pc), Some(fp)) => Step::Caller(Registers { pc: without_authentication(pc), sp: cfa, fp, link: 0 }),
        _ => Step::Lost,
    }
}

/// The caller of code in a file that has no rule for it: most often a jump from one library to another, which has not touched
/// the stack. What is taken for its return address has to be known code.
///
/// # Signal safety
/// Runs in the handler.
fn at_entry(registers: Registers, tables: &Tables, memory: &mut Memory) -> Step {
    let Registers { sp, fp, link, .. } = registers;
    let (pc, sp) = if cfg!(target_arch = "x86_64") {
        let Some(pc) = memory.read(sp) else { return Step::Lost };
        (pc, sp.wrapping_add(8))
    } else {
        (link, sp)
    };
    match tables.rule(pc.wrapping_sub(1)) {
        Some(rule) if rule.base != Base::Unknown => Step::Caller(Registers { pc, sp, fp, link: 0 }),
        _ => Step::Lost,
    }
}

/// The caller by the frame pointer, for code without rules: made at run time, or by hand. It has to lead to known code.
///
/// # Signal safety
/// Runs in the handler.
fn by_frame_pointer(registers: Registers, tables: &Tables, memory: &mut Memory) -> Step {
    let fp = registers.fp;
    if fp < registers.sp {
        return Step::Lost;
    }
    match (memory.read(fp), memory.read(fp.wrapping_add(8))) {
        (Some(_), Some(0)) => Step::Root,
        (Some(caller), Some(pc)) => {
            let pc = without_authentication(pc);
            match tables.rule(pc.wrapping_sub(1)) {
                Some(_) => Step::Caller(Registers { pc, sp: fp.wrapping_add(16), fp: caller, link: 0 }),
                None => Step::Lost,
            }
        }
        _ => Step::Lost,
    }
}

/// The interrupted thread's registers.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "x86_64")]
fn interrupted(context: &libc::ucontext_t) -> Registers {
    let register = |at: libc::c_int| context.uc_mcontext.gregs.get(at as usize).map_or(0, |&value| value as usize);
    Registers { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP), link: 0 }
}

/// What a signal handler of the program's own interrupted. Where it returns to, the stack pointer points to the ucontext, whose
/// registers begin at 40: rbp is the eleventh, rsp the sixteenth, rip the seventeenth.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "x86_64")]
fn above_signal(registers: Registers, memory: &mut Memory) -> Step {
    let mut register = |number: usize| memory.read(registers.sp.wrapping_add(40).wrapping_add(number.wrapping_mul(8)));
    match (register(16), register(15), register(10)) {
        (Some(pc), Some(sp), Some(fp)) => Step::Interrupted(Registers { pc, sp, fp, link: 0 }),
        _ => Step::Lost,
    }
}

/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "x86_64")]
fn without_authentication(pc: usize) -> usize {
    pc
}

/// The interrupted thread's registers.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "aarch64")]
fn interrupted(context: &libc::ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    let register = |at: usize| machine.regs.get(at).map_or(0, |&value| value as usize);
    Registers {
        pc: machine.pc as usize,
        sp: machine.sp as usize,
        fp: register(29),
        link: without_authentication(register(30)),
    }
}

/// What a signal handler of the program's own interrupted. Where it returns to, the stack holds 128 bytes of siginfo, then the
/// ucontext, whose registers begin at 184; after the 31 of them come the stack pointer and the program counter.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "aarch64")]
fn above_signal(registers: Registers, memory: &mut Memory) -> Step {
    let mut register = |number: usize| memory.read(registers.sp.wrapping_add(312).wrapping_add(number.wrapping_mul(8)));
    match (register(32), register(31), register(29), register(30)) {
        (Some(pc), Some(sp), Some(fp), Some(link)) => {
            Step::Interrupted(Registers { pc, sp, fp, link: without_authentication(link) })
        }
        _ => Step::Lost,
    }
}

/// A return address without the code that pointer authentication puts into its upper bits.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "aarch64")]
fn without_authentication(pc: usize) -> usize {
    pc & ((1 << 48) - 1)
}
