//! The timeline: what each thread used, window by window.

use plop_profile::{LabelSetId, LabelValue, Profile};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::filter::Viewed;
use crate::top::SampleType;

/// What each thread used over time: `api/timeline` in `API.md`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Timeline {
    sample_type: SampleType,
    start_ms: i64,
    bin_ms: i64,
    total: i64,
    untimed: i64,
    threads: Vec<Thread>,
    rest: Option<Rest>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Thread {
    name: String,
    total: i64,
    values: Vec<i64>,
}

/// The threads that have no row of their own.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Rest {
    threads: usize,
    total: i64,
    values: Vec<i64>,
}

impl Timeline {
    /// The timeline of a view's samples in at most `bins` bins, with rows for the `rows` busiest threads; `None` if the
    /// profile says no times.
    pub(crate) fn of(viewed: &Viewed<'_>, bins: usize, rows: usize) -> Option<Timeline> {
        let opened = viewed.opened;
        let times = opened.times()?;
        let span = (times.end_ms - times.start_ms).unsigned_abs();
        let window_ms = times.window_ms.unsigned_abs();
        let bin_ms = window_ms * span.div_ceil(window_ms).div_ceil(bins.max(1) as u64);
        let count = span.div_ceil(bin_ms) as usize;
        let bin_ms = bin_ms as i64;
        // Sets of labels are few and samples many, so the thread and the bin of each set are looked up first.
        let profile = &opened.profile;
        let mut threads: Vec<Thread> = Vec::new();
        let mut known: FxHashMap<String, usize> = FxHashMap::default();
        let cells: Vec<(usize, Option<usize>)> = profile
            .label_sets
            .iter()
            .map(|(set, _)| {
                let name = thread_name(profile, set);
                let thread = *known.entry(name.clone()).or_insert_with(|| {
                    threads.push(Thread { name, total: 0, values: vec![0; count] });
                    threads.len() - 1
                });
                let bin = times.start_of(set).map(|at| ((at - times.start_ms) / bin_ms) as usize);
                (thread, bin)
            })
            .collect();
        let (mut total, mut untimed) = (0_i64, 0_i64);
        for sample in viewed.samples() {
            let (thread, bin) = cells[sample.labels.0 as usize];
            let value = sample.values[viewed.sample_type];
            total = total.saturating_add(value);
            let Some(bin) = bin else {
                untimed = untimed.saturating_add(value);
                continue;
            };
            add(&mut threads[thread].values[bin], value);
            add(&mut threads[thread].total, value);
        }
        threads.retain(|thread| thread.total != 0);
        threads.sort_by(|left, right| right.total.cmp(&left.total).then_with(|| left.name.cmp(&right.name)));
        let beyond = threads.split_off(rows.min(threads.len()));
        let rest = (!beyond.is_empty()).then(|| Rest::of(&beyond, count));
        let sample_type = SampleType::of(viewed);
        Some(Timeline { sample_type, start_ms: times.start_ms, bin_ms, total, untimed, threads, rest })
    }
}

impl Rest {
    fn of(threads: &[Thread], bins: usize) -> Rest {
        let mut rest = Rest { threads: threads.len(), total: 0, values: vec![0; bins] };
        for thread in threads {
            add(&mut rest.total, thread.total);
            rest.values.iter_mut().zip(&thread.values).for_each(|(sum, &value)| add(sum, value));
        }
        rest
    }
}

fn add(sum: &mut i64, value: i64) {
    *sum = sum.saturating_add(value);
}

