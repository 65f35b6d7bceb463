//! From samples to a profile: stacks become a calling-context tree, threads and labels become label sets, and what is lost
//! or beyond the memory bound becomes a visible sample. Knows neither where samples come from nor where the profile goes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plop_profile::{
    Label, LabelSetId, LabelSets, LabelValue, Location, LocationId, Mapping, MappingId, Profile, Samples, StackId,
    StringId, TIME_KEY, TIME_UNIT,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::engine::wall::Place;
use crate::label;
use crate::signal::buffer::Header;
use crate::symbols::{Symbols, hexadecimal};
use crate::tasks;
use crate::unwind;

/// How many threads get a label of their own; those beyond are told apart by name only, so that a program that starts
/// threads without end does not make label sets without end.
const MAX_TIDS: usize = 4096;
/// How many label sets there are before threads are no longer told apart by tid within one label, and before labels are left
/// out: the product of threads and labels is bounded, too.
const MAX_SETS_WITH_TID: usize = 16 << 10;
const MAX_SETS: usize = 48 << 10;
/// How many windows of time there are before two become one: as many as a wide screen has columns. From there on there are
/// always at least half as many.
const MAX_WINDOWS: u64 = 1024;
/// How much of the CPU time of a thread that is gone can count although it was not sampled.
const MOST_CARRIED: Duration = Duration::from_millis(40);
/// How often a thread's name is read again while it is being sampled.
const NAME_AGE: Duration = Duration::from_secs(1);

/// The profile while it grows.
pub(crate) struct Aggregate {
    profile: Profile,
    interval_ns: i64,
    begun: Instant,
    memory_limit: usize,
    symbolize: bool,
    symbols: Symbols,
    /// How many locations have been given names.
    named: usize,
    locations: FxHashMap<u64, LocationId>,
    /// What is mapped now, in order.
    mapped: Vec<(unwind::Mapping, MappingId)>,
    threads: FxHashMap<u32, Thread>,
    contexts: FxHashMap<(u32, u32), LabelSetId>,
    tids: FxHashSet<u32>,
    /// Where samples are kept apart by time.
    timeline: Option<Timeline>,
    keys: Keys,
    pub(crate) counts: Counts,
}

/// The windows of time that samples are kept apart by.
struct Timeline {
    window_ns: u64,
    /// The number of the window that samples go to now.
    current: u64,
    /// How often two windows have become one.
    coarsened: u32,
    key: StringId,
    unit: StringId,
}

/// What an [`Aggregate`] is made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) interval: Duration,
    /// In bytes.
    pub(crate) memory_limit: usize,
    pub(crate) symbolize: bool,
    /// How long the windows of time are at first, if there are to be any.
    pub(crate) window: Option<Duration>,
    /// Whether there is a wall clock.
    pub(crate) wall: bool,
}

/// Strings that every profile has.
struct Keys {
    thread: StringId,
    tid: StringId,
    lost: LocationId,
    other: LocationId,
    own: LocationId,
}

struct Thread {
    name: StringId,
    read_at: Instant,
    /// Where it was sampled last.
    last: Option<Place>,
}

/// What was counted, in weighted samples.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) samples: u64,
    pub(crate) lost: u64,
    pub(crate) truncated: u64,
    pub(crate) folded: u64,
    pub(crate) carried: u64,
}

