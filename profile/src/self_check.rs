//! The self-check: what the collector knows of its own faithfulness.
//!
//! In the file it is one sample without stack or value that carries the figures as numeric labels. So each chunk of a
//! growing file can bring the latest figures without adding to the string table, as a comment would; pprof drops a sample
//! of value zero.

/// What the collector measured of itself. Times are nanoseconds, losses are counted in samples (weighted, as the samples
/// are) unless said otherwise. All count from the profile's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SelfCheck {
    /// CPU time that the process used, as its own clock says.
    pub process_cpu_ns: u64,
    /// CPU time that the samples stand for, the lost ones included.
    pub sampled_cpu_ns: u64,
    /// Samples taken.
    pub samples: u64,
    /// Samples that found no room and stand in the profile as `[lost]`.
    pub lost: u64,
    /// Samples whose stack ended before its thread's start.
    pub truncated: u64,
    /// Samples whose context was beyond the memory bound and stand in the profile as `[other]`.
    pub folded: u64,
    /// Samples that no signal took: what threads used between the last tick of the kernel that they saw and their end, as the
    /// process's CPU clock tells; each stands where its thread was last.
    pub carried: u64,
    /// Threads that could get no timer of their own and were left to the scout.
    pub unarmed_threads: u64,
    /// Threads that block the signal and so cannot be sampled.
    pub blocked_threads: u64,
    /// Median time in the signal handler.
    pub handler_p50_ns: u64,
    /// 99th percentile of the time in the signal handler.
    pub handler_p99_ns: u64,
    /// The longest time in the signal handler.
    pub handler_max_ns: u64,
    /// All time in the signal handler.
    pub handler_total_ns: u64,
    /// CPU time of the collector's own thread: aggregation, symbols, writing.
    pub drain_total_ns: u64,
    /// Memory that the collector holds, in bytes.
    pub memory_bytes: u64,
    /// The length of the windows of time that samples are kept apart by; 0 if they are not. See [`crate::Timeline`].
    pub window_ns: u64,
    /// Time of all threads that the wall clock's samples stand for; 0 if there is no wall clock.
    pub wall_sampled_ns: u64,
    /// Time for which the wall clock watched threads.
    pub wall_watched_ns: u64,
    /// How often a thread was interrupted for the wall clock's sake.
    pub wall_signals: u64,
}

/// Makes the list of labels from the fields, so that writing and reading can't drift apart.
macro_rules! fields {
    ($($field:ident)*) => {
        impl SelfCheck {
            /// Each figure with the key of its label.
            pub(crate) fn fields(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((concat!("plop:", stringify!($field)), self.$field)),*].into_iter()
            }

            /// Sets the figure with that key; a key of a newer version is passed over.
            pub(crate) fn set_field(&mut self, key: &str, value: u64) {
                $(if key == concat!("plop:", stringify!($field)) {
                    self.$field = value;
                })*
            }
        }
    };
}

fields! {
    process_cpu_ns sampled_cpu_ns samples lost truncated folded carried unarmed_threads blocked_threads
    handler_p50_ns handler_p99_ns handler_max_ns handler_total_ns drain_total_ns memory_bytes window_ns
    wall_sampled_ns wall_watched_ns wall_signals
}

/// What the keys of the labels begin with.
pub(crate) const KEY_PREFIX: &str = "plop:";

