//! Names for addresses: a profile that holds addresses and build IDs only gets its functions, files, lines and inlined
//! frames from the binary that was running, or from a file with its debug information.
//!
//! A file is used only if its build ID is the one that the profile names; a mismatch is said, never guessed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use debuginfod::Kind;
use functions::Functions;
use object::{Object, ObjectSegment};
use plop_profile::{
    Function, Line, LocationId, Mapping, MappingId, Profile, StringId, is_nameless_function, nameless_function,
};

mod debuginfod;
mod functions;

/// Where to look for binaries and their debug information.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Binaries to use before the paths that the profile names.
    pub binaries: Vec<PathBuf>,
    /// Folders with `.build-id/ab/cdef….debug` and with debug files under the binaries' own paths.
    pub debug_folders: Vec<PathBuf>,
    /// Addresses of debuginfod servers, asked for what is not on this machine.
    pub servers: Vec<String>,
    /// Where what servers gave is kept, as debuginfod's own client keeps it; `None` to keep nothing.
    pub cache: Option<PathBuf>,
    /// How many bytes a profile may unpack to.
    pub largest: u64,
}

impl Default for Sources {
    fn default() -> Self {
        Sources {
            binaries: Vec::new(),
            debug_folders: vec![PathBuf::from("/usr/lib/debug")],
            servers: Vec::new(),
            cache: debuginfod::cache(),
            largest: crate::import::DEFAULT_LIMIT,
        }
    }
}

/// Gives names to the addresses of a profile's stacks that have none and whose file can be had; a file that no stack touches is
/// neither opened nor asked for. What the collector could only name by where it begins gets its name if one is to be had.
/// Answers what could not be named and why, a sentence for each mapped file.
pub fn symbolize(profile: &mut Profile, sources: &Sources) -> Vec<String> {
    let mut notes = Vec::new();
    // Several mappings are often of one file, next to one another.
    let mut open: Option<(StringId, Result<Binary, String>)> = None;
    for (mapping, locations) in nameless(profile) {
        let Mapping { file, symbolized, build_id, .. } = profile.mappings[mapping.0 as usize];
        if profile.strings[file].is_empty() || profile.strings[file].starts_with('[') {
            continue;
        }
        // A better name than the one that was given must be of the very same file.
        if symbolized && build_id.is_empty() {
            continue;
        }
        if open.as_ref().is_none_or(|(opened, _)| *opened != file) {
            let binary = Binary::find(profile, mapping, sources);
            // Whoever has looked its locations up has said what is missing.
            notes.extend(binary.as_ref().err().filter(|_| !symbolized).cloned());
            open = Some((file, binary));
        }
        if let Some((_, Ok(binary))) = &open {
            name_all(profile, mapping, &locations, binary);
        }
    }
    notes
}

/// The locations of stacks that have no name, or only that of where their function begins, by mapping.
fn nameless(profile: &Profile) -> BTreeMap<MappingId, Vec<LocationId>> {
    let mut stands = vec![false; profile.locations.len()];
    for node in &profile.stacks.nodes()[1..] {
        stands[node.location.0 as usize] = true;
    }
    let is_nameless = |line: &Line| {
        let function = profile.functions[line.function.0 as usize];
        is_nameless_function(&profile.strings[function.name])
    };
    let mut nameless: BTreeMap<MappingId, Vec<LocationId>> = BTreeMap::new();
    for (at, location) in profile.locations.iter().enumerate().filter(|(at, _)| stands[*at]) {
        if let Some(mapping) = location.mapping
            && location.address != 0
            && location.lines.iter().all(is_nameless)
        {
            nameless.entry(mapping).or_default().push(LocationId(at as u32));
        }
    }
    nameless
}

