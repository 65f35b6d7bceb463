//! The profile itself and the parts it names: mappings, functions, locations.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::{Chunk, Frame, LabelSets, Samples, SelfCheck, Stacks, StringId, Strings};

/// Number of a mapping in [`Profile::mappings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappingId(pub u32);

/// Number of a function in [`Profile::functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// Number of a location in [`Profile::locations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocationId(pub u32);

/// What a sample's value measures: `cpu` in `nanoseconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ValueType {
    /// What: `samples`, `cpu`, `wall`, `inuse_space` …
    pub kind: StringId,
    /// In which unit: `count`, `nanoseconds`, `bytes` …
    pub unit: StringId,
}

/// A stretch of memory that a file was mapped to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// The address after the last.
    pub limit: u64,
    /// Where in the file the first address lies.
    pub file_offset: u64,
    /// The file's path, or a name such as `[vdso]`.
    pub file: StringId,
    /// The file's build ID in hexadecimal, or empty.
    pub build_id: StringId,
    /// Whether its locations have been looked up, so that one without lines has no name to be had.
    pub symbolized: bool,
}

/// A function: the unit in which call graphs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Function {
    /// Its name as a person reads it, demangled.
    pub name: StringId,
    /// Its mangled name, or empty; never the same as `name`.
    pub system_name: StringId,
    /// The source file, or empty.
    pub file: StringId,
    /// The line where it begins, or 0.
    pub start_line: i64,
}

/// A line of source that an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Line {
    /// The function whose line it is.
    pub function: FunctionId,
    /// The line, counted from 1; 0 if unknown.
    pub line: i64,
}

/// A place in the code, as samples name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Location {
    /// The mapping it lies in, if known.
    pub mapping: Option<MappingId>,
    /// Its address in the process's memory; 0 if the profile has none. For a caller it lies inside the call instruction.
    pub address: u64,
    /// Its source lines: several where calls were inlined, the innermost callee first; none if not symbolized.
    pub lines: Vec<Line>,
}

/// A sampling profile: owned, plain data.
///
/// All parts are public, since everything that makes or reads profiles lives on them; the ids in one part must exist in
/// the part that they name, which [`Profile::parse`] checks for what comes from a file.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// Every text.
    pub strings: Strings,
    /// What each sample's values measure, one after another.
    pub sample_types: Vec<ValueType>,
    /// Which of the sample types to show first.
    pub default_sample_type: usize,
    /// What [`Profile::period`] measures.
    pub period_type: ValueType,
    /// How much lies between two samples, in the unit of the period type; 0 if unknown.
    pub period: i64,
    /// When it began, in nanoseconds since 1970 UTC; 0 if unknown.
    pub time_nanos: i64,
    /// How long it lasted, in nanoseconds; 0 if unknown.
    pub duration_nanos: i64,
    /// Remarks of the program that wrote it.
    pub comments: Vec<StringId>,
    /// Functions that pprof is asked to drop with their callees: a regular expression, or empty.
    pub drop_frames: StringId,
    /// Functions that pprof is asked to keep although they match `drop_frames`.
    pub keep_frames: StringId,
    /// Files mapped to memory.
    pub mappings: Vec<Mapping>,
    /// Functions; see [`Profile::intern_function`].
    pub functions: Vec<Function>,
    /// Places in the code.
    pub locations: Vec<Location>,
    /// Stacks of those places.
    pub stacks: Stacks,
    /// Sets of labels.
    pub label_sets: LabelSets,
    /// What was counted.
    pub samples: Samples,
    /// What the collector knows of its own faithfulness; see [`Profile::set_self_check`].
    pub self_check: Option<SelfCheck>,
    /// Whether the file broke off in the middle of a part; that part is dropped, what came before is whole.
    pub torn: bool,
    /// What each chunk of a growing file added; empty for any other. It is not written.
    pub chunks: Vec<Chunk>,
    function_index: FxHashMap<Function, FunctionId>,
    named_location_index: FxHashMap<FunctionId, LocationId>,
}

impl Default for Samples {
    fn default() -> Self {
        Samples::new(0)
    }
}

