//! Hazards that use memory and stacks: allocation, threads that come and go, panics that unwind.

use std::hint::black_box;

use super::Course;

/// Four threads that allocate and free blocks of many sizes, so that samples hit the allocator with its locks held.
pub(super) fn allocate(course: &Course) {
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            scope.spawn(move || {
                let mut blocks: Vec<Vec<u8>> = Vec::new();
                let mut state = thread + 1;
                while course.goes_on() {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    blocks.push(black_box(vec![0; (state >> 33) as usize % 65_536]));
                    if blocks.len() > 64 {
                        blocks.swap_remove((state >> 40) as usize % 64);
                    }
                }
            });
        }
    });
}

/// Threads that live for a fraction of a millisecond to a few, eight at a time.
pub(super) fn churn_threads(course: &Course) {
    while course.goes_on() {
        std::thread::scope(|scope| {
            for thread in 0..8_u64 {
                scope
                    .spawn(move || black_box((0..40_000 * (1 + thread)).fold(thread, |sum, n| sum.rotate_left(3) ^ n)));
            }
        });
    }
}

/// Panics thrown through forty frames and caught, so that samples hit the unwinder with the loader's lock held.
pub(super) fn panic_and_catch(course: &Course) {
    while course.goes_on() {
        let caught = std::panic::catch_unwind(|| throw_from(black_box(40)));
        assert!(caught.is_err(), "a panic is caught");
    }
}

#[inline(never)]
fn throw_from(depth: u32) -> u32 {
    if depth == 0 {
        std::panic::resume_unwind(Box::new("thrown on purpose"));
    }
    black_box(throw_from(depth - 1)) + 1
}
