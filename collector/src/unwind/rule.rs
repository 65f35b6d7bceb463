//! How to walk out of a function at some place in it: where the caller's stack pointer, return address and frame pointer are.
//! Nearly every rule fits into 16 bits, and that form is what tables and handlers work with.

/// A rule in full, as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    pub(crate) base: Base,
    /// What is added to the base to give the caller's stack pointer (the CFA).
    pub(crate) offset: i32,
    pub(crate) return_address: Return,
    pub(crate) frame_pointer: Saved,
}

/// What the caller's stack pointer (the CFA) is reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    /// The file does not say, or in a way that is not understood.
    Unknown,
    /// A register.
    Register(Register),
    /// The word that lies so far from where a register points, as code that aligns its stack keeps it.
    WordAt(Register, i16),
    /// A PLT entry: 8 bytes above the stack pointer, and 8 more from this byte of the entry on.
    Plt(u8),
    /// The code that a signal handler returns to: everything is in the ucontext on the stack.
    Signal,
}

/// The registers that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Register {
    Stack,
    Frame,
    /// rbx on x86_64, from which the loader's lazy binding reckons; none elsewhere. It is followed only where it is needed.
    Third,
}

/// Where the return address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Return {
    /// So far from the CFA.
    At(i16),
    /// Still in the link register.
    Register,
    /// There is none: a thread starts here.
    None,
}

/// Where the caller's value of a register is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Saved {
    /// Still in the register; or kept in a way not understood, which matters only if it is used further up, and then the walk
    /// ends there.
    Not,
    /// So far from the CFA.
    At(i16),
    /// So far from where the frame pointer points.
    AtFrame(i16),
}

impl Rule {
    pub(crate) const UNKNOWN: Rule =
        Rule { base: Base::Unknown, offset: 0, return_address: Return::None, frame_pointer: Saved::Not };
}

/// A rule in 16 bits. The lowest two say what the CFA is reckoned from: 1 the stack pointer, 2 the frame pointer, 3 the third
/// register. Above them stand the slot that the frame pointer is saved in, and the distance of the CFA. With 0 in the lowest
/// two, it is one of the special rules below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Packed(pub(crate) u16);

/// What a packed rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// What nearly all code has.
    Plain(Plain),
    /// No module has code there.
    Nowhere,
    Unknown,
    /// A thread starts here.
    Root,
    Signal,
    Plt(u8),
    /// The module keeps it in full, under this number.
    Unusual(u16),
}

/// The caller's stack pointer lies `distance` above a register, and the rest in slots of eight bytes below that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) base: Register,
    pub(crate) distance: usize,
    /// 0 where the frame pointer is still in its register (and the return address, where there is a register for it).
    pub(crate) slot: usize,
}

const UNKNOWN: u16 = 0;
const ROOT: u16 = 1 << KIND_BITS;
const SIGNAL: u16 = 2 << KIND_BITS;
const NOWHERE: u16 = 3 << KIND_BITS;
/// The first of 32.
const PLT: u16 = 32 << KIND_BITS;
/// The first of all others.
const UNUSUAL: u16 = 64 << KIND_BITS;

const KIND_BITS: u32 = 2;
const KIND: u16 = (1 << KIND_BITS) - 1;
const SLOT: u16 = (1 << layout::SLOT_BITS) - 1;

/// Where functions keep what is followed, on x86_64: the return address is always the word below the CFA, and the frame
/// pointer is one of the six registers that may be saved below it.
#[cfg(target_arch = "x86_64")]
mod layout {
    pub(super) const SLOT_BITS: u32 = 3;
    /// Distances are multiples of it.
    pub(super) const UNIT: i32 = 8;

    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(super) fn return_address(_slot: usize) -> Option<usize> {
        Some(8)
    }

    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(super) fn frame_pointer(slot: usize) -> usize {
        slot.wrapping_mul(8).wrapping_add(8)
    }
}

