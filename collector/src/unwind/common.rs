//! The programs that nearly all functions have, run straight from their bytes: reading call frame information is what a start
//! takes. Whatever is out of the ordinary is left to gimli, which runs everything, but keeps a rule for each of a machine's
//! registers where three are followed here. A test holds the two against each other.

use gimli::{CallFrameInstruction, CommonInformationEntry, Reader, constants};

use super::rule::{Base, Register, Return, Rule, Saved};
use super::table::Third;

#[cfg(target_arch = "x86_64")]
pub(super) mod registers {
    use gimli::{Register, X86_64};
    pub(in super::super) const STACK: Register = X86_64::RSP;
    pub(in super::super) const FRAME: Register = X86_64::RBP;
    pub(in super::super) const RETURN: Register = X86_64::RA;
    pub(in super::super) const THIRD: Option<Register> = Some(X86_64::RBX);
}

#[cfg(target_arch = "aarch64")]
pub(super) mod registers {
    use gimli::{AArch64, Register};
    pub(in super::super) const STACK: Register = AArch64::SP;
    pub(in super::super) const FRAME: Register = AArch64::X29;
    pub(in super::super) const RETURN: Register = AArch64::X30;
    pub(in super::super) const THIRD: Option<Register> = None;
}

pub(super) fn register_of(register: gimli::Register) -> Option<Register> {
    match register {
        registers::STACK => Some(Register::Stack),
        registers::FRAME => Some(Register::Frame),
        other if Some(other) == registers::THIRD => Some(Register::Third),
        _ => None,
    }
}

/// How all linkers write addresses: four bytes, counted from where they stand.
const PCREL_SDATA4: constants::DwEhPe = constants::DwEhPe(constants::DW_EH_PE_pcrel.0 | constants::DW_EH_PE_sdata4.0);
/// How many rows a program may put aside at a time. Compilers write one.
const MAX_ASIDE: usize = 2;
/// Where [`Row::saved`] has a register.
const RETURN: usize = 0;
const FRAME: usize = 1;
const THIRD: usize = 2;

/// What the functions have in common that share a CIE, if that is of the usual shape.
pub(super) struct Common {
    code_factor: u32,
    data_factor: i32,
    first: Row,
}

/// What holds from some place on: the CFA lies `distance` above the base, and registers are saved so far from it; 0 where they
/// keep their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    base: Register,
    distance: i32,
    saved: [i16; 3],
}

impl Common {
    /// Only if addresses are written as all linkers do, and nothing is said that is not followed here.
    pub(super) fn new<R: Reader<Offset = usize>>(
        cie: &CommonInformationEntry<R>,
        instructions: impl Iterator<Item = gimli::Result<CallFrameInstruction<usize>>>,
    ) -> Option<Common> {
        if cie.is_signal_trampoline() || cie.fde_address_encoding() != Some(PCREL_SDATA4) {
            return None;
        }
        let code_factor = u32::try_from(cie.code_alignment_factor()).ok()?;
        let data_factor = i32::try_from(cie.data_alignment_factor()).ok()?;
        let first = Row { base: Register::Stack, distance: 0, saved: [0; 3] };
        let mut common = Common { code_factor, data_factor, first };
        for instruction in instructions {
            match instruction.ok()? {
                CallFrameInstruction::DefCfa { register, offset } => {
                    common.first.base = register_of(register)?;
                    common.first.distance = i32::try_from(offset).ok()?;
                }
                CallFrameInstruction::Offset { register, factored_offset } => {
                    let saved = common.factored(u32::try_from(factored_offset).ok()?)?;
                    common.first.save(register, saved);
                }
                CallFrameInstruction::Nop => {}
                _ => return None,
            }
        }
        Some(common)
    }

