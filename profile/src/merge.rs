//! One profile added to another: everything matched by content, or by what the caller takes for the same.

use crate::{
    Error, Function, Label, LabelSetId, LabelSets, LabelValue, Line, Location, LocationId, Mapping, MappingId, Profile,
    Samples, StackId, StringId, TIME_KEY, TIME_UNIT,
};
use rustc_hash::FxHashMap;

impl Profile {
    /// Adds another profile's samples to this one's: sample types are matched by kind and unit, everything else by
    /// content. Sample types that only one of the two has are left out, since their sums would lack the other's part; so
    /// `go tool pprof` does it. The earlier start is kept and the durations are added, as `go tool pprof` does when it merges;
    /// the times of samples, which count from the start, are moved by whole windows. The self-checks are dropped, since they
    /// speak of one run.
    ///
    /// # Errors
    /// When the other has no sample type in common with this one.
    pub fn merge(&mut self, other: &Profile) -> Result<(), Error> {
        let names = |profile: &Profile, at: usize| {
            let of = profile.sample_types[at];
            (profile.strings[of.kind].to_owned(), profile.strings[of.unit].to_owned())
        };
        let same = |ours: usize| (0..other.sample_types.len()).find(|&of| names(other, of) == names(self, ours));
        let common: Vec<(usize, usize)> =
            (0..self.sample_types.len()).filter_map(|ours| Some((ours, same(ours)?))).collect();
        if !other.samples.is_empty() {
            if common.is_empty() {
                return Err(Error::malformed("the second profile", "has no sample type in common with the first"));
            }
            let (ours, columns): (Vec<usize>, Vec<Option<usize>>) =
                common.into_iter().map(|(ours, theirs)| (ours, Some(theirs))).unzip();
            self.keep_sample_types(&ours);
            let locations = self.take_locations(other);
            let later = self.windows_later(other);
            self.move_times((-later).max(0));
            if later > 0 {
                let mut other = other.clone();
                other.move_times(later);
                self.add_samples(&other, &columns, &locations);
            } else {
                self.add_samples(other, &columns, &locations);
            }
        }
        if self.time_nanos == 0 || (other.time_nanos != 0 && other.time_nanos < self.time_nanos) {
            self.time_nanos = other.time_nanos;
        }
        self.duration_nanos = self.duration_nanos.saturating_add(other.duration_nanos);
        self.self_check = None;
        self.torn |= other.torn;
        Ok(())
    }

    /// Adds another profile's samples, with their stacks and labels, where the caller has matched the code: `columns` says
    /// for each of our sample types which of the other's it takes (0 for `None`), `locations` for each of the other's
    /// locations, by number, which of ours it is. Nothing else is taken over.
    ///
    /// # Panics
    /// When one of them does not cover the profiles.
    pub fn add_samples(&mut self, other: &Profile, columns: &[Option<usize>], locations: &[LocationId]) {
        let mut stacks = vec![StackId::EMPTY; other.stacks.nodes().len()];
        for (at, node) in other.stacks.nodes().iter().enumerate().skip(1) {
            stacks[at] = self.stacks.push(stacks[node.parent.0 as usize], locations[node.location.0 as usize]);
        }
        let labels = self.take_labels(other);
        let mut values = vec![0; self.sample_types.len()];
        for sample in other.samples.iter() {
            for (value, column) in values.iter_mut().zip(columns) {
                *value = column.map_or(0, |column| sample.values[column]);
            }
            self.samples.add(stacks[sample.stack.0 as usize], labels[sample.labels.0 as usize], &values);
        }
    }

    /// By how much the other began later than this one, in nanoseconds, to a whole window; 0 where one does not say.
    fn windows_later(&self, other: &Profile) -> i64 {
        let window = |profile: &Profile| profile.timeline().map(|timeline| timeline.window_ns);
        let Some(window_ns) = window(self).max(window(other)).filter(|_| self.time_nanos > 0 && other.time_nanos > 0)
        else {
            return 0;
        };
        let later = other.time_nanos - self.time_nanos;
        later.saturating_add(later.signum() * (window_ns / 2)) / window_ns * window_ns
    }

    /// Lets all samples that say a time from the start have been taken so much later after it.
    fn move_times(&mut self, by_ns: i64) {
        let ids = self.strings.find(TIME_KEY).zip(self.strings.find(TIME_UNIT));
        let Some((key, unit)) = ids.filter(|_| by_ns != 0) else { return };
        let moved = |label: &Label| match label.value {
            LabelValue::Number(at, of) if label.key == key && of == unit => {
                Label { value: LabelValue::Number(at.saturating_add(by_ns), unit), ..*label }
            }
            _ => *label,
        };
        let mut label_sets = LabelSets::default();
        let sets: Vec<LabelSetId> = self
            .label_sets
            .iter()
            .map(|(_, set)| label_sets.intern(&set.iter().map(moved).collect::<Vec<_>>()))
            .collect();
        let mut samples = Samples::new(self.samples.width());
        for sample in self.samples.iter() {
            samples.add(sample.stack, sets[sample.labels.0 as usize], sample.values);
        }
        (self.label_sets, self.samples) = (label_sets, samples);
    }

