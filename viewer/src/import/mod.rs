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

mod folded;
mod perf_script;
mod plop;
mod pprof;

/// A profile and the format that it came in.
#[derive(Debug)]
pub struct Imported {
    /// The profile.
    pub profile: Profile,
    /// The format's name, as a person would say it.
    pub format: &'static str,
}

/// Why bytes could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// There are no bytes.
    Empty,
    /// No importer knows the format.
    Unknown,
    /// One does, and it is broken.
    Malformed(Malformed),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::Empty => write!(f, "the file is empty"),
            ImportError::Unknown => {
                let names: Vec<_> = IMPORTERS.iter().map(|(name, _)| *name).collect();
                write!(f, "no profile of a known format; tried {}", names.join(", "))
            }
            ImportError::Malformed(malformed) => malformed.fmt(f),
        }
    }
}

impl std::error::Error for ImportError {}

type Importer = fn(&[u8]) -> Import;

/// The formats in the order in which they are tried: those that a few bytes give away come first.
const IMPORTERS: &[(&str, Importer)] = &[
    (pprof::FORMAT, pprof::import),
    (plop::FORMAT, plop::import),
    (perf_script::FORMAT, perf_script::import),
    (folded::FORMAT, folded::import),
];

/// Opens bytes of whatever known format.
///
/// # Errors
/// When there are none, no importer knows them, or they are broken.
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    for &(format, importer) in IMPORTERS {
        if let Some(profile) = importer(bytes).map_err(ImportError::Malformed)? {
            return Ok(Imported { profile, format });
        }
    }
    Err(ImportError::Unknown)
}
