//! From samples to a profile: stacks become a calling-context tree, threads and labels become label sets, and what is lost
//! or beyond the memory bound becomes a visible sample. Knows neither where samples come from nor where the profile goes.

mod code;
mod contexts;
mod timeline;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plop_profile::{Label, LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;

use self::code::Code;
use self::contexts::{Contexts, MAX_SETS_WITH_TID};
use self::timeline::Timeline;
use crate::engine::wall::Place;
use crate::signal::buffer::Header;
use crate::symbols::Symbols;
use crate::unwind;

/// How much of the CPU time of a thread that is gone can count although it was not sampled.
const MOST_CARRIED: Duration = Duration::from_millis(40);

/// The profile while it grows.
pub(crate) struct Aggregate {
    profile: Profile,
    interval_ns: i64,
    begun: Instant,
    memory_limit: usize,
    symbolize: bool,
    symbols: Symbols,
    code: Code,
    contexts: Contexts,
    /// What threads had used before they were sampled, though their tid had an entry: another's, who was gone.
    owed: FxHashMap<u32, Duration>,
    /// Where samples are kept apart by time.
    timeline: Option<Timeline>,
    stand_ins: StandIns,
    /// The addresses of the last sample from the root on, each with the stack that it ends.
    last: Vec<(u64, StackId)>,
    pub(crate) counts: Counts,
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

/// Frames that are not code.
struct StandIns {
    lost: LocationId,
    other: LocationId,
    own: LocationId,
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
        let stand_ins = StandIns {
            lost: profile.named_location("[lost]", ""),
            other: profile.named_location("[other]", ""),
            own: profile.named_location("[plop]", ""),
        };
        Aggregate {
            contexts: Contexts::new(&mut profile.strings),
            owed: FxHashMap::default(),
            timeline: window.map(|window| Timeline::new(window, &mut profile.strings)),
            profile,
            interval_ns,
            begun: Instant::now(),
            memory_limit,
            symbolize,
            symbols: Symbols::default(),
            code: Code::default(),
            stand_ins,
            last: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// The profile as it is, with the duration up to now and names as far as they have been looked up.
    pub(crate) fn profile(&mut self) -> &mut Profile {
        self.profile.duration_nanos = self.begun.elapsed().as_nanos() as i64;
        &mut self.profile
    }

    /// Takes note of what is mapped now.
    pub(crate) fn set_mappings(&mut self, now: &[unwind::Mapping]) {
        self.code.set_mappings(now, self.symbolize, &mut self.profile);
        self.last.clear();
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
            (self.profile.stacks.push(StackId::EMPTY, self.stand_ins.other), self.labels(Vec::new()))
        });
        self.count(stack, labels, weight, wall);
        if weight > 0 {
            self.contexts.note(Place { tid: header.tid, stack, label: header.label });
        }
        stack
    }

