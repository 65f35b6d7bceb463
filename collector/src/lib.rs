//! A sampling profiler to link into a live process.
//!
//! It interrupts each thread once in 10 ms of that thread's CPU time, walks its stack, and keeps what it found as a profile: a
//! [`plop_profile::Profile`] in memory and, where asked for, a `profile.proto` file that grows while the program runs.
//!
//! ```
//! let collector = plop_collector::Collector::builder().start()?;
//! // … the program lives …
//! let profile = collector.stop()?;
//! # let directory = tempfile::tempdir()?;
//! # std::env::set_current_dir(&directory)?;
//! profile.save("busy.pb.gz")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To leave it on in production, give it an output; what was flushed stays, whatever ends the program:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! let collector = plop_collector::Collector::builder()
//!     .interval(Duration::from_millis(10)) // the default
//!     .output("profiles/") // a file that grows while the program runs, finished at stop
//!     .flush_every(Duration::from_secs(1)) // the default
//!     .start()?;
//! # Ok::<(), plop_collector::Error>(())
//! ```
//!
//! Two clocks besides, and a look at time itself:
//!
//! ```no_run
//! use std::time::Duration;
//! use plop_collector::Clock;
//!
//! let collector = plop_collector::Collector::builder()
//!     .interval(Duration::from_micros(100))
//!     .clock(Clock::PerfEvents) // really 10,000 times a second, where the kernel permits
//!     .wall(Duration::from_millis(50)) // and where threads wait
//!     .timeline(true) // and when all of that was
//!     .start()?;
//! # Ok::<(), plop_collector::Error>(())
//! ```
//!
//! - [`start`] does the same with all defaults; [`Collector::builder`] shows what can be set.
//! - [`Collector::snapshot`] gives the profile up to now, [`Collector::stats`] what the collector knows of its own
//!   faithfulness: how much of the process's CPU time the samples stand for, what was lost, what it cost.
//! - [`label`] and [`WithLabel::with_label`] say what a thread or a future is working on; samples carry it.
//! - [`register_current_thread`] is for threads that live a few milliseconds only; all others are found by themselves.
//!
//! # What the profile holds
//!
//! Two values for each sample: `samples`, how many periods of CPU time they stand for, and `cpu`, how much time that is. With
//! [`Builder::wall`] a third: `wall`, for how long threads were there, whether they ran or waited; it adds nothing to the other
//! two. The labels `thread` (its name), `tid`, with [`Builder::timeline`] `time`, and the program's own. Addresses with the files that they lie in and those files' build IDs; functions, files, lines and inlined
//! calls where this process could read them. Three stacks of one frame are not code: `[plop]` is the CPU time of the
//! collector's own thread, `[lost]` are samples for which there was no room in the buffer, `[other]` are those beyond
//! [`Builder::memory_limit`]. Nothing that was sampled is missing from the totals. What a thread uses between the last tick of
//! the kernel that it sees and its end no timer can sample; it counts where the thread was last, and is told as
//! [`plop_profile::SelfCheck::carried`].
//!
//! # What a program may notice
//!
//! - **SIGPROF** is ours from the first start on, for as long as the process lives, since a signal may arrive late; a SIGPROF from
//!   elsewhere is then ignored. If someone else handles it, [`Builder::start`] is an error that says who. With
//!   [`Builder::wall`] or [`Clock::PerfEvents`] the same holds for **SIGURG**.
//! - **Interrupted system calls.** The handler is installed with `SA_RESTART`, so most calls go on by themselves. These return
//!   `EINTR` whatever the flag says (signal(7)), if the signal comes while they wait. That of a CPU clock does so only when the
//!   thread has used up its interval on the way into the call; the wall clock's interrupts waits on purpose, though a thread that
//!   just waits only after one second, then two, then four. The calls: `epoll_wait`, `poll`, `ppoll`, `select`, `pselect`; `nanosleep`,
//!   `clock_nanosleep`, `usleep`; `pause`, `sigsuspend`, `sigtimedwait`, `sigwaitinfo`; `semop`, `semtimedop`, `msgrcv`, `msgsnd`;
//!   `io_getevents`; `read` from an inotify descriptor; and on a socket with a timeout set (`SO_RCVTIMEO`, `SO_SNDTIMEO`)
//!   `accept`, `recv…`, `send…` and `connect`. `sleep` and `usleep` then return before their time, and a wait with a timeout that
//!   is begun anew with the same timeout takes longer. Rust's standard library, tokio and mio retry what they call with the time
//!   that is left.
//! - **fork.** The child starts without: no timer, no perf event, no open file, and a [`Collector`] that came along answers with
//!   [`Error::Forked`]. It can start its own. A program that is executed inherits nothing.
//! - **Threads.** One thread named `plop` is added, with all signals blocked. Threads that block SIGPROF themselves cannot be
//!   sampled; they are counted. Timers count against `RLIMIT_SIGPENDING`; threads beyond it share one timer, and are counted.
//! - **Memory.** About 2 MB at the start, and the profile, within [`Builder::memory_limit`].
//! - Before Linux 6.4 the kernel gives the shared timer's signal to the main thread first, so threads that live less than
//!   0.1 s may be missed; [`plop_profile::SelfCheck::coverage`] tells by how much.
//!
//! Linux on x86_64 and aarch64.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("plop-collector supports Linux on x86_64 and aarch64");

#[cfg(target_os = "linux")]
mod aggregate;
#[cfg(target_os = "linux")]
mod collector;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod debug_info;
#[cfg(target_os = "linux")]
mod elf_file;
#[cfg(target_os = "linux")]
mod engine;
#[cfg(target_os = "linux")]
mod error;
#[cfg(target_os = "linux")]
mod fork;
#[cfg(target_os = "linux")]
mod label;
#[cfg(target_os = "linux")]
mod output;
#[cfg(target_os = "linux")]
mod published;
#[cfg(target_os = "linux")]
mod signal;
#[cfg(target_os = "linux")]
mod signal_owner;
#[cfg(target_os = "linux")]
mod symbols;
#[cfg(target_os = "linux")]
mod tasks;
#[cfg(target_os = "linux")]
mod unwind;

#[cfg(target_os = "linux")]
pub use collector::{Builder, Clock, Collector, register_current_thread, start};
#[cfg(target_os = "linux")]
pub use error::Error;
#[cfg(target_os = "linux")]
pub use label::{Labelled, WithLabel, label};
/// What a profile is, and what comes with it.
pub use plop_profile;
