//! The threads of this process as `/proc/self/task` shows them, and the memory that `/proc/self/maps` does.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The tids of all threads.
pub(crate) fn list() -> io::Result<Vec<u32>> {
    let tid = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    Ok(fs::read_dir("/proc/self/task")?.filter_map(tid).collect())
}

/// A number that changes with how many threads there are.
pub(crate) fn count() -> Option<u64> {
    // As every directory's links tell of what is in it.
    Some(fs::metadata("/proc/self/task").ok()?.nlink())
}

/// The thread's name, unless it is gone.
pub(crate) fn name(tid: u32) -> Option<String> {
    let mut name = fs::read(format!("/proc/self/task/{tid}/comm")).ok()?;
    if name.last() == Some(&b'\n') {
        name.pop();
    }
    Some(String::from_utf8_lossy(&name).into_owned())
}

/// Whether the thread blocks the signal; no if it is gone.
pub(crate) fn blocks(tid: u32, signal: libc::c_int) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/self/task/{tid}/status")) else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// A stretch of memory that can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writable {
    pub(crate) start: usize,
    pub(crate) limit: usize,
    /// Whether it is the main thread's stack, which grows downwards.
    pub(crate) main_stack: bool,
}

/// All memory that can be read and written, in order.
pub(crate) fn writable_memory() -> io::Result<Vec<Writable>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let writable = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (start, limit) = fields.next()?.split_once('-')?;
        if !fields.next()?.starts_with("rw") {
            return None;
        }
        Some(Writable {
            start: usize::from_str_radix(start, 16).ok()?,
            limit: usize::from_str_radix(limit, 16).ok()?,
            main_stack: fields.nth(3) == Some("[stack]"),
        })
    };
    Ok(maps.lines().filter_map(writable).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_threads_is_known_without_their_list() {
        // Other tests start and end threads, too.
        let beyond = || loop {
            let before = list().expect("/proc can be read");
            let count = count().expect("/proc can be read");
            if list().expect("/proc can be read") == before {
                break count - before.len() as u64;
            }
        };
        let alone = beyond();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || stopped.recv());
        assert_eq!(beyond(), alone);
        drop(stop);
        assert!(other.join().expect("it only waits").is_err());
    }

    #[test]
    fn this_thread_is_listed_by_its_name_and_stack() {
        let tid = nix::unistd::gettid().as_raw() as u32;
        assert!(list().expect("/proc can be read").contains(&tid));
        let own = std::fs::read_to_string("/proc/thread-self/comm").expect("/proc can be read");
        assert_eq!(name(tid).as_deref(), Some(own.trim_end()));
        assert!(!blocks(tid, libc::SIGPROF));
        let here = (&raw const own) as usize;
        let memory = writable_memory().expect("/proc can be read");
        assert_eq!(memory.iter().filter(|stretch| (stretch.start..stretch.limit).contains(&here)).count(), 1);
        assert_eq!(memory.iter().filter(|stretch| stretch.main_stack).count(), 1);
    }
}
