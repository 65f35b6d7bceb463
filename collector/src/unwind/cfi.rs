//! Call frame information (`.eh_frame`, `.debug_frame`) read into flat, sorted rules. Its programs are run here, by gimli, so
//! that the handler only has to look up what came out.

use std::collections::hash_map::Entry;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, EndianSlice, NativeEndian, RegisterRule, UnwindSection,
    UnwindTableRow,
};
use rustc_hash::FxHashMap;

use super::rule::{Base, Register, Return, Rule, Saved};
use super::table::{Table, TableBuilder, Third};

#[cfg(target_arch = "x86_64")]
mod registers {
    use gimli::{Register, X86_64};
    pub(super) const STACK: Register = X86_64::RSP;
    pub(super) const FRAME: Register = X86_64::RBP;
    pub(super) const RETURN: Register = X86_64::RA;
    pub(super) const THIRD: Option<Register> = Some(X86_64::RBX);
}

#[cfg(target_arch = "aarch64")]
mod registers {
    use gimli::{AArch64, Register};
    pub(super) const STACK: Register = AArch64::SP;
    pub(super) const FRAME: Register = AArch64::X29;
    pub(super) const RETURN: Register = AArch64::X30;
    pub(super) const THIRD: Option<Register> = None;
}

/// A section's bytes, and the address that they lie at.
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) address: usize,
    pub(crate) bytes: Vec<u8>,
}

/// The two forms of the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Loaded with the code; its addresses are relative to where it lies.
    EhFrame,
    /// In the file only, for debuggers; its addresses are the file's own.
    DebugFrame,
}

type Bytes<'a> = EndianSlice<'a, NativeEndian>;

/// Reads the section of a module that lies at `base`. What is malformed is left out.
pub(crate) fn read(section: &Section, base: usize) -> Table {
    let bases = BaseAddresses::default().set_eh_frame(section.address as u64);
    match section.kind {
        Kind::EhFrame => read_entries(&EhFrame::new(&section.bytes, NativeEndian), &bases, base as u64),
        Kind::DebugFrame => {
            let mut frames = DebugFrame::new(&section.bytes, NativeEndian);
            frames.set_address_size(size_of::<usize>() as u8);
            read_entries(&frames, &bases, 0)
        }
    }
}

fn read_entries<'a, S: UnwindSection<Bytes<'a>>>(section: &S, bases: &BaseAddresses, base: u64) -> Table
where
    S::Offset: std::hash::Hash + Eq,
{
    let mut cies = FxHashMap::default();
    let mut context = gimli::UnwindContext::new();
    let mut builder = TableBuilder::default();
    let place = |address: u64| u32::try_from(address.checked_sub(base)?).ok();
    let mut entries = section.entries(bases);
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let fde = partial.parse(|section, bases, offset| match cies.entry(offset) {
            Entry::Occupied(known) => Ok(gimli::CommonInformationEntry::clone(known.get())),
            Entry::Vacant(new) => Ok(new.insert(section.cie_from_offset(bases, offset)?).clone()),
        });
        let Ok(fde) = fde else { continue };
        let Ok(mut rows) = fde.rows(section, bases, &mut context) else { continue };
        let mut end = None;
        while let Ok(Some(row)) = rows.next_row() {
            let (Some(from), Some(to)) = (place(row.start_address()), place(row.end_address())) else { break };
            if to <= from {
                continue;
            }
            let rule = if fde.is_signal_trampoline() {
                Rule { base: Base::Signal, ..Rule::UNKNOWN }
            } else {
                rule_of(row, section)
            };
            builder.begin(from, rule, third_of(row));
            end = end.max(Some(to));
        }
        if let Some(end) = end {
            builder.end(end);
        }
    }
    builder.build()
}

