//! The hazards of fork and exec: children must start without the collector, and the parent must not notice them.

use super::Course;

/// Forks a child that computes and leaves, and starts a program, in turn.
pub(super) fn fork_and_exec(course: &Course) {
    while course.goes_on() {
        // SAFETY: the child calls nothing but async-signal-safe functions and `_exit`.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            0 => {
                // Long enough for a timer that was wrongly inherited to fire.
                let sum = (0..3_000_000_u64).fold(0_u64, |sum, n| sum.rotate_left(3) ^ n);
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(i32::from(std::hint::black_box(sum) == 0)) }
            }
            child => {
                let mut status = 0;
                // SAFETY: waits for our own child.
                unsafe { libc::waitpid(child, &mut status, 0) };
                assert_eq!(status, 0, "the child of a fork ends well");
            }
        }
        let status = std::process::Command::new("true").status().expect("there is a program called true");
        assert!(status.success(), "a program started under the collector ends well: {status}");
    }
}
