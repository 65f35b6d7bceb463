//! Names, files and lines from a file's debug information and symbol table, in little memory: the file is mapped, what has been
//! read is given back, and only where functions and lines are is kept, for those units that someone has asked about. Written
//! against gimli, because `addr2line` keeps all that it has read: it took 2.2 times a large file's debug information.

mod entries;
mod lines;
mod mapped;
mod names;
#[cfg(test)]
mod oracle;
mod symbol_table;
mod unit;
mod units;
mod unwind_index;

use std::fs::File;
use std::io::Read;

use gimli::{DebugInfoOffset, Dwarf, EndianSlice, NativeEndian, Section, Unit, UnitOffset};
use rustc_hash::FxHashMap;

use self::mapped::Mapped;
use self::names::Names;
use self::symbol_table::SymbolTable;
use self::unit::{Index, Open};
use self::units::Units;
use self::unwind_index::UnwindIndex;
use crate::elf_file;

/// How many units stay open: new addresses are of units that others were of before, more often than not.
const MAX_OPEN: usize = 32;

/// Lives as long as the file that it was read from; see [`DebugInfo::open`].
type Bytes = EndianSlice<'static, NativeEndian>;

/// A function at an address, or one inlined there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// As linkers know it where that is known.
    pub(crate) name: String,
    pub(crate) file: String,
    /// 0 where it is not known.
    pub(crate) line: u32,
}

pub(crate) struct DebugInfo {
    // What points into the file is dropped before it.
    /// The units that were read last, at most [`MAX_OPEN`], the last one last.
    open: Vec<(DebugInfoOffset, Open)>,
    indexes: FxHashMap<DebugInfoOffset, Index>,
    names: Names,
    symbols: SymbolTable,
    unwind_index: Option<UnwindIndex>,
    reader: Reader,
}

/// The file itself.
struct Reader {
    dwarf: Dwarf<Bytes>,
    units: Units,
    /// Sections that are compressed in the file.
    unpacked: Vec<Vec<u8>>,
    mapped: Mapped,
}

impl Reader {
    /// Says that an entry of a unit has been read.
    fn touch_entry(&self, unit: &Unit<Bytes>, offset: UnitOffset) {
        let all = self.dwarf.debug_info.reader().slice();
        let entry = offset.to_debug_info_offset(&unit.header).and_then(|at| all.get(at.0..=at.0));
        self.mapped.touch(entry.unwrap_or_default());
    }
}

impl DebugInfo {
    /// Maps the file.
    pub(crate) fn open(file: &File) -> Option<DebugInfo> {
        let mapped = Mapped::new(file)?;
        let mut unpacked = Vec::new();
        let load = |id: gimli::SectionId| -> Result<Bytes, gimli::Error> {
            let section = elf_file::find_section(file, |_, name| name == id.name().as_bytes());
            let bytes = section.and_then(|at| {
                let end = at.offset.checked_add(at.length)?;
                Some((mapped.get(at.offset as usize..end as usize)?, at.is_compressed))
            });
            let bytes = match bytes {
                Some((bytes, false)) => bytes,
                Some((bytes, true)) => {
                    unpacked.push(unpack(bytes).unwrap_or_default());
                    unpacked.last().map_or(&[][..], Vec::as_slice)
                }
                None => &[],
            };
            // SAFETY: the mapping and the unpacked sections are kept, where they are, until all that reads them is gone, and nothing
            // that is given out refers to them.
            let bytes = unsafe { std::mem::transmute::<&[u8], &'static [u8]>(bytes) };
            Ok(EndianSlice::new(bytes, NativeEndian))
        };
        let dwarf = Dwarf::load(load).ok()?;
        let symbols = SymbolTable::read(file, &mapped).unwrap_or_default();
        let units = Units::read(&dwarf, &mapped);
        let reader = Reader { dwarf, units, unpacked, mapped };
        Some(DebugInfo {
            open: Vec::new(),
            indexes: FxHashMap::default(),
            names: Names::default(),
            symbols,
            unwind_index: UnwindIndex::find(file),
            reader,
        })
    }

    /// The functions at an address, the innermost inlined one first. Fastest where one address after the other is of the same
    /// unit. What lies in files of its own (split debug information) is left to the viewer.
    pub(crate) fn frames(&mut self, address: u64) -> Vec<Frame> {
        let reader = &self.reader;
        for offset in reader.units.at(address) {
            if let Some(at) = self.open.iter().rposition(|&(open, _)| open == offset) {
                self.open[at..].rotate_left(1);
            } else if let Ok(header) = reader.dwarf.unit_header(offset)
                && let Some(open) = Open::new(&reader.dwarf, header)
            {
                if self.open.len() == MAX_OPEN {
                    self.open.remove(0);
                }
                self.open.push((offset, open));
            } else {
                continue;
            }
            let Some((_, open)) = self.open.last_mut() else { continue };
            let index = self.indexes.entry(offset).or_insert_with(|| open.index(reader));
            let frames = open.frames(reader, &mut self.names, index, address);
            if !frames.is_empty() {
                return frames;
            }
        }
        Vec::new()
    }

    /// The name of the function that the symbol table has at an address.
    pub(crate) fn symbol(&self, address: u64) -> Option<&str> {
        self.symbols.name(&self.reader.mapped, address)
    }

    /// Where the function at an address begins, also where it has no name.
    pub(crate) fn begin(&self, address: u64) -> Option<u64> {
        self.unwind_index.as_ref()?.begin(&self.reader.mapped, address)
    }

    /// What it holds besides the file.
    pub(crate) fn memory_bytes(&self) -> usize {
        let unpacked: usize = self.reader.unpacked.iter().map(Vec::capacity).sum();
        let indexes: usize = self.indexes.values().map(Index::memory_bytes).sum();
        let open: usize = self.open.iter().map(|(_, open)| open.memory_bytes()).sum();
        let kept = indexes + open + self.names.memory_bytes() + self.symbols.memory_bytes();
        unpacked + kept + self.reader.units.memory_bytes()
    }
}

/// A section that is compressed by zlib; its header says how long it is unpacked (`Elf64_Chdr`).
fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 24;
    const ELFCOMPRESS_ZLIB: u32 = 1;
    let (header, packed) = bytes.split_at_checked(HEADER)?;
    if u32::from_ne_bytes(header[..4].try_into().ok()?) != ELFCOMPRESS_ZLIB {
        return None;
    }
    let mut unpacked = Vec::new();
    flate2::read::ZlibDecoder::new(packed).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}
