//! The profile's file: grows by one chunk at a time while the program runs, so that whatever ends the program leaves a whole
//! profile behind, and is one gzip member in the end. Knows nothing of signals or threads.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use plop_profile::{ChunkEncoder, Profile};

use crate::{Error, fork};

/// From this size on a file is looked at whether it could be smaller: samples of the same stacks come again in every chunk.
const COMPACT_FROM: u64 = 64 << 20;
/// How many times the size of the profile as one chunk a file must have to be written anew.
const COMPACT_RATIO: u64 = 4;

/// The growing file.
pub(crate) struct Output {
    path: PathBuf,
    /// Where the finished profile goes.
    finished: PathBuf,
    file: OwnFile,
    /// Bytes that are whole chunks.
    length: u64,
    encoder: ChunkEncoder,
    compact_from: u64,
    /// Whether what the file holds no longer fits the profile.
    outdated: bool,
    /// Whether a failure has been told.
    told: bool,
}

impl Output {
    /// Creates the file: `path` itself, or one named after program, process and time if `path` is a directory or ends like
    /// one. What `profile` has so far is its first chunk.
    pub(crate) fn create(path: &Path, profile: &Profile) -> Result<Output, Error> {
        let is_directory = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let error = |source| Error::Output { path: path.to_owned(), source };
        let (path, finished, file) = if is_directory {
            std::fs::create_dir_all(path).map_err(error)?;
            create_in(path).map_err(error)?
        } else {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).custom_flags(libc::O_CLOEXEC).open(path).map_err(error)?;
            // Only now that it can be written does what was there before go.
            file.set_len(0).map_err(error)?;
            (path.to_owned(), path.to_owned(), file)
        };
        let encoder = ChunkEncoder::new();
        let mut output = Output {
            path,
            finished,
            file: OwnFile::new(file),
            length: 0,
            encoder,
            compact_from: COMPACT_FROM,
            outdated: false,
            told: false,
        };
        match output.append(profile) {
            Ok(()) => Ok(output),
            Err(source) => Err(Error::Output { path: output.path, source }),
        }
    }

    /// Appends what is new. If that fails, the file stays as it was, the first time is told on stderr, and the next chunk
    /// holds the same again. Says whether it worked.
    pub(crate) fn flush(&mut self, profile: &Profile) -> bool {
        let Err(error) = self.append(profile) else { return true };
        if !std::mem::replace(&mut self.told, true) {
            eprintln!(
                "plop: {}: {error}; samples stay in memory and are written once that is possible",
                self.path.display()
            );
        }
        false
    }

    /// Says that the profile's samples have been put in a new order: the next flush writes the file anew. Until then it stays as
    /// it is, which is a whole profile too.
    pub(crate) fn outdate(&mut self) {
        self.outdated = true;
    }

    fn append(&mut self, profile: &Profile) -> io::Result<()> {
        if self.outdated {
            let encoder = ChunkEncoder::new();
            let whole = encoder.encode(profile);
            self.replace(profile, encoder, &whole)?;
            self.outdated = false;
            return Ok(());
        }
        let chunk = self.encoder.encode(profile);
        let written = loop {
            // One call, so that a reader or a kill never finds half a chunk unless the disk is full.
            match self.file.0.write(&chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        match written {
            Ok(written) if written == chunk.len() => {
                self.encoder.advance(profile);
                self.length += chunk.len() as u64;
                self.compact(profile)
            }
            Ok(_) => {
                self.file.0.set_len(self.length)?;
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Err(error) => {
                self.file.0.set_len(self.length)?;
                Err(error)
            }
        }
    }

    /// Writes the file anew if it has become large and most of it is repetition.
    fn compact(&mut self, profile: &Profile) -> io::Result<()> {
        if self.length < self.compact_from {
            return Ok(());
        }
        let encoder = ChunkEncoder::new();
        let whole = encoder.encode(profile);
        if whole.len() as u64 * COMPACT_RATIO > self.length {
            // Worth another look when it has doubled.
            self.compact_from = self.length * 2;
            return Ok(());
        }
        self.replace(profile, encoder, &whole).inspect_err(|_| self.compact_from = self.length * 2)
    }

    /// Puts a file in the place of the growing one that holds `whole`, the first chunk of a new encoder.
    fn replace(&mut self, profile: &Profile, mut encoder: ChunkEncoder, whole: &[u8]) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".part");
        let written = (|| -> io::Result<File> {
            let mut options = OpenOptions::new();
            let mut file = options.create(true).append(true).custom_flags(libc::O_CLOEXEC).open(&beside)?;
            file.set_len(0)?;
            file.write_all(whole)?;
            std::fs::rename(&beside, &self.path)?;
            Ok(file)
        })();
        let file = written.inspect_err(|_| {
            // What it holds is in the growing file, or comes with the next one.
            let _ = std::fs::remove_file(&beside);
        })?;
        encoder.advance(profile);
        (self.file, self.encoder, self.length) = (OwnFile::new(file), encoder, whole.len() as u64);
        self.compact_from = COMPACT_FROM;
        Ok(())
    }

    /// Writes the finished profile and removes the growing one.
    pub(crate) fn finish(mut self, profile: &Profile) -> Result<(), (PathBuf, io::Error)> {
        match profile.save(&self.finished) {
            Ok(()) => {
                if self.path != self.finished {
                    // A growing file that can't be removed is a whole profile too.
                    let _ = std::fs::remove_file(&self.path);
                }
                Ok(())
            }
            Err(error) => {
                // At least what there is should be in the growing file.
                self.flush(profile);
                let error = match error {
                    plop_profile::Error::Io(error) => error,
                    other => io::Error::other(other),
                };
                Err((self.finished, error))
            }
        }
    }

    /// Memory that it takes to know what has been written.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.encoder.memory_bytes()
    }
}

