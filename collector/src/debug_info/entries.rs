//! Walks the entries of a unit without reading them: nearly all are types, variables and the like, which nobody asks for. What
//! is of interest, gimli reads.

use gimli::{Abbreviation, Abbreviations, DwAt, DwForm, DwTag, Dwarf, Section, UnitHeader, constants};

use super::Bytes;

/// How the entries of each abbreviation are passed over.
pub(super) struct Shapes {
    /// By code: they are numbered from 1 on.
    shapes: Vec<Shape>,
    skips: Vec<Skip>,
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    tag: DwTag,
    has_children: bool,
    /// Whether it says where its code lies.
    has_code: bool,
    /// Of `skips`.
    from: u32,
    to: u32,
}

/// A value, or several in a row, that is passed over.
#[derive(Debug, Clone, Copy)]
enum Skip {
    Bytes(usize),
    /// A number of any length.
    Leb128,
    /// A zero-terminated string.
    Text,
    /// So many bytes of length, and what they tell.
    Block(usize),
    /// The same with a number of any length.
    BlockLeb128,
}

/// An entry that the walk has come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// From the beginning of the unit.
    pub(super) offset: usize,
    pub(super) tag: DwTag,
    /// Below the entry that the walk began with, which is at 0.
    pub(super) depth: usize,
    pub(super) has_code: bool,
}

impl Shapes {
    /// `None` where there is something that can't be passed over.
    pub(super) fn new(abbreviations: &Abbreviations, header: &UnitHeader<Bytes>) -> Option<Shapes> {
        let mut shapes = Shapes { shapes: Vec::new(), skips: Vec::new() };
        while let Some(abbreviation) = abbreviations.get(shapes.shapes.len() as u64 + 1) {
            shapes.add(abbreviation, header)?;
        }
        Some(shapes)
    }

    fn add(&mut self, abbreviation: &Abbreviation, header: &UnitHeader<Bytes>) -> Option<()> {
        let from = self.skips.len();
        let mut has_code = false;
        for attribute in abbreviation.attributes() {
            has_code |= matches!(attribute.name(), constants::DW_AT_low_pc | constants::DW_AT_ranges);
            let skip = match (attribute.size(header), attribute.form()) {
                (Some(size), _) => Skip::Bytes(size),
                (None, constants::DW_FORM_block1) => Skip::Block(1),
                (None, constants::DW_FORM_block2) => Skip::Block(2),
                (None, constants::DW_FORM_block4) => Skip::Block(4),
                (None, constants::DW_FORM_block | constants::DW_FORM_exprloc) => Skip::BlockLeb128,
                (None, constants::DW_FORM_string) => Skip::Text,
                (
                    None,
                    constants::DW_FORM_udata
                    | constants::DW_FORM_sdata
                    | constants::DW_FORM_ref_udata
                    | constants::DW_FORM_strx
                    | constants::DW_FORM_addrx
                    | constants::DW_FORM_loclistx
                    | constants::DW_FORM_rnglistx,
                ) => Skip::Leb128,
                _ => return None,
            };
            match (self.skips[from..].last_mut(), skip) {
                (Some(Skip::Bytes(before)), Skip::Bytes(more)) => *before += more,
                _ => self.skips.push(skip),
            }
        }
        self.shapes.push(Shape {
            tag: abbreviation.tag(),
            has_children: abbreviation.has_children(),
            has_code,
            from: from as u32,
            to: self.skips.len() as u32,
        });
        Some(())
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.shapes.capacity() * size_of::<Shape>() + self.skips.capacity() * size_of::<Skip>()
    }

    /// Visits the entry at `from` of a unit's bytes and all below it, until `visit` says that it is enough. Ends where something
    /// is malformed; says how far it has come.
    pub(super) fn walk(&self, unit: &[u8], from: usize, visit: impl FnMut(Entry) -> bool) -> usize {
        let mut rest = Rest { bytes: unit, at: from };
        self.walk_rest(&mut rest, visit);
        rest.at.min(unit.len())
    }