/// The name of the thread that a set of labels speaks of, or empty.
fn thread_name(profile: &Profile, set: LabelSetId) -> String {
    let labels = profile.label_sets.get(set).iter();
    let mut names =
        labels.filter(|label| &profile.strings[label.key] == "thread").filter_map(|label| match label.value {
            LabelValue::Text(name) => Some(profile.strings[name].to_owned()),
            LabelValue::Number(..) => None,
        });
    names.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use plop_profile::{Label, TIME_KEY, TIME_UNIT};

    use super::*;
    use crate::{Opened, View};

    /// Samples of one stack: each of a thread, at a second, with its value.
    fn opened(samples: &[(&str, i64, i64)]) -> Opened {
        let mut profile = Profile::new([("samples", "count")]);
        let [thread, time, unit] = ["thread", TIME_KEY, TIME_UNIT].map(|text| profile.strings.intern(text));
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        for &(name, second, value) in samples {
            let name = LabelValue::Text(profile.strings.intern(name));
            let second = LabelValue::Number(second * 1_000_000_000, unit);
            let labels = [Label { key: thread, value: name }, Label { key: time, value: second }];
            let labels = profile.label_sets.intern(&labels);
            profile.samples.add(stack, labels, &[value]);
        }
        Opened::new(profile, "test", Vec::new())
    }

    const SAMPLES: &[(&str, i64, i64)] =
        &[("main", 0, 4), ("worker", 0, 1), ("main", 1, 2), ("worker", 3, 9), ("idle", 2, 1), ("idler", 3, 1)];

    #[test]
    fn every_thread_has_its_row_and_those_beyond_are_one() {
        let opened = opened(SAMPLES);
        let viewed = View::default().of(&opened).unwrap();
        let timeline = Timeline::of(&viewed, 100, 2).unwrap();
        assert_eq!((timeline.start_ms, timeline.bin_ms, timeline.total), (0, 1000, 18));
        let rows: Vec<_> = timeline.threads.iter().map(|row| (&*row.name, &*row.values)).collect();
        assert_eq!(rows, [("worker", &[1, 0, 0, 9][..]), ("main", &[4, 2, 0, 0])]);
        let rest = timeline.rest.unwrap();
        assert_eq!((rest.threads, rest.total, &*rest.values), (2, 2, &[0, 0, 1, 1][..]));
    }

    #[test]
    fn bins_hold_whole_windows_and_every_sample() {
        let opened = opened(SAMPLES);
        let viewed = View::default().of(&opened).unwrap();
        for bins in 1..5 {
            let timeline = Timeline::of(&viewed, bins, 9).unwrap();
            assert_eq!(timeline.bin_ms % 1000, 0);
            let sum: i64 = timeline.threads.iter().flat_map(|row| &row.values).sum();
            assert_eq!(sum, timeline.total, "{bins}");
            assert!(timeline.threads.iter().all(|row| row.values.len() <= bins && !row.values.is_empty()), "{bins}");
        }
    }

    #[test]
    fn a_view_keeps_the_samples_of_its_stretch() {
        let opened = opened(SAMPLES);
        let total = |parameters: &[(&str, &str)]| {
            let mut view = View::default();
            for (key, value) in parameters {
                assert!(view.set(key, value).unwrap(), "{key}");
            }
            view.of(&opened).unwrap().call_graph().total
        };
        assert_eq!(total(&[]), 18);
        assert_eq!(total(&[("from", "1")]), 13);
        assert_eq!(total(&[("to", "1")]), 5);
        assert_eq!(total(&[("from", "1"), ("to", "3")]), 3);
        assert_eq!(total(&[("from", "-2")]), 11, "the last two seconds");
        assert_eq!(total(&[("from", "0.5"), ("to", "1.001")]), 2);
    }

    #[test]
    fn a_profile_without_times_says_so() {
        let mut profile = Profile::new([("samples", "count")]);
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[1]);
        let opened = Opened::new(profile, "test", Vec::new());
        assert!(Timeline::of(&View::default().of(&opened).unwrap(), 10, 10).is_none());
        let mut view = View::default();
        view.set("from", "1").unwrap();
        let refusal = view.of(&opened).unwrap_err().to_string();
        assert_eq!(refusal, "from: the profile does not say when its samples were taken");
        assert!(view.set("to", "noon").unwrap_err().to_string().starts_with("to: noon is no number of seconds"));
    }
}
