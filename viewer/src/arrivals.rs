//! When the samples of a growing file came, for profiles that don't say: the viewer remembers what each version of the file
//! added, and puts the time on those samples as the label that the collector would have put. So a live profile has a
//! timeline, and windows of time, from the moment that somebody looks.
//!
//! What was in the file at the first look has no time.

use std::hash::{Hash, Hasher};

use plop_profile::{Label, LabelSetId, LabelValue, Location, Profile, Samples, StackId, TIME_KEY, TIME_UNIT};
use rustc_hash::{FxHashMap, FxHasher};

/// So many rows are remembered, of some 60 bytes each; then windows are made twice as long. A program with 300 busy
/// stacks reaches it after half an hour.
const MOST_ROWS: usize = 500_000;

/// A stack under its labels, by content: numbers differ from one reading of a file to the next.
type Key = (u64, u64);
type Row = (Key, Box<[i64]>);

/// What came when.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// What each row had at the last version.
    seen: FxHashMap<Key, Box<[i64]>>,
    /// What came in each window, by its number, in their order.
    windows: Vec<(i64, Vec<Row>)>,
    window_ms: i64,
    /// When the file was written to, in milliseconds since 1970.
    modified_ms: i64,
    /// From which moment windows are counted.
    start_ms: i64,
}

impl Arrivals {
    /// Begins with this version of a file, last written to at `modified_ms`.
    pub(crate) fn begin(profile: &Profile, modified_ms: i64) -> Self {
        let start_ms = if profile.time_nanos > 0 { profile.time_nanos / 1_000_000 } else { modified_ms };
        let seen = rows(profile).into_iter().map(|(key, row)| (key, profile.samples.get(row).values.into())).collect();
        Arrivals { seen, windows: Vec::new(), window_ms: 1000, modified_ms, start_ms }
    }

    /// Takes a version that is not older than the last, and puts on its samples the times at which they came.
    pub(crate) fn take(&mut self, profile: &mut Profile, modified_ms: i64) {
        let rows = rows(profile);
        if modified_ms > self.modified_ms {
            match self.added(profile, &rows) {
                Some(added) => self.remember(added, modified_ms),
                // Something has become less: it is another profile now.
                None => *self = Arrivals::begin(profile, modified_ms),
            }
        }
        self.label(profile, &rows);
    }

    /// What each row has more than at the last version; `None` if one has less.
    fn added(&mut self, profile: &Profile, rows: &[(Key, usize)]) -> Option<Vec<Row>> {
        let mut added = Vec::new();
        let mut met = 0;
        for &(key, row) in rows {
            let values = profile.samples.get(row).values;
            match self.seen.get_mut(&key) {
                None => {
                    self.seen.insert(key, values.into());
                    added.push((key, values.into()));
                }
                Some(before) if before.iter().zip(values).any(|(before, now)| now < before) => return None,
                Some(before) => {
                    met += 1;
                    if **before != *values {
                        let more = before.iter().zip(values).map(|(before, now)| now - before);
                        added.push((key, more.collect()));
                        before.copy_from_slice(values);
                    }
                }
            }
        }
        (met + added.len() >= self.seen.len()).then_some(added)
    }

    fn remember(&mut self, added: Vec<Row>, modified_ms: i64) {
        // What lies between two versions came, as far as is known, in the middle between them.
        let middle = self.modified_ms + (modified_ms - self.modified_ms) / 2;
        self.modified_ms = modified_ms;
        if added.is_empty() {
            return;
        }
        let number = ((middle - self.start_ms) / self.window_ms).max(0);
        match self.windows.last_mut() {
            Some((last, rows)) if *last >= number => merge(rows, added),
            _ => self.windows.push((number, added)),
        }
        while self.windows.len() > 1 && self.windows.iter().map(|(_, rows)| rows.len()).sum::<usize>() > MOST_ROWS {
            self.coarsen();
        }
    }

    /// Makes windows twice as long.
    fn coarsen(&mut self) {
        self.window_ms *= 2;
        let mut windows: Vec<(i64, Vec<Row>)> = Vec::new();
        for (number, rows) in self.windows.drain(..) {
            match windows.last_mut() {
                Some((last, have)) if *last == number / 2 => merge(have, rows),
                _ => windows.push((number / 2, rows)),
            }
        }
        self.windows = windows;
    }

    /// Splits a profile's samples by the windows in which they came.
    fn label(&self, profile: &mut Profile, rows: &[(Key, usize)]) {
        if self.windows.is_empty() {
            return;
        }
        let [key, unit] = [TIME_KEY, TIME_UNIT].map(|text| profile.strings.intern(text));
        let row_of: FxHashMap<Key, usize> = rows.iter().copied().collect();
        let untimed = std::mem::replace(&mut profile.samples, Samples::new(profile.sample_types.len()));
        let mut left: Vec<Box<[i64]>> = untimed.iter().map(|sample| sample.values.into()).collect();
        let mut timed_labels: FxHashMap<(LabelSetId, i64), LabelSetId> = FxHashMap::default();
        for (number, rows) in &self.windows {
            let start = LabelValue::Number(number * self.window_ms * 1_000_000, unit);
            for (content, values) in rows {
                let Some(&row) = row_of.get(content) else { continue };
                let sample = untimed.get(row);
                let labels = *timed_labels.entry((sample.labels, *number)).or_insert_with(|| {
                    let mut labels = profile.label_sets.get(sample.labels).to_vec();
                    labels.push(Label { key, value: start });
                    profile.label_sets.intern(&labels)
                });
                profile.samples.add(sample.stack, labels, values);
                left[row].iter_mut().zip(values).for_each(|(left, value)| *left = left.saturating_sub(*value));
            }
        }
        for (sample, left) in untimed.iter().zip(&left) {
            if left.iter().any(|&value| value != 0) {
                profile.samples.add(sample.stack, sample.labels, left);
            }
        }
        if let Some(check) = &mut profile.self_check {
            check.window_ns = self.window_ms.unsigned_abs() * 1_000_000;
        }
    }
}

