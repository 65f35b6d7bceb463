//! A library for the stress program to load, run code of, and unload.

/// Computes for a while, so that samples hit code of this library.
// SAFETY: no other symbol of that name is linked with this one.
#[unsafe(no_mangle)]
pub extern "C" fn plop_bench_plugin_spin(rounds: u64) -> u64 {
    (0..rounds).fold(rounds, step)
}

#[inline(never)]
fn step(state: u64, round: u64) -> u64 {
    (state ^ round).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(9)
}