impl Profile {
    /// A profile without samples whose values measure these: each a kind and its unit. The last is shown first, as pprof has
    /// it.
    pub fn new<'a>(sample_types: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut profile = Profile::default();
        profile.sample_types =
            sample_types.into_iter().map(|(kind, unit)| intern_value_type(&mut profile.strings, kind, unit)).collect();
        profile.samples = Samples::new(profile.sample_types.len());
        profile.default_sample_type = profile.sample_types.len().saturating_sub(1);
        profile
    }

    /// Says what lies between two samples: `period` of `kind` in `unit`.
    pub fn set_period(&mut self, kind: &str, unit: &str, period: i64) {
        self.period_type = intern_value_type(&mut self.strings, kind, unit);
        self.period = period;
    }

    /// The function's number; it is added if it is new.
    ///
    /// # Panics
    /// When there are 2³² functions.
    pub fn intern_function(&mut self, function: Function) -> FunctionId {
        *self.function_index.entry(function).or_insert_with(|| {
            let id =
                FunctionId(u32::try_from(self.functions.len()).expect("a profile holds fewer than 2^32 functions"));
            self.functions.push(function);
            id
        })
    }

    /// Adds a location.
    ///
    /// # Panics
    /// When there are 2³² locations.
    pub fn push_location(&mut self, location: Location) -> LocationId {
        let id = LocationId(u32::try_from(self.locations.len()).expect("a profile holds fewer than 2^32 locations"));
        self.locations.push(location);
        id
    }

    /// The location that stands for a whole function, for formats that know names and no addresses.
    pub fn named_location(&mut self, name: &str, file: &str) -> LocationId {
        let (name, file) = (self.strings.intern(name), self.strings.intern(file));
        let function = self.intern_function(Function { name, file, ..Function::default() });
        self.function_location(function)
    }

    /// The location, without address or line, that stands for a whole function; the same one at each call.
    pub fn function_location(&mut self, function: FunctionId) -> LocationId {
        if let Some(&id) = self.named_location_index.get(&function) {
            return id;
        }
        let id = self.push_location(Location { lines: vec![Line { function, line: 0 }], ..Location::default() });
        self.named_location_index.insert(function, id);
        id
    }

    /// The name of a frame as a person reads it: the function's, or for an address without a name its file's in brackets,
    /// as pprof prints it.
    ///
    /// # Panics
    /// When `frame` is of another profile.
    pub fn frame_name(&self, frame: Frame) -> Cow<'_, str> {
        match frame {
            Frame::Function(id) => Cow::Borrowed(&self.strings[self.functions[id.0 as usize].name]),
            Frame::Unnamed(Some(id)) => {
                let file = &self.strings[self.mappings[id.0 as usize].file];
                Cow::Owned(format!("[{}]", base_name(file)))
            }
            Frame::Unnamed(None) => Cow::Borrowed("<unknown>"),
        }
    }

    /// The source file of a frame, or the mapped file of an address without a name; empty if unknown.
    ///
    /// # Panics
    /// When `frame` is of another profile.
    pub fn frame_file(&self, frame: Frame) -> &str {
        match frame {
            Frame::Function(id) => &self.strings[self.functions[id.0 as usize].file],
            Frame::Unnamed(Some(id)) => &self.strings[self.mappings[id.0 as usize].file],
            Frame::Unnamed(None) => "",
        }
    }

    /// The number of the sample type of that kind.
    pub fn sample_type(&self, kind: &str) -> Option<usize> {
        self.sample_types.iter().position(|have| &self.strings[have.kind] == kind)
    }

    /// The sum of one sample type over all samples (saturating).
    ///
    /// # Panics
    /// When there is no such sample type.
    pub fn total(&self, sample_type: usize) -> i64 {
        self.samples.iter().fold(0, |sum: i64, sample| sum.saturating_add(sample.values[sample_type]))
    }

    /// Replaces the self-check, and interns the keys under which it is written.
    pub fn set_self_check(&mut self, check: SelfCheck) {
        for (key, _) in check.fields() {
            self.strings.intern(key);
        }
        self.self_check = Some(check);
    }
}

fn intern_value_type(strings: &mut Strings, kind: &str, unit: &str) -> ValueType {
    ValueType { kind: strings.intern(kind), unit: strings.intern(unit) }
}

/// The name of a function of which only the file and the place in it are known: `[libc.so.6+0x94ac0]`, where the function
/// begins in the file's own numbering.
pub fn nameless_function(file: &str, begin: u64) -> String {
    format!("[{}+{begin:#x}]", base_name(file))
}

/// Whether a name is one that [`nameless_function`] gives, so that whoever has the file's symbols may give a better one.
pub fn is_nameless_function(name: &str) -> bool {
    let inside = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    inside.and_then(|inside| inside.rsplit_once("+0x")).is_some_and(|(file, begin)| {
        !file.is_empty() && !begin.is_empty() && begin.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

fn base_name(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_without_a_name_are_known_by_it() {
        let name = nameless_function("/lib/x86_64-linux-gnu/libc.so.6", 0x94ac0);
        assert_eq!(name, "[libc.so.6+0x94ac0]");
        assert!(is_nameless_function(&name));
        for other in ["[libc.so.6]", "malloc", "[+0x1]", "[a+0x]", "[a+0xg]", "a+0x1"] {
            assert!(!is_nameless_function(other), "{other}");
        }
    }
}
