//! The collector as its user holds it: starts a session, asks its thread for what it knows, and ends it.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};
use plop_profile::{Profile, SelfCheck};

use crate::Error;
use crate::aggregate::{Aggregate, Bounds};
use crate::control::{Command, Control, Settings};
use crate::fork::Claim;
use crate::output::Output;
use crate::signal::syscall;
use crate::signal::zone::Zone;
use crate::signal_owner;

/// How a collector is to run; see [`Collector::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing runs until `start` is called"]
pub struct Builder {
    interval: Duration,
    output: Option<PathBuf>,
    flush_every: Duration,
    memory_limit: usize,
    symbolize: bool,
    timeline: bool,
    wall: Option<Duration>,
    clock: Clock,
}

/// What interrupts a thread that runs, each time that it has used up its interval of CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Clock {
    /// A POSIX timer on its CPU clock: there everywhere, for every process. The kernel looks at those at its tick only, so that a
    /// thread is interrupted at most as often as that comes (every 4 ms at 250 Hz); a sample then stands for several periods.
    #[default]
    CpuTimers,
    /// A perf event on its CPU time, of a high-resolution timer: really interrupts up to 10,000 times a second. Needs Linux 5.13,
    /// `kernel.perf_event_paranoid` of at most 2 (or CAP_PERFMON), a container that allows the call, and a descriptor for each
    /// thread; SIGURG, which is ignored by default, is taken besides SIGPROF.
    ///
    /// A thread gets its event within 0.2 s of its start, and its first sample one interval later; until then, and if descriptors run short (half of those that
    /// RLIMIT_NOFILE allows are used), it is sampled as with [`Clock::CpuTimers`].
    PerfEvents,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            interval: Duration::from_millis(10),
            output: None,
            flush_every: Duration::from_secs(1),
            memory_limit: 64 << 20,
            symbolize: true,
            timeline: false,
            wall: None,
            clock: Clock::CpuTimers,
        }
    }
}

impl Builder {
    /// CPU time between two samples of a thread: 10 ms unless said otherwise, 100 µs to 1 s. The kernel's tick (4 ms where it
    /// is 250 Hz) bounds how often a thread is really interrupted; below it, one sample stands for several periods.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Where to write the profile: a file, or a directory (one that exists, or a path that ends in `/` and is created), in
    /// which a file is named after program, process and time.
    ///
    /// The file grows while the program runs and is a whole profile after each flush, so that a program that is killed
    /// leaves all but the last. When the collector stops, it is replaced by the finished profile, gzipped; in a directory
    /// that is `….pb.gz` in the place of `….pb`. Without an output, nothing is written.
    pub fn output(mut self, path: impl Into<PathBuf>) -> Self {
        self.output = Some(path.into());
        self
    }

    /// How often to write what is new to the output: every second unless said otherwise.
    pub fn flush_every(mut self, period: Duration) -> Self {
        self.flush_every = period;
        self
    }

    /// How many bytes of memory the profile may take while it is collected, about: 64 MiB unless said otherwise. Beyond it,
    /// stacks that have been seen go on counting, and new ones count as `[other]`.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Whether to look up the names of functions, files and lines in this process, off the sampled threads: yes unless said
    /// otherwise. Without them the profile has addresses and build IDs, from which a viewer can find names.
    pub fn symbolize(mut self, symbolize: bool) -> Self {
        self.symbolize = symbolize;
        self
    }

    /// What interrupts threads: [`Clock::CpuTimers`] unless said otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Samples the wall clock, too: each thread is looked at about every `interval` (1 ms to 10 s; 50 ms is a good start),
    /// whether it runs or waits, and the profile gets a third value for each sample, `wall` in nanoseconds. Those of a thread add
    /// up to the time that it lived, from when it was found on (within 0.2 s, or a second if another ended meanwhile). The other two
    /// values stay what they are without: a look adds to `wall` only.
    ///
    /// Looking interrupts, so it is bounded: at most 16 threads are interrupted at a time, that is 16 in each `interval`; if more
    /// want to be looked at, each is looked at less often and its samples stand for more. A thread that has not run since it was
    /// interrupted last still is where it was, and is left in peace for a second, then for two, then four, up to 64. Threads that
    /// wait uninterruptibly or are stopped are not woken. Still, calls that end early by a signal (see the
    /// [crate's documentation](crate)) do so more often than without.
    ///
    /// SIGURG, which is ignored by default, is taken besides SIGPROF.
    pub fn wall(mut self, interval: Duration) -> Self {
        self.wall = Some(interval);
        self
    }

    /// Whether to keep samples apart by the time at which they were taken, so that a viewer can draw what the program did over
    /// time: no unless said otherwise. See [`plop_profile::Timeline`] for how the file says it.
    ///
    /// Time is cut into windows as long as the period of flushing. When there are more than 1,024, or the profile comes near
    /// [`Builder::memory_limit`], two become one all along.
    pub fn timeline(mut self, timeline: bool) -> Self {
        self.timeline = timeline;
        self
    }

