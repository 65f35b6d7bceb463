//! `.eh_frame` read into flat, sorted rules. Its programs are run here, by gimli, so that the handler only has to look up what
//! came out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, EhFrame, EndianSlice, NativeEndian, Register, RegisterRule, UnwindSection,
};

use super::loaded::Section;

#[cfg(target_arch = "x86_64")]
mod registers {
    use gimli::{Register, X86_64};
    pub(super) const STACK: Register = X86_64::RSP;
    pub(super) const FRAME: Register = X86_64::RBP;
    pub(super) const RETURN: Register = X86_64::RA;
}

#[cfg(target_arch = "aarch64")]
mod registers {
    use gimli::{AArch64, Register};
    pub(super) const STACK: Register = AArch64::SP;
    pub(super) const FRAME: Register = AArch64::X29;
    pub(super) const RETURN: Register = AArch64::X30;
}

/// What the caller's stack pointer (the CFA) is reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The file does not say, or in a way that is not understood.
    Unknown,
    /// The stack pointer.
    StackPointer,
    /// The frame pointer.
    FramePointer,
    /// A PLT entry: 8 bytes above the stack pointer, and 8 more from the entry's instruction at `offset` on.
    Plt,
    /// The code that a signal handler returns to: everything is in the ucontext on the stack.
    Signal,
}

/// Where the return address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// So far from the CFA.
    At(i16),
    /// Still in the link register.
    Register,
    /// There is none: a thread starts here.
    None,
}

/// How to walk out of a function at some place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) base: Base,
    pub(crate) return_address: Return,
    /// Where the caller's frame pointer is, from the CFA; `None` if it is still in its register.
    pub(crate) frame_pointer: Option<i16>,
    pub(crate) offset: i32,
}

impl Rule {
    pub(crate) const UNKNOWN: Rule =
        Rule { base: Base::Unknown, return_address: Return::None, frame_pointer: None, offset: 0 };
}

/// A module's rules: each holds from its place to the next one's. Places are counted from the module's base.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    places: Vec<u32>,
    rules: Vec<Rule>,
    /// For each block of code, how many rules begin before it: a look-up searches one block's rules instead of all, and so
    /// touches two or three cache lines instead of some ten, which is what a cold handler pays for.
    before_block: Vec<u32>,
}

/// A block is 2⁸ bytes of code: five to ten rules, for a sixty-fourth of the code's size in memory.
const BLOCK_BITS: u32 = 8;

type Bytes<'a> = EndianSlice<'a, NativeEndian>;

impl Rules {
    /// Reads a section of a module that lies at `base`. What is malformed is left out.
    pub(crate) fn read(section: &Section, base: usize) -> Rules {
        let eh_frame = EhFrame::new(&section.bytes, NativeEndian);
        let bases = BaseAddresses::default().set_eh_frame(section.address as u64);
        let mut cies = HashMap::new();
        let mut context = gimli::UnwindContext::new();
        let mut found = Vec::new();
        let mut entries = eh_frame.entries(&bases);
        while let Ok(Some(entry)) = entries.next() {
            let CieOrFde::Fde(partial) = entry else { continue };
            let fde = partial.parse(|section, bases, offset| match cies.entry(offset.0) {
                Entry::Occupied(known) => Ok(gimli::CommonInformationEntry::clone(known.get())),
                Entry::Vacant(new) => Ok(new.insert(section.cie_from_offset(bases, offset)?).clone()),
            });
            let Ok(fde) = fde else { continue };
            let place = |address: u64| u32::try_from(address.checked_sub(base as u64)?).ok();
            let Ok(mut rows) = fde.rows(&eh_frame, &bases, &mut context) else { continue };
            let mut end = None;
            while let Ok(Some(row)) = rows.next_row() {
                let (Some(from), Some(to)) = (place(row.start_address()), place(row.end_address())) else { break };
                let rule = if fde.is_signal_trampoline() {
                    Rule { base: Base::Signal, ..Rule::UNKNOWN }
                } else {
                    rule_of(row, &eh_frame)
                };
                found.push((from, true, rule));
                end = Some(to);
            }
            if let Some(end) = end {
                found.push((end, false, Rule::UNKNOWN));
            }
        }
        // Where one function ends as the next begins, the beginning holds.
        found.sort_by_key(|&(place, begins, _)| (place, begins));
        let mut rules = Rules::default();
        for (place, _, rule) in found {
            if rules.places.last() == Some(&place) {
                rules.places.pop();
                rules.rules.pop();
            }
            if rules.rules.last() != Some(&rule) {
                rules.places.push(place);
                rules.rules.push(rule);
            }
        }
        rules.places.shrink_to_fit();
        rules.rules.shrink_to_fit();
        rules.before_block = blocks(&rules.places);
        rules
    }

