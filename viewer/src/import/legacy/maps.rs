//! Memory maps at the end of a profile, as `/proc/PID/maps` has them or in the short form of older tools, and which of their
//! files an address lies in.

use std::sync::LazyLock;

use plop_profile::{Mapping, MappingId, Profile};
use regex::Regex;

/// `00400000-00500000 r-xp 00000000 fd:01 12 /bin/server`.
static PROC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:0x)?([[:xdigit:]]+)[\s-]?\s*(?:0x)?([[:xdigit:]]+):?(?:\s+([-rwxp]+))?(?:\s+([[:xdigit:]]+))?\s+[[:xdigit:]]+:[[:xdigit:]]+\s+[[:digit:]]+(?:\s+(\S+))?")
        .expect("a regex")
});
/// `0x400000-0x500000 /bin/server (@1000) 0123abcd`: the offset, and the build ID.
static BRIEF: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:0x)?([[:xdigit:]]+)[\s-]?\s*(?:0x)?([[:xdigit:]]+):?(?:\s+([-rwxp]+))?(?:\s+(\S+))?(?:\s+\(@([[:xdigit:]]+)\))?(?:\s+([[:xdigit:]]+))?")
        .expect("a regex")
});
/// What glog writes before a line.
static LOGGED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[^\[\]]+:[0-9]+\]\s").expect("a regex"));
/// A shared library.
static LIBRARY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"([.]so$|[.]so[._][0-9]+)").expect("a regex"));

/// Whether a line says that the memory map follows.
pub(super) fn begins(line: &str) -> bool {
    line.contains("--- Memory map: ---") || line.contains("MAPPED_LIBRARIES:")
}

#[derive(Debug, Clone)]
struct Mapped {
    start: u64,
    limit: u64,
    offset: u64,
    file: String,
    build_id: String,
}

/// The executable parts of a memory map, the program itself first.
pub(super) struct Maps(Vec<Mapped>);

impl Maps {
    /// Lines that are no part of it are passed over, but `name=text` gives `$name` a meaning in what follows.
    pub(super) fn read(lines: &[&str]) -> Self {
        let mut maps: Vec<Mapped> = Vec::new();
        let mut meanings: Vec<(String, String)> = Vec::new();
        for line in lines {
            let line = LOGGED.find(line).map_or(*line, |logged| &line[logged.end()..]);
            let line = meanings.iter().fold(line.to_owned(), |line, (name, text)| line.replace(name, text));
            match mapped(&line) {
                Some(Some(mapped)) => maps.push(mapped),
                Some(None) => {}
                None => {
                    if let Some((name, text)) = line.split_once('=').filter(|_| meanings.len() < 100) {
                        meanings.push((format!("${}", name.trim()), text.trim().to_owned()));
                    }
                }
            }
        }
        let mut maps = joined(maps);
        let is_program = |mapped: &Mapped| {
            let file = mapped.file.replace("(deleted)", "");
            let file = file.trim();
            !file.is_empty() && !file.starts_with('[') && !LIBRARY.is_match(file)
        };
        if let Some(program) = maps.iter().position(is_program) {
            maps.swap(0, program);
        }
        if let [first, second, ..] = &maps[..]
            && first.file.starts_with("/anon_hugepage")
            && first.limit == second.start
        {
            maps.remove(0);
        }
        // Where programs were loaded before they could be anywhere.
        if let Some(first) = maps.first_mut().filter(|first| first.start.wrapping_sub(first.offset) == 0x40_0000) {
            (first.start, first.offset) = (0x40_0000, 0);
        }
        Maps(maps)
    }

