//! A sampling profiler to link into a live process.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("plop-collector supports Linux on x86_64 and aarch64");

mod aggregate;
mod collector;
mod control;
mod engine;
mod error;
mod fork;
mod label;
mod output;
mod published;
mod signal;
mod signal_owner;
mod symbols;
mod tasks;
mod unwind;

pub use collector::{Builder, Collector, register_current_thread, start};
pub use error::Error;
pub use label::{Labelled, WithLabel, label};
