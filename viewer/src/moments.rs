//! When a profile's samples were taken, and the stretch of it that a view looks at. Moments are whole milliseconds from the
//! profile's start, so that one that went through an address is the same one again.

use std::fmt;
use std::str::FromStr;

use plop_profile::{END_KEY, LabelSetId, Profile, TIME_KEY};

/// When a profile's samples were taken.
#[derive(Debug)]
pub(crate) struct Times {
    /// By set of labels, when the window begins; `None` for samples that don't say.
    by_set: Vec<Option<i64>>,
    /// When the first window begins.
    pub(crate) start_ms: i64,
    /// When the last one ends.
    pub(crate) end_ms: i64,
    /// How long each is.
    pub(crate) window_ms: i64,
}

impl Times {
    /// `None` if the profile's samples say no times.
    pub(crate) fn of(profile: &Profile) -> Option<Times> {
        let timeline = profile.timeline()?;
        let ms = |labels| timeline.start_ns(labels).map(|start| start / 1_000_000);
        let by_set: Vec<Option<i64>> = profile.label_sets.iter().map(|(_, labels)| ms(labels)).collect();
        let start_ms = by_set.iter().flatten().copied().min()?;
        let last = by_set.iter().flatten().copied().max()?;
        let window_ms = (timeline.window_ns / 1_000_000).max(1);
        Some(Times { by_set, start_ms, end_ms: last.saturating_add(window_ms), window_ms })
    }

    /// When the window of the samples with these labels begins, if they say it.
    pub(crate) fn start_of(&self, labels: LabelSetId) -> Option<i64> {
        self.by_set[labels.0 as usize]
    }

    /// Whether the samples with these labels lie between two moments, the second excluded.
    pub(crate) fn lies_between(&self, labels: LabelSetId, from: Option<Moment>, to: Option<Moment>) -> bool {
        let Some(at) = self.start_of(labels) else { return from.is_none() && to.is_none() };
        from.is_none_or(|from| at >= from.after_start(self)) && to.is_none_or(|to| at < to.after_start(self))
    }

    /// How long the stretch between two moments is, as far as the profile goes.
    pub(crate) fn length_ms(&self, from: Option<Moment>, to: Option<Moment>) -> i64 {
        let inside = |moment: Moment| moment.after_start(self).clamp(self.start_ms, self.end_ms);
        (to.map_or(self.end_ms, inside) - from.map_or(self.start_ms, inside)).max(0)
    }
}

/// A moment of a profile, in seconds with up to three decimals: from its start, or from its end if negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    milliseconds: i64,
}

impl Moment {
    /// In milliseconds from the profile's start.
    fn after_start(self, times: &Times) -> i64 {
        if self.milliseconds < 0 { times.end_ms.saturating_add(self.milliseconds) } else { self.milliseconds }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Beyond 2⁵³ milliseconds a number would not be exact; no profile is that long.
        let seconds = text.parse().ok().filter(|seconds: &f64| seconds.abs() < 9e12);
        let milliseconds = seconds.map(|seconds| (seconds * 1000.0).round() as i64);
        let moment = milliseconds.map(|milliseconds| Moment { milliseconds });
        moment.ok_or_else(|| format!("{text} is no number of seconds, from the start or (negative) from the end"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.milliseconds as f64 / 1000.0)
    }
}

/// Whether a label's key is that of its sample's time, which is shown as a timeline and not as a label.
pub(crate) fn is_time(key: &str) -> bool {
    key == TIME_KEY || key == END_KEY
}
