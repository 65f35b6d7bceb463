//! What entries of the debug information are called.

use gimli::{AttributeValue, Unit, UnitOffset, constants};
use rustc_hash::FxHashMap;

use super::{Bytes, Reader};

/// How many entries may lie between an inlined call and the name of what it calls.
const MAX_REFERENCES: u32 = 16;
/// How many names are kept: few are asked for once only. Of some 100 bytes each.
const MAX_KEPT: usize = 8192;

/// Names, by where their entries are.
#[derive(Default)]
pub(super) struct Names(FxHashMap<usize, Option<String>>);

impl Names {
    /// What an entry of that unit is called: as linkers know it, else as it is written.
    pub(super) fn of(&mut self, reader: &Reader, unit: &Unit<Bytes>, offset: UnitOffset) -> Option<String> {
        self.find(reader, unit, offset, MAX_REFERENCES)
    }

    fn find(&mut self, reader: &Reader, unit: &Unit<Bytes>, offset: UnitOffset, left: u32) -> Option<String> {
        let entry = unit.entry(offset).ok()?;
        reader.touch_entry(unit, offset);
        let text = |attribute| {
            let text = reader.dwarf.attr_string(unit, entry.attr_value(attribute)?).ok()?;
            reader.mapped.touch(text.slice());
            Some(text.to_string_lossy().into_owned())
        };
        let own = [constants::DW_AT_linkage_name, constants::DW_AT_MIPS_linkage_name, constants::DW_AT_name];
        own.into_iter().find_map(text).or_else(|| {
            let referred = [constants::DW_AT_abstract_origin, constants::DW_AT_specification];
            match referred.into_iter().find_map(|attribute| entry.attr_value(attribute))? {
                AttributeValue::UnitRef(offset) => {
                    self.referred(reader, offset.to_debug_info_offset(&unit.header)?.0, Some(unit), left)
                }
                AttributeValue::DebugInfoRef(offset) => self.referred(reader, offset.0, None, left),
                // In another file.
                _ => None,
            }
        })
    }

    /// The name of an entry that others refer to, in `unit` if that is known.
    fn referred(&mut self, reader: &Reader, at: usize, unit: Option<&Unit<Bytes>>, left: u32) -> Option<String> {
        if let Some(known) = self.0.get(&at) {
            return known.clone();
        }
        let left = left.checked_sub(1)?;
        let offset = gimli::DebugInfoOffset(at);
        let name = match unit {
            Some(unit) => self.find(reader, unit, offset.to_unit_offset(&unit.header)?, left),
            None => {
                let header = reader.dwarf.unit_header(reader.units.that_holds(at)?).ok()?;
                let unit = reader.dwarf.unit(header).ok()?;
                self.find(reader, &unit, offset.to_unit_offset(&unit.header)?, left)
            }
        };
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(at, name.clone());
        name
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let texts: usize = self.0.values().flatten().map(String::capacity).sum();
        self.0.capacity() * size_of::<(usize, Option<String>)>() + texts
    }
}