    /// The rule at a place.
    ///
    /// # Signal safety
    /// Runs in the handler: a binary search among the rules of one block.
    pub(crate) fn at(&self, place: usize) -> Rule {
        let Ok(place) = u32::try_from(place) else { return Rule::UNKNOWN };
        let block = (place >> BLOCK_BITS) as usize;
        let bound = |block: usize| self.before_block.get(block).map_or(self.places.len(), |&before| before as usize);
        let (from, to) = (bound(block), bound(block.saturating_add(1)));
        let inside = self.places.get(from..to).map_or(0, |places| places.partition_point(|&begin| begin <= place));
        from.saturating_add(inside).checked_sub(1).and_then(|at| self.rules.get(at)).copied().unwrap_or(Rule::UNKNOWN)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        (self.places.capacity() + self.before_block.capacity()) * size_of::<u32>()
            + self.rules.capacity() * size_of::<Rule>()
    }
}

/// For each block up to the last place's, how many places lie before it.
fn blocks(places: &[u32]) -> Vec<u32> {
    let Some(last) = places.last() else { return Vec::new() };
    let mut before = Vec::with_capacity((last >> BLOCK_BITS) as usize + 1);
    let mut at = 0;
    for block in 0..=last >> BLOCK_BITS {
        while places.get(at).is_some_and(|place| place >> BLOCK_BITS < block) {
            at += 1;
        }
        before.push(at as u32);
    }
    before
}

fn rule_of(row: &gimli::UnwindTableRow<usize>, eh_frame: &EhFrame<Bytes<'_>>) -> Rule {
    let saved = |register: Register| match row.register(register) {
        Some(RegisterRule::Offset(offset)) => i16::try_from(offset).ok().map(Some),
        None | Some(RegisterRule::SameValue) => Some(None),
        Some(_) => None,
    };
    let return_address = match row.register(registers::RETURN) {
        Some(RegisterRule::Undefined) => Return::None,
        _ => match saved(registers::RETURN) {
            Some(Some(offset)) => Return::At(offset),
            Some(None) if cfg!(target_arch = "aarch64") => Return::Register,
            _ => return Rule::UNKNOWN,
        },
    };
    // A frame pointer that is kept in a way not understood is as good as lost, which matters only if it is used further up;
    // then the walk ends there.
    let frame_pointer = saved(registers::FRAME).flatten();
    let (base, offset) = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => {
            let base = match *register {
                registers::STACK => Base::StackPointer,
                registers::FRAME => Base::FramePointer,
                _ => Base::Unknown,
            };
            (base, i32::try_from(*offset).unwrap_or(0))
        }
        CfaRule::Expression(expression) => match expression.get(eh_frame) {
            Ok(expression) => plt(expression.0.slice()),
            Err(_) => (Base::Unknown, 0),
        },
    };
    Rule { base, return_address, frame_pointer, offset }
}

/// What GNU ld and lld write for x86_64's PLT: `breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus`, with lit10 where
/// entries begin with `endbr64`.
fn plt(expression: &[u8]) -> (Base, i32) {
    match expression {
        [0x77, 8, 0x80, 0, 0x3f, 0x1a, literal @ 0x30..=0x4f, 0x2a, 0x33, 0x24, 0x22] => {
            (Base::Plt, i32::from(literal - 0x30))
        }
        _ => (Base::Unknown, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The look-up by blocks against a search of all places, at each of them and around it.
    #[test]
    fn a_block_holds_the_rule_that_a_search_of_all_finds() {
        let places = vec![3, 7, 255, 256, 257, 1024, 1030, 5000, 70_000, 70_001];
        let rule = |offset: usize| Rule { base: Base::StackPointer, offset: offset as i32, ..Rule::UNKNOWN };
        let rules = Rules {
            rules: (0..places.len()).map(rule).collect(),
            before_block: blocks(&places),
            places: places.clone(),
        };
        for place in places.iter().flat_map(|&place| [place.saturating_sub(1), place, place + 1, place + 300]) {
            let expected = places.partition_point(|&begin| begin <= place).checked_sub(1).map_or(Rule::UNKNOWN, rule);
            assert_eq!(rules.at(place as usize), expected, "at {place}");
        }
        assert_eq!(Rules::default().at(9), Rule::UNKNOWN);
    }
}
