//! Profiles of every format that people have, sniffed by content. Each importer owns one format and knows nothing of the
//! server or of exporters.

use std::fmt;

use plop_profile::Profile;

/// What an importer says of some bytes: not its format (`Ok(None)`), a profile, or what is broken and where.
pub type Import = Result<Option<Profile>, Malformed>;

/// A file of a known format that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The format's name, as a person would say it.
    pub format: &'static str,
    /// Where and what: `line 7: no count behind the stack`.
    pub reason: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken {}: {}", self.format, self.reason)
    }
}

impl std::error::Error for Malformed {}

mod call_costs;
mod callgrind;
mod chrome_trace;
mod cpuprofile;
mod dhat;
mod dtrace;
mod firefox;
mod firefox_tables;
mod folded;
mod foreign;
mod gecko;
mod haskell;
mod heap_profile;
mod instruments;
mod legacy;
mod marshal;
mod papyrus;
mod perf_script;
mod plop;
mod pprof;
mod pstats;
mod safari;
mod sample;
mod scripts;
mod source;
mod speedscope;
mod stackprof;
mod tally;
mod trace;
mod trace_events;
mod tree;
mod unpack;
mod v8_log;
mod vtune;
mod xctrace;

use source::{Json, Source};
pub use unpack::DEFAULT_LIMIT;

/// A profile and the format that it came in.
#[derive(Debug)]
pub struct Imported {
    /// The profile.
    pub profile: Profile,
    /// The format's name, as a person would say it.
    pub format: &'static str,
}

impl Imported {
    /// What the reader of a profile of this format has to know.
    pub fn caution(&self) -> Option<&'static str> {
        [callgrind::FORMAT, pstats::FORMAT].contains(&self.format).then_some(call_costs::CAUTION)
    }
}

/// Why bytes could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// There are no bytes.
    Empty,
    /// No importer knows the format.
    Unknown,
    /// The format is known, and why it is not opened and what to do instead.
    Unsupported(&'static str),
    /// An importer knows the format, and the file is broken.
    Malformed(Malformed),
    /// The file unpacks to more than this bound.
    TooLarge {
        /// The bound, in bytes.
        limit: u64,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::Empty => write!(f, "the file is empty"),
            ImportError::Unknown => {
                let names: Vec<_> = formats().collect();
                write!(f, "no profile of a known format; tried {}", names.join(", "))
            }
            ImportError::Unsupported(reason) => f.write_str(reason),
            ImportError::Malformed(malformed) => malformed.fmt(f),
            ImportError::TooLarge { limit } => write!(
                f,
                "unpacks to more than {} MiB; raise the bound with --max-size if the file is to be trusted",
                limit >> 20
            ),
        }
    }
}

impl std::error::Error for ImportError {}

type Importer = fn(&Source<'_>, &Json<'_>) -> Import;

/// The formats in the order in which they are tried: those that a few bytes give away come first.
const IMPORTERS: &[(&str, Importer)] = &[
    (pprof::FORMAT, pprof::import),
    (legacy::FORMAT, legacy::import),
    (pstats::FORMAT, pstats::import),
    (plop::FORMAT, plop::import),
    (speedscope::FORMAT, speedscope::import),
    (firefox::FORMAT, firefox::import),
    (gecko::FORMAT, gecko::import),
    (cpuprofile::FORMAT, cpuprofile::import),
    (chrome_trace::FORMAT, chrome_trace::import),
    (trace_events::FORMAT, trace_events::import),
    (heap_profile::FORMAT, heap_profile::import),
    (v8_log::FORMAT, v8_log::import),
    (stackprof::FORMAT, stackprof::import),
    (safari::FORMAT, safari::import),
    (haskell::FORMAT, haskell::import),
    (dhat::FORMAT, dhat::import),
    (callgrind::FORMAT, callgrind::import),
    (instruments::FORMAT, instruments::import),
    (papyrus::FORMAT, papyrus::import),
    (xctrace::FORMAT, xctrace::import),
    (sample::FORMAT, sample::import),
    (vtune::FORMAT, vtune::import),
    (perf_script::FORMAT, perf_script::import),
    (dtrace::FORMAT, dtrace::import),
    (folded::FORMAT, folded::import),
];

