//! The signal zone: everything that runs in the handler of SIGPROF and SIGURG, and what the collector's thread needs to drive it.
//!
//! Code here that runs in the handler allocates nothing, takes no lock, cannot panic, formats nothing and calls no libc. Each
//! such function says so under `# Signal safety`.

pub(crate) mod asking;
pub(crate) mod buffer;
pub(crate) mod clock;
pub(crate) mod handler;
pub(crate) mod histogram;
pub(crate) mod memory;
#[cfg(all(test, target_arch = "x86_64"))]
mod oracle;
pub(crate) mod scratch;
pub(crate) mod syscall;
pub(crate) mod threads;
pub(crate) mod timer;
pub(crate) mod walk;
pub(crate) mod zone;