/// Where functions keep what is followed, on aarch64: frame pointer and return address side by side, or in their registers.
#[cfg(target_arch = "aarch64")]
mod layout {
    pub(super) const SLOT_BITS: u32 = 4;
    /// Distances are multiples of it.
    pub(super) const UNIT: i32 = 16;

    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(super) fn return_address(slot: usize) -> Option<usize> {
        if slot == 0 { None } else { Some(slot.wrapping_mul(8)) }
    }

    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(super) fn frame_pointer(slot: usize) -> usize {
        slot.wrapping_mul(8).wrapping_add(8)
    }
}

impl Plain {
    /// How far below the CFA the return address is; `None` if it is still in the link register.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn return_address(self) -> Option<usize> {
        layout::return_address(self.slot)
    }

    /// How far below the CFA the frame pointer is; `None` if it is still in its register.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn frame_pointer(self) -> Option<usize> {
        if self.slot == 0 { None } else { Some(layout::frame_pointer(self.slot)) }
    }
}

impl Packed {
    pub(crate) const UNKNOWN: Packed = Packed(UNKNOWN);

    /// No module has code there.
    pub(crate) const NOWHERE: Packed = Packed(NOWHERE);

    /// How many rules a module can keep in full.
    pub(crate) const MAX_UNUSUAL: usize = (u16::MAX >> KIND_BITS) as usize - 64;

    /// The 16 bits for a rule, if it is not an unusual one.
    #[cfg_attr(not(test), expect(clippy::arithmetic_side_effects, reason = "runs on the collector's thread"))]
    pub(crate) fn new(rule: Rule) -> Option<Packed> {
        let base = match (rule.base, rule.return_address) {
            (Base::Unknown, _) => return Some(Packed::UNKNOWN),
            (Base::Signal, _) => return Some(Packed(SIGNAL)),
            (_, Return::None) => return Some(Packed(ROOT)),
            (Base::Plt(late), _) => return (late < 32).then(|| Packed(PLT + (u16::from(late) << KIND_BITS))),
            (Base::WordAt(..), _) => return None,
            (Base::Register(register), _) => register,
        };
        let units = u16::try_from(rule.offset / layout::UNIT).ok()?;
        let slot = (0..=SLOT).find(|&slot| {
            let plain = Plain { base, distance: 0, slot: usize::from(slot) };
            let at = |below: Option<usize>| below.map(|below| -(below as i16));
            let return_address = at(plain.return_address()).map_or(Return::Register, Return::At);
            let frame_pointer = at(plain.frame_pointer()).map_or(Saved::Not, Saved::At);
            (rule.return_address, rule.frame_pointer) == (return_address, frame_pointer)
        })?;
        let kind = match base {
            Register::Stack => 1,
            Register::Frame => 2,
            Register::Third => 3,
        };
        let fits = i32::from(units) * layout::UNIT == rule.offset && units < 1 << (16 - KIND_BITS - layout::SLOT_BITS);
        fits.then_some(Packed(units << (KIND_BITS + layout::SLOT_BITS) | slot << KIND_BITS | kind))
    }

    /// Stands for the rule that the module keeps under that number.
    #[cfg_attr(not(test), expect(clippy::arithmetic_side_effects, reason = "runs on the collector's thread"))]
    pub(crate) fn unusual(number: usize) -> Packed {
        match u16::try_from(number) {
            Ok(number) if usize::from(number) < Self::MAX_UNUSUAL => Packed(UNUSUAL + (number << KIND_BITS)),
            _ => Packed::UNKNOWN,
        }
    }

