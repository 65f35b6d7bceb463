//! The library: the profiles in the files and folders that were named, newest first. Who asks for a profile gives an id of
//! this list; no path ever comes from outside.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, fs, io};

use crate::import::{self, ImportError};
use crate::opened::Opened;
use crate::symbolize::{self, Sources};

/// What a name in a folder must end with to be taken for a profile; files named one by one may be called anything.
const EXTENSIONS: &[&str] = &[
    "pb",
    "gz",
    "zst",
    "pprof",
    "prof",
    "profile",
    "folded",
    "collapsed",
    "txt",
    "perf",
    "json",
    "cpuprofile",
    "plop",
    "flame",
    "out",
    "trace",
    "pstats",
];

/// A file that nobody has written to for so long is not growing any more: three times the collector's flush interval.
const GROWING_WITHIN: Duration = Duration::from_secs(3);

/// Files and folders with profiles.
#[derive(Debug)]
pub(crate) struct Library {
    paths: Vec<PathBuf>,
    sources: Sources,
    /// What was opened last, by path, with the version that it was opened at.
    opened: Mutex<HashMap<PathBuf, (Version, Arc<Opened>)>>,
}

/// How many profiles stay open; the others are read again when they are asked for.
const KEPT_OPEN: usize = 4;

/// One profile of the list.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its id: the file's name, without `.gz`, so that a profile keeps it when the collector finishes its file.
    pub(crate) id: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
    /// When it was last written to.
    pub(crate) modified: SystemTime,
    /// Which file, in which state.
    pub(crate) version: Version,
}

impl Entry {
    /// Whether its file is still being written.
    pub(crate) fn growing(&self) -> bool {
        let gzipped = self.path.extension().is_some_and(|extension| extension == "gz" || extension == "zst");
        let age = SystemTime::now().duration_since(self.modified).unwrap_or_default();
        !gzipped && age < GROWING_WITHIN
    }

    /// When it was last written to, in milliseconds since 1970.
    pub(crate) fn modified_ms(&self) -> u64 {
        self.modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }
}

/// Changes whenever a file's content does: its size, its time, and which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    bytes: u64,
    modified_ns: u128,
    file: u64,
}

impl Version {
    fn of(metadata: &fs::Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let file = 0;
        Version { bytes: metadata.len(), modified_ns: modified.unwrap_or_default().as_nanos(), file }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}-{:x}", self.file, self.modified_ns, self.bytes)
    }
}

