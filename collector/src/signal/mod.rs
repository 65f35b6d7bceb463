//! The signal zone: everything that runs in the handler of SIGPROF and SIGURG, and what the collector's thread needs to drive it.
//!
//! Code here that runs in the handler allocates nothing, takes no lock, cannot panic, formats nothing and calls no libc. Each
//! such function says so under `# Signal safety`.
//!
//! Clippy denies here what `clippy.toml` lists, and all that can panic. Where the collector's thread does such things, a
//! function says so by what it expects.
#![cfg_attr(
    not(test),
    deny(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable
    )
)]

pub(crate) mod asking;
pub(crate) mod buffer;
pub(crate) mod clock;
mod event;
pub(crate) mod handler;
pub(crate) mod histogram;
pub(crate) mod memory;
#[cfg(all(test, target_arch = "x86_64"))]
mod oracle;
pub(crate) mod scratch;
#[cfg(all(test, target_arch = "x86_64"))]
mod single_step;
pub(crate) mod syscall;
pub(crate) mod threads;
pub(crate) mod timer;
pub(crate) mod walk;
pub(crate) mod zone;
