//! What can go wrong with the collector.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use plop_profile::Profile;

/// Why the collector could not start, stop, or write.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A collector runs already; there is one at a time in a process.
    AlreadyRunning,
    /// Another part of the program handles SIGPROF.
    SignalTaken {
        /// The file that the handler lies in, where the loader knows it.
        owner: Option<PathBuf>,
    },
    /// The interval is outside what timers can do.
    Interval(Duration),
    /// The output could not be created.
    Output {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The profile is complete but could not be written; here it is.
    Unwritten {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// The profile, to be saved elsewhere.
        profile: Box<Profile>,
    },
    /// The system gave no timer, thread or memory.
    System {
        /// What was asked for.
        what: &'static str,
        /// Why it was refused.
        source: io::Error,
    },
    /// The collector was started in another process, of which this one is a fork.
    Forked {
        /// The process that it was started in.
        pid: u32,
    },
    /// The collector's own thread is gone, by a panic of which it told on stderr. Its timers are gone too.
    Died,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::AlreadyRunning => f.write_str("a collector is running in this process; stop it first"),
            Error::SignalTaken { owner: Some(owner) } => {
                write!(f, "SIGPROF already has a handler (in {}); stop the other profiler first", owner.display())
            }
            Error::SignalTaken { owner: None } => {
                f.write_str("SIGPROF already has a handler; stop the other profiler first")
            }
            Error::Interval(interval) => {
                write!(f, "an interval of {interval:?} is out of range; use 100 µs to 1 s")
            }
            Error::Output { path, source } => {
                write!(f, "{}: {source}; choose an output that this process can write", path.display())
            }
            Error::Unwritten { path, source, .. } => {
                write!(f, "{}: {source}; save the profile that comes with this error elsewhere", path.display())
            }
            Error::System { what, source } => write!(f, "{what}: {source}"),
            Error::Forked { pid } => {
                write!(f, "this collector runs in process {pid}, of which this one is a fork; start another one here")
            }
            Error::Died => f.write_str("the collector's thread panicked; the timers are off, start another collector"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Output { source, .. } | Error::Unwritten { source, .. } | Error::System { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}