    /// What it says.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn shape(self) -> Shape {
        match self.0 {
            rule if rule & KIND != 0 => Shape::Plain(self.decode()),
            NOWHERE => Shape::Nowhere,
            UNKNOWN => Shape::Unknown,
            ROOT => Shape::Root,
            PLT..UNUSUAL => Shape::Plt((self.0.wrapping_sub(PLT) >> KIND_BITS) as u8),
            UNUSUAL.. => Shape::Unusual(self.0.wrapping_sub(UNUSUAL) >> KIND_BITS),
            _ => Shape::Signal,
        }
    }

    /// What it says, if it is what nearly all code has: reckoned from the stack or the frame pointer.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn plain(self) -> Option<Plain> {
        // 1 or 2 of 0 to 3.
        ((self.0 & KIND).wrapping_sub(1) < 2).then(|| self.decode())
    }

    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    fn decode(self) -> Plain {
        let base = match self.0 & KIND {
            2 => Register::Frame,
            3 => Register::Third,
            _ => Register::Stack,
        };
        let units = usize::from(self.0 >> (KIND_BITS + layout::SLOT_BITS));
        let distance = units.wrapping_mul(layout::UNIT as usize);
        Plain { base, distance, slot: usize::from(self.0 >> KIND_BITS & SLOT) }
    }

    /// Whether it means the same in every module.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn is_universal(self) -> bool {
        self.0 & KIND != 0 || (self.0 < UNUSUAL && self.0 != NOWHERE)
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_16_bits_comes_out_as_it_went_in() {
        let plain = |base, distance, slot| Shape::Plain(Plain { base, distance, slot });
        let rule = |base, offset, frame_pointer| {
            Packed::new(Rule { base, offset, return_address: Return::At(-8), frame_pointer }).map(Packed::shape)
        };
        let stack = Base::Register(Register::Stack);
        assert_eq!(rule(stack, 8, Saved::Not), Some(plain(Register::Stack, 8, 0)));
        assert_eq!(rule(stack, 2047 * 8, Saved::At(-64)), Some(plain(Register::Stack, 2047 * 8, 7)));
        assert_eq!(rule(Base::Register(Register::Frame), 16, Saved::At(-16)), Some(plain(Register::Frame, 16, 1)));
        assert_eq!(rule(Base::Register(Register::Third), 32, Saved::Not), Some(plain(Register::Third, 32, 0)));
        assert_eq!(rule(Base::Plt(11), 0, Saved::Not), Some(Shape::Plt(11)));
        assert_eq!(rule(Base::Signal, 0, Saved::Not), Some(Shape::Signal));
        assert_eq!(rule(Base::Unknown, 0, Saved::Not), Some(Shape::Unknown));
        let root = Rule { base: stack, offset: 8, return_address: Return::None, frame_pointer: Saved::Not };
        assert_eq!(Packed::new(root).map(Packed::shape), Some(Shape::Root));
        assert_eq!(Packed::unusual(3).shape(), Shape::Unusual(3));
        assert_eq!(Packed::unusual(Packed::MAX_UNUSUAL - 1).shape(), Shape::Unusual(Packed::MAX_UNUSUAL as u16 - 1));
        assert_eq!(Packed::unusual(Packed::MAX_UNUSUAL), Packed::UNKNOWN);
    }

    #[test]
    fn what_does_not_fit_is_kept_in_full() {
        let stack = Base::Register(Register::Stack);
        let rule = |base, offset, return_address, frame_pointer| Rule { base, offset, return_address, frame_pointer };
        for unusual in [
            rule(stack, 2048 * 8, Return::At(-8), Saved::Not),
            rule(stack, 12, Return::At(-8), Saved::Not),
            rule(stack, -8, Return::At(-8), Saved::Not),
            rule(stack, 16, Return::At(-16), Saved::Not),
            rule(stack, 16, Return::Register, Saved::Not),
            rule(stack, 16, Return::At(-8), Saved::At(-72)),
            rule(stack, 16, Return::At(-8), Saved::At(-8)),
            rule(stack, 16, Return::At(-8), Saved::AtFrame(0)),
            rule(Base::WordAt(Register::Frame, -8), 0, Return::At(-8), Saved::Not),
        ] {
            assert_eq!(Packed::new(unusual), None, "{unusual:?}");
        }
    }
}