/// A file that a forked child does not keep.
struct OwnFile(File);

impl OwnFile {
    fn new(file: File) -> Self {
        fork::keep_from_children(file.as_raw_fd());
        OwnFile(file)
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        // Before the number can become another file's.
        fork::no_longer_keep(self.0.as_raw_fd());
    }
}

/// A new file in the directory, and the name that it gets when it is finished.
fn create_in(directory: &Path) -> io::Result<(PathBuf, PathBuf, File)> {
    let program = std::env::current_exe().ok();
    let program = program.as_ref().and_then(|path| path.file_name()).unwrap_or("program".as_ref());
    let stem = format!("{}-{}-{}", program.to_string_lossy(), std::process::id(), utc_time(SystemTime::now()));
    for attempt in 1.. {
        let name = if attempt == 1 { stem.clone() } else { format!("{stem}-{attempt}") };
        let (path, finished) = (directory.join(format!("{name}.pb")), directory.join(format!("{name}.pb.gz")));
        if finished.exists() {
            continue;
        }
        let mut options = OpenOptions::new();
        match options.create_new(true).append(true).custom_flags(libc::O_CLOEXEC).open(&path) {
            Ok(file) => return Ok((path, finished, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// The time as `20261124T093015Z`, which sorts as it passes. Days to dates by Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn utc_time(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plop_profile::LabelSetId;
    use std::time::Duration;

    fn profile() -> Profile {
        let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
        add(&mut profile, "main", 1);
        profile
    }

    fn add(profile: &mut Profile, function: &str, count: i64) {
        let location = profile.named_location(function, "");
        let stack = profile.stacks.intern([location]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[count, count * 10]);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds| utc_time(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101T000000Z");
        assert_eq!(at(951_782_399), "20000228T235959Z");
        assert_eq!(at(951_782_400), "20000229T000000Z");
        assert_eq!(at(1_795_512_615), "20261124T093015Z");
    }

    #[test]
    fn the_file_is_a_whole_profile_after_every_flush_and_a_gzip_in_the_end() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut profile = profile();
        let mut output = Output::create(directory.path(), &profile).expect("the directory can be written");
        for round in 0..5 {
            add(&mut profile, &format!("function {round}"), 3);
            output.flush(&profile);
            let read = Profile::load(&output.path).expect("the file is a profile");
            assert_eq!(read.total(0), profile.total(0));
        }
        let finished = output.finished.clone();
        output.finish(&profile).expect("the directory can still be written");
        let names: Vec<_> =
            std::fs::read_dir(directory.path()).expect("it is there").map(|e| e.expect("readable").path()).collect();
        assert_eq!(names, std::slice::from_ref(&finished));
        assert_eq!(Profile::load(finished).expect("it is a profile").total(0), 16);
    }

    #[test]
    fn a_file_that_repeats_itself_is_written_anew_and_goes_on() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("growing.pb");
        let mut profile = profile();
        let mut output = Output::create(&path, &profile).expect("the directory can be written");
        output.compact_from = 2000;
        let mut longest = 0;
        for _ in 0..500 {
            add(&mut profile, "main", 1);
            output.compact_from = output.compact_from.min(2000);
            output.flush(&profile);
            longest = longest.max(output.length);
            assert_eq!(output.length, std::fs::metadata(&path).expect("it is there").len());
        }
        assert!(longest < 3000, "500 chunks of some 20 bytes: {longest}");
        assert_eq!(Profile::load(&path).expect("it is a profile").total(0), 501);
    }

    #[test]
    fn a_file_whose_samples_were_put_in_a_new_order_is_written_anew() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("growing.pb");
        let mut profile = profile();
        add(&mut profile, "left", 2);
        let mut output = Output::create(&path, &profile).expect("the directory can be written");
        profile.samples = plop_profile::Samples::new(2);
        add(&mut profile, "right", 5);
        output.outdate();
        assert!(output.flush(&profile));
        add(&mut profile, "left", 4);
        assert!(output.flush(&profile));
        let read = Profile::load(&path).expect("it is a profile");
        let counts: Vec<i64> = read.samples.iter().map(|sample| sample.values[0]).collect();
        assert_eq!(counts, [5, 4]);
    }

    #[test]
    fn an_output_that_cannot_be_created_says_which_and_why() {
        let error = Output::create(Path::new("/proc/nowhere/"), &profile()).err().expect("proc has no such directory");
        assert!(error.to_string().starts_with("/proc/nowhere/: "), "{error}");
    }
}