/// Adds rows to others.
fn merge(into: &mut Vec<Row>, rows: Vec<Row>) {
    let mut place: FxHashMap<Key, usize> = into.iter().enumerate().map(|(at, (key, _))| (*key, at)).collect();
    for (key, values) in rows {
        match place.get(&key) {
            Some(&at) => into[at].1.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.saturating_add(value)),
            None => {
                place.insert(key, into.len());
                into.push((key, values));
            }
        }
    }
}

/// The content of each of a profile's rows, with its number.
fn rows(profile: &Profile) -> Vec<(Key, usize)> {
    let locations: Vec<u64> = profile.locations.iter().map(|location| location_content(profile, location)).collect();
    let mut stacks = vec![0_u64; profile.stacks.nodes().len()];
    for (at, node) in profile.stacks.nodes().iter().enumerate().skip(1) {
        stacks[at] = hash((stacks[node.parent.0 as usize], locations[node.location.0 as usize]));
    }
    let label = |label: &Label| {
        let value = match label.value {
            LabelValue::Text(text) => (&profile.strings[text], 0),
            LabelValue::Number(number, unit) => (&profile.strings[unit], number),
        };
        hash((&profile.strings[label.key], value))
    };
    let labels: Vec<u64> =
        profile.label_sets.iter().map(|(_, set)| hash(set.iter().map(label).collect::<Vec<_>>())).collect();
    let key = |stack: StackId, set: LabelSetId| (stacks[stack.0 as usize], labels[set.0 as usize]);
    profile.samples.iter().enumerate().map(|(row, sample)| (key(sample.stack, sample.labels), row)).collect()
}

/// A place by its address, which it keeps when it gets a name; by its names if it has none.
fn location_content(profile: &Profile, location: &Location) -> u64 {
    if location.address != 0 {
        return location.address;
    }
    let names = location.lines.iter().map(|line| {
        let function = &profile.functions[line.function.0 as usize];
        (&profile.strings[function.name], &profile.strings[function.file], line.line)
    });
    hash(names.collect::<Vec<_>>())
}

fn hash(content: impl Hash) -> u64 {
    let mut hasher = FxHasher::default();
    content.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version of a profile that began at the second 100, with what each function has.
    fn version(values: &[(&str, i64)]) -> Profile {
        let mut profile = Profile::new([("samples", "count")]);
        profile.time_nanos = 100_000_000_000;
        for &(name, value) in values {
            let place = profile.named_location(name, "");
            let stack = profile.stacks.intern([place]);
            profile.samples.add(stack, LabelSetId::EMPTY, &[value]);
        }
        profile
    }

    /// The samples as `name second value`, those without a time first.
    fn timed(profile: &Profile) -> Vec<String> {
        let timeline = profile.timeline();
        let line = |sample: plop_profile::Sample<'_>| {
            let place = profile.stacks.nodes()[sample.stack.0 as usize].location;
            let function = profile.locations[place.0 as usize].lines[0].function;
            let name = &profile.strings[profile.functions[function.0 as usize].name];
            let labels = profile.label_sets.get(sample.labels);
            let second = timeline.and_then(|timeline| timeline.start_ns(labels)).map(|ns| ns / 1_000_000_000);
            format!("{name} {} {}", second.map_or("-".to_owned(), |second| second.to_string()), sample.values[0])
        };
        let mut lines: Vec<String> = profile.samples.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn what_a_version_adds_came_between_it_and_the_one_before() {
        let mut arrivals = Arrivals::begin(&version(&[("a", 5)]), 110_000);
        let mut second = version(&[("a", 7), ("b", 1)]);
        arrivals.take(&mut second, 111_000);
        assert_eq!(timed(&second), ["a - 5", "a 10 2", "b 10 1"]);
        let mut third = version(&[("b", 4), ("a", 7)]);
        arrivals.take(&mut third, 112_000);
        assert_eq!(timed(&third), ["a - 5", "a 10 2", "b 10 1", "b 11 3"]);
        let mut again = version(&[("b", 4), ("a", 7)]);
        arrivals.take(&mut again, 112_000);
        assert_eq!(timed(&again), timed(&third), "the same version adds nothing");
    }

    #[test]
    fn a_file_that_became_another_begins_anew() {
        let mut arrivals = Arrivals::begin(&version(&[("a", 5)]), 110_000);
        for other in [version(&[("a", 4)]), version(&[("b", 9)])] {
            let mut other = other;
            arrivals.take(&mut other, arrivals.modified_ms + 1000);
            assert!(other.timeline().is_none());
        }
    }

    #[test]
    fn longer_windows_lose_no_sample() {
        let mut arrivals = Arrivals::begin(&version(&[("a", 1)]), 100_000);
        for second in 1..=9 {
            arrivals.take(&mut version(&[("a", 1 + second), ("b", second)]), 100_000 + 1000 * second);
        }
        arrivals.coarsen();
        let mut last = version(&[("a", 20), ("b", 9)]);
        arrivals.take(&mut last, 110_000);
        assert_eq!(last.total(0), 29);
        assert_eq!(timed(&last)[..3], ["a - 1", "a 0 2", "a 2 2"]);
    }
}
