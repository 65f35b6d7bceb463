//! The library: the profiles in the files and folders that were named, and those that were handed over from the page, newest
//! first. Who asks for a profile gives an id of this list; no path ever comes from outside.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, fs};

use plop_profile::Profile;

use crate::arrivals::Arrivals;
use crate::compare::Comparison;
use crate::function::hash;
use crate::open::{self, OpenError};
use crate::opened::Opened;
use crate::symbolize::Sources;

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
    /// What was opened last, by path. Each has its own lock, so that who wants the same waits and others don't.
    opened: Mutex<HashMap<PathBuf, Arc<Mutex<Slot>>>>,
    /// When the samples of growing files came, by id, which a file keeps when the collector finishes it.
    arrivals: Mutex<HashMap<String, Arrivals>>,
    received: Mutex<Vec<Entry>>,
    summaries: Mutex<HashMap<PathBuf, (Version, Summary)>>,
    /// The two that were compared last, with what says which they are.
    compared: Mutex<Option<(String, Arc<Comparison>)>>,
}

/// An open profile, and the version of its file that it was opened at.
type Slot = Option<(Version, Arc<Opened>)>;

/// How many profiles stay open; the others are read again when they are asked for.
const KEPT_OPEN: usize = 4;

/// How many profiles from the page are kept; the oldest goes first.
const KEPT_RECEIVED: usize = 8;

/// One profile of the list.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its id: the file's name, without `.gz`, so that a profile keeps it when the collector finishes its file.
    pub(crate) id: String,
    /// Where it is; for one from the page its name.
    pub(crate) path: PathBuf,
    /// The profile itself, if it came from the page and lies in no file.
    received: Option<Arc<Opened>>,
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
        if self.received.is_some() {
            return false;
        }
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

/// What the list says of a profile beyond its file.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Summary {
    /// The name of its format.
    pub(crate) format: &'static str,
    /// When it began, in milliseconds since 1970; 0 if unknown.
    pub(crate) time_ms: i64,
    /// How long it lasted, in nanoseconds; 0 if unknown.
    pub(crate) duration_ns: i64,
    /// The sum of its first sample type, which counts samples where anything does.
    pub(crate) samples: i64,
    /// What that counts.
    pub(crate) unit: String,
    /// What its reader has to know.
    pub(crate) warnings: Vec<String>,
}

impl Summary {
    fn of(opened: &Opened) -> Self {
        let profile = &opened.profile;
        let counts = profile.sample_types.iter().position(|of| &profile.strings[of.unit] == "count").unwrap_or(0);
        let unit = profile.sample_types.get(counts).map_or("", |of| &profile.strings[of.unit]);
        Summary {
            format: opened.format,
            time_ms: profile.time_nanos / 1_000_000,
            duration_ns: profile.duration_nanos,
            samples: if profile.sample_types.is_empty() { 0 } else { profile.total(counts) },
            unit: unit.to_owned(),
            warnings: opened.warnings.clone(),
        }
    }
}

/// No profile of the list has that id.
#[derive(Debug)]
pub(crate) struct NoSuchProfile(String);

impl fmt::Display for NoSuchProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: there is no such profile; see api/profiles", self.0)
    }
}

