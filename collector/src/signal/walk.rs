//! Walks the stack of an interrupted thread, from the instruction that was interrupted to where the thread began.

use super::memory::{Memory, StackBounds};
use crate::unwind::Tables;
use crate::unwind::rule::{Base, Packed, Plain, Register, Return, Rule, Saved, Shape};

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
    /// The register that a few functions reckon from instead. Right at the first frame; further up only where it is followed.
    third: usize,
}

impl Registers {
    /// # Signal safety
    /// Runs in the handler.
    fn value(&self, register: Register) -> usize {
        match register {
            Register::Stack => self.sp,
            Register::Frame => self.fp,
            Register::Third => self.third,
        }
    }
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
/// return address. `is_cold` says that what is needed is likely not to be in the processor's cache.
///
/// # Signal safety
/// Runs in the handler: bounded by the length of `out`, each step a look-up and two reads; twice that where code reckons from
/// the third register.
pub(crate) fn walk(
    context: &libc::ucontext_t,
    stack: StackBounds,
    tables: &Tables,
    is_cold: bool,
    out: &mut [u64],
) -> Walk {
    let registers = interrupted(context);
    // What lies below the stack pointer may not even be mapped.
    let stack = StackBounds { low: registers.sp.max(stack.low), high: stack.high };
    if is_cold {
        prefetch(stack, tables);
    }
    let mut memory = Memory::new(stack);
    // The third register is followed only once that is known to be needed: nearly no stack does.
    let walked = climb(registers, tables, &mut memory, false, out);
    walked.or_else(|| climb(registers, tables, &mut memory, true, out)).unwrap_or(Walk { len: 0, end: End::Truncated })
}

/// Has the processor fetch the rules for all that looks like a return address on the stack, so that a walk does not wait for
/// each in turn.
///
/// # Signal safety
/// Runs in the handler: reads at most [`AHEAD`] bytes, all of the thread's own stack.
#[inline]
fn prefetch(stack: StackBounds, tables: &Tables) {
    /// Some ten frames of an optimised program. What lies above is found in the cache more often than not: it is what other
    /// stacks begin with, too.
    const AHEAD: usize = 1536;
    if stack.high == 0 || stack.low & 7 != 0 {
        return;
    }
    let end = stack.high.min(stack.low.wrapping_add(AHEAD));
    let mut at = stack.low;
    while at.wrapping_add(8) <= end {
        // SAFETY: aligned, and inside the thread's own stack above its stack pointer.
        tables.prefetch(unsafe { core::ptr::read_volatile(at as *const usize) });
        at = at.wrapping_add(8);
    }
}

/// The steps of a walk; `None` if it has to be begun again with the third register followed.
///
/// # Signal safety
/// Runs in the handler: bounded by the length of `out`.
fn climb(
    mut registers: Registers,
    tables: &Tables,
    memory: &mut Memory,
    follow_third: bool,
    out: &mut [u64],
) -> Option<Walk> {
    // Where the rule is looked up: a return address may already belong to the next function.
    let mut place = registers.pc;
    // A function that calls itself returns to one place again and again.
    let (mut known_place, mut rule) = (place, tables.rule(place));
    let mut len = 0_usize;
    loop {
        // Nearly every step of nearly every stack. They are written apart because they have to stay in registers: a `Step` goes
        // through memory, in pieces of other sizes than it is read back in, which costs more than all the rest.
        let Registers { mut sp, mut fp, .. } = registers;
        let is_plain = !follow_third && memory.is_inside(sp);
        loop {
            let Some(slot) = out.get_mut(len) else { return Some(Walk { len, end: End::Full }) };
            *slot = place as u64;
            len = len.wrapping_add(1);
            if place != known_place {
                (known_place, rule) = (place, tables.rule(place));
            }
            let Some(plain) = rule.plain().filter(|_| is_plain) else { break };
            let base = if plain.base == Register::Frame { fp } else { sp };
            let cfa = base.wrapping_add(plain.distance);
            let Some(at) = plain.return_address().map(|below| cfa.wrapping_sub(below)) else { break };
            if at < sp || !memory.is_word(at) {
                break;
            }
            // SAFETY: a word, and not below `sp`, which is inside.
            let pc = unsafe { memory.held(at) };
            if pc == 0 {
                return Some(Walk { len, end: End::Root });
            }
            if let Some(below) = plain.frame_pointer() {
                let at = cfa.wrapping_sub(below);
                // Below the stack pointer it has been taken off the stack already.
                if at >= sp {
                    // SAFETY: a multiple of eight below the last one, and not below `sp`, which is inside.
                    fp = unsafe { memory.held(at) };
                }
            }
            sp = cfa;
            place = without_authentication(pc).wrapping_sub(1);
        }
        // The link register is right as long as no step has been taken.
        let link = if len == 1 { registers.link } else { 0 };
        registers = Registers { pc: place, sp, fp, link, third: registers.third };
        match step(registers, place, rule, tables, memory, follow_third, len == 1)? {
            Step::Caller(next) => {
                // A stack only ever gets shorter; a leaf that has its return address in a register may share its caller's.
                if next.sp < sp || (next.sp == sp && len > 1) {
                    return Some(Walk { len, end: End::Truncated });
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
            Step::Root => return Some(Walk { len, end: End::Root }),
            Step::Lost => return Some(Walk { len, end: End::Truncated }),
        }
    }
}

/// Any step; `None` if the third register is needed and has not been followed.
///
/// # Signal safety
/// Runs in the handler: at most two look-ups and four reads.
#[inline(never)]
fn step(
    registers: Registers,
    place: usize,
    rule: Packed,
    tables: &Tables,
    memory: &mut Memory,
    follow_third: bool,
    first: bool,
) -> Option<Step> {
    let step = match rule.shape() {
        Shape::Plain(rule) if rule.base == Register::Third && !follow_third && !first => return None,
        Shape::Plain(rule) => plain(registers, rule, memory),
        Shape::Unusual(number) => unusual(registers, tables.unusual(place, number), memory),
        Shape::Root => return Some(Step::Root),
        Shape::Signal => return Some(above_signal(registers, memory)),
        Shape::Plt(late) => {
            let distance = if place & 15 >= usize::from(late) { 16 } else { 8 };
            return Some(plain(registers, Plain { base: Register::Stack, distance, slot: 0 }, memory));
        }
        Shape::Unknown if first => match at_entry(registers, tables, memory) {
            Step::Lost => return Some(by_frame_pointer(registers, tables, memory)),
            step => return Some(step),
        },
        Shape::Unknown | Shape::Nowhere => return Some(by_frame_pointer(registers, tables, memory)),
    };
    Some(if follow_third { with_third(step, registers.sp, tables.third(place), memory) } else { step })
}

/// The caller, as nearly all code says.
///
/// # Signal safety
/// Runs in the handler: two reads.
fn plain(registers: Registers, rule: Plain, memory: &mut Memory) -> Step {
    let cfa = registers.value(rule.base).wrapping_add(rule.distance);
    let pc = match rule.return_address() {
        Some(below) => memory.read(cfa.wrapping_sub(below)),
        None => Some(registers.link),
    };
    let fp = match rule.frame_pointer().map(|below| cfa.wrapping_sub(below)) {
        // As in `climb`.
        Some(at) if at >= registers.sp => memory.read(at),
        _ => Some(registers.fp),
    };
    caller(registers, cfa, pc, fp)
}

/// The caller, as a rule in full says.
///
/// # Signal safety
/// Runs in the handler: three reads.
#[cold]
fn unusual(registers: Registers, rule: Rule, memory: &mut Memory) -> Step {
    let base = match rule.base {
        Base::Register(register) => Some(registers.value(register)),
        Base::WordAt(register, offset) => {
            memory.read(registers.value(register).wrapping_add_signed(isize::from(offset)))
        }
        Base::Unknown | Base::Plt(_) | Base::Signal => None,
    };
    let Some(base) = base else { return Step::Lost };
    let cfa = base.wrapping_add_signed(rule.offset as isize);
    let pc = match rule.return_address {
        Return::At(offset) => memory.read(cfa.wrapping_add_signed(isize::from(offset))),
        Return::Register => Some(registers.link),
        Return::None => return Step::Root,
    };
    let saved = match rule.frame_pointer {
        Saved::Not => None,
        Saved::At(offset) => Some(cfa.wrapping_add_signed(isize::from(offset))),
        Saved::AtFrame(offset) => Some(registers.fp.wrapping_add_signed(isize::from(offset))),
    };
    let fp = match saved {
        // As in `climb`.
        Some(at) if at >= registers.sp => memory.read(at),
        _ => Some(registers.fp),
    };
    caller(registers, cfa, pc, fp)
}

/// # Signal safety
/// Runs in the handler.
#[inline]
fn caller(registers: Registers, cfa: usize, pc: Option<usize>, fp: Option<usize>) -> Step {
    match (pc, fp) {
        (Some(0), _) => Step::Root,
        (Some(pc), Some(fp)) => {
            Step::Caller(Registers { pc: without_authentication(pc), sp: cfa, fp, link: 0, third: registers.third })
        }
        _ => Step::Lost,
    }
}

/// The caller with its third register, which lies so far below the CFA if the callee has saved it. The callee's stack pointer is
/// `sp`.
///
/// # Signal safety
/// Runs in the handler: one read.
#[cold]
fn with_third(step: Step, sp: usize, below: Option<usize>, memory: &mut Memory) -> Step {
    let Step::Caller(mut next) = step else { return step };
    let at = below.map(|below| next.sp.wrapping_sub(below));
    // As in `climb`.
    if let Some(at) = at.filter(|&at| at >= sp) {
        let Some(third) = memory.read(at) else { return Step::Lost };
        next.third = third;
    }
    Step::Caller(next)
}

/// The caller of code in a file that has no rule for it: most often a jump from one library to another, which has not touched
/// the stack. What is taken for its return address has to be known code.
///
/// # Signal safety
/// Runs in the handler.
fn at_entry(registers: Registers, tables: &Tables, memory: &mut Memory) -> Step {
    let Registers { sp, link, .. } = registers;
    let (pc, sp) = if cfg!(target_arch = "x86_64") {
        let Some(pc) = memory.read(sp) else { return Step::Lost };
        (pc, sp.wrapping_add(8))
    } else {
        (link, sp)
    };
    if !tables.is_known_code(pc.wrapping_sub(1)) {
        return Step::Lost;
    }
    Step::Caller(Registers { pc, sp, link: 0, ..registers })
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
                Packed::NOWHERE => Step::Lost,
                _ => Step::Caller(Registers { pc, sp: fp.wrapping_add(16), fp: caller, link: 0, ..registers }),
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
    Registers {
        pc: register(libc::REG_RIP),
        sp: register(libc::REG_RSP),
        fp: register(libc::REG_RBP),
        link: 0,
        third: register(libc::REG_RBX),
    }
}

/// What a signal handler of the program's own interrupted. Where it returns to, the stack pointer points to the ucontext, whose
/// registers begin at 40: rbp is the eleventh, rbx the twelfth, rsp the sixteenth, rip the seventeenth.
///
/// # Signal safety
/// Runs in the handler.
#[cfg(target_arch = "x86_64")]
fn above_signal(registers: Registers, memory: &mut Memory) -> Step {
    let mut register = |number: usize| memory.read(registers.sp.wrapping_add(40).wrapping_add(number.wrapping_mul(8)));
    match (register(16), register(15), register(10), register(11)) {
        (Some(pc), Some(sp), Some(fp), Some(third)) => Step::Interrupted(Registers { pc, sp, fp, link: 0, third }),
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
        third: 0,
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
            Step::Interrupted(Registers { pc, sp, fp, link: without_authentication(link), third: 0 })
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