    /// Adds the mappings to a profile. One that some address lies just before begins earlier: older tools left out the first
    /// part of what was mapped in parts.
    pub(super) fn add_to(mut self, profile: &mut Profile, addresses: impl Iterator<Item = u64>) -> Self {
        for address in addresses.filter(|&address| address != 0) {
            if self.0.iter().any(|mapped| (mapped.start..mapped.limit).contains(&address)) {
                continue;
            }
            let begins_earlier = |mapped: &&mut Mapped| {
                mapped.offset != 0
                    && mapped
                        .start
                        .checked_sub(mapped.offset)
                        .is_some_and(|from| (from..mapped.start).contains(&address))
            };
            if let Some(mapped) = self.0.iter_mut().find(begins_earlier) {
                mapped.start -= mapped.offset;
                mapped.offset = 0;
            }
        }
        for mapped in &self.0 {
            let (file, build_id) = (profile.strings.intern(&mapped.file), profile.strings.intern(&mapped.build_id));
            profile.mappings.push(Mapping {
                start: mapped.start,
                limit: mapped.limit,
                file_offset: mapped.offset,
                file,
                build_id,
                symbolized: false,
            });
        }
        self
    }

    pub(super) fn mapping_of(&self, address: u64) -> Option<MappingId> {
        let inside = |mapped: &Mapped| (mapped.start..mapped.limit).contains(&address);
        self.0.iter().position(inside).filter(|_| address != 0).map(|at| MappingId(at as u32))
    }
}

/// A line of the map; `Some(None)` if it maps no code, `None` if it is no such line.
fn mapped(line: &str) -> Option<Option<Mapped>> {
    let (start, limit, permissions, offset, file, build_id);
    if let Some(found) = PROC.captures(line) {
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str()).to_owned();
        (start, limit, permissions, offset, file) = (part(1), part(2), part(3), part(4), part(5));
        build_id = String::new();
    } else {
        let found = BRIEF.captures(line)?;
        let part = |at: usize| found.get(at).map_or("", |part| part.as_str()).to_owned();
        (start, limit, permissions, file, offset, build_id) = (part(1), part(2), part(3), part(4), part(5), part(6));
    }
    if !permissions.is_empty() && !permissions.contains('x') {
        return Some(None);
    }
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let offset = if offset.is_empty() { 0 } else { hex(&offset)? };
    Some(Some(Mapped { start: hex(&start)?, limit: hex(&limit)?, offset, file, build_id }))
}

/// One mapping for each that was mapped in adjacent parts.
fn joined(maps: Vec<Mapped>) -> Vec<Mapped> {
    let mut joined: Vec<Mapped> = Vec::new();
    for mapped in maps {
        match joined.last_mut().filter(|last| adjacent(last, &mapped)) {
            Some(last) => {
                last.limit = mapped.limit;
                if !mapped.file.is_empty() {
                    last.file = mapped.file;
                }
                if !mapped.build_id.is_empty() {
                    last.build_id = mapped.build_id;
                }
            }
            None => joined.push(mapped),
        }
    }
    joined
}

fn adjacent(first: &Mapped, second: &Mapped) -> bool {
    let agree = |first: &str, second: &str| first.is_empty() || second.is_empty() || first == second;
    let offsets_agree = first.offset == 0
        || second.offset == 0
        || first.offset.wrapping_add(first.limit.wrapping_sub(first.start)) == second.offset;
    agree(&first.file, &second.file)
        && agree(&first.build_id, &second.build_id)
        && first.limit == second.start
        && offsets_agree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_in_both_forms_and_joined() {
        let maps = Maps::read(&[
            "I0101 12:00:00.000 7 maps.cc:12] 7f0000-7f1000 r-xp 00000000 fd:01 12 /lib/libc.so.6",
            "7f1000-7f2000 r-xp 00001000 fd:01 12 /lib/libc.so.6",
            "build=/opt/build",
            "  0x500000-0x600000: $build/server (@1000) 0a1b",
            "600000-700000 rw-p 00000000 00:00 0",
            "no part of it",
        ]);
        assert_eq!(maps.0.len(), 2);
        assert_eq!((&*maps.0[0].file, maps.0[0].offset, &*maps.0[0].build_id), ("/opt/build/server", 0x1000, "0a1b"));
        assert_eq!((maps.0[1].start, maps.0[1].limit), (0x7f0000, 0x7f2000));
        assert_eq!(maps.mapping_of(0x7f1800), Some(MappingId(1)));
        assert_eq!(maps.mapping_of(0x600001), None);
    }
}
