//! Addresses to names: functions, files, lines and inlined frames, from the files that are mapped. Knows nothing of samples.
//!
//! With line tables only, as release builds have them, debug information calls a function `new`, and only the symbol table says
//! whose, so both are asked; the `backtrace` crate shows the one where there is one. Reading takes no lock that a forked child
//! could inherit, and still names what a library did that is unloaded by now.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use plop_profile::{Function, Line, Mapping, MappingId, Profile, StringId};
use rustc_hash::FxHashMap;

use crate::debug_info::{DebugInfo, Frame};
use crate::elf_file::ElfFile;

/// How long to read names at a time: at 10 kHz the buffer between handlers and collector fills in some 100 ms.
const SLICE: Duration = Duration::from_millis(20);

/// The files that names were read from last.
#[derive(Default)]
pub(crate) struct Symbols {
    /// By path and build ID.
    files: FxHashMap<(StringId, StringId), Option<SymbolFile>>,
    /// How many locations have been taken note of.
    seen: usize,
    /// Addresses and numbers of those that wait to be looked up.
    pending: Vec<(u64, u32)>,
    /// Names as linkers know them, and as people read them: the same functions are inlined in many places.
    demangled: FxHashMap<StringId, StringId>,
}

struct SymbolFile {
    elf: ElfFile,
    info: DebugInfo,
}

impl Symbols {
    /// Fills in the lines of locations that have not been looked up, for about [`SLICE`].
    pub(crate) fn name_locations(&mut self, profile: &mut Profile) {
        let begun = Instant::now();
        if self.seen < profile.locations.len() {
            let new = profile.locations[self.seen..].iter().zip(self.seen as u32..);
            self.pending.extend(new.map(|(location, number)| (location.address, number)));
            self.seen = profile.locations.len();
            // Taken from the end, so that one after the other comes from the same part of a file.
            self.pending.sort_unstable();
        }
        while begun.elapsed() < SLICE
            && let Some((address, number)) = self.pending.pop()
        {
            let Some(MappingId(mapping)) = profile.locations[number as usize].mapping else { continue };
            let mapping = &profile.mappings[mapping as usize];
            let Some(offset) = address.checked_sub(mapping.start) else { continue };
            let key = (mapping.file, mapping.build_id);
            let file = self.files.entry(key).or_insert_with(|| SymbolFile::open(profile, mapping));
            let offset = offset + mapping.file_offset;
            let Some((file, address)) = file.as_mut().and_then(|file| file.elf.address_of(offset).map(|at| (file, at)))
            else {
                continue;
            };
            let mut frames = file.frames(address);
            if let (true, Some(begin)) = (frames.is_empty(), file.info.begin(address)) {
                let name = plop_profile::nameless_function(&profile.strings[mapping.file], begin);
                frames.push(Frame { name, file: String::new(), line: 0 });
            }
            profile.locations[number as usize].lines =
                frames.iter().map(|frame| line_of(profile, &mut self.demangled, frame)).collect();
        }
    }

    /// Whether all locations have been looked up.
    pub(crate) fn is_done(&self, profile: &Profile) -> bool {
        self.seen == profile.locations.len() && self.pending.is_empty()
    }

    /// Closes the files and gives their memory back.
    pub(crate) fn close_files(&mut self) {
        self.files.clear();
        self.demangled = FxHashMap::default();
    }

    /// What the open files take.
    pub(crate) fn memory_bytes(&self) -> usize {
        let demangled = self.demangled.capacity() * size_of::<(StringId, StringId)>();
        demangled + self.files.values().flatten().map(|file| file.info.memory_bytes()).sum::<usize>()
    }
}

impl SymbolFile {
    /// The mapping's file, unless it can't be read or is another build by now.
    fn open(profile: &Profile, mapping: &Mapping) -> Option<SymbolFile> {
        let path = PathBuf::from(&profile.strings[mapping.file]);
        // A program whose file has been replaced still finds its own.
        let own = std::fs::read_link("/proc/self/exe").is_ok_and(|own| own == path);
        let path = if own { PathBuf::from("/proc/self/exe") } else { path };
        let file = File::open(&path).ok()?;
        let elf = ElfFile::read(&file).ok()?;
        let mapped = &profile.strings[mapping.build_id];
        if !mapped.is_empty() && *mapped != hexadecimal(&elf.build_id) {
            return None;
        }
        Some(SymbolFile { elf, info: DebugInfo::open(&file)? })
    }