impl Aggregate {
    /// An empty profile that begins now.
    pub(crate) fn new(Bounds { interval, memory_limit, symbolize, window, wall }: Bounds) -> Self {
        let interval_ns = interval.as_nanos() as i64;
        let types = [("samples", "count"), ("cpu", "nanoseconds"), ("wall", "nanoseconds")];
        let mut profile = Profile::new(types.into_iter().take(if wall { 3 } else { 2 }));
        profile.set_period("cpu", "nanoseconds", interval_ns);
        profile.default_sample_type = 1;
        profile.time_nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64);
        let keys = Keys {
            thread: profile.strings.intern("thread"),
            tid: profile.strings.intern("tid"),
            lost: profile.named_location("[lost]", ""),
            other: profile.named_location("[other]", ""),
            own: profile.named_location("[plop]", ""),
        };
        let timeline = window.map(|window| Timeline {
            window_ns: (window.as_nanos() as u64).max(1),
            current: 0,
            coarsened: 0,
            key: profile.strings.intern(TIME_KEY),
            unit: profile.strings.intern(TIME_UNIT),
        });
        Aggregate {
            named: profile.locations.len(),
            profile,
            interval_ns,
            begun: Instant::now(),
            memory_limit,
            symbolize,
            symbols: Symbols::default(),
            locations: FxHashMap::default(),
            mapped: Vec::new(),
            threads: FxHashMap::default(),
            contexts: FxHashMap::default(),
            tids: FxHashSet::default(),
            timeline,
            keys,
            counts: Counts::default(),
        }
    }

    /// The profile as it is, with the duration up to now and names as far as they have been looked up.
    pub(crate) fn profile(&mut self) -> &mut Profile {
        self.profile.duration_nanos = self.begun.elapsed().as_nanos() as i64;
        &mut self.profile
    }

    /// Takes note of what is mapped now. What is gone stays in the profile, but its addresses mean nothing any more.
    pub(crate) fn set_mappings(&mut self, now: &[unwind::Mapping]) {
        let gone = |(mapping, _): &&(unwind::Mapping, MappingId)| !now.contains(mapping);
        let gone: Vec<_> = self.mapped.iter().filter(gone).map(|(mapping, _)| mapping.start..mapping.limit).collect();
        if !gone.is_empty() {
            self.locations.retain(|address, _| !gone.iter().any(|range| range.contains(address)));
        }
        // An address seen before its file was known is another location from now on.
        let known = |mapping: &&unwind::Mapping| self.mapped.iter().any(|(known, _)| known == *mapping);
        let new: Vec<_> = now.iter().filter(|mapping| !known(mapping)).map(|new| new.start..new.limit).collect();
        if !new.is_empty() && !self.mapped.is_empty() {
            self.locations.retain(|address, _| !new.iter().any(|range| range.contains(address)));
        }
        let mut mapped = Vec::with_capacity(now.len());
        for mapping in now {
            let id = self.mapping(mapping);
            mapped.push((mapping.clone(), id));
        }
        mapped.sort_by_key(|(mapping, _)| mapping.start);
        self.mapped = mapped;
    }

    fn mapping(&mut self, mapping: &unwind::Mapping) -> MappingId {
        let strings = &mut self.profile.strings;
        let mapping = Mapping {
            start: mapping.start,
            limit: mapping.limit,
            file_offset: mapping.file_offset,
            file: strings.intern(&mapping.path.to_string_lossy()),
            build_id: strings.intern(&hexadecimal(&mapping.build_id)),
            symbolized: self.symbolize,
        };
        let known = self.profile.mappings.iter().position(|have| *have == mapping);
        MappingId(known.unwrap_or_else(|| {
            self.profile.mappings.push(mapping);
            self.profile.mappings.len() - 1
        }) as u32)
    }

    /// Adds a sample whose frames are code addresses, leaf first, that stands for so much time of the wall clock. `first_name` is
    /// the thread's name as it was first sampled, for a thread that is gone by now. Gives the stack that it counts for.
    pub(crate) fn add(
        &mut self,
        header: Header,
        frames: &[u64],
        wall: Duration,
        first_name: impl FnOnce() -> Option<String>,
    ) -> StackId {
        let weight = u64::from(header.weight);
        self.counts.samples += weight;
        if header.truncated {
            self.counts.truncated += weight;
        }
        while self.is_crowded() && self.coarsen() {}
        let labels = self.context(header.tid, header.label, first_name);
        let full = self.is_full();
        let stack = if full { self.known_stack(frames, labels) } else { Some(self.stack(frames)) };
        let (stack, labels) = stack.map(|stack| (stack, labels)).unwrap_or_else(|| {
            self.counts.folded += weight;
            (self.profile.stacks.push(StackId::EMPTY, self.keys.other), self.labels(Vec::new()))
        });
        self.count(stack, labels, weight, wall);
        if let Some(thread) = self.threads.get_mut(&header.tid).filter(|_| weight > 0) {
            thread.last = Some(Place { tid: header.tid, stack, label: header.label });
        }
        stack
    }

    /// Adds samples to threads that are gone, each where it was last: so much of their time went without. The time that a thread
    /// uses between the last tick of the kernel that it sees and its end is some milliseconds; more than [`MOST_CARRIED`] is
    /// not believed.
    pub(crate) fn carry(&mut self, gone: &[u32], weight: u64) {
        let places: Vec<Place> = gone.iter().filter_map(|tid| self.threads.get(tid)?.last).collect();
        let most = (MOST_CARRIED.as_nanos() as u64).div_ceil(self.interval_ns as u64);
        let (count, mut left) = (places.len() as u64, weight);
        for (at, place) in places.into_iter().enumerate() {
            let share = left.div_ceil(count - at as u64).min(most);
            left -= share;
            if share > 0 {
                self.counts.samples += share;
                self.counts.carried += share;
                let labels = self.context(place.tid, place.label, || None);
                self.count(place.stack, labels, share, Duration::ZERO);
            }
        }
    }

    /// Adds time of the wall clock to a thread that still is on the stack, and under the label, that it was on.
    pub(crate) fn add_wall(&mut self, place: Place, time: Duration) {
        let labels = self.context(place.tid, place.label, || None);
        self.count(place.stack, labels, 0, time);
    }

    /// Whether keeping samples apart by time may be what takes too much room.
    fn is_crowded(&self) -> bool {
        let by_rows = || self.rows_bytes() > self.memory_limit / 4;
        self.profile.label_sets.len() >= MAX_SETS_WITH_TID || self.is_full() && by_rows()
    }

    fn is_full(&self) -> bool {
        self.memory_bytes() > self.memory_limit
    }

    /// Adds samples that found no room.
    pub(crate) fn add_lost(&mut self, weight: u64) {
        self.counts.lost += weight;
        self.counts.samples += weight;
        let stack = self.profile.stacks.push(StackId::EMPTY, self.keys.lost);
        let labels = self.labels(Vec::new());
        self.count(stack, labels, weight, Duration::ZERO);
    }

    /// Adds what the collector's own thread has used, which no signal samples.
    pub(crate) fn add_own(&mut self, weight: u64) {
        self.counts.samples += weight;
        let stack = self.profile.stacks.push(StackId::EMPTY, self.keys.own);
        let name = self.profile.strings.intern("plop");
        let labels = self.labels(vec![Label { key: self.keys.thread, value: LabelValue::Text(name) }]);
        self.count(stack, labels, weight, Duration::ZERO);
    }

    fn count(&mut self, stack: StackId, labels: LabelSetId, weight: u64, wall: Duration) {
        let weight = i64::try_from(weight).unwrap_or(i64::MAX);
        let wall_ns = i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX);
        let values = [weight, weight.saturating_mul(self.interval_ns), wall_ns];
        let width = self.profile.samples.width();
        if values[..width].iter().any(|&value| value != 0) {
            self.profile.samples.add(stack, labels, &values[..width]);
        }
    }

    fn stack(&mut self, frames: &[u64]) -> StackId {
        frames.iter().rev().fold(StackId::EMPTY, |caller, &address| {
            let location = self.location(address);
            self.profile.stacks.push(caller, location)
        })
    }

    /// The stack, if nothing needs to be added for it.
    fn known_stack(&self, frames: &[u64], labels: LabelSetId) -> Option<StackId> {
        let stack = frames.iter().rev().try_fold(StackId::EMPTY, |caller, address| {
            self.profile.stacks.find(caller, *self.locations.get(address)?)
        })?;
        self.profile.samples.find(stack, labels).map(|_| stack)
    }

    fn location(&mut self, address: u64) -> LocationId {
        if let Some(&location) = self.locations.get(&address) {
            return location;
        }
        let at = self.mapped.partition_point(|(mapping, _)| mapping.limit <= address);
        let mapping = self.mapped.get(at).filter(|(mapping, _)| mapping.start <= address).map(|&(_, id)| id);
        let location = self.profile.push_location(Location { mapping, address, lines: Vec::new() });
        self.locations.insert(address, location);
        location
    }

    /// The label set of a thread under the label set that it has put itself under.
    fn context(&mut self, tid: u32, label: u32, first_name: impl FnOnce() -> Option<String>) -> LabelSetId {
        self.refresh_name(tid, first_name);
        if let Some(&known) = self.contexts.get(&(tid, label)) {
            return known;
        }
        let sets = self.profile.label_sets.len();
        if sets >= MAX_SETS {
            return self.labels(Vec::new());
        }
        let mut labels = Vec::new();
        if let Some(thread) = self.threads.get(&tid) {
            labels.push(Label { key: self.keys.thread, value: LabelValue::Text(thread.name) });
        }
        if sets < MAX_SETS_WITH_TID && (self.tids.len() < MAX_TIDS || self.tids.contains(&tid)) {
            self.tids.insert(tid);
            labels.push(Label { key: self.keys.tid, value: LabelValue::Number(i64::from(tid), StringId::EMPTY) });
        }
        for (key, value) in label::pairs(label) {
            let strings = &mut self.profile.strings;
            labels.push(Label { key: strings.intern(&key), value: LabelValue::Text(strings.intern(&value)) });
        }
        let set = self.labels(labels);
        if self.contexts.len() >= MAX_SETS {
            self.contexts.clear();
        }
        self.contexts.insert((tid, label), set);
        set
    }

    /// The set of these labels, and of the time if samples are kept apart by it.
    fn labels(&mut self, mut labels: Vec<Label>) -> LabelSetId {
        labels.extend(self.timeline.as_ref().map(Timeline::label));
        self.profile.label_sets.intern(&labels)
    }

    /// Goes on to the window of time that it is now, if samples are kept apart by time. They count for the window in which they
    /// are taken out of the buffer, at most the drain's longest pause after they were taken.
    pub(crate) fn advance(&mut self) {
        let passed_ns = self.begun.elapsed().as_nanos() as u64;
        let Some(timeline) = &mut self.timeline else { return };
        let now = passed_ns / timeline.window_ns;
        if now == timeline.current {
            return;
        }
        timeline.current = now;
        self.contexts.clear();
        while self.timeline.as_ref().is_some_and(|timeline| timeline.current >= MAX_WINDOWS) {
            self.coarsen();
        }
    }

    /// Makes two windows of time one, all along, so that there are fewer label sets and samples; `false` when there is one
    /// window only. This can happen as often as the time that has passed can be halved.
    fn coarsen(&mut self) -> bool {
        let Some(timeline) = self.timeline.as_mut().filter(|timeline| timeline.current > 0) else { return false };
        timeline.window_ns *= 2;
        timeline.current /= 2;
        timeline.coarsened += 1;
        let mut sets = LabelSets::default();
        let coarse: Vec<LabelSetId> = self
            .profile
            .label_sets
            .iter()
            .map(|(_, labels)| sets.intern(&labels.iter().map(|label| timeline.coarse(*label)).collect::<Vec<_>>()))
            .collect();
        let mut samples = Samples::new(self.profile.samples.width());
        for sample in self.profile.samples.iter() {
            samples.add(sample.stack, coarse[sample.labels.0 as usize], sample.values);
        }
        self.profile.label_sets = sets;
        self.profile.samples = samples;
        self.contexts.clear();
        true
    }

    /// How often the samples were put in a new order, so that what is written of them does not fit any more.
    pub(crate) fn reordered(&self) -> u32 {
        self.timeline.as_ref().map_or(0, |timeline| timeline.coarsened)
    }

    /// The length of the windows of time; 0 if there are none.
    pub(crate) fn window_ns(&self) -> u64 {
        self.timeline.as_ref().map_or(0, |timeline| timeline.window_ns)
    }

    fn refresh_name(&mut self, tid: u32, first_name: impl FnOnce() -> Option<String>) {
        let now = Instant::now();
        let known = self.threads.get_mut(&tid);
        if known.as_ref().is_some_and(|thread| now - thread.read_at < NAME_AGE) {
            return;
        }
        let Some(name) = tasks::name(tid).or_else(|| if known.is_none() { first_name() } else { None }) else { return };
        let name = self.profile.strings.intern(&name);
        let last = known.as_ref().and_then(|thread| thread.last);
        if self.threads.insert(tid, Thread { name, read_at: now, last }).is_none_or(|old| old.name != name) {
            self.contexts.retain(|&(of, _), _| of != tid);
        }
    }

    /// Forgets a thread that is gone: its tid may come back as another's.
    pub(crate) fn forget_thread(&mut self, tid: u32) {
        if self.threads.remove(&tid).is_some() {
            self.contexts.retain(|&(of, _), _| of != tid);
        }
    }

    /// Looks up the names of some of the locations that have none yet; says whether that was the last of them.
    pub(crate) fn name_some(&mut self) -> bool {
        if self.symbolize {
            self.named = self.symbols.name_locations(&mut self.profile, self.named);
        } else {
            self.named = self.profile.locations.len();
        }
        self.named == self.profile.locations.len()
    }

    /// Whether all locations have been looked up.
    pub(crate) fn is_named(&self) -> bool {
        self.named == self.profile.locations.len()
    }

    /// The files that names are read from.
    pub(crate) fn symbols(&mut self) -> &mut Symbols {
        &mut self.symbols
    }

    /// CPU time that the samples stand for.
    pub(crate) fn sampled_cpu_ns(&self) -> u64 {
        self.counts.samples.saturating_mul(self.interval_ns as u64)
    }

    /// Memory that the profile holds, near enough for a bound.
    pub(crate) fn memory_bytes(&self) -> usize {
        /// A location, its lines, its entry in the map of addresses, and its share of functions and strings: measured on
        /// programs with long Rust names, rounded up.
        const PER_LOCATION: usize = 512;
        self.profile.stacks.memory_bytes() + self.profile.locations.len() * PER_LOCATION + self.rows_bytes()
    }

    /// The part of it that samples and label sets hold.
    fn rows_bytes(&self) -> usize {
        /// A label set with four labels and what points to it.
        const PER_LABEL_SET: usize = 192;
        self.profile.samples.memory_bytes() + self.profile.label_sets.len() * PER_LABEL_SET
    }
}

