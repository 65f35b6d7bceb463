//! Windows of time, by which samples are kept apart: as a label of the window's start, which is made coarser when there are too
//! many or memory runs short.

use std::time::Duration;

use plop_profile::{
    Label, LabelSetId, LabelSets, LabelValue, Profile, Samples, StringId, Strings, TIME_KEY, TIME_UNIT,
};

/// How many windows there are before two become one: as many as a wide screen has columns. From there on there are
/// always at least half as many.
pub(super) const MAX_WINDOWS: u64 = 1024;

pub(super) struct Timeline {
    window_ns: u64,
    /// The number of the window that samples go to now.
    current: u64,
    /// How often two windows have become one.
    coarsened: u32,
    key: StringId,
    unit: StringId,
}

impl Timeline {
    /// Begins with windows of that length.
    pub(super) fn new(window: Duration, strings: &mut Strings) -> Timeline {
        Timeline {
            window_ns: (window.as_nanos() as u64).max(1),
            current: 0,
            coarsened: 0,
            key: strings.intern(TIME_KEY),
            unit: strings.intern(TIME_UNIT),
        }
    }

    pub(super) fn window_ns(&self) -> u64 {
        self.window_ns
    }

    /// How often the samples of the profile have been put in a new order.
    pub(super) fn coarsened(&self) -> u32 {
        self.coarsened
    }

    /// The label of samples that are taken now.
    pub(super) fn label(&self) -> Label {
        let start = self.current.saturating_mul(self.window_ns);
        Label { key: self.key, value: LabelValue::Number(i64::try_from(start).unwrap_or(i64::MAX), self.unit) }
    }

    /// Goes on to the window of so much time after the start; says whether it is another one.
    pub(super) fn advance(&mut self, passed: Duration, profile: &mut Profile) -> bool {
        let now = passed.as_nanos() as u64 / self.window_ns;
        if now == self.current {
            return false;
        }
        self.current = now;
        while self.current >= MAX_WINDOWS {
            self.coarsen(profile);
        }
        true
    }

    /// Makes two windows of time one, all along, so that there are fewer label sets and samples, and others than before;
    /// `false` when there is one window only. This can happen as often as the time that has passed can be halved.
    pub(super) fn coarsen(&mut self, profile: &mut Profile) -> bool {
        if self.current == 0 {
            return false;
        }
        self.window_ns *= 2;
        self.current /= 2;
        self.coarsened += 1;
        let mut sets = LabelSets::default();
        let coarse: Vec<LabelSetId> = profile
            .label_sets
            .iter()
            .map(|(_, labels)| sets.intern(&labels.iter().map(|label| self.coarse(*label)).collect::<Vec<_>>()))
            .collect();
        let mut samples = Samples::new(profile.samples.width());
        for sample in profile.samples.iter() {
            samples.add(sample.stack, coarse[sample.labels.0 as usize], sample.values);
        }
        profile.label_sets = sets;
        profile.samples = samples;
        true
    }

    /// The label as it is with windows of the present length.
    fn coarse(&self, label: Label) -> Label {
        match label.value {
            LabelValue::Number(start, unit) if label.key == self.key => {
                let window_ns = self.window_ns as i64;
                Label { value: LabelValue::Number(start / window_ns * window_ns, unit), ..label }
            }
            _ => label,
        }
    }
}
