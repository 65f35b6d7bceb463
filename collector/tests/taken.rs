//! SIGPROF belongs to whoever handles it first.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

extern "C" fn of_somebody_else(_: libc::c_int) {}

#[test]
fn a_handler_that_is_there_is_named_and_left_alone() {
    let theirs = SigAction::new(SigHandler::Handler(of_somebody_else), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGPROF, &theirs) }.expect("a valid action");
    let refused = plop_collector::start().expect_err("SIGPROF is taken").to_string();
    let program = std::env::current_exe().expect("a test knows its file");
    let program = program.file_name().expect("it has a name").to_string_lossy();
    assert!(refused.starts_with("SIGPROF already has a handler (in "), "{refused}");
    assert!(refused.ends_with(&format!("{program}); stop the other profiler first")), "{refused}");
    // SAFETY: the default action of a signal that nobody sends.
    let left =
        unsafe { sigaction(Signal::SIGPROF, &SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty())) };
    let left = left.expect("a valid action").handler();
    assert!(matches!(left, SigHandler::Handler(handler) if handler as usize == of_somebody_else as *const () as usize));
    plop_collector::start().expect("SIGPROF is free now");
}
