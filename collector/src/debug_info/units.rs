//! Which unit of the debug information an address belongs to.

use gimli::{DebugInfoOffset, Dwarf, Section, Unit};
use rustc_hash::FxHashSet;

use super::Bytes;
use super::entries::root_may_have_code;
use super::mapped::Mapped;

/// The units, and where the code of each lies.
pub(super) struct Units {
    /// Where in `.debug_info` they begin, in order.
    begins: Vec<usize>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    begin: u64,
    end: u64,
    /// Of the unit, in `.debug_info`.
    unit: usize,
}

impl Units {
    /// From the table of `.debug_aranges`, and for units that are not in it, as Clang leaves it out, from each one's own entry.
    pub(super) fn read(dwarf: &Dwarf<Bytes>, mapped: &Mapped) -> Units {
        let (mut begins, mut parts) = (Vec::new(), Vec::new());
        let mut listed = FxHashSet::default();
        mapped.touch(dwarf.debug_aranges.reader().slice());
        let mut tables = dwarf.debug_aranges.headers();
        while let Ok(Some(table)) = tables.next() {
            let unit = table.debug_info_offset().0;
            listed.insert(unit);
            let mut entries = table.entries();
            while let Ok(Some(entry)) = entries.next() {
                let range = entry.range();
                parts.push(Part { begin: range.begin, end: range.end, unit });
            }
        }
        let mut headers = dwarf.units();
        while let Ok(Some(header)) = headers.next() {
            let Some(DebugInfoOffset(offset)) = header.debug_info_offset() else { continue };
            mapped.touch(dwarf.debug_info.reader().range(offset..offset + header.size_of_header()).slice());
            begins.push(offset);
            // In an optimised program most have none: all of it is inlined elsewhere.
            if listed.contains(&offset) || !root_may_have_code(dwarf, &header) {
                continue;
            }
            let Ok(unit) = Unit::new(dwarf, header) else { continue };
            let Ok(mut ranges) = dwarf.unit_ranges(&unit) else { continue };
            while let Ok(Some(range)) = ranges.next() {
                parts.push(Part { begin: range.begin, end: range.end, unit: offset });
            }
        }
        // What the linker has left out begins at 0.
        parts.retain(|part| part.begin > 0 && part.begin < part.end);
        parts.sort_unstable();
        parts.shrink_to_fit();
        begins.shrink_to_fit();
        Units { begins, parts }
    }

    /// The unit that an entry is in.
    pub(super) fn that_holds(&self, entry: usize) -> Option<DebugInfoOffset> {
        let at = self.begins.partition_point(|&begin| begin <= entry).checked_sub(1)?;
        Some(DebugInfoOffset(self.begins[at]))
    }

    /// The units that an address may belong to, by the offsets of their headers: as a rule one.
    pub(super) fn at(&self, address: u64) -> impl Iterator<Item = DebugInfoOffset> {
        let until = self.parts.partition_point(|part| part.begin <= address);
        let mut last = None;
        // What begins last may be over within what it lies in.
        let near = self.parts[..until].iter().rev().take(8).filter(move |part| address < part.end);
        near.map(|part| part.unit).filter(move |unit| last.replace(*unit) != Some(*unit)).map(DebugInfoOffset)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.parts.capacity() * size_of::<Part>() + self.begins.capacity() * size_of::<usize>()
    }
}
