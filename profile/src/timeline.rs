//! When samples were taken: a label on each that names a stretch of the profile's time, its window. So what a program did can
//! be drawn over time, at the price of one row for each stack and window.
//!
//! The label's key is [`TIME_KEY`], its value the time from the profile's start ([`Profile::time_nanos`]) to the window's
//! start, in [`TIME_UNIT`]. Counted from the start, since pprof's tools print small times well and can ask for a stretch of them:
//! `go tool pprof -tagfocus=time=2s:5s`. All windows of a profile have one length, [`SelfCheck::window_ns`], and begin at its
//! multiples.

use crate::{Label, LabelValue, Profile, SelfCheck, StringId};

/// The key of the label that says when a sample was taken.
pub const TIME_KEY: &str = "time";
/// The unit of that label.
pub const TIME_UNIT: &str = "nanoseconds";

/// The key under which Datadog's profilers say when a sample was taken: in nanoseconds since 1970, and without a unit.
pub const END_KEY: &str = "end_timestamp_ns";

/// The most windows that a [`Timeline`] has, however far apart a file's times lie.
const MAX_WINDOWS: i64 = 1 << 16;

/// How to read a profile's samples by time; see [`Profile::timeline`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    key: StringId,
    /// `None` where the key says it all.
    unit: Option<StringId>,
    /// What the labels count from.
    origin: i64,
    /// The length of each window, in nanoseconds; never 0.
    pub window_ns: i64,
    /// How many windows there are from the profile's start to its last sample, those without samples included: 1 to 65,536,
    /// so a file's claims can be trusted with an array.
    pub windows: usize,
}

impl Profile {
    /// How its samples lie in time; `None` if they don't say.
    ///
    /// Where the length of a window is not in the file (the self-check is dropped by a merge), it is the shortest time between
    /// two windows that have samples. Where there would be too many, several are one.
    pub fn timeline(&self) -> Option<Timeline> {
        let of = |key: &str, unit: Option<StringId>| {
            let key = self.strings.find(key)?;
            Some(Timeline { key, unit, origin: 0, window_ns: 1, windows: 0 })
        };
        let own = || self.strings.find(TIME_UNIT).and_then(|unit| self.measured(of(TIME_KEY, Some(unit))?));
        let datadogs = || {
            let timeline = of(END_KEY, None)?;
            let first = self.label_sets.iter().filter_map(|(_, labels)| timeline.start_ns(labels)).min()?;
            let began = if self.time_nanos > 0 { self.time_nanos } else { first };
            self.measured(Timeline { origin: began.min(first), ..timeline })
        };
        own().or_else(datadogs)
    }

    /// The timeline with its windows, if there are samples in it.
    fn measured(&self, timeline: Timeline) -> Option<Timeline> {
        let mut starts: Vec<i64> = self.label_sets.iter().filter_map(|(_, labels)| timeline.start_ns(labels)).collect();
        starts.sort_unstable();
        starts.dedup();
        let last = *starts.last()?;
        let told = self.self_check.map_or(0, |check: SelfCheck| i64::try_from(check.window_ns).unwrap_or(0));
        let shortest = || starts.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(last.max(1));
        let mut window_ns = if told > 0 { told } else { shortest() };
        if last / window_ns >= MAX_WINDOWS {
            window_ns = last / MAX_WINDOWS + 1;
        }
        Some(Timeline { window_ns, windows: (last / window_ns) as usize + 1, ..timeline })
    }
}

impl Timeline {
    /// When the window of a sample with these labels begins, in nanoseconds from the profile's start; `None` if they don't say.
    pub fn start_ns(&self, labels: &[Label]) -> Option<i64> {
        labels.iter().find_map(|label| match label.value {
            LabelValue::Number(start, unit) if label.key == self.key && self.unit.is_none_or(|own| unit == own) => {
                start.checked_sub(self.origin).filter(|start| *start >= 0)
            }
            _ => None,
        })
    }

    /// The number of that window, from 0 to [`Timeline::windows`] − 1.
    pub fn window(&self, labels: &[Label]) -> Option<usize> {
        let at = usize::try_from(self.start_ns(labels)? / self.window_ns).ok()?;
        Some(at.min(self.windows.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(starts: &[i64]) -> Profile {
        let mut profile = Profile::new([("samples", "count")]);
        let (key, unit) = (profile.strings.intern(TIME_KEY), profile.strings.intern(TIME_UNIT));
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        for &start in starts {
            let labels = profile.label_sets.intern(&[Label { key, value: LabelValue::Number(start, unit) }]);
            profile.samples.add(stack, labels, &[1]);
        }
        profile
    }

    #[test]
    fn a_profile_whose_samples_say_no_time_has_no_timeline() {
        assert_eq!(profile(&[]).timeline(), None);
        assert_eq!(Profile::default().timeline(), None);
    }

    #[test]
    fn samples_that_say_when_they_ended_lie_in_time_too() {
        let mut profile = profile(&[]);
        let key = profile.strings.intern(END_KEY);
        for end in [5_000_002_000, 5_000_000_000, 5_000_001_000] {
            let labels = [Label { key, value: LabelValue::Number(end, StringId::EMPTY) }];
            let labels = profile.label_sets.intern(&labels);
            profile.samples.add(crate::StackId(1), labels, &[1]);
        }
        let starts = |profile: &Profile| {
            let timeline = profile.timeline().expect("the samples say their time");
            let starts = profile.label_sets.iter().filter_map(|(_, labels)| timeline.start_ns(labels));
            (starts.collect::<Vec<_>>(), timeline.window_ns)
        };
        assert_eq!(starts(&profile), (vec![2_000, 0, 1_000], 1_000), "from the first, where the start is not known");
        profile.time_nanos = 4_999_999_000;
        assert_eq!(starts(&profile), (vec![3_000, 1_000, 2_000], 1_000));
    }

    #[test]
    fn times_of_a_file_that_lies_make_no_more_windows_than_a_picture_can_have() {
        let profile = profile(&[0, 1, i64::MAX]);
        let timeline = profile.timeline().expect("the samples say their time");
        assert!(timeline.windows <= MAX_WINDOWS as usize);
        let windows = profile.label_sets.iter().filter_map(|(_, labels)| timeline.window(labels));
        assert!(windows.max().is_some_and(|last| last + 1 == timeline.windows));
    }

    #[test]
    fn windows_are_as_long_as_the_self_check_says_or_as_the_closest_two() {
        let mut profile = profile(&[0, 6_000, 3_000]);
        let timeline = profile.timeline().expect("the samples say their time");
        assert_eq!((timeline.window_ns, timeline.windows), (3_000, 3));
        let check = SelfCheck { window_ns: 1_000, ..SelfCheck::default() };
        profile.set_self_check(check);
        let timeline = profile.timeline().expect("the samples say their time");
        assert_eq!((timeline.window_ns, timeline.windows), (1_000, 7));
        let windows: Vec<_> = profile.label_sets.iter().map(|(_, labels)| timeline.window(labels)).collect();
        assert_eq!(windows, [None, Some(0), Some(6), Some(3)]);
    }
}