fn name_all(profile: &mut Profile, mapping: MappingId, locations: &[LocationId], binary: &Binary) {
    let mapped = profile.mappings[mapping.0 as usize].clone();
    // pprof's convention for addresses that are the file's own: a mapping of everything.
    let own = mapped.start == 0 && mapped.file_offset == 0 && mapped.limit == u64::MAX;
    for &location in locations {
        let address = profile.locations[location.0 as usize].address;
        let offset = address.wrapping_sub(mapped.start).wrapping_add(mapped.file_offset);
        let address = if own { Some(address) } else { binary.address_of(offset) };
        let lines = address.map(|address| binary.lines(profile, address, mapped.file)).unwrap_or_default();
        if !lines.is_empty() {
            profile.locations[location.0 as usize].lines = lines;
        }
    }
    profile.mappings[mapping.0 as usize].symbolized = true;
}

/// A file with names.
struct Binary {
    loader: Loader,
    /// The loaded segments of the binary itself: offset in the file, size there, address.
    segments: Vec<(u64, u64, u64)>,
    /// Where its functions begin, for those that have no name.
    functions: Option<Functions>,
}

impl Binary {
    /// The binary of a mapping, or why there is none.
    fn find(profile: &Profile, mapping: MappingId, sources: &Sources) -> Result<Binary, String> {
        let mapping = &profile.mappings[mapping.0 as usize];
        let (file, build_id) = (&profile.strings[mapping.file], &profile.strings[mapping.build_id]);
        let named = Path::new(file);
        let given =
            sources.binaries.iter().filter(|path| !build_id.is_empty() || path.file_name() == named.file_name());
        let mut found = Vec::new();
        for path in given.map(PathBuf::as_path).chain([named]) {
            let Ok(bytes) = map(path) else { continue };
            let Ok(object) = object::File::parse(&*bytes) else { continue };
            let have = build_id_of(&object);
            if !build_id.is_empty() && have != *build_id {
                let have = if have.is_empty() { "none".to_owned() } else { have };
                found.push(format!("{} has build ID {have}", path.display()));
                continue;
            }
            return Binary::named(path, &object, sources);
        }
        // Without the binary itself nobody knows which address a place in it has.
        let (binary, refusals) = debuginfod::find(Kind::Executable, build_id, sources);
        if let Some(path) = binary {
            let bytes = map(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let object = object::File::parse(&*bytes).map_err(|error| format!("{}: {error}", path.display()))?;
            let have = build_id_of(&object);
            if have == *build_id {
                return Binary::named(&path, &object, sources);
            }
            found.push(format!("{} has build ID {have}", path.display()));
        }
        found.extend(refusals);
        let want = if build_id.is_empty() { String::new() } else { format!(", wanted {build_id}") };
        match found.is_empty() {
            true => {
                Err(format!("{file}: not found, so its functions have no names; give its path with --binary{want}"))
            }
            false => Err(format!("{file}: its functions have no names: {}{want}", found.join(", "))),
        }
    }

    /// A binary that is the right one, with names from wherever they lie.
    fn named(path: &Path, object: &object::File<'_>, sources: &Sources) -> Result<Binary, String> {
        let names = debug_file(path, object, sources).unwrap_or_else(|| path.to_owned());
        let loader = Loader::new(&names).map_err(|error| format!("{}: {error}", names.display()))?;
        Ok(Binary { loader, segments: segments(object), functions: Functions::of(path) })
    }

    /// The address that the linker gave to a place in the file.
    fn address_of(&self, offset: u64) -> Option<u64> {
        let inside = |&&(start, size, _): &&(u64, u64, u64)| offset >= start && offset - start < size;
        self.segments.iter().find(inside).map(|(start, _, address)| offset - start + address)
    }

    /// The functions and lines at an address, the innermost callee first; from the symbol table alone if there is no more, and
    /// without a symbol by where the function begins in `file`.
    fn lines(&self, profile: &mut Profile, address: u64, file: StringId) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Ok(mut frames) = self.loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let Some(name) = frame.function.as_ref().and_then(|function| function.raw_name().ok()) else {
                    continue;
                };
                let place = frame.location.as_ref();
                let file = place.and_then(|place| place.file).unwrap_or_default();
                let line = place.and_then(|place| place.line).unwrap_or(0);
                lines.push(Line { function: function(profile, &name, file), line: i64::from(line) });
            }
        }
        if let (true, Some(name)) = (lines.is_empty(), self.loader.find_symbol(address)) {
            lines.push(Line { function: function(profile, name, ""), line: 0 });
        }
        let begin = || self.functions.as_ref()?.begin(address);
        if let (true, Some(begin)) = (lines.is_empty(), begin()) {
            let name = nameless_function(&profile.strings[file], begin);
            lines.push(Line { function: function(profile, &name, ""), line: 0 });
        }
        lines
    }
}