/// Opens bytes of whatever known format, packed by gzip or zstd or not.
///
/// # Errors
/// When there are none, no importer knows them, they are broken, or they unpack to more than [`DEFAULT_LIMIT`].
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    import_within(bytes, DEFAULT_LIMIT)
}

/// The same with another bound for the unpacked bytes.
///
/// # Errors
/// As [`import`].
pub fn import_within(bytes: &[u8], limit: u64) -> Result<Imported, ImportError> {
    import_as(IMPORTERS, bytes, limit)
}

/// The same for one format alone, by its name: another's file is of no known format.
///
/// # Errors
/// As [`import`].
pub fn import_only(format: &str, bytes: &[u8], limit: u64) -> Result<Imported, ImportError> {
    let at = IMPORTERS.iter().position(|(name, _)| *name == format);
    import_as(at.map_or(&[], |at| &IMPORTERS[at..=at]), bytes, limit)
}

/// The names of all formats, in the order in which they are tried.
pub fn formats() -> impl Iterator<Item = &'static str> {
    IMPORTERS.iter().map(|(name, _)| *name)
}

fn import_as(importers: &[(&'static str, Importer)], bytes: &[u8], limit: u64) -> Result<Imported, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    let unpacked = unpack::unpack(bytes, limit)?;
    if let Some(reason) = foreign::by_sign(&unpacked.bytes) {
        return Err(ImportError::Unsupported(reason));
    }
    let source = Source::new(&unpacked.bytes);
    let json = Json::of(&source);
    for &(format, importer) in importers {
        if let Some(mut profile) = importer(&source, &json).map_err(ImportError::Malformed)? {
            profile.torn |= unpacked.broke_off.is_some() || json.is_torn();
            return Ok(Imported { profile, format });
        }
    }
    // What broke off says more than that the rest is nothing known.
    if let Some(broken) = unpacked.broke_off {
        return Err(ImportError::Malformed(broken));
    }
    match json {
        Json::Object(object) if foreign::is_source_map(&object) => {
            Err(ImportError::Unsupported("a source map, not a profile"))
        }
        Json::Other(Some(reason)) => Err(ImportError::Malformed(Malformed { format: "JSON", reason })),
        _ => Err(ImportError::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plop_profile::{Frame, LabelValue};
    use std::io::Write;

    /// What opens these bytes.
    pub(super) fn open_bytes(bytes: &[u8]) -> Profile {
        import(bytes).unwrap_or_else(|error| panic!("{error}")).profile
    }

    /// What opens this text.
    pub(super) fn open(text: &str) -> Profile {
        open_bytes(text.as_bytes())
    }

    /// Why this text does not open.
    pub(super) fn refusal(text: &str) -> String {
        import(text.as_bytes()).map(|imported| imported.format).unwrap_err().to_string()
    }

    /// A line for each sample: its stack, leaf first, its values, its labels that are texts.
    pub(super) fn stacks(profile: &Profile) -> Vec<String> {
        let frames = |location: plop_profile::LocationId| {
            let location = &profile.locations[location.0 as usize];
            let mut names: Vec<String> = Vec::new();
            for line in &location.lines {
                names.push(profile.frame_name(Frame::Function(line.function)).into_owned());
            }
            if names.is_empty() {
                names.push(profile.frame_name(Frame::Unnamed(location.mapping)).into_owned());
            }
            names
        };
        let line = |sample: plop_profile::Sample<'_>| {
            let stack: Vec<String> = profile.stacks.leaf_first(sample.stack).flat_map(frames).collect();
            let mut line = stack.join("<");
            for value in sample.values {
                line += &format!(" {value}");
            }
            for label in profile.label_sets.get(sample.labels) {
                if let LabelValue::Text(text) = label.value {
                    line += &format!(" {}={}", &profile.strings[label.key], &profile.strings[text]);
                }
            }
            line
        };
        profile.samples.iter().map(line).collect()
    }

    #[test]
    fn a_gzipped_text_is_unpacked_before_it_is_sniffed() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"main;parse 3\nmain 1\n").unwrap();
        let imported = import(&gzip.finish().unwrap()).unwrap();
        assert_eq!((imported.format, imported.profile.total(0)), (folded::FORMAT, 4));
    }
}
