//! One unit of debug information, that is, one compilation: what is kept of it is where its functions and its line sequences
//! are, some 30 bytes for each; the rest is read again whenever someone asks.

use gimli::{AttributeValue, Dwarf, FileEntry, Range, Section, Unit, UnitHeader, UnitOffset, constants};

use rustc_hash::FxHashMap;

use super::entries::Shapes;
use super::lines::Sequences;
use super::names::Names;
use super::{Bytes, Frame, Reader};

/// Where things are in a unit.
#[derive(Default)]
pub(super) struct Index {
    /// In order of addresses.
    functions: Vec<Function>,
    sequences: Sequences,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    begin: u64,
    length: u32,
    /// Of its entry, in the unit.
    offset: u32,
}

/// A unit that is being read.
pub(super) struct Open {
    unit: Unit<Bytes>,
    bytes: Bytes,
    shapes: Shapes,
    /// Of files by number, as far as they have been asked for.
    paths: FxHashMap<u64, String>,
}

impl Open {
    pub(super) fn new(dwarf: &Dwarf<Bytes>, header: UnitHeader<Bytes>) -> Option<Open> {
        let unit = dwarf.unit(header).ok()?;
        let shapes = Shapes::new(&unit.abbreviations, &unit.header)?;
        let begin = unit.header.debug_info_offset()?.0;
        let bytes = dwarf.debug_info.reader().range(begin..begin + unit.header.length_including_self());
        Some(Open { bytes, unit, shapes, paths: FxHashMap::default() })
    }

    /// Finds the functions and the line sequences.
    pub(super) fn index(&self, Reader { dwarf, mapped, .. }: &Reader) -> Index {
        let mut functions = Vec::new();
        mapped.touch(self.bytes.slice());
        self.shapes.walk(self.bytes.slice(), self.root(), |entry| {
            if entry.tag == constants::DW_TAG_subprogram && entry.has_code {
                self.ranges(dwarf, entry.offset, |range| {
                    // What the linker has left out begins at 0.
                    if range.begin > 0 {
                        let length = u32::try_from(range.end.saturating_sub(range.begin)).unwrap_or(u32::MAX);
                        functions.push(Function { begin: range.begin, length, offset: entry.offset as u32 });
                    }
                    true
                });
            }
            true
        });
        functions.sort_unstable();
        functions.shrink_to_fit();
        let sequences = self.unit.line_program.as_ref().map(|program| {
            mapped.touch(program.header().raw_program_buf().slice());
            Sequences::read(program.header())
        });
        Index { functions, sequences: sequences.unwrap_or_default() }
    }

    /// The functions at an address, the innermost inlined one first.
    pub(super) fn frames(&mut self, reader: &Reader, names: &mut Names, index: &Index, address: u64) -> Vec<Frame> {
        let Some(function) = index.function(address) else { return Vec::new() };
        let calls = self.calls(reader, function.offset as usize, address);
        let row = self.unit.line_program.as_ref().and_then(|program| index.sequences.row(program.header(), address));
        let mut place = row.map(|row| (row.file, row.line));
        let mut frames = Vec::with_capacity(calls.len());
        for &offset in calls.iter().rev() {
            let file = place.map(|(file, _)| self.path(reader, file)).unwrap_or_default();
            // One that can't be named is left out.
            if let Some(name) = names.of(reader, &self.unit, UnitOffset(offset)) {
                frames.push(Frame { name, file, line: place.map_or(0, |(_, line)| line) });
            }
            place = self.call_site(offset);
        }
        frames
    }

