//! Profiles of every format that people have, sniffed by content. Each importer owns one format and knows nothing of the
//! server or of exporters.

use std::fmt;
use std::io::Read;

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

/// Opens bytes of whatever known format, gzipped or not.
///
/// # Errors
/// When there are none, no importer knows them, they are broken, or they unpack to more than [`Profile::DEFAULT_LIMIT`].
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    // profile.proto is gzipped more often than not, and its reader unpacks it itself.
    if let Some(profile) = pprof::import(bytes).map_err(ImportError::Malformed)? {
        return Ok(Imported { profile, format: pprof::FORMAT });
    }
    let unpacked = unpack(bytes)?;
    for &(format, importer) in IMPORTERS {
        if let Some(profile) = importer(unpacked.as_deref().unwrap_or(bytes)).map_err(ImportError::Malformed)? {
            return Ok(Imported { profile, format });
        }
    }
    Err(ImportError::Unknown)
}

/// What is in a gzip file; `None` if it is none.
fn unpack(bytes: &[u8]) -> Result<Option<Vec<u8>>, ImportError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(None);
    }
    let broken = |reason: String| ImportError::Malformed(Malformed { format: "gzip file", reason });
    let mut plain = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(Profile::DEFAULT_LIMIT + 1);
    reader.read_to_end(&mut plain).map_err(|error| broken(error.to_string()))?;
    if plain.len() as u64 > Profile::DEFAULT_LIMIT {
        return Err(broken(plop_profile::Error::TooLarge { limit: Profile::DEFAULT_LIMIT }.to_string()));
    }
    Ok(Some(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_gzipped_text_is_unpacked_before_it_is_sniffed() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"main;parse 3\nmain 1\n").unwrap();
        let imported = import(&gzip.finish().unwrap()).unwrap();
        assert_eq!((imported.format, imported.profile.total(0)), (folded::FORMAT, 4));
    }

    /// Broken inputs of every format, made by changing and cutting whole ones.
    #[test]
    fn no_mutation_of_any_format_makes_an_importer_panic() {
        let seeds: [&[u8]; 4] = [
            b"main;parse;lex 3\nmain;parse 1\nmain 2.5\n",
            b"# remark\nbusy 7/8 [001] 1.0: 500 cycles:u: \n\t 10 leaf+0x1 (/bin/busy)\n\t 20 [unknown] ([unknown])\n\n",
            b"{(('app.py', 12, 'parse'), (u\"m\\xe4in.py\", 3, 'main')): 8, (('app.py', 1, 'lex'),): 2L}",
            b"\xff\xfem\0a\0i\0n\0;\0a\0 \x002\0\n\0",
        ];
        let mut state = 11_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        for round in 0..40_000 {
            let mut bytes = seeds[round % seeds.len()].to_vec();
            for _ in 0..1 + random(4) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = random(256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes.insert(at, b"();:'\"\\ 0\n"[random(10)]),
                    _ => bytes.swap(at, 0),
                }
            }
            if let Ok(imported) = import(&bytes) {
                imported.profile.call_edges();
            }
        }
    }
}
