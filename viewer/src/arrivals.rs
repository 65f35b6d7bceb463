//! When the samples of a growing file came, for profiles that don't say: puts the time on them as the label that the collector
//! would have put. So a live profile has a timeline and windows of time, and one that a killed program left behind too.
//!
//! A file that grows by chunks says itself what came until when. Of any other, and across a moment at which the file is
//! written anew, the viewer remembers what each version added to the one before, from the moment that somebody looks. What was
//! in such a file at the first look has no time.

use std::hash::{Hash, Hasher};

use plop_profile::{Chunk, Label, LabelSetId, LabelValue, Location, Profile, Samples, StackId, TIME_KEY, TIME_UNIT};
use rustc_hash::{FxHashMap, FxHasher};

/// So many rows are remembered, of some 60 bytes each; then windows are made twice as long. A program with 300 busy
/// stacks reaches it after half an hour.
const MOST_ROWS: usize = 500_000;
/// The shortest window, as long as the collector waits between two chunks.
const SHORTEST_MS: i64 = 1000;
/// What came in one of more windows than these, nobody knows which, has no time.
const MOST_UNKNOWN: i64 = 60;

/// A stack under its labels, by content: numbers differ from one reading of a file to the next.
type Key = (u64, u64);
type Row = (Key, Box<[i64]>);

/// What came when. Times are in milliseconds from the profile's start.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// What each row had at the last version.
    seen: FxHashMap<Key, Box<[i64]>>,
    /// What came in each window, by its number, in their order.
    windows: Vec<(i64, Vec<Row>)>,
    window_ms: i64,
    /// When the file was written to, in milliseconds since 1970.
    modified_ms: i64,
    /// When the profile began, likewise.
    start_ms: i64,
    /// What came until then is known.
    until_ms: i64,
}

impl Arrivals {
    /// Begins with this version of a file, last written to at `modified_ms`, and puts on its samples the times that it tells.
    pub(crate) fn begin(profile: &mut Profile, modified_ms: i64) -> Self {
        let chunks = std::mem::take(&mut profile.chunks);
        let rows = rows(profile);
        let arrivals = Arrivals::new(profile, &rows, &chunks, modified_ms);
        arrivals.label(profile, &rows);
        arrivals
    }

    fn new(profile: &Profile, rows: &[(Key, usize)], chunks: &[Chunk], modified_ms: i64) -> Self {
        let start_ms = if profile.time_nanos > 0 { profile.time_nanos / 1_000_000 } else { modified_ms };
        let seen = rows.iter().map(|&(key, row)| (key, profile.samples.get(row).values.into())).collect();
        let window_ms = SHORTEST_MS;
        let mut arrivals = Arrivals { seen, windows: Vec::new(), window_ms, modified_ms, start_ms, until_ms: 0 };
        arrivals.place_chunks(rows, chunks, |_, _| {});
        arrivals.until_ms = arrivals.moment(profile);
        arrivals.bound();
        arrivals
    }

    /// Takes a version that is not older than the last, and puts on its samples the times at which they came.
    pub(crate) fn take(&mut self, profile: &mut Profile, modified_ms: i64) {
        let chunks = std::mem::take(&mut profile.chunks);
        let rows = rows(profile);
        if modified_ms > self.modified_ms {
            self.modified_ms = modified_ms;
            match self.added(profile, &rows) {
                Some(mut added) => {
                    // What has been shown of a window stays: who marks its end sees all that comes after.
                    let from =
                        self.until_ms.max(0).saturating_add(self.window_ms - 1) / self.window_ms * self.window_ms;
                    let begin = self.place_chunks(&rows, &chunks, |key, values| {
                        if let Some(more) = added.get_mut(&key) {
                            more.iter_mut().zip(values).for_each(|(more, placed)| *more = more.saturating_sub(*placed));
                        }
                    });
                    // What no chunk tells of came, as far as is known, evenly since then.
                    self.until_ms = self.moment(profile);
                    added.retain(|_, values| values.iter().any(|&value| value > 0));
                    let left: Vec<Row> = added.into_iter().collect();
                    let until = begin.unwrap_or(self.until_ms);
                    self.spread(&left, from, until);
                    self.bound();
                }
                // Something has become less: it is another profile now.
                None => *self = Arrivals::new(profile, &rows, &chunks, modified_ms),
            }
        }
        self.label(profile, &rows);
    }