    /// What has a name at an address of the file's own numbering, the innermost inlined function first.
    fn frames(&mut self, address: u64) -> Vec<Frame> {
        let mut frames = self.info.frames(address);
        let symbol = self.info.symbol(address);
        match (frames.last_mut(), symbol) {
            // The symbol is the function that the others are inlined in; its name has the path that a short one lacks.
            (Some(outermost), Some(symbol)) if !is_mangled(&outermost.name) => symbol.clone_into(&mut outermost.name),
            (None, Some(symbol)) => frames.push(Frame { name: symbol.to_owned(), file: String::new(), line: 0 }),
            _ => {}
        }
        frames
    }
}

/// Whether a name says where its function belongs: Rust's two ways of mangling, and C++'s.
fn is_mangled(name: &str) -> bool {
    name.starts_with("_R") || name.starts_with("_Z")
}

fn line_of(profile: &mut Profile, demangled: &mut FxHashMap<StringId, StringId>, frame: &Frame) -> Line {
    let mangled = profile.strings.intern(&frame.name);
    let name = *demangled.entry(mangled).or_insert_with(|| match rustc_demangle::try_demangle(&frame.name) {
        Ok(name) => profile.strings.intern(&format!("{name:#}")),
        Err(_) => mangled,
    });
    let file = profile.strings.intern(&frame.file);
    let system_name = if mangled == name { StringId::EMPTY } else { mangled };
    let function = profile.intern_function(Function { name, system_name, file, start_line: 0 });
    Line { function, line: i64::from(frame.line) }
}

/// A build ID as people write it.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use plop_profile::Location;

    #[inline(never)]
    fn place() -> u64 {
        std::hint::black_box(place as fn() -> u64 as usize as u64)
    }

    /// The names and files of [`place`], if its mapping were of that build and of that file instead of this program's.
    fn names(build_id: &str, instead: Option<&str>) -> Vec<(String, String)> {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc can be read");
        let address = place() + 1;
        let mapping = maps.lines().find_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let (start, limit) = fields.next()?.split_once('-')?;
            let number = |text| u64::from_str_radix(text, 16).ok();
            let (start, limit, file_offset) = (number(start)?, number(limit)?, number(fields.nth(1)?)?);
            (start..limit).contains(&address).then_some((start, limit, file_offset, fields.nth(2)?))
        });
        let (start, limit, file_offset, path) = mapping.expect("code is mapped from a file");
        let mut profile = Profile::new([("samples", "count")]);
        let file = profile.strings.intern(instead.unwrap_or(path));
        let build_id = profile.strings.intern(build_id);
        profile.mappings.push(Mapping { start, limit, file_offset, file, build_id, symbolized: true });
        profile.push_location(Location { mapping: Some(MappingId(0)), address, lines: Vec::new() });
        let mut symbols = Symbols::default();
        while !symbols.is_done(&profile) {
            symbols.name_locations(&mut profile);
        }
        let function = |line: &Line| profile.functions[line.function.0 as usize];
        let text = |of: Function| (profile.strings[of.name].to_owned(), profile.strings[of.file].to_owned());
        profile.locations[0].lines.iter().map(|line| text(function(line))).collect()
    }

    #[test]
    fn a_place_in_this_program_has_its_function_s_whole_name_and_file() {
        let names = names("", None);
        let (name, file) = names.last().expect("this test has line tables");
        assert_eq!(name, "plop_collector::symbols::tests::place");
        assert!(file.ends_with("src/symbols.rs"), "{file}");
    }

    #[test]
    fn a_file_of_another_build_names_nothing() {
        assert!(names("00112233", None).is_empty());
    }

    #[test]
    fn code_without_a_symbol_is_known_by_where_its_function_begins() {
        if Command::new("objcopy").arg("--version").output().is_err() {
            eprintln!("skipped: there is no objcopy on this machine (Debian: binutils)");
            return;
        }
        let folder = tempfile::tempdir().expect("there is room for a copy of this program");
        let stripped = folder.path().join("stripped");
        let program = std::env::current_exe().expect("this program has a path");
        let made = Command::new("objcopy").arg("--strip-all").arg(program).arg(&stripped).status();
        assert!(made.expect("objcopy runs").success());
        let names = names("", stripped.to_str());
        let start = std::fs::read_to_string("/proc/self/maps").expect("/proc can be read");
        let start = start.split('-').next().and_then(|start| u64::from_str_radix(start, 16).ok());
        let begin = place() - start.expect("the program is mapped first, from its address 0 on");
        assert_eq!(names, [(format!("[stripped+{begin:#x}]"), String::new())]);
    }
}
