//! Firefox Profiler's processed JSON, for <https://profiler.firefox.com> and samply: a thread for each value of the label
//! `thread`, its samples one after another for as long as each weighs, coloured by crate.

use std::io::{self, Write};
use std::time::Duration;

use fxprof::{
    CategoryColor, CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, StackHandle, ThreadHandle, Timestamp,
    WeightType,
};
use fxprof_processed_profile as fxprof;
use plop_profile::{LabelSetId, LabelValue};
use rustc_hash::FxHashMap;

use super::Exporter;
use crate::filter::Viewed;

/// What a sample takes of the time line where values are no time.
const STEP_NANOS: i128 = 1_000_000;

pub(super) struct Firefox;

impl Exporter for Firefox {
    fn name(&self) -> &'static str {
        "firefox"
    }

    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn extension(&self) -> &'static str {
        "firefox.json"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(out, &profile(viewed))?;
        Ok(())
    }
}

/// What one unit of a sample type is in the format.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// A time of so many nanoseconds; the format takes whole milliseconds.
    Nanoseconds(i128),
    Bytes,
    /// Whatever is counted.
    Count,
}

impl Unit {
    fn of(unit: &str) -> Self {
        match unit {
            "nanoseconds" | "ns" => Unit::Nanoseconds(1),
            "microseconds" | "us" => Unit::Nanoseconds(1_000),
            "milliseconds" | "ms" => Unit::Nanoseconds(1_000_000),
            "seconds" | "s" => Unit::Nanoseconds(1_000_000_000),
            "bytes" => Unit::Bytes,
            _ => Unit::Count,
        }
    }

    fn weight_type(self) -> WeightType {
        match self {
            Unit::Nanoseconds(_) => WeightType::TracingMs,
            Unit::Bytes => WeightType::Bytes,
            Unit::Count => WeightType::Samples,
        }
    }
}

fn profile(viewed: &Viewed<'_>) -> fxprof::Profile {
    let source = &viewed.opened.profile;
    let unit = Unit::of(viewed.unit());
    let interval = match Unit::of(&source.strings[source.period_type.unit]) {
        Unit::Nanoseconds(nanoseconds) if source.period > 0 => {
            (i128::from(source.period) * nanoseconds).try_into().unwrap_or(u64::MAX)
        }
        _ => 1_000_000,
    };
    let started = Duration::from_nanos(source.time_nanos.max(0) as u64);
    let mut profile = fxprof::Profile::new(
        "plop",
        fxprof::ReferenceTimestamp::from_duration_since_unix_epoch(started),
        fxprof::SamplingInterval::from_nanos(interval),
    );
    let start = Timestamp::from_nanos_since_reference(0);
    let frames = frames(viewed, &mut profile);
    let threads = by_thread(viewed);
    // The main thread is shown under its process's name.
    let process = profile.add_process(threads.first().map_or("", |(name, _)| name), 1, start);
    for (number, (name, values)) in threads.into_iter().enumerate() {
        let thread = profile.add_thread(process, number as u32 + 1, start, number == 0);
        profile.set_thread_name(thread, &name);
        profile.set_thread_samples_weight_type(thread, unit.weight_type());
        add_samples(&mut profile, thread, viewed, &frames, &values, unit);
    }
    profile
}

/// Each function that is in use as a frame, in the category of its crate.
fn frames(viewed: &Viewed<'_>, profile: &mut fxprof::Profile) -> FxHashMap<u32, FrameInfo> {
    const COLORS: [CategoryColor; 9] = [
        CategoryColor::Blue,
        CategoryColor::Orange,
        CategoryColor::Green,
        CategoryColor::Purple,
        CategoryColor::Yellow,
        CategoryColor::LightBlue,
        CategoryColor::Red,
        CategoryColor::LightGreen,
        CategoryColor::Magenta,
    ];
    /// Categories of their own; the crates beyond them share one.
    const MOST: usize = 250;
    let mut categories: FxHashMap<&str, CategoryHandle> = FxHashMap::default();
    let used = viewed.functions_in_use();
    let functions = (0_u32..).zip(viewed.functions).zip(used).filter(|(_, used)| *used);
    functions
        .map(|((number, function), _)| {
            let known = categories.len();
            let category = match &*function.krate {
                "" => CategoryHandle::OTHER,
                krate if known >= MOST => categories.get(krate).copied().unwrap_or(CategoryHandle::OTHER),
                krate => *categories
                    .entry(krate)
                    .or_insert_with(|| profile.add_category(krate, COLORS[known % COLORS.len()])),
            };
            let frame = FrameInfo {
                frame: Frame::Label(profile.intern_string(&function.name)),
                category_pair: category.into(),
                flags: FrameFlags::empty(),
            };
            (number, frame)
        })
        .collect()
}

