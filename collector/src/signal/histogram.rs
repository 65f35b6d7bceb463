//! How long the handler took, in counter ticks: a histogram with a resolution of an eighth, and its maximum.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets for each power of two.
const STEPS_LOG2: u32 = 3;
const STEP: usize = (1 << STEPS_LOG2) - 1;
/// 61 powers of two and the exact buckets below.
const BUCKETS: usize = 64 << STEPS_LOG2;

/// The histogram. All counters are statistics that nothing is inferred from, so every access is relaxed.
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    longest: AtomicU64,
}

impl Histogram {
    /// Counts one run of the handler.
    ///
    /// # Signal safety
    /// Runs in the handler: one atomic addition, two if it is the longest.
    pub(crate) fn record(&self, ticks: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(ticks)) {
            bucket.fetch_add(1, Relaxed);
        }
        if ticks > self.longest.load(Relaxed) {
            self.longest.fetch_max(ticks, Relaxed);
        }
    }

    /// The number of ticks that `share` of all runs stayed below, to an eighth.
    #[expect(clippy::disallowed_types, clippy::arithmetic_side_effects, reason = "runs on the collector's thread")]
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let wanted = (counts.iter().sum::<u64>() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (at, count) in counts.into_iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return middle_of(at).min(self.longest());
            }
        }
        0
    }

    /// The sum of all runs' ticks, to an eighth: adding each up would cost the handler another locked instruction.
    pub(crate) fn total(&self) -> u64 {
        let sums =
            self.buckets.iter().enumerate().map(|(at, bucket)| bucket.load(Relaxed).saturating_mul(middle_of(at)));
        sums.fold(0, u64::saturating_add)
    }

    pub(crate) fn longest(&self) -> u64 {
        self.longest.load(Relaxed)
    }

    /// Forgets everything. Called while no handler counts.
    pub(crate) fn reset(&self) {
        self.buckets.iter().chain([&self.longest]).for_each(|counter| counter.store(0, Relaxed));
    }
}

fn bucket_of(ticks: u64) -> usize {
    let power = ticks.checked_ilog2().unwrap_or(0);
    if power <= STEPS_LOG2 {
        return ticks as usize;
    }
    let shift = power.wrapping_sub(STEPS_LOG2);
    let step = ticks.wrapping_shr(shift) as usize & STEP;
    (shift.wrapping_add(1) as usize) << STEPS_LOG2 | step
}

/// A number of ticks in the middle of what falls into that bucket.
fn middle_of(bucket: usize) -> u64 {
    let (power, step) = ((bucket >> STEPS_LOG2) as u32, bucket & STEP);
    if power < 2 {
        return bucket as u64;
    }
    let width = 1_u64.wrapping_shl(power.wrapping_sub(1));
    ((1 << STEPS_LOG2 | step) as u64).saturating_mul(width).saturating_add(width / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_lies_within_an_eighth_of_its_middle() {
        for ticks in (0..5_000).chain((0..40).map(|power| 3 << power)) {
            let middle = middle_of(bucket_of(ticks));
            assert!(middle.abs_diff(ticks) <= ticks / 8, "{ticks} stands as {middle}");
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_and_the_sum_are_right_to_an_eighth() {
        // SAFETY: a histogram is made of atomic integers only, for which all bits zero is a value.
        let histogram: Histogram = unsafe { std::mem::zeroed() };
        (1..=1000).for_each(|ticks| histogram.record(ticks * 10));
        assert!(histogram.quantile(0.5).abs_diff(5000) <= 5000 / 8, "{}", histogram.quantile(0.5));
        assert!(histogram.total().abs_diff(5_005_000) <= 5_005_000 / 8, "{}", histogram.total());
        assert_eq!(histogram.longest(), 10_000);
        histogram.reset();
        assert_eq!((histogram.quantile(0.5), histogram.total(), histogram.longest()), (0, 0, 0));
    }
}