/// Why a profile could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum OpenError {
    /// No profile of the list has that id.
    NoSuchId(String),
    /// The file can't be read.
    Io(PathBuf, io::Error),
    /// Its bytes are no profile.
    Import(PathBuf, ImportError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::NoSuchId(id) => write!(f, "{id}: there is no such profile; see api/profiles"),
            OpenError::Io(path, error) => write!(f, "{}: {}", path.display(), io_reason(error)),
            OpenError::Import(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// An input or output error without the number that the standard library puts behind it.
pub(crate) fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = reason.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Opens one file.
///
/// # Errors
/// When it can't be read or is no profile.
pub(crate) fn open(path: &Path, sources: &Sources) -> Result<Opened, OpenError> {
    let bytes = fs::read(path).map_err(|error| OpenError::Io(path.to_owned(), error))?;
    let mut imported = import::import(&bytes).map_err(|error| OpenError::Import(path.to_owned(), error))?;
    drop(bytes);
    let notes = symbolize::symbolize(&mut imported.profile, sources);
    Ok(Opened::new(imported.profile, imported.format, notes))
}

impl Library {
    /// The library of these files and folders; they need not exist yet.
    pub(crate) fn new(paths: impl IntoIterator<Item = PathBuf>, sources: Sources) -> Self {
        Library { paths: paths.into_iter().collect(), sources, opened: Mutex::default() }
    }

    /// All profiles, newest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for path in &self.paths {
            let Ok(metadata) = fs::metadata(path) else { continue };
            if metadata.is_file() {
                entries.push((path.clone(), metadata));
                continue;
            }
            let Ok(folder) = fs::read_dir(path) else { continue };
            let files =
                folder.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| looks_like_a_profile(path));
            entries.extend(
                files
                    .filter_map(|path| Some((fs::metadata(&path).ok().filter(fs::Metadata::is_file)?, path)))
                    .map(|(m, p)| (p, m)),
            );
        }
        let mut entries: Vec<Entry> = entries
            .into_iter()
            .map(|(path, metadata)| Entry {
                id: String::new(),
                bytes: metadata.len(),
                modified: metadata.modified().unwrap_or(UNIX_EPOCH),
                version: Version::of(&metadata),
                path,
            })
            .collect();
        entries.sort_by(|left, right| right.modified.cmp(&left.modified).then_with(|| left.path.cmp(&right.path)));
        let mut taken: HashMap<String, usize> = HashMap::new();
        for entry in &mut entries {
            let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let id = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
            let times = taken.entry(id.clone()).or_default();
            *times += 1;
            entry.id = if *times == 1 { id } else { format!("{id}~{times}") };
        }
        entries
    }

    /// The profile of that id.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn entry(&self, id: &str) -> Result<Entry, OpenError> {
        let found = self.entries().into_iter().find(|entry| entry.id == id);
        found.ok_or_else(|| OpenError::NoSuchId(id.to_owned()))
    }

    /// Opens the profile, or gives it as it was opened before if its file is still the same.
    ///
    /// # Errors
    /// When its file can't be read or is no profile.
    pub(crate) fn open(&self, entry: &Entry) -> Result<Arc<Opened>, OpenError> {
        {
            let opened = self.opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((version, profile)) = opened.get(&entry.path)
                && *version == entry.version
            {
                return Ok(profile.clone());
            }
        }
        // Read without the lock, so that a large file keeps nobody waiting who wants another.
        let profile = Arc::new(open(&entry.path, &self.sources)?);
        let mut opened = self.opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if opened.len() >= KEPT_OPEN && !opened.contains_key(&entry.path) {
            opened.clear();
        }
        opened.insert(entry.path.clone(), (entry.version, profile.clone()));
        Ok(profile)
    }
}

fn looks_like_a_profile(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    !name.starts_with('.') && (EXTENSIONS.contains(&extension) || name.starts_with("callgrind.out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_profile_comes_first_and_equal_names_get_ids_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["a", "b"].iter().map(|name| folder.path().join(name)).collect();
        for (age, path) in paths.iter().enumerate() {
            fs::create_dir(path).unwrap();
            let file = fs::File::create(path.join("busy.pb")).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(100 * (age as u64 + 1))).unwrap();
            fs::write(path.join("notes.md"), "no profile").unwrap();
        }
        let library = Library::new(paths.clone(), Sources::default());
        let entries = library.entries();
        assert_eq!(entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["busy.pb", "busy.pb~2"]);
        assert_eq!(entries[0].path, paths[0].join("busy.pb"));
        assert!(!entries[0].growing());
        assert!(library.entry("../a/busy.pb").is_err());
    }

    #[test]
    fn a_file_is_read_again_only_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("busy.pb");
        let mut profile = plop_profile::Profile::new([("samples", "count")]);
        fs::write(&path, profile.encode()).unwrap();
        let library = Library::new([path.clone()], Sources::default());
        let first = library.open(&library.entry("busy.pb").unwrap()).unwrap();
        assert!(Arc::ptr_eq(&first, &library.open(&library.entry("busy.pb").unwrap()).unwrap()));
        let location = profile.named_location("main", "");
        let stack = profile.stacks.intern([location]);
        profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[1]);
        fs::write(&path, profile.encode()).unwrap();
        let second = library.open(&library.entry("busy.pb").unwrap()).unwrap();
        assert_eq!(second.profile.total(0), 1);
    }
}
