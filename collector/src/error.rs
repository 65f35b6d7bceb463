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
    /// Another part of the program handles the signal.
    SignalTaken {
        /// SIGPROF, or SIGURG where the wall clock or perf events need it.
        signal: &'static str,
        /// The file that the handler lies in, where the loader knows it.
        owner: Option<PathBuf>,
    },
    /// The interval is outside what timers can do.
    Interval(Duration),
    /// The wall clock's interval is outside what a collector that must not be noticed can do.
    WallInterval(Duration),
    /// The kernel gives no perf events.
    PerfEvent {
        /// Why.
        source: io::Error,
        /// What `kernel.perf_event_paranoid` is set to, if it can be read.
        paranoid: Option<i32>,
    },
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
            Error::SignalTaken { signal, owner } => {
                let whose = owner.as_ref().map_or(String::new(), |owner| format!(" (in {})", owner.display()));
                let fix = match *signal {
                    "SIGPROF" => "stop the other profiler first",
                    _ => "start without the wall clock and perf events, which need it",
                };
                write!(f, "{signal} already has a handler{whose}; {fix}")
            }
            Error::Interval(interval) => {
                write!(f, "an interval of {interval:?} is out of range; use 100 µs to 1 s")
            }
            Error::WallInterval(interval) => {
                write!(f, "an interval of {interval:?} of wall-clock time is out of range; use 1 ms to 10 s")
            }
            Error::PerfEvent { source, paranoid } => {
                let paranoid = paranoid.map_or(String::new(), |level| match level {
                    3.. => format!(" (kernel.perf_event_paranoid is {level}, 2 would do)"),
                    _ => " (a container's seccomp profile may forbid it)".to_owned(),
                });
                let why = match source.raw_os_error() {
                    Some(libc::EACCES | libc::EPERM) => format!("{source}{paranoid}"),
                    Some(libc::E2BIG | libc::EINVAL | libc::ENOSYS) => format!("{source}; it needs Linux 5.13"),
                    _ => source.to_string(),
                };
                write!(f, "perf_event_open: {why}; use Clock::CpuTimers, the default")
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
            Error::Output { source, .. }
            | Error::Unwritten { source, .. }
            | Error::PerfEvent { source, .. }
            | Error::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