    /// Adds samples to threads that are over, each where it was last: so much of their time went without. The time that a thread
    /// uses between the last tick of the kernel that it sees and its end is some milliseconds; more than [`MOST_CARRIED`], and
    /// what it is owed, is not believed.
    pub(crate) fn carry(&mut self, over: impl Iterator<Item = u32>, weight: u64) {
        let places: Vec<Place> = over.filter_map(|tid| self.contexts.last(tid)).collect();
        let (count, mut left) = (places.len() as u64, weight);
        for (at, place) in places.into_iter().enumerate() {
            let most = MOST_CARRIED + self.owed.remove(&place.tid).unwrap_or_default();
            let most = (most.as_nanos() as u64).div_ceil(self.interval_ns as u64);
            let share = left.div_ceil(count - at as u64).min(most);
            left -= share;
            if share > 0 {
                self.counts.samples += share;
                self.counts.carried += share;
                let time = self.timeline.as_ref().map(Timeline::label);
                let labels = self.contexts.known_set_of((place.tid, place.label), time, &mut self.profile);
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
        let stack = self.profile.stacks.push(StackId::EMPTY, self.stand_ins.lost);
        let labels = self.labels(Vec::new());
        self.count(stack, labels, weight, Duration::ZERO);
    }

    /// Adds what the collector's own thread has used, which no signal samples.
    pub(crate) fn add_own(&mut self, weight: u64) {
        self.counts.samples += weight;
        let stack = self.profile.stacks.push(StackId::EMPTY, self.stand_ins.own);
        let name = self.profile.strings.intern("plop");
        let labels = self.labels(vec![self.contexts.thread_label(name)]);
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

    /// The stack of these addresses. What it has in common with the last one, often half of it, need not be looked up.
    fn stack(&mut self, frames: &[u64]) -> StackId {
        let from_root = frames.iter().rev();
        let same = from_root.clone().zip(&self.last).take_while(|(address, (known, _))| *address == known).count();
        self.last.truncate(same);
        let mut stack = self.last.last().map_or(StackId::EMPTY, |&(_, stack)| stack);
        for &address in from_root.skip(same) {
            let location = self.code.location(address, &mut self.profile);
            stack = self.profile.stacks.push(stack, location);
            self.last.push((address, stack));
        }
        stack
    }

    /// The stack, if nothing needs to be added for it.
    fn known_stack(&self, frames: &[u64], labels: LabelSetId) -> Option<StackId> {
        let stack = frames
            .iter()
            .rev()
            .try_fold(StackId::EMPTY, |caller, address| self.profile.stacks.find(caller, self.code.known(*address)?))?;
        self.profile.samples.find(stack, labels).map(|_| stack)
    }

    fn context(&mut self, tid: u32, label: u32, first_name: impl FnOnce() -> Option<String>) -> LabelSetId {
        let time = self.timeline.as_ref().map(Timeline::label);
        self.contexts.set_of((tid, label), time, first_name, &mut self.profile)
    }

    /// The set of these labels, and of the time if samples are kept apart by it.
    fn labels(&mut self, mut labels: Vec<Label>) -> LabelSetId {
        labels.extend(self.timeline.as_ref().map(Timeline::label));
        self.profile.label_sets.intern(&labels)
    }

    /// Goes on to the window of time that it is now, if samples are kept apart by time. They count for the window in which they
    /// are taken out of the buffer, at most the drain's longest pause after they were taken.
    pub(crate) fn advance(&mut self) {
        let passed = self.begun.elapsed();
        if self.timeline.as_mut().is_some_and(|timeline| timeline.advance(passed, &mut self.profile)) {
            self.contexts.forget_sets();
        }
    }

    /// Makes two windows of time one, all along; `false` when there are no two.
    fn coarsen(&mut self) -> bool {
        let done = self.timeline.as_mut().is_some_and(|timeline| timeline.coarsen(&mut self.profile));
        if done {
            self.contexts.forget_sets();
        }
        done
    }

    /// How often the samples were put in a new order, so that what is written of them does not fit any more.
    pub(crate) fn reordered(&self) -> u32 {
        self.timeline.as_ref().map_or(0, Timeline::coarsened)
    }

    /// The length of the windows of time; 0 if there are none.
    pub(crate) fn window_ns(&self) -> u64 {
        self.timeline.as_ref().map_or(0, Timeline::window_ns)
    }

    /// Forgets a thread that is gone: its tid may come back as another's.
    pub(crate) fn forget_thread(&mut self, tid: u32) {
        self.contexts.forget_thread(tid);
        self.owed.remove(&tid);
    }

    /// A thread that is sampled from now on has used so much before.
    pub(crate) fn owe(&mut self, tid: u32, used: Duration) {
        self.owed.insert(tid, used);
    }

    /// Looks up the names of some of the locations that have none yet.
    pub(crate) fn name_some(&mut self) {
        if self.symbolize {
            self.symbols.name_locations(&mut self.profile);
        }
    }

    /// Whether all locations have been looked up.
    pub(crate) fn is_named(&self) -> bool {
        !self.symbolize || self.symbols.is_done(&self.profile)
    }

    /// The files that names are read from.
    pub(crate) fn symbols(&mut self) -> &mut Symbols {
        &mut self.symbols
    }

    /// Memory that reading names holds, which is given back later.
    pub(crate) fn reading_bytes(&self) -> usize {
        self.symbols.memory_bytes()
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

#[cfg(test)]
mod tests {
    use super::contexts::MAX_TIDS;
    use super::timeline::MAX_WINDOWS;
    use super::*;
    use plop_profile::MappingId;

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
        aggregate.carry([1, 2, 3].into_iter(), 3);
        let counts = aggregate.counts;
        assert_eq!((counts.samples, counts.carried), (5, 3));
        let values: Vec<i64> = aggregate.profile().samples.iter().map(|sample| sample.values[0]).collect();
        assert_eq!(values, [3, 2]);
        // 40 ms are four periods for each.
        aggregate.carry([1, 2].into_iter(), 100);
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
        assert!(aggregate.contexts.knows_no_set());
        assert_eq!(aggregate.profile().label_sets.len(), MAX_TIDS + 2, "and the name alone, and the empty set");
    }
}