    /// The function and what is inlined at the address, the outermost first: their entries.
    fn calls(&self, Reader { dwarf, mapped, .. }: &Reader, function: usize, address: u64) -> Vec<usize> {
        let mut calls = vec![function];
        // How deep the innermost one found lies, and one that is not at the address.
        let (mut found, mut elsewhere) = (0, None);
        let end = self.shapes.walk(self.bytes.slice(), function, |entry| {
            if entry.offset == function {
                return true;
            }
            if entry.depth <= found {
                return false;
            }
            if elsewhere.is_some_and(|depth| entry.depth > depth) {
                return true;
            }
            elsewhere = None;
            match entry.tag {
                constants::DW_TAG_inlined_subroutine => {
                    let mut holds = false;
                    self.ranges(dwarf, entry.offset, |range| {
                        holds = (range.begin..range.end).contains(&address);
                        !holds
                    });
                    if holds {
                        calls.push(entry.offset);
                        found = entry.depth;
                    } else {
                        elsewhere = Some(entry.depth);
                    }
                }
                constants::DW_TAG_subprogram => elsewhere = Some(entry.depth),
                _ => {}
            }
            true
        });
        mapped.touch(&self.bytes.slice()[function..end]);
        calls
    }

    /// Shows the stretches of code that an entry lies in, until `visit` says that it is enough.
    fn ranges(&self, dwarf: &Dwarf<Bytes>, offset: usize, mut visit: impl FnMut(Range) -> bool) {
        let Ok(entry) = self.unit.entry(UnitOffset(offset)) else { return };
        let Ok(mut ranges) = dwarf.die_ranges(&self.unit, &entry) else { return };
        while let Ok(Some(range)) = ranges.next() {
            if !visit(range) {
                return;
            }
        }
    }

    /// The file and line that an inlined function is called from.
    fn call_site(&self, offset: usize) -> Option<(u64, u32)> {
        let entry = self.unit.entry(UnitOffset(offset)).ok()?;
        let AttributeValue::FileIndex(file) = entry.attr_value(constants::DW_AT_call_file)? else { return None };
        let line = entry.attr_value(constants::DW_AT_call_line).and_then(|line| line.udata_value());
        Some((file, line.map_or(0, |line| line as u32)))
    }

    /// The path of a file that the line program has under a number; empty if there is none.
    fn path(&mut self, reader: &Reader, number: u64) -> String {
        if let Some(known) = self.paths.get(&number) {
            return known.clone();
        }
        let path = self.read_path(reader, number).unwrap_or_default();
        self.paths.insert(number, path.clone());
        path
    }

    fn read_path(&self, Reader { dwarf, mapped, .. }: &Reader, number: u64) -> Option<String> {
        let header = self.unit.line_program.as_ref()?.header();
        let file = header.file(number)?;
        let mut path = self.unit.comp_dir.map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
        let mut push = |part: AttributeValue<Bytes>| {
            let part = dwarf.attr_string(&self.unit, part).ok()?;
            mapped.touch(part.slice());
            let part = part.to_string_lossy();
            if part.starts_with('/') {
                path.clear();
            } else if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(&part);
            Some(())
        };
        // Folder 0 is the one that it was compiled in.
        if file.directory_index() != 0 {
            push(file.directory(header)?)?;
        }
        push(file.path_name())?;
        Some(path)
    }

    /// What it holds besides the file, without what gimli keeps of its abbreviations, which is little.
    pub(super) fn memory_bytes(&self) -> usize {
        let files = self.unit.line_program.as_ref().map_or(0, |program| program.header().file_names().len());
        let paths: usize = self.paths.values().map(String::capacity).sum();
        files * size_of::<FileEntry<Bytes>>() + paths + self.shapes.memory_bytes()
    }

    fn root(&self) -> usize {
        self.unit.header.root_offset().0
    }
}

impl Index {
    fn function(&self, address: u64) -> Option<Function> {
        let at = self.functions.partition_point(|function| function.begin <= address);
        // The one that begins last may be over within one that it lies in.
        let holds = |function: &&Function| address - function.begin < u64::from(function.length);
        self.functions[..at].iter().rev().take(8).find(holds).copied()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.functions.capacity() * size_of::<Function>() + self.sequences.memory_bytes()
    }
}
