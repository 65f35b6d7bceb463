//! The way of a profile from bytes to what can be looked at: read or mapped, imported, its addresses named.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use plop_profile::Profile;

use crate::import::{self, ImportError};
use crate::io_error::io_reason;
use crate::opened::Opened;
use crate::symbolize::{self, Sources};

/// Why a profile could not be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// The file can't be read.
    Io(PathBuf, io::Error),
    /// Its bytes are no profile.
    Import(PathBuf, ImportError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Io(path, error) => write!(f, "{}: {}", path.display(), io_reason(error)),
            OpenError::Import(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// Opens one file.
///
/// # Errors
/// When it can't be read or is no profile.
pub(crate) fn file(path: &Path, sources: &Sources) -> Result<Opened, OpenError> {
    file_with(path, sources, |_| {})
}

/// The same, with a change to the profile before it is looked at.
pub(crate) fn file_with(
    path: &Path,
    sources: &Sources,
    change: impl FnOnce(&mut Profile),
) -> Result<Opened, OpenError> {
    let bytes = Bytes::of(path).map_err(|error| OpenError::Io(path.to_owned(), error))?;
    read(&bytes, path, sources, change)
}

/// From how many bytes on a file is mapped rather than read: copying it would cost a part of the time and all of its size in
/// memory.
const MAPPED_FROM: u64 = 16 << 20;

/// A file's bytes while it is being opened.
enum Bytes {
    Read(Vec<u8>),
    Mapped(memmap2::Mmap),
}

impl Bytes {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() < MAPPED_FROM {
            return fs::read(path).map(Bytes::Read);
        }
        // SAFETY: importers take any bytes, and keep none of them. If somebody cuts the file in the second that this takes,
        // the process ends; what writes profiles this large appends to them or renames them into place.
        let mapped = unsafe { memmap2::Mmap::map(&file) }?;
        Ok(Bytes::Mapped(mapped))
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Read(bytes) => bytes,
            Bytes::Mapped(bytes) => bytes,
        }
    }
}

/// Opens bytes that came from elsewhere; `name` says from where.
///
/// # Errors
/// When they are no profile.
pub(crate) fn bytes(name: &Path, bytes: &[u8], sources: &Sources) -> Result<Opened, OpenError> {
    read(bytes, name, sources, |_| {})
}

/// Makes a profile ready of a file's bytes.
fn read(bytes: &[u8], path: &Path, sources: &Sources, change: impl FnOnce(&mut Profile)) -> Result<Opened, OpenError> {
    let mut imported =
        import::import_within(bytes, sources.largest).map_err(|error| OpenError::Import(path.to_owned(), error))?;
    let mut notes = symbolize::symbolize(&mut imported.profile, sources);
    notes.extend(imported.caution().map(str::to_owned));
    change(&mut imported.profile);
    imported.profile.chunks = Vec::new();
    Ok(Opened::new(imported.profile, imported.format, notes))
}