/// What each node has itself, by the name of the thread that it was sampled on; threads in order of their first sample.
fn by_thread(viewed: &Viewed<'_>) -> Vec<(String, Vec<(usize, i64)>)> {
    let profile = &viewed.opened.profile;
    let thread_of = |set: LabelSetId| -> &str {
        let labels = profile.label_sets.get(set).iter();
        let name = labels.filter(|label| &profile.strings[label.key] == "thread").find_map(|label| match label.value {
            LabelValue::Text(text) => Some(&profile.strings[text]),
            LabelValue::Number(..) => None,
        });
        name.unwrap_or("all threads")
    };
    let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
    let mut threads: Vec<(String, FxHashMap<usize, i64>)> = Vec::new();
    for sample in viewed.samples() {
        let name = thread_of(sample.labels);
        let number = *numbers.entry(name).or_insert_with(|| {
            threads.push((name.to_owned(), FxHashMap::default()));
            threads.len() - 1
        });
        let value = threads[number].1.entry(viewed.tree.leaf(sample.stack)).or_default();
        *value = value.saturating_add(sample.values[viewed.sample_type]);
    }
    let in_order = |values: FxHashMap<usize, i64>| {
        let mut values: Vec<_> = values.into_iter().filter(|(_, value)| *value != 0).collect();
        values.sort_unstable();
        values
    };
    threads.into_iter().map(|(name, values)| (name, in_order(values))).collect()
}

/// Adds a thread's samples in the order of the tree, so that the same callers lie beside each other.
fn add_samples(
    profile: &mut fxprof::Profile,
    thread: ThreadHandle,
    viewed: &Viewed<'_>,
    frames: &FxHashMap<u32, FrameInfo>,
    values: &[(usize, i64)],
    unit: Unit,
) {
    let mut stacks: FxHashMap<usize, StackHandle> = FxHashMap::default();
    let mut line = TimeLine { unit, nanos: 0, millis: 0 };
    for &(node, value) in values {
        let mut missing = Vec::new();
        let mut at = node;
        while at != 0 && !stacks.contains_key(&at) {
            missing.push(at);
            at = viewed.tree.nodes[at].parent as usize;
        }
        let mut stack = stacks.get(&at).copied();
        for &at in missing.iter().rev() {
            let frame = profile.intern_frame(thread, frames[&viewed.tree.nodes[at].frame].clone());
            let made = profile.intern_stack(thread, stack, frame);
            stacks.insert(at, made);
            stack = Some(made);
        }
        let (time, mut cpu, mut weight) = line.next(value);
        // A weight has 32 bits; what does not fit into one sample goes into more of the same stack.
        loop {
            let part = weight.clamp(i32::MIN.into(), i32::MAX.into());
            profile.add_sample(thread, time, stack, cpu, part as i32);
            weight -= part;
            cpu = CpuDelta::ZERO;
            if weight == 0 {
                break;
            }
        }
    }
}

/// Where a thread's next sample lies, and what it weighs.
struct TimeLine {
    unit: Unit,
    /// The end of the last sample.
    nanos: i128,
    /// What the samples so far weigh, where weights are milliseconds.
    millis: i128,
}

impl TimeLine {
    /// Of milliseconds only whole ones can be said; the rest goes on to the next sample, so that sums are right to one.
    fn next(&mut self, value: i64) -> (Timestamp, CpuDelta, i64) {
        let begin = self.nanos;
        let (takes, weight) = match self.unit {
            Unit::Nanoseconds(each) => {
                let takes = i128::from(value) * each;
                let millis = (begin + takes).div_euclid(1_000_000);
                let weight = millis - self.millis;
                self.millis = millis;
                (takes, weight.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
            }
            Unit::Bytes => (STEP_NANOS, value),
            Unit::Count => (i128::from(value.max(1)) * STEP_NANOS, value),
        };
        self.nanos += takes;
        let nanos = |value: i128| value.clamp(0, u64::MAX.into()) as u64;
        let cpu = if matches!(self.unit, Unit::Nanoseconds(_)) { nanos(takes) } else { 0 };
        (Timestamp::from_nanos_since_reference(nanos(begin)), CpuDelta::from_nanos(cpu), weight)
    }
}
