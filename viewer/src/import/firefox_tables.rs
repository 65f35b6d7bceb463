//! What the Firefox Profiler's formats have in common: frames with a name or an address in a library, stacks as a table of
//! callers, threads of processes.

use plop_profile::{Label, LabelSetId, LabelValue, Line, Location, LocationId, Mapping, MappingId, Profile, StackId};
use rustc_hash::FxHashMap;

use super::scripts::Scripts;
use super::source::Cell;

/// A library that frames lie in.
#[derive(Clone, Copy)]
pub(super) struct Lib<'a> {
    pub(super) path: &'a str,
    pub(super) build_id: &'a str,
    /// Where it is mapped: start, end, offset; `None` where addresses are the library's own.
    pub(super) range: Option<(u64, u64, u64)>,
}

/// A frame as a table has it.
pub(super) struct Frame<'a> {
    pub(super) name: &'a str,
    pub(super) file: &'a str,
    pub(super) line: i64,
    /// The line and column where the function begins; 0 if unknown.
    pub(super) begins: (i64, i64),
    pub(super) address: Option<u64>,
    pub(super) lib: Option<Lib<'a>>,
}

/// The code of a profile, each place once.
#[derive(Default)]
pub(super) struct Code {
    functions: Scripts,
    locations: FxHashMap<Location, LocationId>,
    mappings: FxHashMap<(String, Option<u64>), MappingId>,
}

impl Code {
    pub(super) fn location(&mut self, profile: &mut Profile, frame: &Frame<'_>) -> LocationId {
        let mapping = frame.lib.map(|lib| self.mapping(profile, lib));
        // An address that stands for a name waits for its symbol.
        let unnamed = mapping.is_some() && frame.address.is_some_and(|address| address != 0) && is_address(frame.name);
        let lines = if unnamed {
            Vec::new()
        } else {
            let function = self.functions.function(profile, frame.name, frame.file, frame.begins);
            vec![Line { function, line: frame.line }]
        };
        let location = Location { mapping, address: frame.address.unwrap_or(0), lines };
        *self.locations.entry(location).or_insert_with_key(|location| profile.push_location(location.clone()))
    }

    fn mapping(&mut self, profile: &mut Profile, lib: Lib<'_>) -> MappingId {
        *self.mappings.entry((lib.path.to_owned(), lib.range.map(|(start, ..)| start))).or_insert_with(|| {
            // Addresses that are the library's own: pprof's convention for them is a mapping of everything.
            let (start, limit, file_offset) = lib.range.unwrap_or((0, u64::MAX, 0));
            let build_id = profile.strings.intern(&lib.build_id.to_ascii_lowercase());
            let file = profile.strings.intern(lib.path);
            profile.mappings.push(Mapping { start, limit, file_offset, file, build_id, symbolized: false });
            MappingId(profile.mappings.len() as u32 - 1)
        })
    }
}

/// `0x1a2b`, which stands where a name would.
pub(super) fn is_address(name: &str) -> bool {
    name.strip_prefix("0x").is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The stacks of a table, by row.
pub(super) struct Stacks(Vec<StackId>);

impl Stacks {
    /// `row` gives the caller and the frame of a stack, by their rows.
    pub(super) fn new(
        profile: &mut Profile,
        frames: &[LocationId],
        rows: usize,
        row: impl Fn(usize) -> Result<(Option<usize>, Option<usize>), String>,
    ) -> Result<Self, String> {
        let mut stacks: Vec<StackId> = Vec::with_capacity(rows);
        for at in 0..rows {
            let (caller, frame) = row(at)?;
            let frame = frame.and_then(|frame| frames.get(frame)).ok_or_else(|| format!("stack {at} has no frame"))?;
            let caller = match caller {
                None => StackId::EMPTY,
                Some(caller) => *stacks
                    .get(caller)
                    .ok_or_else(|| format!("stack {at} has caller {caller}, which does not come before it"))?,
            };
            stacks.push(profile.stacks.push(caller, *frame));
        }
        Ok(Stacks(stacks))
    }

    /// The stack that a cell names, if it names one.
    pub(super) fn get(&self, cell: Cell) -> Result<Option<StackId>, String> {
        let Some(row) = cell.0.filter(|&row| row >= 0.0) else { return Ok(None) };
        let stack = self.0.get(row as usize).copied();
        stack.map(Some).ok_or_else(|| format!("a sample names stack {row} of {}", self.0.len()))
    }
}

/// What a thread is called.
pub(super) struct Thread<'a> {
    pub(super) name: &'a str,
    pub(super) process: &'a str,
    pub(super) pid: &'a str,
    pub(super) tid: &'a str,
}

impl Thread<'_> {
    pub(super) fn labels(&self, profile: &mut Profile) -> LabelSetId {
        let labels = [("thread", self.name), ("process", self.process), ("pid", self.pid), ("tid", self.tid)];
        let labels = labels.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| {
            let (key, text) = (profile.strings.intern(key), profile.strings.intern(text));
            Label { key, value: LabelValue::Text(text) }
        });
        let labels: Vec<Label> = labels.collect();
        profile.label_sets.intern(&labels)
    }
}