    /// How long this version has lasted: as it says, or as its file does.
    fn moment(&self, profile: &Profile) -> i64 {
        let told = profile.duration_nanos / 1_000_000;
        let written = self.modified_ms.saturating_sub(self.start_ms);
        if told > self.until_ms { told } else { written.max(self.until_ms) }
    }

    /// What each row has more than at the last version; `None` if one has less.
    fn added(&mut self, profile: &Profile, rows: &[(Key, usize)]) -> Option<FxHashMap<Key, Box<[i64]>>> {
        let mut added = FxHashMap::default();
        let (mut met, mut new) = (0, 0);
        for &(key, row) in rows {
            let values = profile.samples.get(row).values;
            match self.seen.get_mut(&key) {
                None => {
                    self.seen.insert(key, values.into());
                    added.insert(key, values.into());
                    new += 1;
                }
                Some(before) if before.iter().zip(values).any(|(before, now)| now < before) => return None,
                Some(before) => {
                    met += 1;
                    if **before != *values {
                        let more = before.iter().zip(values).map(|(before, now)| now - before);
                        added.insert(key, more.collect());
                        before.copy_from_slice(values);
                    }
                }
            }
        }
        (met + new >= self.seen.len()).then_some(added)
    }

    /// Remembers what the chunks tell that has not been known, and says of each row what that was. Gives the moment from which
    /// on they tell it.
    fn place_chunks(
        &mut self,
        rows: &[(Key, usize)],
        chunks: &[Chunk],
        mut placed: impl FnMut(Key, &[i64]),
    ) -> Option<i64> {
        let usual = usual_length_ms(chunks)?;
        if self.windows.is_empty() {
            self.window_ms = usual;
        }
        let (mut begin, mut last) = (None, 0);
        for (at, chunk) in chunks.iter().enumerate() {
            let (from, until) = (last, until_ms(chunk));
            last = last.max(until);
            // The first of a file that was written anew has all that came before.
            let tells_time = from >= self.until_ms && (at > 0 || until <= 2 * usual);
            if !tells_time || until < from {
                continue;
            }
            begin = begin.or(Some(from));
            let grown: Vec<Row> = chunk.grown().map(|(row, values)| (rows[row].0, values.into())).collect();
            grown.iter().for_each(|(key, values)| placed(*key, values));
            // A program that did nothing wrote nothing: what it did when it wrote again is not as old as the chunk before.
            self.spread(&grown, if until - from > 2 * usual { until - usual } else { from }, until);
        }
        begin
    }

    /// Remembers rows that came evenly between two moments: of each, every window gets the part that its share of that time
    /// would have, in whole counts; what rounding leaves over goes to later rows, so that it does not add up. Over too long a
    /// time nothing is known.
    fn spread(&mut self, rows: &[Row], from: i64, until: i64) {
        if (until - from) / self.window_ms > MOST_UNKNOWN {
            return;
        }
        let (first, end) = (from.max(0) / self.window_ms, (until - 1).max(from).max(0) / self.window_ms + 1);
        let length = (until - from).max(1) as f64;
        let mut parts: Vec<Vec<Row>> = (first..end).map(|_| Vec::new()).collect();
        // By window, what rows before should have had more until its end.
        let mut owed = vec![0.0; parts.len()];
        for (key, values) in rows {
            let Some(count) = values.iter().copied().find(|&value| value != 0) else { continue };
            let mut given = 0;
            for (at, part) in parts.iter_mut().enumerate() {
                let passed = ((first + at as i64 + 1) * self.window_ms - from) as f64 / length;
                let due = if at + 1 == owed.len() {
                    count
                } else {
                    owed[at] += count as f64 * passed;
                    let due = (owed[at].floor() as i64).clamp(given.min(count), count.max(given));
                    owed[at] -= due as f64;
                    due
                };
                if due != given {
                    // `value × due / count` fits where `value` does, since `due` lies between 0 and `count`.
                    let until = |value: i64, due: i64| (i128::from(value) * i128::from(due) / i128::from(count)) as i64;
                    part.push((*key, values.iter().map(|&value| until(value, due) - until(value, given)).collect()));
                    given = due;
                }
            }
        }
        for (number, part) in (first..).zip(parts) {
            self.remember(number, part);
        }
    }