    fn walk_rest(&self, rest: &mut Rest<'_>, mut visit: impl FnMut(Entry) -> bool) {
        let mut depth = 0_usize;
        loop {
            let offset = rest.at;
            let Some(code) = rest.leb128() else { return };
            if code == 0 {
                // The last of its siblings was the one before.
                depth = depth.saturating_sub(1);
            } else {
                let Some(shape) = self.shapes.get(code as usize - 1) else { return };
                if !visit(Entry { offset, tag: shape.tag, depth, has_code: shape.has_code }) {
                    return;
                }
                for skip in &self.skips[shape.from as usize..shape.to as usize] {
                    if rest.skip(*skip).is_none() {
                        return;
                    }
                }
                depth += usize::from(shape.has_children);
            }
            if depth == 0 {
                return;
            }
        }
    }
}

/// Whether the entry of a whole unit says where code lies, or may say so: read from its abbreviation alone, since most units have
/// no code, and to open one takes a thousand times longer.
pub(super) fn root_may_have_code(dwarf: &Dwarf<Bytes>, header: &UnitHeader<Bytes>) -> bool {
    // As a rule the root's abbreviation is the table's first.
    let abbreviation = || {
        let unit = dwarf.debug_info.reader().slice();
        let mut root = Rest { bytes: unit, at: header.debug_info_offset()?.0 + header.root_offset().0 };
        let mut table = Rest { bytes: dwarf.debug_abbrev.reader().slice(), at: header.debug_abbrev_offset().0 };
        let is_first = table.leb128()? == root.leb128()?;
        // Its tag, and whether it has children.
        table.leb128()?;
        table.byte()?;
        is_first.then_some(table)
    };
    let Some(mut table) = abbreviation() else { return true };
    loop {
        let (Some(name), Some(form)) = (table.leb128(), table.leb128()) else { return true };
        match (DwAt(name as u16), DwForm(form as u16)) {
            (DwAt(0), DwForm(0)) => return false,
            (constants::DW_AT_low_pc | constants::DW_AT_ranges, _) | (_, constants::DW_FORM_implicit_const) => {
                return true;
            }
            _ => {}
        }
    }
}

/// Bytes that are read one after the other.
pub(super) struct Rest<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Rest<'_> {
    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// A number of so many bytes, up to eight.
    pub(super) fn number(&mut self, size: usize) -> Option<u64> {
        let mut number = [0; 8];
        let bytes = self.bytes.get(self.at..self.at.checked_add(size)?)?;
        number.get_mut(..size)?.copy_from_slice(bytes);
        self.at += size;
        // The files are of this machine, whose byte order is little-endian.
        Some(u64::from_le_bytes(number))
    }

    /// An unsigned LEB128.
    #[inline]
    pub(super) fn leb128(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let (mut value, mut shift) = (u64::from(first & 0x7f), 7);
        loop {
            let byte = self.byte()?;
            if shift < u64::BITS {
                value |= u64::from(byte & 0x7f) << shift;
            }
            shift += 7;
            if byte < 0x80 {
                return Some(value);
            }
        }
    }

    /// A signed LEB128.
    pub(super) fn signed_leb128(&mut self) -> Option<i64> {
        let begin = self.at;
        let value = self.leb128()?;
        let bits = 7 * (self.at - begin) as u32;
        let unused = u64::BITS.saturating_sub(bits);
        Some((value << unused) as i64 >> unused)
    }

    #[inline]
    fn skip(&mut self, skip: Skip) -> Option<()> {
        let size = match skip {
            Skip::Bytes(size) => size,
            Skip::Leb128 => return self.leb128().map(|_| ()),
            Skip::Text => self.bytes.get(self.at..)?.iter().position(|&byte| byte == 0)? + 1,
            Skip::Block(size) => self.number(size)? as usize,
            Skip::BlockLeb128 => self.leb128()? as usize,
        };
        self.at = self.at.checked_add(size)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_read_with_their_sign() {
        let read = |bytes: &[u8]| Rest { bytes, at: 0 }.signed_leb128();
        assert_eq!(read(&[2]), Some(2));
        assert_eq!(read(&[0x7e]), Some(-2));
        assert_eq!(read(&[0xff, 0]), Some(127));
        assert_eq!(read(&[0x80, 0x7f]), Some(-128));
        assert_eq!(read(&[0x80]), None);
        let longest = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
        assert_eq!(read(&longest), Some(i64::MIN));
        assert_eq!(Rest { bytes: &[0xe5, 0x8e, 0x26], at: 0 }.leb128(), Some(624_485));
    }
}