    /// Keeps these sample types only, by their numbers.
    fn keep_sample_types(&mut self, kept: &[usize]) {
        if kept.len() == self.sample_types.len() {
            return;
        }
        self.sample_types = kept.iter().map(|&of| self.sample_types[of]).collect();
        self.default_sample_type =
            kept.iter().position(|&of| of == self.default_sample_type).unwrap_or(kept.len().saturating_sub(1));
        self.samples.keep(kept);
    }

    /// Takes over the other's code; gives our location for each of its own.
    fn take_locations(&mut self, other: &Profile) -> Vec<LocationId> {
        let strings: Vec<StringId> = other.strings.iter().map(|text| self.strings.intern(text)).collect();
        let string = |id: StringId| strings[id.0 as usize];
        let mappings: Vec<MappingId> = other
            .mappings
            .iter()
            .map(|theirs| {
                let mapping =
                    Mapping { file: string(theirs.file), build_id: string(theirs.build_id), ..theirs.clone() };
                let known = self.mappings.iter().position(|ours| *ours == mapping);
                MappingId(known.unwrap_or_else(|| {
                    self.mappings.push(mapping);
                    self.mappings.len() - 1
                }) as u32)
            })
            .collect();
        let functions: Vec<_> = other
            .functions
            .iter()
            .map(|theirs| {
                self.intern_function(Function {
                    name: string(theirs.name),
                    system_name: string(theirs.system_name),
                    file: string(theirs.file),
                    start_line: theirs.start_line,
                })
            })
            .collect();
        let mut known: FxHashMap<Location, LocationId> =
            self.locations.iter().enumerate().map(|(at, location)| (location.clone(), LocationId(at as u32))).collect();
        let locations = other.locations.iter().map(|theirs| {
            let line = |line: &Line| Line { function: functions[line.function.0 as usize], line: line.line };
            let location = Location {
                mapping: theirs.mapping.map(|mapping| mappings[mapping.0 as usize]),
                address: theirs.address,
                lines: theirs.lines.iter().map(line).collect(),
            };
            *known.entry(location).or_insert_with_key(|location| self.push_location(location.clone()))
        });
        locations.collect()
    }

    /// Takes over the other's labels; gives our set for each of its own.
    fn take_labels(&mut self, other: &Profile) -> Vec<LabelSetId> {
        other.label_sets.iter().map(|(set, _)| self.take_label_set(other, set)).collect()
    }

    /// Takes over a set of labels of another profile.
    ///
    /// # Panics
    /// When the other has no such set.
    pub fn take_label_set(&mut self, other: &Profile, set: LabelSetId) -> LabelSetId {
        let mut string = |id: StringId| self.strings.intern(&other.strings[id]);
        let labels = other.label_sets.get(set).iter().map(|label| Label {
            key: string(label.key),
            value: match label.value {
                LabelValue::Text(text) => LabelValue::Text(string(text)),
                LabelValue::Number(value, unit) => LabelValue::Number(value, string(unit)),
            },
        });
        let labels: Vec<Label> = labels.collect();
        self.label_sets.intern(&labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One sample a window, of the windows' numbers; windows are a second long.
    fn profile(began_s: i64, windows: &[i64]) -> Profile {
        let mut profile = Profile::new([("samples", "count")]);
        profile.time_nanos = began_s * 1_000_000_000;
        let (key, unit) = (profile.strings.intern(TIME_KEY), profile.strings.intern(TIME_UNIT));
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        for window in windows {
            let labels = [Label { key, value: LabelValue::Number(window * 1_000_000_000, unit) }];
            let labels = profile.label_sets.intern(&labels);
            profile.samples.add(stack, labels, &[1]);
        }
        profile
    }

    /// By window, what the samples weigh.
    fn windows(profile: &Profile) -> Vec<i64> {
        let timeline = profile.timeline().expect("the samples say their time");
        let mut sums = vec![0; timeline.windows];
        for sample in profile.samples.iter() {
            let window = timeline.window(profile.label_sets.get(sample.labels)).expect("every sample has a time");
            sums[window] += sample.values[0];
        }
        sums
    }

    #[test]
    fn samples_keep_their_moment_when_profiles_of_other_starts_are_merged() {
        let (early, late) = (profile(100, &[0, 1, 2]), profile(102, &[0, 1]));
        for (mut merged, added) in [(early.clone(), &late), (late.clone(), &early)] {
            merged.merge(added).expect("they have one sample type");
            assert_eq!((merged.time_nanos, windows(&merged)), (100_000_000_000, vec![1, 1, 2, 1]));
        }
        let mut half_a_second_later = profile(102, &[0, 1]);
        half_a_second_later.time_nanos += 400_000_000;
        half_a_second_later.merge(&early).expect("they have one sample type");
        assert_eq!(windows(&half_a_second_later), [1, 1, 2, 1], "windows stay whole");
        let mut unknown = profile(0, &[0, 1]);
        unknown.merge(&early).expect("they have one sample type");
        assert_eq!(windows(&unknown), [2, 2, 1]);
    }
}