impl Timeline {
    fn label(&self) -> Label {
        let start = self.current.saturating_mul(self.window_ns);
        Label { key: self.key, value: LabelValue::Number(i64::try_from(start).unwrap_or(i64::MAX), self.unit) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { tid: 1, weight: 1, label: 0, truncated: false };

    fn aggregate(memory_limit: usize) -> Aggregate {
        let interval = Duration::from_millis(10);
        Aggregate::new(Bounds { interval, memory_limit, symbolize: false, window: None, wall: false })
    }

    fn timeline(memory_limit: usize, window: Duration) -> Aggregate {
        let interval = Duration::from_millis(10);
        Aggregate::new(Bounds { interval, memory_limit, symbolize: false, window: Some(window), wall: false })
    }

    /// Moves the start so far into the past.
    fn pass(aggregate: &mut Aggregate, time: Duration) {
        aggregate.begun = aggregate.begun.checked_sub(time).expect("the clock began before");
        aggregate.advance();
    }

    #[test]
    fn samples_are_kept_apart_by_the_window_that_they_are_taken_in() {
        let mut aggregate = timeline(usize::MAX, Duration::from_secs(1));
        for _ in 0..3 {
            aggregate.add(HEADER, &[20, 10], Duration::ZERO, || None);
            aggregate.add_lost(1);
            pass(&mut aggregate, Duration::from_secs(1));
        }
        let profile = aggregate.profile();
        let timeline = profile.timeline().expect("it is asked for");
        let windows: Vec<_> =
            profile.samples.iter().map(|sample| timeline.window(profile.label_sets.get(sample.labels))).collect();
        assert_eq!(windows, [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn windows_without_end_become_longer_and_nothing_is_lost() {
        let mut aggregate = timeline(usize::MAX, Duration::from_millis(100));
        for _ in 0..3 * MAX_WINDOWS {
            aggregate.add(HEADER, &[20, 10], Duration::ZERO, || None);
            pass(&mut aggregate, Duration::from_millis(100));
        }
        assert_eq!(aggregate.window_ns(), 400_000_000);
        assert_eq!(aggregate.reordered(), 2);
        let profile = aggregate.profile();
        assert_eq!(profile.total(0), 3 * MAX_WINDOWS as i64);
        let mut of_one: Vec<i64> = profile.samples.iter().map(|sample| sample.values[0]).collect();
        // The clock went on a little while the test ran, so a window may hold one sample more or less, and the last is not over.
        of_one.pop();
        assert!(of_one.iter().all(|count| (3..=5).contains(count)), "{of_one:?}");
        assert!(profile.label_sets.len() <= MAX_WINDOWS as usize + 1);
    }

    #[test]
    fn memory_that_is_short_costs_time_s_resolution_before_it_costs_stacks() {
        let mut aggregate = timeline(usize::MAX, Duration::from_secs(1));
        for address in 0..500 {
            aggregate.add(HEADER, &[address % 5, 10], Duration::ZERO, || None);
            pass(&mut aggregate, Duration::from_secs(1));
        }
        aggregate.memory_limit = aggregate.memory_bytes() / 2;
        for address in 0..100 {
            aggregate.add(HEADER, &[address % 6, 10], Duration::ZERO, || None);
        }
        assert_eq!(aggregate.counts.folded, 0);
        assert!(aggregate.window_ns() > 1_000_000_000);
        assert!(aggregate.memory_bytes() <= aggregate.memory_limit);
        assert_eq!(aggregate.profile().total(0), 600);
    }

    #[test]
    fn beyond_the_memory_bound_known_stacks_go_on_and_new_ones_are_folded() {
        let mut aggregate = aggregate(0);
        aggregate.memory_limit = usize::MAX;
        aggregate.add(HEADER, &[30, 20, 10], Duration::ZERO, || None);
        aggregate.memory_limit = 0;
        aggregate.add(Header { weight: 4, ..HEADER }, &[30, 20, 10], Duration::ZERO, || None);
        aggregate.add(Header { weight: 2, ..HEADER }, &[31, 20, 10], Duration::ZERO, || None);
        let counts = aggregate.counts;
        assert_eq!((counts.samples, counts.folded), (7, 2));
        let profile = aggregate.profile();
        let values: Vec<i64> = profile.samples.iter().map(|sample| sample.values[0]).collect();
        assert_eq!(values, [5, 2]);
        assert_eq!(profile.total(1), 70_000_000);
        let other = profile.samples.get(1).stack;
        let other = profile.stacks.leaf_first(other).next().expect("[other] is one frame");
        let function = profile.locations[other.0 as usize].lines[0].function;
        assert_eq!(&profile.strings[profile.functions[function.0 as usize].name], "[other]");
    }

    #[test]
    fn what_threads_used_unsampled_at_their_end_counts_where_they_were_last() {
        let mut aggregate = aggregate(usize::MAX);
        for tid in [1, 2] {
            aggregate
                .add(Header { tid, ..HEADER }, &[10 * u64::from(tid)], Duration::ZERO, || Some("worker".to_owned()));
        }
        // The third was never sampled.
        aggregate.carry(&[1, 2, 3], 3);
        let counts = aggregate.counts;
        assert_eq!((counts.samples, counts.carried), (5, 3));
        let values: Vec<i64> = aggregate.profile().samples.iter().map(|sample| sample.values[0]).collect();
        assert_eq!(values, [3, 2]);
        // 40 ms are four periods for each.
        aggregate.carry(&[1, 2], 100);
        assert_eq!(aggregate.counts.carried, 3 + 2 * 4);
    }

    #[test]
    fn an_address_of_an_unloaded_library_is_another_location_when_it_comes_back() {
        let mut aggregate = aggregate(usize::MAX);
        let library = |name: &str| unwind::Mapping {
            start: 100,
            limit: 200,
            file_offset: 0,
            path: name.into(),
            build_id: vec![0xab, 0x01],
        };
        for name in ["liba.so", "libb.so", "liba.so"] {
            aggregate.set_mappings(&[library(name)]);
            aggregate.add(HEADER, &[150], Duration::ZERO, || None);
        }
        let profile = aggregate.profile();
        let files: Vec<_> = profile.mappings.iter().map(|mapping| &profile.strings[mapping.file]).collect();
        assert_eq!(files, ["liba.so", "libb.so"], "the first library is not repeated");
        let mappings: Vec<_> = profile.locations.iter().filter_map(|location| location.mapping).collect();
        assert_eq!(mappings, [MappingId(0), MappingId(1), MappingId(0)]);
        assert_eq!(&profile.strings[profile.mappings[0].build_id], "ab01");
    }

    #[test]
    fn threads_without_end_make_label_sets_with_an_end() {
        let mut aggregate = aggregate(usize::MAX);
        for tid in 0..2 * MAX_TIDS as u32 {
            // Beyond the kernel's highest tid, so that no name is found.
            aggregate
                .add(Header { tid: 0x4000_0000 + tid, ..HEADER }, &[1], Duration::ZERO, || Some("worker".to_owned()));
            aggregate.forget_thread(0x4000_0000 + tid);
        }
        assert!(aggregate.contexts.is_empty());
        assert_eq!(aggregate.profile().label_sets.len(), MAX_TIDS + 2, "and the name alone, and the empty set");
    }
}