fn function(profile: &mut Profile, mangled: &str, file: &str) -> plop_profile::FunctionId {
    let name = crate::names::demangle(mangled);
    let system_name = if name == mangled { StringId::EMPTY } else { profile.strings.intern(mangled) };
    let (name, file) = (profile.strings.intern(&name), profile.strings.intern(file));
    profile.intern_function(Function { name, system_name, file, start_line: 0 })
}

fn map(path: &Path) -> std::io::Result<memmap2::Mmap> {
    let file = std::fs::File::open(path)?;
    // SAFETY: the bytes are only parsed, by code that takes any bytes. If somebody cuts the file while it is mapped, reading
    // it ends the process; binaries are replaced by renaming, which leaves the mapped file as it is.
    unsafe { memmap2::Mmap::map(&file) }
}

fn build_id_of(object: &object::File<'_>) -> String {
    let id = object.build_id().ok().flatten().unwrap_or_default();
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn segments(object: &object::File<'_>) -> Vec<(u64, u64, u64)> {
    let range = |segment: object::Segment<'_, '_>| {
        let (offset, size) = segment.file_range();
        (offset, size, segment.address())
    };
    object.segments().map(range).collect()
}

/// The file with a stripped binary's debug information: by build ID, or by the name in `.gnu_debuglink`, looked for where
/// gdb looks (<https://sourceware.org/gdb/current/onlinedocs/gdb.html/Separate-Debug-Files.html>).
fn debug_file(path: &Path, object: &object::File<'_>, sources: &Sources) -> Option<PathBuf> {
    if object.has_debug_symbols() {
        return None;
    }
    let build_id = build_id_of(object);
    let mut candidates = Vec::new();
    if let Some((first, rest)) = build_id.split_at_checked(2) {
        let name = format!(".build-id/{first}/{rest}.debug");
        candidates.extend(sources.debug_folders.iter().map(|folder| folder.join(&name)));
    }
    if let Ok(Some((name, _))) = object.gnu_debuglink()
        && let Ok(name) = std::str::from_utf8(name)
        && let Some(folder) = path.parent()
    {
        candidates.extend([folder.join(name), folder.join(".debug").join(name)]);
        let inside = folder.strip_prefix("/").unwrap_or(folder);
        candidates.extend(sources.debug_folders.iter().map(|debug| debug.join(inside).join(name)));
    }
    let fits = |candidate: &PathBuf| {
        let Ok(bytes) = map(candidate) else { return false };
        object::File::parse(&*bytes).is_ok_and(|debug| build_id.is_empty() || build_id_of(&debug) == build_id)
    };
    let local = candidates.into_iter().find(fits);
    local.or_else(|| debuginfod::find(Kind::DebugInfo, &build_id, sources).0.filter(fits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plop_profile::{LabelSetId, Location};
    use std::io::{BufRead, BufReader, Write};
    use std::process::Command;

    /// A function to find by its address.
    #[inline(never)]
    extern "C" fn landmark(number: u64) -> u64 {
        std::hint::black_box(number) + 1
    }

    /// A profile with one sample in [`landmark`], as this test's own process has it mapped.
    fn profile() -> Profile {
        let address = landmark as *const () as u64 + 1;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps
            .lines()
            .find(|line| {
                let (start, limit) = line.split(' ').next().unwrap().split_once('-').unwrap();
                let number = |hex| u64::from_str_radix(hex, 16).unwrap();
                (number(start)..number(limit)).contains(&address)
            })
            .unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (start, limit) = words[0].split_once('-').unwrap();
        let number = |hex| u64::from_str_radix(hex, 16).unwrap();
        let mut profile = Profile::new([("samples", "count")]);
        let bytes = map(Path::new(words[5])).unwrap();
        let build_id = build_id_of(&object::File::parse(&*bytes).unwrap());
        let (file, build_id) = (profile.strings.intern(words[5]), profile.strings.intern(&build_id));
        profile.mappings.push(Mapping {
            start: number(start),
            limit: number(limit),
            file_offset: number(words[2]),
            file,
            build_id,
            symbolized: false,
        });
        let location = Location { mapping: Some(MappingId(0)), address, lines: Vec::new() };
        let location = profile.push_location(location);
        let stack = profile.stacks.intern([location]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[1]);
        profile
    }

    fn first_name(profile: &Profile) -> (String, String, i64) {
        let Some(line) = profile.locations[0].lines.first() else { return Default::default() };
        let function = profile.functions[line.function.0 as usize];
        (profile.strings[function.name].to_owned(), profile.strings[function.file].to_owned(), line.line)
    }

    #[test]
    fn an_address_of_this_program_gets_its_function_file_and_line() {
        landmark(1);
        let mut profile = profile();
        let notes = symbolize(&mut profile, &Sources::default());
        let (name, file, line) = first_name(&profile);
        assert!(name.ends_with("symbolize::tests::landmark"), "{name}: {notes:?}");
        assert!(file.ends_with("symbolize.rs") && line > 0, "{file}:{line}");
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn addresses_that_no_stack_has_are_not_looked_up() {
        let mut profile = profile();
        profile.stacks = plop_profile::Stacks::default();
        assert_eq!(symbolize(&mut profile, &Sources::default()), Vec::<String>::new());
        assert_eq!(first_name(&profile).0, "");
        assert!(!profile.mappings[0].symbolized);
    }

    #[test]
    fn what_is_named_by_its_begin_gets_its_name_and_stays_silently_where_there_is_none() {
        let mut profile = profile();
        if profile.strings[profile.mappings[0].build_id].is_empty() {
            eprintln!("skipped: this system's linker writes no build IDs");
            return;
        }
        let begin = profile.strings.intern(&nameless_function("server", 0x94ac0));
        let function = profile.intern_function(Function { name: begin, ..Function::default() });
        profile.locations[0].lines = vec![Line { function, line: 0 }];
        profile.mappings[0].symbolized = true;
        let mut elsewhere = profile.clone();
        elsewhere.mappings[0].file = elsewhere.strings.intern("/nowhere/server");
        assert_eq!(symbolize(&mut elsewhere, &Sources::default()), Vec::<String>::new());
        assert_eq!(first_name(&elsewhere).0, "[server+0x94ac0]");
        symbolize(&mut profile, &Sources::default());
        assert!(first_name(&profile).0.ends_with("symbolize::tests::landmark"), "{}", first_name(&profile).0);
    }

    #[test]
    fn a_binary_with_another_build_id_is_not_used_and_said() {
        let mut profile = profile();
        if profile.strings[profile.mappings[0].build_id].is_empty() {
            eprintln!("skipped: this system's linker writes no build IDs");
            return;
        }
        profile.mappings[0].build_id = profile.strings.intern("0123");
        let notes = symbolize(&mut profile, &Sources::default());
        assert_eq!(first_name(&profile).0, "");
        assert!(
            notes.len() == 1 && notes[0].contains("has build ID") && notes[0].ends_with("wanted 0123"),
            "{notes:?}"
        );
    }

    /// This program and its build ID, if it has one and there is an objcopy to take it apart.
    fn to_take_apart(profile: &Profile) -> Option<(String, String)> {
        let mapping = &profile.mappings[0];
        let [binary, build_id] = [mapping.file, mapping.build_id].map(|text| profile.strings[text].to_owned());
        if build_id.is_empty() || Command::new("objcopy").arg("--version").output().is_err() {
            eprintln!("skipped: there is no objcopy on this machine (Debian: binutils), or no build ID");
            return None;
        }
        Some((binary, build_id))
    }

    #[test]
    fn a_stripped_binary_gets_its_names_from_the_debug_file_of_its_build_id() {
        let mut profile = profile();
        let Some((binary, build_id)) = to_take_apart(&profile) else { return };
        let folder = tempfile::tempdir().unwrap();
        let stripped = folder.path().join("stripped");
        let debug = folder.path().join(format!(".build-id/{}/{}.debug", &build_id[..2], &build_id[2..]));
        std::fs::create_dir_all(debug.parent().unwrap()).unwrap();
        let objcopy = |mode: &str, to: &Path| {
            assert!(Command::new("objcopy").arg(mode).arg(&binary).arg(to).status().unwrap().success());
        };
        objcopy("--strip-all", &stripped);
        objcopy("--only-keep-debug", &debug);
        profile.mappings[0].file = profile.strings.intern("/nowhere/stripped");

        let nowhere = Sources { debug_folders: Vec::new(), cache: None, ..Sources::default() };
        let sources = Sources { binaries: vec![stripped.clone()], ..nowhere.clone() };
        let mut without = profile.clone();
        symbolize(&mut without, &sources);
        let begins = landmark as *const () as u64 - without.mappings[0].start + without.mappings[0].file_offset;
        let begins = Binary::find(&without, MappingId(0), &sources).unwrap().address_of(begins).unwrap();
        let name = nameless_function("stripped", begins);
        assert_eq!(first_name(&without).0, name, "the stripped binary alone only says where it begins");

        let debug_folders = vec![folder.path().to_owned()];
        let sources = Sources { binaries: vec![stripped], debug_folders, ..nowhere };
        let notes = symbolize(&mut profile, &sources);
        assert!(first_name(&profile).0.ends_with("symbolize::tests::landmark"), "{notes:?}");
    }

    /// A debuginfod server that has one binary and its debug information; it notes what it was asked for.
    fn debuginfod(build_id: &str, binary: Vec<u8>, debug: Vec<u8>) -> (String, std::sync::mpsc::Receiver<String>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let has = [("executable", binary), ("debuginfo", debug)];
        let has = has.map(|(kind, file)| (format!("/buildid/{build_id}/{kind}"), file));
        let (asked, requests) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let path = request.split(' ').nth(1).unwrap().to_owned();
                let found = has.iter().find(|(has, _)| *has == path);
                let (status, body) = found.map_or(("404 Not Found", &b"not found"[..]), |(_, file)| ("200 OK", file));
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len())
                    .unwrap();
                stream.write_all(body).unwrap();
                let _ = asked.send(path);
            }
        });
        (address, requests)
    }

    #[test]
    fn a_server_that_was_named_gives_names_once_and_only_for_its_build_id() {
        let mut profile = profile();
        let Some((binary, build_id)) = to_take_apart(&profile) else { return };
        let folder = tempfile::tempdir().unwrap();
        let objcopy = |mode: &str| {
            let to = folder.path().join(mode.trim_start_matches('-'));
            assert!(Command::new("objcopy").arg(mode).arg(&binary).arg(&to).status().unwrap().success());
            std::fs::read(&to).unwrap()
        };
        let (server, requests) = debuginfod(&build_id, objcopy("--strip-all"), objcopy("--only-keep-debug"));
        profile.mappings[0].file = profile.strings.intern("/nowhere/binary");
        let sources = Sources {
            debug_folders: Vec::new(),
            servers: vec![server],
            cache: Some(folder.path().join("cache")),
            ..Sources::default()
        };
        for _ in 0..2 {
            let mut profile = profile.clone();
            let notes = symbolize(&mut profile, &sources);
            assert!(first_name(&profile).0.ends_with("symbolize::tests::landmark"), "{notes:?}");
        }
        assert_eq!(requests.try_iter().count(), 2, "the second time both are in the cache");
        profile.mappings[0].build_id = profile.strings.intern("0123456789abcdef");
        let notes = symbolize(&mut profile, &sources);
        assert_eq!(first_name(&profile).0, "");
        assert!(notes.len() == 1 && notes[0].contains("the server answers 404"), "{notes:?}");
    }
}