impl std::error::Error for NoSuchProfile {}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is at worst an older version, which the next request replaces.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Library {
    /// The library of these files and folders; they need not exist yet.
    pub(crate) fn new(paths: impl IntoIterator<Item = PathBuf>, sources: Sources) -> Self {
        Library {
            paths: paths.into_iter().collect(),
            sources,
            opened: Mutex::default(),
            arrivals: Mutex::default(),
            received: Mutex::default(),
            summaries: Mutex::default(),
            compared: Mutex::default(),
        }
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
            let mut files: Vec<_> = files
                .filter_map(|path| fs::metadata(&path).ok().filter(fs::Metadata::is_file).map(|of| (path, of)))
                .collect();
            files.sort_by(|left, right| left.0.cmp(&right.0));
            entries.extend(files);
        }
        let mut entries: Vec<Entry> = entries
            .into_iter()
            .map(|(path, metadata)| Entry {
                id: String::new(),
                bytes: metadata.len(),
                modified: metadata.modified().unwrap_or(UNIX_EPOCH),
                version: Version::of(&metadata),
                path,
                received: None,
            })
            .collect();
        // One from the page keeps the id that it was given, whatever file comes after it. Of files with the same name, the
        // one that was named first has the plain id, not the newest: what an address compares stays the same when one grows.
        let received = lock(&self.received).clone();
        let mut taken: HashSet<String> = received.iter().map(|entry| entry.id.clone()).collect();
        for entry in &mut entries {
            let plain = id_of(&entry.path);
            entry.id = if taken.insert(plain.clone()) { plain } else { long_id(&entry.path) };
        }
        entries.extend(received);
        entries.sort_by(newest_first);
        entries
    }

    /// The profile of that id.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn entry(&self, id: &str) -> Result<Entry, NoSuchProfile> {
        let mut entries = self.entries();
        // One that had its long id because of another keeps it when that one is gone.
        let at = entries
            .iter()
            .position(|entry| entry.id == id)
            .or_else(|| entries.iter().position(|entry| entry.received.is_none() && long_id(&entry.path) == id));
        let found = at.map(|at| entries.swap_remove(at));
        found.ok_or_else(|| NoSuchProfile(id.to_owned()))
    }

    /// Opens the profile, or gives it as it was opened before if its file is still the same.
    ///
    /// # Errors
    /// When its file can't be read or is no profile.
    pub(crate) fn open(&self, entry: &Entry) -> Result<Arc<Opened>, OpenError> {
        if let Some(opened) = &entry.received {
            return Ok(opened.clone());
        }
        let slot = {
            let mut opened = lock(&self.opened);
            if opened.len() >= KEPT_OPEN && !opened.contains_key(&entry.path) {
                opened.clear();
            }
            opened.entry(entry.path.clone()).or_default().clone()
        };
        let mut slot = lock(&slot);
        if let Some((version, opened)) = &*slot
            && *version == entry.version
        {
            return Ok(opened.clone());
        }
        let opened =
            Arc::new(open::file_with(&entry.path, &self.sources, |profile| self.note_arrivals(entry, profile))?);
        *slot = Some((entry.version, opened.clone()));
        Ok(opened)
    }

    /// The comparison that is known by a key, or made and then known by it. Who wants it meanwhile waits.
    ///
    /// # Errors
    /// When it can't be made.
    pub(crate) fn comparison<E>(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Comparison, E>,
    ) -> Result<Arc<Comparison>, E> {
        let mut compared = lock(&self.compared);
        if let Some((known, comparison)) = &*compared
            && *known == key
        {
            return Ok(comparison.clone());
        }
        let comparison = Arc::new(make()?);
        *compared = Some((key, comparison.clone()));
        Ok(comparison)
    }

    /// Puts times on the samples of a file that grows, or grew, and says none: as far as its chunks or who watched can tell.
    fn note_arrivals(&self, entry: &Entry, profile: &mut Profile) {
        if profile.timeline().is_some() {
            return;
        }
        let mut arrivals = lock(&self.arrivals);
        let modified_ms = i64::try_from(entry.modified_ms()).unwrap_or(i64::MAX);
        match arrivals.get_mut(&entry.id) {
            Some(known) => known.take(profile, modified_ms),
            None if entry.growing() || profile.chunks.len() > 1 => {
                if arrivals.len() >= KEPT_OPEN {
                    arrivals.clear();
                }
                arrivals.insert(entry.id.clone(), Arrivals::begin(profile, modified_ms));
            }
            None => {}
        }
    }

    /// Takes a profile that was handed over with its file's name, and gives its id. It lives as long as the viewer, or until
    /// newer ones take its place.
    ///
    /// # Errors
    /// When the bytes are no profile.
    pub(crate) fn receive(&self, name: &str, bytes: &[u8]) -> Result<String, OpenError> {
        // A name only: whatever else it says, it leads nowhere.
        let name = name.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or("profile");
        let path = PathBuf::from(name);
        let opened = Arc::new(open::bytes(&path, bytes, &self.sources)?);
        let modified = SystemTime::now();
        let modified_ns = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let version = Version { bytes: bytes.len() as u64, modified_ns, file: 0 };
        let bytes = bytes.len() as u64;
        let taken: HashSet<String> = self.entries().into_iter().map(|entry| entry.id).collect();
        let plain = id_of(&path);
        let numbered = (2..).map(|number| format!("{plain}~{number}"));
        let id = std::iter::once(plain.clone()).chain(numbered).find(|id| !taken.contains(id)).unwrap_or(plain);
        let mut received = lock(&self.received);
        if received.len() >= KEPT_RECEIVED {
            received.remove(0);
        }
        received.push(Entry { id: id.clone(), path, received: Some(opened), bytes, modified, version });
        Ok(id)
    }

    /// What is known of a profile for the list, if it was opened before.
    pub(crate) fn known_summary(&self, entry: &Entry) -> Option<Summary> {
        if let Some(opened) = &entry.received {
            return Some(Summary::of(opened));
        }
        let summaries = lock(&self.summaries);
        summaries.get(&entry.path).filter(|(version, _)| *version == entry.version).map(|(_, summary)| summary.clone())
    }

    /// The same, of one that is opened for it if need be. It does not stay open, so that a long list pushes none out.
    ///
    /// # Errors
    /// When its file can't be read or is no profile.
    pub(crate) fn summary(&self, entry: &Entry) -> Result<Summary, OpenError> {
        if let Some(summary) = self.known_summary(entry) {
            return Ok(summary);
        }
        let is_open = lock(&self.opened).contains_key(&entry.path);
        let summary = match is_open {
            true => Summary::of(&*self.open(entry)?),
            false => Summary::of(&open::file(&entry.path, &self.sources)?),
        };
        lock(&self.summaries).insert(entry.path.clone(), (entry.version, summary.clone()));
        Ok(summary)
    }
}