    /// Starts sampling all threads of the process.
    ///
    /// # Errors
    /// When a collector runs already, someone else handles SIGPROF (or SIGURG where it is needed), an interval is out of range,
    /// the output can't be created, or the system refuses timers, perf events, threads or memory.
    pub fn start(self) -> Result<Collector, Error> {
        let claim = Claim::take()?;
        if !(Duration::from_micros(100)..=Duration::from_secs(1)).contains(&self.interval) {
            return Err(Error::Interval(self.interval));
        }
        if let Some(wall) = self.wall
            && !(Duration::from_millis(1)..=Duration::from_secs(10)).contains(&wall)
        {
            return Err(Error::WallInterval(wall));
        }
        let settings = Settings {
            interval: self.interval,
            flush_every: self.flush_every,
            wall: self.wall,
            perf_events: self.clock == Clock::PerfEvents,
        };
        settings.signals().try_for_each(signal_owner::take)?;
        let zone = Zone::map().map_err(|source| Error::System { what: "mmap", source })?;
        let mut aggregate = Aggregate::new(Bounds {
            interval: self.interval,
            memory_limit: self.memory_limit,
            symbolize: self.symbolize,
            window: self.timeline.then_some(self.flush_every),
            wall: self.wall.is_some(),
        });
        let output = match &self.output {
            Some(path) => Some(Output::create(path, aggregate.profile())?),
            None => None,
        };
        let control = Control::new(claim, zone, settings, aggregate, output);
        let (commands, orders) = mpsc::channel();
        let (started, answer) = mpsc::channel();
        let thread = spawn_without_signals(move || control.run(&started, &orders))
            .map_err(|source| Error::System { what: "the collector's thread", source })?;
        match answer.recv() {
            Ok(Ok(())) => Ok(Collector { session: Some(Session { commands, thread }), pid: std::process::id() }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Died),
        }
    }
}

/// A running collector. It can be shared between threads and stopped from any; dropping it stops it, too.
///
/// There is one at a time in a process. A forked child starts without: there this handle does nothing, and another
/// collector can be started.
#[derive(Debug)]
pub struct Collector {
    session: Option<Session>,
    pid: u32,
}

#[derive(Debug)]
struct Session {
    commands: Sender<Command>,
    thread: JoinHandle<()>,
}

impl Collector {
    /// What to set before starting.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The profile up to now. Sampling goes on.
    ///
    /// # Errors
    /// When this process is a fork of the one that was started in, or the collector's thread has panicked.
    pub fn snapshot(&self) -> Result<Profile, Error> {
        self.ask(Command::Snapshot)
    }

    /// What the collector knows of its own faithfulness up to now; all zero if it can't be asked any more.
    pub fn stats(&self) -> SelfCheck {
        self.ask(Command::Stats).unwrap_or_default()
    }

    /// Stops sampling, finishes the output if there is one, and gives the profile.
    ///
    /// # Errors
    /// When the output can't be written: the error then holds the profile. Besides, as [`Collector::snapshot`].
    pub fn stop(mut self) -> Result<Profile, Error> {
        let result = self.ask(Command::Stop);
        self.join();
        result?
    }

    fn ask<T>(&self, command: impl FnOnce(Sender<T>) -> Command) -> Result<T, Error> {
        if self.pid != std::process::id() {
            return Err(Error::Forked { pid: self.pid });
        }
        let Some(session) = &self.session else { return Err(Error::Died) };
        let (reply, answer) = mpsc::channel();
        session.commands.send(command(reply)).map_err(|_| Error::Died)?;
        answer.recv().map_err(|_| Error::Died)
    }

    fn join(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.pid != std::process::id() {
            // The thread is the parent's, and so may be locks inside the channel.
            std::mem::forget(session);
            return;
        }
        drop(session.commands);
        // If it panicked, it has said so.
        let _ = session.thread.join();
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if self.session.is_some()
            && self.pid == std::process::id()
            && let Ok(Err(error)) = self.ask(Command::Stop)
        {
            eprintln!("plop: {error}");
        }
        self.join();
    }
}

/// Starts a collector with all defaults: a sample every 10 ms of CPU time, and no output.
///
/// # Errors
/// As [`Builder::start`].
pub fn start() -> Result<Collector, Error> {
    Collector::builder().start()
}

/// Makes sure that the calling thread is sampled from now on. Threads are found by themselves; this spares a thread that is
/// just starting the fraction of a second until then. Does nothing while no collector runs.
pub fn register_current_thread() {
    let Some(visit) = Zone::get().and_then(Zone::enter) else { return };
    let tid = syscall::thread_id();
    let threads = &visit.zone().threads;
    if let Some(slot) = threads.claim(tid)
        && let Some(thread) = threads.get(slot)
    {
        visit.arm_itself(slot, thread, tid);
    }
}

/// Starts the collector's thread with all signals blocked, so that the program's handlers never run on it.
fn spawn_without_signals(run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let thread = std::thread::Builder::new().name("plop".to_owned()).spawn(run);
    before.thread_set_mask()?;
    thread
}