    fn remember(&mut self, number: i64, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        match self.windows.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => merge(&mut self.windows[at].1, rows),
            Err(at) => self.windows.insert(at, (number, rows)),
        }
    }

    /// Makes windows longer until no more rows are remembered than may be.
    fn bound(&mut self) {
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
            let start = number.saturating_mul(self.window_ms).saturating_mul(1_000_000);
            let start = LabelValue::Number(start, unit);
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

/// How long a chunk of these is that a busy program writes, in whole seconds; `None` if there are not two.
fn usual_length_ms(chunks: &[Chunk]) -> Option<i64> {
    let mut lengths: Vec<i64> = chunks.windows(2).map(|pair| until_ms(&pair[1]) - until_ms(&pair[0])).collect();
    lengths.retain(|&length| length > 0);
    lengths.sort_unstable();
    let shorter = *lengths.get(lengths.len() / 4)?;
    Some(((shorter + SHORTEST_MS / 2) / SHORTEST_MS * SHORTEST_MS).max(SHORTEST_MS))
}

fn until_ms(chunk: &Chunk) -> i64 {
    chunk.until_ns.max(0) / 1_000_000
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
        let mut arrivals = Arrivals::begin(&mut version(&[("a", 5)]), 110_000);
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
        let mut arrivals = Arrivals::begin(&mut version(&[("a", 5)]), 110_000);
        for other in [version(&[("a", 4)]), version(&[("b", 9)])] {
            let mut other = other;
            arrivals.take(&mut other, arrivals.modified_ms + 1000);
            assert!(other.timeline().is_none());
        }
    }

    #[test]
    fn longer_windows_lose_no_sample() {
        let mut arrivals = Arrivals::begin(&mut version(&[("a", 1)]), 100_000);
        for second in 1..=9 {
            arrivals.take(&mut version(&[("a", 1 + second), ("b", second)]), 100_000 + 1000 * second);
        }
        arrivals.coarsen();
        let mut last = version(&[("a", 20), ("b", 9)]);
        arrivals.take(&mut last, 110_000);
        assert_eq!(last.total(0), 29);
        assert_eq!(timed(&last)[..3], ["a - 1", "a 0 2", "a 10 10"]);
    }

    /// A file that grew by chunks: until which millisecond, and what came.
    fn grown(chunks: &[(i64, &[(&str, i64)])]) -> Profile {
        let mut profile = version(&[]);
        let mut encoder = plop_profile::ChunkEncoder::new();
        let mut file = Vec::new();
        for (until_ms, values) in chunks {
            for &(name, value) in *values {
                let place = profile.named_location(name, "");
                let stack = profile.stacks.intern([place]);
                profile.samples.add(stack, LabelSetId::EMPTY, &[value]);
            }
            profile.duration_nanos = until_ms * 1_000_000;
            file.extend(encoder.encode(&profile));
            encoder.advance(&profile);
        }
        Profile::parse(&file).expect("chunks are a profile")
    }

    /// What each second has.
    fn by_second(profile: &Profile) -> Vec<i64> {
        let timeline = profile.timeline().expect("it has times");
        let mut seconds = vec![0; timeline.windows];
        for sample in profile.samples.iter() {
            if let Some(window) = timeline.window(profile.label_sets.get(sample.labels)) {
                seconds[window] += sample.values[0];
            }
        }
        seconds
    }

    #[test]
    fn a_file_in_chunks_has_times_from_its_begin_whoever_watched() {
        let mut first = grown(&[(5, &[]), (1000, &[("a", 9)]), (2000, &[("b", 4)]), (3000, &[("a", 1)])]);
        let arrivals = Arrivals::begin(&mut first, 103_000);
        assert_eq!(timed(&first), ["a 0 9", "a 2 1", "b 1 4"]);
        assert_eq!((arrivals.until_ms, first.chunks.len()), (3000, 0));
    }

    #[test]
    fn chunks_that_are_a_little_longer_than_a_window_leave_none_empty() {
        let many: Vec<(String, i64)> = (0..60).map(|at| (format!("f{at}"), 1 + at % 3)).collect();
        let rows: Vec<(&str, i64)> = many.iter().map(|(name, value)| (&**name, *value)).collect();
        let chunks: Vec<(i64, &[(&str, i64)])> =
            (0..=40).map(|at| (at * 1100, if at == 0 { &[][..] } else { &rows[..] })).collect();
        let mut profile = grown(&chunks);
        Arrivals::begin(&mut profile, 144_000);
        let seconds = by_second(&profile);
        assert_eq!((seconds.len(), seconds.iter().sum::<i64>()), (44, 40 * 120));
        // 120 counts in 1.1 seconds. Of a chunk that is cut, rounding may put one count on either side, at both ends of a window.
        let even = 120.0 / 1.1;
        assert!(seconds.iter().all(|&count| (count as f64 - even).abs() <= 2.0), "{seconds:?}");
    }

    #[test]
    fn a_program_that_rested_did_not_do_in_its_rest_what_it_did_after() {
        let busy = &[("a", 10)][..];
        let mut profile = grown(&[(0, &[]), (1000, busy), (2000, busy), (61_000, busy), (62_000, busy)]);
        Arrivals::begin(&mut profile, 162_000);
        let seconds = by_second(&profile);
        assert_eq!((seconds[1], seconds[2..60].iter().sum::<i64>(), seconds[60]), (10, 0, 10));
    }

    #[test]
    fn a_file_that_is_written_anew_keeps_the_times_that_were_known() {
        let mut first = grown(&[(0, &[]), (1000, &[("a", 9)]), (2000, &[("b", 4)])]);
        let mut arrivals = Arrivals::begin(&mut first, 102_000);
        let mut anew = grown(&[(3000, &[("a", 10), ("b", 4)]), (4000, &[("c", 2)])]);
        arrivals.take(&mut anew, 104_000);
        assert_eq!(timed(&anew), ["a 0 9", "a 2 1", "b 1 4", "c 3 2"]);
        // Nobody watched it before: what its first chunk has came at some time.
        let mut anew = grown(&[(3000, &[("a", 10), ("b", 4)]), (4000, &[("c", 2)])]);
        Arrivals::begin(&mut anew, 104_000);
        assert_eq!(timed(&anew), ["a - 10", "b - 4", "c 3 2"]);
        // The finished file has no chunks.
        let mut finished = version(&[("c", 2), ("b", 5), ("a", 10)]);
        finished.duration_nanos = 4_800_000_000;
        arrivals.take(&mut finished, 105_000);
        assert_eq!(timed(&finished), ["a 0 9", "a 2 1", "b 1 4", "b 4 1", "c 3 2"]);
    }

    #[test]
    fn times_of_a_file_that_lies_take_no_more_memory_than_its_rows() {
        let last = i64::MAX / 1_000_000;
        let mut profile = grown(&[(0, &[]), (7, &[("a", 5)]), (last, &[("a", 5)])]);
        let mut arrivals = Arrivals::begin(&mut profile, 100_001);
        assert_eq!(profile.total(0), 10);
        let mut second = version(&[("a", 1000)]);
        arrivals.take(&mut second, i64::MAX);
        assert_eq!(second.total(0), 1000);
        assert!(arrivals.windows.iter().map(|(_, rows)| rows.len()).sum::<usize>() < 100);
    }
}