    /// Reads what follows the CIE's place in a function's entry, which lies at `address`. Gives `take` each row with the place
    /// that it begins at, counted from `base`, those left out that say the same as the one before; and returns where the last
    /// one ends. `None` if there is anything out of the ordinary; what `take` was given then means nothing.
    pub(super) fn read(&self, entry: &[u8], address: u64, base: u64, mut take: impl FnMut(u32, Row)) -> Option<u32> {
        let mut bytes = Bytes(entry);
        let place = address.wrapping_add_signed(i64::from(i32::from_ne_bytes(bytes.array()?)));
        let mut begun = u32::try_from(place.wrapping_sub(base)).ok()?;
        let length = u32::try_from(i32::from_ne_bytes(bytes.array()?)).ok()?;
        let end = begun.checked_add(length)?;
        let augmentation = bytes.number()?;
        bytes.0 = bytes.0.get(augmentation as usize..)?;
        let (mut row, mut is_new) = (self.first, true);
        let (mut aside, mut kept) = ([self.first; MAX_ASIDE], 0);
        while let Some(instruction) = bytes.byte() {
            // Three instructions have their operand in the lower six bits.
            let (high, low) = (constants::DwCfa(instruction & 0xc0), instruction & 0x3f);
            let delta = match (high, constants::DwCfa(instruction)) {
                (constants::DW_CFA_advance_loc, _) => u32::from(low),
                (constants::DW_CFA_offset, _) => {
                    let saved = self.factored(bytes.number()?)?;
                    is_new |= row.save(gimli::Register(low.into()), saved);
                    continue;
                }
                (constants::DW_CFA_restore, _) => {
                    is_new |= row.restore(gimli::Register(low.into()), &self.first);
                    continue;
                }
                (_, constants::DW_CFA_nop) => continue,
                (_, constants::DW_CFA_advance_loc1) => u32::from(bytes.byte()?),
                (_, constants::DW_CFA_advance_loc2) => u32::from(u16::from_ne_bytes(bytes.array()?)),
                (_, constants::DW_CFA_advance_loc4) => u32::from_ne_bytes(bytes.array()?),
                (_, constants::DW_CFA_def_cfa) => {
                    row.base = bytes.register()?;
                    row.distance = i32::try_from(bytes.number()?).ok()?;
                    is_new = true;
                    continue;
                }
                (_, constants::DW_CFA_def_cfa_register) => {
                    row.base = bytes.register()?;
                    is_new = true;
                    continue;
                }
                (_, constants::DW_CFA_def_cfa_offset) => {
                    row.distance = i32::try_from(bytes.number()?).ok()?;
                    is_new = true;
                    continue;
                }
                (_, constants::DW_CFA_remember_state) => {
                    *aside.get_mut(kept)? = row;
                    kept += 1;
                    continue;
                }
                (_, constants::DW_CFA_restore_state) => {
                    kept = kept.checked_sub(1)?;
                    (row, is_new) = (aside[kept], true);
                    continue;
                }
                (_, constants::DW_CFA_GNU_args_size) => {
                    bytes.number()?;
                    continue;
                }
                _ => return None,
            };
            let ends = begun.checked_add(delta.checked_mul(self.code_factor)?)?;
            if ends > begun && is_new {
                take(begun, row);
                is_new = false;
            }
            begun = ends;
        }
        if is_new {
            take(begun, row);
        }
        (end > begun).then_some(end)
    }

    fn factored(&self, offset: u32) -> Option<i16> {
        let offset = i16::try_from(i32::try_from(offset).ok()?.checked_mul(self.data_factor)?).ok()?;
        (offset != 0).then_some(offset)
    }
}

impl Row {
    fn register(register: gimli::Register) -> Option<usize> {
        match register {
            registers::RETURN => Some(RETURN),
            registers::FRAME => Some(FRAME),
            other if Some(other) == registers::THIRD => Some(THIRD),
            _ => None,
        }
    }

    /// Says whether the register is one that is followed.
    fn save(&mut self, register: gimli::Register, saved: i16) -> bool {
        let at = Row::register(register);
        at.inspect(|&at| self.saved[at] = saved).is_some()
    }

    /// As [`Row::save`].
    fn restore(&mut self, register: gimli::Register, first: &Row) -> bool {
        let at = Row::register(register);
        at.inspect(|&at| self.saved[at] = first.saved[at]).is_some()
    }

    pub(super) fn rule(self) -> Rule {
        let return_address = match self.saved[RETURN] {
            0 if cfg!(target_arch = "aarch64") => Return::Register,
            0 => return Rule::UNKNOWN,
            saved => Return::At(saved),
        };
        let frame_pointer = match self.saved[FRAME] {
            0 => Saved::Not,
            saved => Saved::At(saved),
        };
        Rule { base: Base::Register(self.base), offset: self.distance, return_address, frame_pointer }
    }

    pub(super) fn third(self) -> Third {
        match self.saved[THIRD] {
            0 => Third::default(),
            saved => Third::saved_at(saved.into()),
        }
    }
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (&first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(first)
    }

    /// A number in LEB128: seven bits a byte, nearly always one.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let first = self.byte()?;
        if first < 0x80 { Some(first.into()) } else { self.rest_of_number(first) }
    }

    /// At most three bytes more.
    #[cold]
    fn rest_of_number(&mut self, first: u8) -> Option<u32> {
        let mut number = u32::from(first & 0x7f);
        for shift in [7, 14, 21] {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn register(&mut self) -> Option<Register> {
        register_of(gimli::Register(u16::try_from(self.number()?).ok()?))
    }
}