fn rule_of<'a>(row: &UnwindTableRow<usize>, section: &impl UnwindSection<Bytes<'a>>) -> Rule {
    let expression = |expression: &gimli::UnwindExpression<usize>| expression.get(section).ok().map(|it| it.0.slice());
    let return_address = match row.register(registers::RETURN) {
        Some(RegisterRule::Undefined) => Return::None,
        Some(RegisterRule::Offset(offset)) => match i16::try_from(offset) {
            Ok(offset) => Return::At(offset),
            Err(_) => return Rule::UNKNOWN,
        },
        None | Some(RegisterRule::SameValue) if cfg!(target_arch = "aarch64") => Return::Register,
        _ => return Rule::UNKNOWN,
    };
    let frame_pointer = match row.register(registers::FRAME) {
        Some(RegisterRule::Offset(offset)) => i16::try_from(offset).map_or(Saved::Not, Saved::At),
        Some(RegisterRule::Expression(at)) => match expression(&at).and_then(place_by_register) {
            Some((Register::Frame, offset)) => Saved::AtFrame(offset),
            _ => Saved::Not,
        },
        _ => Saved::Not,
    };
    let cfa = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            register_of(*register).and_then(|register| Some((Base::Register(register), i32::try_from(*offset).ok()?)))
        }
        CfaRule::Expression(at) => expression(at).and_then(|code| plt(code).or_else(|| word(code))),
    };
    match cfa {
        Some((base, offset)) => Rule { base, offset, return_address, frame_pointer },
        None => Rule::UNKNOWN,
    }
}

fn third_of(row: &UnwindTableRow<usize>) -> Third {
    match registers::THIRD.and_then(|third| row.register(third)) {
        Some(RegisterRule::Offset(offset)) => Third::saved_at(offset),
        _ => Third::default(),
    }
}

fn register_of(register: gimli::Register) -> Option<Register> {
    match register {
        registers::STACK => Some(Register::Stack),
        registers::FRAME => Some(Register::Frame),
        other if Some(other) == registers::THIRD => Some(Register::Third),
        _ => None,
    }
}

/// What GNU ld and lld write for x86_64's PLT: `breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus`, with lit10 where
/// entries begin with `endbr64`.
fn plt(expression: &[u8]) -> Option<(Base, i32)> {
    match expression {
        [0x77, 8, 0x80, 0, 0x3f, 0x1a, literal @ 0x30..=0x4f, 0x2a, 0x33, 0x24, 0x22] => {
            Some((Base::Plt(literal - 0x30), 0))
        }
        _ => None,
    }
}

/// What GCC writes where a function aligns its stack (`breg6 -8; deref`) and OpenSSL's assembly where it keeps the old stack
/// pointer in memory (`breg7 152; deref; plus_uconst 8`).
fn word(expression: &[u8]) -> Option<(Base, i32)> {
    let deref = expression.iter().rposition(|&byte| byte == 0x06)?;
    let (place, rest) = expression.split_at(deref);
    let (register, offset) = place_by_register(place)?;
    let plus = match rest {
        [_] => 0,
        // One byte of LEB128 holds up to 127.
        [_, 0x23, plus @ 0..=0x7f] => i32::from(*plus),
        _ => return None,
    };
    Some((Base::WordAt(register, offset), plus))
}

/// `breg<n> <offset>`, alone.
fn place_by_register(expression: &[u8]) -> Option<(Register, i16)> {
    let (&operation @ 0x70..=0x8f, offset) = expression.split_first()? else { return None };
    let register = register_of(gimli::Register(u16::from(operation - 0x70)))?;
    // SLEB128 of one or two bytes, seven bits each, the last one's sixth bit the sign.
    let (value, bits) = match *offset {
        [low @ 0..=0x7f] => (i16::from(low), 7),
        [low @ 0x80..=0xff, high @ 0..=0x7f] => (i16::from(low & 0x7f) | i16::from(high) << 7, 14),
        _ => return None,
    };
    Some((register, value << (16 - bits) >> (16 - bits)))
}