fn newest_first(left: &Entry, right: &Entry) -> Ordering {
    right.modified.cmp(&left.modified).then_with(|| left.path.cmp(&right.path))
}

/// A file's id, unless another has it.
fn id_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.strip_suffix(".gz").map_or(name.clone(), str::to_owned)
}

/// The id of a file whose name another has too: with a mark of the folder that it is in.
fn long_id(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path).to_string_lossy();
    format!(
        "{}~{:04x}",
        id_of(path),
        hash(&[&folder, &path.extension().unwrap_or_default().to_string_lossy()]) & 0xffff
    )
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
        let second = long_id(&paths[1].join("busy.pb"));
        assert_eq!(entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["busy.pb", &*second]);
        assert_eq!(entries[0].path, paths[0].join("busy.pb"));
        assert!(!entries[0].growing());
        assert!(library.entry("../a/busy.pb").is_err());
        let newer = fs::File::options().write(true).open(paths[1].join("busy.pb")).unwrap();
        newer.set_modified(SystemTime::now()).unwrap();
        assert_eq!(library.entries()[0].id, second, "the newest comes first, under the id that it had");
        fs::remove_file(paths[0].join("busy.pb")).unwrap();
        assert_eq!(library.entries()[0].id, "busy.pb");
        assert_eq!(library.entry(&second).unwrap().path, paths[1].join("busy.pb"), "an address still finds it");
    }

    #[test]
    fn a_profile_from_the_page_is_kept_until_newer_ones_take_its_place() {
        let library = Library::new([], Sources::default());
        let ids: Vec<String> = (0..=KEPT_RECEIVED)
            .map(|turn| library.receive("../dropped.folded", format!("main {}", turn + 1).as_bytes()).unwrap())
            .collect();
        assert_eq!(ids[0], "dropped.folded");
        let entries = library.entries();
        assert_eq!(entries.len(), KEPT_RECEIVED);
        assert!(entries.iter().all(|entry| !entry.growing()));
        let totals: Vec<i64> = entries.iter().map(|entry| library.open(entry).unwrap().profile.total(0)).collect();
        assert!(totals.contains(&(KEPT_RECEIVED as i64 + 1)) && !totals.contains(&1), "{totals:?}");
        let refusal = library.receive("prose.txt", b"no profile").unwrap_err().to_string();
        assert!(refusal.starts_with("prose.txt: no profile of a known format"), "{refusal}");
        assert_eq!(library.entries().len(), KEPT_RECEIVED);
    }

    #[test]
    fn a_growing_file_that_says_no_times_gets_those_at_which_it_was_seen_to_grow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.pb");
        let library = Library::new([path.clone()], Sources::default());
        let write = |samples: i64, second: u64| {
            let mut profile = Profile::new([("samples", "count")]);
            let main = profile.named_location("main", "");
            let stack = profile.stacks.intern([main]);
            profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[samples]);
            fs::write(&path, profile.encode()).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(second)).unwrap();
            library.open(&library.entry("live.pb").unwrap()).unwrap()
        };
        assert!(write(5, 0).profile.timeline().is_none());
        let second = write(8, 1);
        assert_eq!(second.profile.total(0), 8);
        let timeline = second.profile.timeline().expect("what came since has a time");
        let timed = second
            .profile
            .samples
            .iter()
            .filter(|sample| timeline.start_ns(second.profile.label_sets.get(sample.labels)).is_some());
        assert_eq!(timed.map(|sample| sample.values[0]).sum::<i64>(), 3);
    }

    #[test]
    fn what_a_killed_program_left_behind_has_times_from_its_begin() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("killed.pb");
        let mut profile = Profile::new([("samples", "count")]);
        profile.set_self_check(plop_profile::SelfCheck::default());
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        let mut encoder = plop_profile::ChunkEncoder::new();
        let mut bytes = Vec::new();
        for (second, samples) in [4, 0, 7].into_iter().enumerate() {
            profile.duration_nanos = (second as i64 + 1) * 1_000_000_000;
            profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[samples]);
            bytes.extend(encoder.encode(&profile));
            encoder.advance(&profile);
        }
        fs::write(&path, bytes).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH).unwrap();
        let library = Library::new([path], Sources::default());
        let entry = library.entry("killed.pb").unwrap();
        assert!(!entry.growing());
        let opened = library.open(&entry).unwrap();
        let viewed = crate::View::default().of(&opened).unwrap();
        let timeline = serde_json::to_value(crate::timeline::Timeline::of(&viewed, 100, 1)).unwrap();
        assert_eq!(timeline["threads"][0]["values"], serde_json::json!([4, 0, 7]));
        assert_eq!(timeline["untimed"], 0);
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
