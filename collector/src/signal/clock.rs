//! The processor's own counter: what the handler's time is measured with, and where its randomness comes from. How long a
//! tick lasts is for the collector to find out.

/// Ticks of a counter that runs at a constant rate on every machine of the last decade.
///
/// # Signal safety
/// Runs anywhere: one instruction.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn ticks() -> u64 {
    // SAFETY: `rdtsc` only reads the counter; Linux lets user code do so unless a process forbids it to itself (PR_SET_TSC).
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Ticks of a counter that runs at a constant rate.
///
/// # Signal safety
/// Runs anywhere: one instruction.
#[cfg(target_arch = "aarch64")]
#[inline]
pub(crate) fn ticks() -> u64 {
    let ticks: u64;
    // SAFETY: reading this register has no effect; Linux lets user code do so.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
    ticks
}

/// Whether the handler, which began at that tick, has had to wait for memory on its way to the walk: the 150 ticks or so that it
/// takes otherwise are fewer than one access to memory. Always no where a tick is too long to tell.
///
/// # Signal safety
/// Runs anywhere.
#[inline]
pub(crate) fn is_cold(begun: u64) -> bool {
    const SLOW: u64 = 400;
    cfg!(target_arch = "x86_64") && ticks().wrapping_sub(begun) > SLOW
}

/// A number that looks random, from the counter and something of the caller's: the output function of SplitMix64
/// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
///
/// # Signal safety
/// Runs anywhere.
pub(crate) fn random(salt: u64) -> u64 {
    let mut z = ticks().wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
