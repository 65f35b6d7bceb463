//! Who handles SIGPROF, and SIGURG where that is needed: finds out, and takes it where nobody does. It is never given back,
//! because a late signal of a deleted timer would end the process if nobody handled it; our handler passes over what it did
//! not ask for.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::Error;
use crate::signal::handler::on_signal;

/// Takes the signal.
///
/// All signals are blocked while the handler runs, so that no other handler can leave it half done. SA_ONSTACK, because
/// threads with small stacks of their own (goroutines, coroutines, a thread deep in recursion) have an alternate stack for
/// signals where they have any sense; Rust gives one to each of its threads.
///
/// # Errors
/// When someone else handles it.
pub(crate) fn take(signal: Signal) -> Result<(), Error> {
    free_for_us(signal, current(signal)?)?;
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESTART | SaFlags::SA_ONSTACK;
    let ours = SigAction::new(SigHandler::SigAction(on_signal), flags, SigSet::all());
    // SAFETY: the handler keeps to what may be done in one; `signal/` is about nothing else.
    let before = unsafe { sigaction(signal, &ours) };
    let before = before.map_err(|errno| Error::System { what: "sigaction", source: errno.into() })?;
    // Someone may have come between the look and the taking: then it is theirs.
    free_for_us(signal, address(before.handler())).inspect_err(|_| {
        // SAFETY: puts back what another part of the program had installed.
        let _ = unsafe { sigaction(signal, &before) };
    })
}

/// Whether our handler is the one in place.
pub(crate) fn is_ours(signal: Signal) -> bool {
    current(signal).is_ok_and(|handler| handler == own_address())
}

/// The error that names the owner of the signal.
pub(crate) fn taken(signal: Signal) -> Error {
    Error::SignalTaken { signal: signal.as_str(), owner: current(signal).ok().and_then(file_of) }
}

fn free_for_us(signal: Signal, handler: usize) -> Result<(), Error> {
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN || handler == own_address() {
        return Ok(());
    }
    Err(Error::SignalTaken { signal: signal.as_str(), owner: file_of(handler) })
}

fn own_address() -> usize {
    on_signal as extern "C" fn(_, _, _) as usize
}

fn address(handler: SigHandler) -> usize {
    match handler {
        SigHandler::SigDfl => libc::SIG_DFL,
        SigHandler::SigIgn => libc::SIG_IGN,
        SigHandler::Handler(function) => function as usize,
        SigHandler::SigAction(function) => function as usize,
    }
}

/// The handler in place. nix can't ask without changing.
fn current(signal: Signal) -> Result<usize, Error> {
    // SAFETY: a sigaction is made of integers and pointers that may be null.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: without a new action sigaction only writes to the old one, which is ours.
    let result = unsafe { libc::sigaction(signal as libc::c_int, std::ptr::null(), &mut action) };
    match result {
        0 => Ok(action.sa_sigaction),
        _ => Err(Error::System { what: "sigaction", source: std::io::Error::last_os_error() }),
    }
}

/// The program or library that an address lies in.
fn file_of(address: usize) -> Option<PathBuf> {
    // SAFETY: a Dl_info is made of pointers that may be null.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: dladdr takes any address and writes to `info` only.
    let known = unsafe { libc::dladdr(address as *const libc::c_void, &mut info) };
    if known == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: dladdr gave a string that lives as long as the library is loaded; a library that handles signals is.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}