impl SelfCheck {
    /// Each figure by its name here.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.fields().map(|(key, value)| (key.trim_start_matches(KEY_PREFIX), value))
    }

    /// Sampled CPU over the process's CPU; `None` before the process has used any.
    pub fn coverage(&self) -> Option<f64> {
        (self.process_cpu_ns > 0).then(|| self.sampled_cpu_ns as f64 / self.process_cpu_ns as f64)
    }

    /// What makes the profile doubtful, one sentence each; none if all is well.
    ///
    /// Coverage is judged only beyond one second of CPU: before that the last, unfinished period of each thread weighs too
    /// much. The bounds (10 % of coverage, 1 % of samples) are ours.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let share = |part: u64| 100.0 * part as f64 / self.samples.max(1) as f64;
        match self.coverage() {
            Some(coverage) if self.process_cpu_ns > 1_000_000_000 && (coverage - 1.0).abs() > 0.1 => {
                warnings.push(format!("the samples stand for {:.0} % of the process's CPU time", 100.0 * coverage));
            }
            _ => {}
        }
        // Beyond a second, since what is under way at the end weighs too much before.
        if self.wall_watched_ns > 1_000_000_000 {
            let share = self.wall_sampled_ns as f64 / self.wall_watched_ns as f64;
            if share < 0.9 {
                warnings.push(format!("the samples stand for {:.0} % of the threads' wall-clock time", 100.0 * share));
            }
        }
        for (count, what) in [
            (self.lost, "found no room in the buffer; they stand as [lost]"),
            (self.truncated, "have a stack that ends before its thread's start"),
            (self.folded, "are beyond the memory bound; they stand as [other]"),
        ] {
            if share(count) > 1.0 {
                warnings.push(format!("{:.1} % of the samples {what}", share(count)));
            }
        }
        // A share that is large says that threads end faster than they can be sampled.
        if share(self.carried) > 20.0 {
            warnings.push(format!(
                "{:.0} % of the samples are of threads that ended soon after; they stand where each was last seen",
                share(self.carried)
            ));
        }
        if self.blocked_threads > 0 {
            warnings.push(format!("threads that block SIGPROF and were not sampled: {}", self.blocked_threads));
        }
        if self.unarmed_threads > 0 {
            warnings.push(format!(
                "threads that the kernel gave no timer (RLIMIT_SIGPENDING) and that share one: {}",
                self.unarmed_threads
            ));
        }
        // The handler runs on the time of whom it interrupts; a hundredth is beyond anything measured in an optimised build.
        if self.process_cpu_ns > 1_000_000_000 && self.handler_total_ns > self.process_cpu_ns / 100 {
            let share = 100.0 * self.handler_total_ns as f64 / self.process_cpu_ns as f64;
            warnings.push(format!("sampling itself took {share:.0} % of the process's CPU time"));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_that_was_not_sampled_is_told() {
        let check = SelfCheck { samples: 100, carried: 21, ..SelfCheck::default() };
        assert_eq!(check.warnings().len(), 1);
        let check =
            SelfCheck { wall_watched_ns: 2_000_000_000, wall_sampled_ns: 1_000_000_000, ..SelfCheck::default() };
        assert_eq!(check.warnings(), ["the samples stand for 50 % of the threads' wall-clock time"]);
    }

    #[test]
    fn each_figure_that_makes_a_profile_doubtful_is_told() {
        let second = 1_000_000_000;
        let fine = SelfCheck {
            process_cpu_ns: 10 * second,
            sampled_cpu_ns: 10 * second,
            samples: 1000,
            handler_total_ns: second / 10,
            ..SelfCheck::default()
        };
        assert!(fine.warnings().is_empty(), "{:?}", fine.warnings());
        let doubtful = [
            (SelfCheck { sampled_cpu_ns: 8 * second, ..fine }, "80 %"),
            (SelfCheck { lost: 20, ..fine }, "[lost]"),
            (SelfCheck { truncated: 20, ..fine }, "before its thread's start"),
            (SelfCheck { folded: 20, ..fine }, "[other]"),
            (SelfCheck { carried: 300, ..fine }, "ended soon after"),
            (SelfCheck { blocked_threads: 1, ..fine }, "block SIGPROF"),
            (SelfCheck { unarmed_threads: 3, ..fine }, "no timer (RLIMIT_SIGPENDING) and that share one: 3"),
            (SelfCheck { handler_total_ns: second / 5, ..fine }, "sampling itself took 2 %"),
        ];
        for (check, told) in doubtful {
            let warnings = check.warnings();
            assert!(warnings.len() == 1 && warnings[0].contains(told), "{told}: {warnings:?}");
        }
    }

    #[test]
    fn losses_above_one_per_cent_are_told() {
        let mut check = SelfCheck { samples: 1000, lost: 10, ..SelfCheck::default() };
        assert!(check.warnings().is_empty());
        check.lost = 11;
        assert_eq!(check.warnings(), ["1.1 % of the samples found no room in the buffer; they stand as [lost]"]);
    }
}
