//! A thread on stacks that are made up, so that a profile has functions that would take days to be sampled in. Where a function
//! begins, its return address is what the stack pointer points to; so a row of such places is a stack.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plop_collector::Collector;

/// Functions in one stack.
const DEPTH: usize = 100;

std::arch::global_asm!(
    // stand_on(stack, end): stays on the stack until `end` is true.
    ".globl plop_bench_stand_on",
    "plop_bench_stand_on:",
    ".cfi_startproc",
    "mov rax, rsp",
    "mov rsp, rdi",
    "2:",
    "pause",
    "cmp byte ptr [rsi], 0",
    "je 2b",
    "mov rsp, rax",
    "ret",
    ".cfi_endproc",
);

unsafe extern "C" {
    fn plop_bench_stand_on(stack: *const usize, end: *const AtomicBool);
}

/// A collector that has sampled stacks that hold all of these functions.
pub(crate) fn sample(functions: &[usize]) -> Collector {
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("nothing else samples");
    for functions in functions.chunks(DEPTH) {
        // They are looked up one below where they return to. It ends with the zero that ends every thread's.
        let stack: Vec<usize> = functions.iter().map(|begin| begin + 1).chain([0]).collect();
        let end = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // SAFETY: the function reads nothing of the stack and comes back to its own; signals go to the stack that Rust
                // gives each thread for them.
                unsafe { plop_bench_stand_on(stack.as_ptr(), &end) };
            });
            let before = collector.stats().samples;
            // One may be of the thread's way here.
            while collector.stats().samples < before + 12 {
                std::thread::sleep(Duration::from_millis(2));
            }
            // Pairs with the other thread's load, which makes it leave; it carries no data.
            end.store(true, Ordering::Relaxed);
        });
    }
    collector
}
