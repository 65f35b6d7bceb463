//! Trace events as a profile: calls that begin (`B`) and end (`E`), or both at once (`X`), on each thread; or samples with
//! a table of stack frames. All other events are passed over.
//!
//! Events may stand in any order, yet for those at one time the order says how they nest, and files in the wild end what
//! they never began. They are read as speedscope reads them: beginnings and ends in two queues, each in order of time; at
//! one time ends come first, unless the beginning is of the very call that ends; of several ends at one time the one of the
//! innermost call comes first; an end that fits the innermost call not even by name is passed over.

use std::collections::VecDeque;

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scripts::Scripts;
use super::source::{Number, Source, malformed};
use super::tally::{Tally, Timeline, Unit};
use super::trace::{Event, Text, ThreadId, ThreadNames, events};
use super::{Import, Json};

pub(super) const FORMAT: &str = "trace events";

/// Among how many ends at one time the one that fits is looked for.
const LOOKED_THROUGH: usize = 1000;

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Some(events) = events(json) else { return Ok(None) };
    let names = ThreadNames::of(&events);
    if let Json::Object(object) = json
        && object.has_all(&["stackFrames", "samples"])
    {
        let read = || samples(&object.want::<Vec<Sample<'_>>>("samples")?, &object.want("stackFrames")?, &names);
        return read().map(Some).map_err(malformed(FORMAT));
    }
    // Hermes says of each function where it begins; the first event tells.
    let hermes =
        matches!(json, Json::Array(_)) && events[0].arguments().is_some_and(|args| Hermes::parse(args.get()).is_some());
    let mut threads: Vec<(ThreadId<'_>, Vec<Event<'_>>)> = Vec::new();
    let mut known: FxHashMap<ThreadId<'_>, usize> = FxHashMap::default();
    for event in events.into_iter().filter(|event| matches!(event.phase(), "B" | "E" | "X")) {
        let at = *known.entry(event.thread()).or_insert_with_key(|thread| {
            threads.push((*thread, Vec::new()));
            threads.len() - 1
        });
        threads[at].1.push(event);
    }
    threads
        .sort_by(|(left, _), (right, _)| left.order().partial_cmp(&right.order()).unwrap_or(std::cmp::Ordering::Equal));
    let mut tally = Tally::new();
    let column = tally.column("time", Unit::Microseconds);
    let mut frames = Frames { hermes, ..Frames::default() };
    for (thread, events) in threads {
        let labels = names.labels(&mut tally.profile, thread);
        Calls::new(&events, &mut frames, &mut tally.profile).run(&mut tally, labels, column);
    }
    Ok(Some(tally.finish()))
}

/// What Hermes, the engine of React Native, says of a function.
#[derive(Deserialize)]
struct Hermes {
    line: Option<f64>,
    column: Option<f64>,
    url: Option<String>,
}

impl Hermes {
    fn parse(args: &str) -> Option<Self> {
        let object = super::source::Object::parse(args).ok()?;
        let keys = ["line", "column", "name", "category", "url", "params", "allocatedCategory", "allocatedName"];
        if !object.has_all(&keys) {
            return None;
        }
        serde_json::from_str(args).ok()
    }
}

/// The calls that events are of, by number.
#[derive(Default)]
struct Frames {
    hermes: bool,
    scripts: Scripts,
    known: FxHashMap<String, u32>,
    /// For each, its location and the number of its bare name.
    list: Vec<(LocationId, u32)>,
    names: FxHashMap<String, u32>,
}

impl Frames {
    fn frame(&mut self, event: &Event<'_>, profile: &mut Profile) -> u32 {
        let bare = match event.name() {
            "" => "(unnamed)",
            name => name,
        };
        let mut key = bare.to_owned();
        if let Some(args) = event.arguments() {
            key.push(' ');
            compact(args.get(), &mut key);
        }
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let place = event.arguments().filter(|_| self.hermes).and_then(|args| Hermes::parse(args.get()));
        let location = match place {
            Some(place) => {
                let count = |number: Option<f64>| number.map_or(0, |number| number as i64);
                let url = place.url.unwrap_or_default();
                self.scripts.location(profile, bare, &url, (count(place.line), count(place.column)))
            }
            None => profile.named_location(if self.hermes { bare } else { &key }, ""),
        };
        let names = self.names.len() as u32;
        let name = *self.names.entry(event.name().to_owned()).or_insert(names);
        self.list.push((location, name));
        self.known.insert(key, self.list.len() as u32 - 1);
        self.list.len() as u32 - 1
    }
}

/// JSON without the white space between its parts.
fn compact(json: &str, out: &mut String) {
    let (mut in_string, mut escaped) = (false, false);
    for sign in json.chars() {
        if in_string || !sign.is_ascii_whitespace() {
            out.push(sign);
        }
        if !escaped && sign == '"' {
            in_string = !in_string;
        }
        escaped = in_string && !escaped && sign == '\\';
    }
}

#[derive(Clone, Copy)]
struct Edge {
    at: f64,
    frame: u32,
}

/// One thread's beginnings and ends.
struct Calls<'a> {
    frames: &'a [(LocationId, u32)],
    begins: VecDeque<Edge>,
    ends: VecDeque<Edge>,
}

impl<'a> Calls<'a> {
    fn new(events: &[Event<'_>], frames: &'a mut Frames, profile: &mut Profile) -> Self {
        let time = |event: &Event<'_>| event.ts.unwrap_or_default().0;
        let first = events.iter().map(time).fold(f64::MAX, f64::min);
        let (mut begins, mut ends, mut both) = (Vec::new(), Vec::new(), Vec::new());
        for event in events {
            let edge = Edge { at: time(event) - first, frame: frames.frame(event, profile) };
            match event.phase() {
                "B" => begins.push(edge),
                "E" => ends.push(edge),
                _ => both.push((edge, event.dur.or(event.tdur).unwrap_or_default().0)),
            }
        }
        // Of two that begin together the longer one is the caller; of two alike the one that is written first.
        both.sort_by(|(left, left_lasts), (right, right_lasts)| {
            left.at.total_cmp(&right.at).then(right_lasts.total_cmp(left_lasts))
        });
        for (edge, lasts) in both {
            begins.push(edge);
            ends.push(Edge { at: edge.at + lasts, ..edge });
        }
        begins.sort_by(|left, right| left.at.total_cmp(&right.at));
        ends.sort_by(|left, right| left.at.total_cmp(&right.at));
        Calls { frames: &frames.list, begins: begins.into(), ends: ends.into() }
    }

    fn run(mut self, tally: &mut Tally, labels: LabelSetId, column: usize) {
        let mut timeline = Timeline::default();
        let mut open: Vec<u32> = Vec::new();
        while let Some(begins) = self.begins_next() {
            if begins {
                let Some(begin) = self.begins.pop_front() else { return };
                timeline.advance(tally, labels, column, begin.at);
                timeline.open(tally, self.frames[begin.frame as usize].0);
                open.push(begin.frame);
                continue;
            }
            if let Some(&innermost) = open.last() {
                self.bring_forward(innermost);
            }
            let Some(end) = self.ends.pop_front() else { return };
            if open.last().is_some_and(|&innermost| self.name(innermost) == self.name(end.frame)) {
                timeline.advance(tally, labels, column, end.at);
                timeline.close();
                open.pop();
            }
        }
    }

    fn name(&self, frame: u32) -> u32 {
        self.frames[frame as usize].1
    }

    /// Whether a beginning comes next, or an end; `None` when there is neither.
    fn begins_next(&self) -> Option<bool> {
        match (self.begins.front(), self.ends.front()) {
            (None, None) => None,
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (Some(begin), Some(end)) if begin.at == end.at => Some(begin.frame == end.frame),
            (Some(begin), Some(end)) => Some(begin.at < end.at),
        }
    }

    /// Of the ends at the time of the next, brings forward the one that fits the innermost call best.
    fn bring_forward(&mut self, innermost: u32) {
        let Some(&next) = self.ends.front() else { return };
        let together = || self.ends.iter().take(LOOKED_THROUGH).take_while(|end| end.at == next.at);
        let same = together().position(|end| end.frame == innermost);
        let fits = same.or_else(|| together().position(|end| self.name(end.frame) == self.name(innermost)));
        if let Some(at) = fits {
            self.ends.swap(0, at);
        }
    }
}

#[derive(Deserialize)]
struct Sample<'a> {
    #[serde(borrow, default)]
    pid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tid: Option<&'a RawValue>,
    #[serde(default)]
    ts: Number,
    #[serde(default)]
    sf: Number,
}

#[derive(Deserialize)]
struct StackFrame<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(default)]
    parent: Option<Number>,
}

/// Samples with their stacks; each lasts until the thread's next.
fn samples(
    samples: &[Sample<'_>],
    frames: &FxHashMap<String, StackFrame<'_>>,
    names: &ThreadNames<'_>,
) -> Result<Profile, String> {
    let mut tally = Tally::new();
    let column = tally.column("time", Unit::Microseconds);
    let mut threads: Vec<(ThreadId<'_>, Vec<&Sample<'_>>)> = Vec::new();
    for sample in samples {
        let thread = ThreadId::of(sample.pid, sample.tid);
        match threads.iter_mut().find(|(known, _)| *known == thread) {
            Some((_, list)) => list.push(sample),
            None => threads.push((thread, vec![sample])),
        }
    }
    threads
        .sort_by(|(left, _), (right, _)| left.order().partial_cmp(&right.order()).unwrap_or(std::cmp::Ordering::Equal));
    let mut stacks: FxHashMap<u64, StackId> = FxHashMap::default();
    for (thread, list) in threads {
        let labels = names.labels(&mut tally.profile, thread);
        for pair in list.windows(2) {
            let stack = stack(pair[0].sf.0 as u64, frames, &mut stacks, &mut tally.profile)?;
            if stack != StackId::EMPTY {
                tally.add(stack, labels, column, pair[1].ts.0 - pair[0].ts.0);
            }
        }
    }
    Ok(tally.finish())
}

/// The stack whose leaf is that frame; 0 is none.
fn stack(
    leaf: u64,
    frames: &FxHashMap<String, StackFrame<'_>>,
    known: &mut FxHashMap<u64, StackId>,
    profile: &mut Profile,
) -> Result<StackId, String> {
    let (mut chain, mut next) = (Vec::new(), leaf);
    while next != 0 && !known.contains_key(&next) {
        let frame = frames.get(&next.to_string()).ok_or_else(|| format!("there is no stack frame {next}"))?;
        chain.push((next, frame));
        if chain.len() > frames.len() {
            return Err(format!("stack frame {leaf} is its own caller"));
        }
        next = frame.parent.unwrap_or_default().0 as u64;
    }
    let mut stack = known.get(&next).copied().unwrap_or(StackId::EMPTY);
    for (id, frame) in chain.into_iter().rev() {
        let location = profile.named_location(&frame.name.0, "");
        stack = profile.stacks.push(stack, location);
        known.insert(id, stack);
    }
    Ok(stack)
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    fn event(phase: &str, name: &str, ts: u32, more: &str) -> String {
        format!(r#"{{"pid":1,"tid":2,"ph":"{phase}","name":"{name}","ts":{ts}{more}}}"#)
    }

    fn read(events: &[String]) -> Vec<String> {
        let label = " thread=2 pid=1 tid=2";
        stacks(&open(&format!("[{}]", events.join(",")))).iter().map(|line| line.replace(label, "")).collect()
    }

    #[test]
    fn a_recording_that_breaks_off_is_read_as_far_as_it_goes() {
        let whole = r#"{"displayTimeUnit":"ns","traceEvents":[{"ph":"X","name":"a","ts":0,"dur":2},{"ph":"X","name":"b","ts":3,"dur":1}]}"#;
        assert_eq!(stacks(&open(whole)), ["a 2", "b 1"]);
        let torn = open(&whole[..whole.len() - 12]);
        assert_eq!((stacks(&torn), torn.torn), (vec!["a 2".to_owned()], true));
        assert!(open(&whole[..whole.len() - 1]).torn);
        assert!(refusal(r#"{"traceEvents":[{"ph":"X"}"#.trim_end_matches('}')).contains("EOF"));
        assert!(refusal(r#"{"traceEvents" [{"ph":"X","name":"a","ts":0,"dur":2}"#).contains("expected `:`"));
    }

    #[test]
    fn calls_nest_by_time_whatever_their_order() {
        let b = |name, ts| event("B", name, ts, "");
        let e = |name, ts| event("E", name, ts, "");
        let expected = ["a 1", "b<a 3", "c<b<a 6"];
        assert_eq!(read(&[e("c", 9), b("a", 0), e("a", 10), b("c", 3), b("b", 1), e("b", 10)]), expected);
        assert_eq!(read(&[b("a", 0), b("b", 1), b("c", 3), e("a", 10), e("b", 10), e("c", 9)]), expected);
    }

    #[test]
    fn whole_calls_nest_by_their_duration() {
        let x = |name, ts, dur: u32| event("X", name, ts, &format!(r#","dur":{dur}"#));
        assert_eq!(read(&[x("b", 0, 4), x("a", 0, 10), x("c", 4, 2)]), ["b<a 4", "c<a 2", "a 4"]);
    }

    #[test]
    fn ends_that_fit_nothing_are_passed_over_and_open_calls_last_to_the_end() {
        let b = |name, ts| event("B", name, ts, "");
        let e = |name, ts| event("E", name, ts, "");
        assert_eq!(read(&[b("a", 0), b("b", 1), e("a", 3), e("b", 10)]), ["a 1", "b<a 9"]);
        assert_eq!(read(&[e("x", 0), b("a", 1), b("b", 4)]), ["a 3"]);
    }

    #[test]
    fn arguments_tell_calls_apart_and_an_end_needs_only_the_name() {
        let events = [event("B", "a", 0, r#","args":{ "x": "1 2" }"#), event("E", "a", 5, r#","args":{"x":2}"#)];
        assert_eq!(read(&events), [r#"a {"x":"1 2"} 5"#]);
    }

    #[test]
    fn a_list_that_breaks_off_is_read_as_far_as_it_goes() {
        let text = format!("[{},\n{},\n", event("B", "a", 0, ""), event("E", "a", 5, ""));
        let profile = open(&text);
        assert_eq!((profile.total(0), profile.torn), (5, false), "a list may go without its last bracket");
        let profile = open(&format!("{text}{{\"pid\":1,\"ti"));
        assert_eq!((profile.total(0), profile.torn), (5, true));
    }

    #[test]
    fn samples_with_a_table_of_frames_last_until_the_next() {
        let text = r#"{"traceEvents":[{"name":"thread_name","ph":"M","pid":1,"tid":"2","args":{"name":"js"}}],
            "samples":[{"pid":1,"tid":"2","ts":"10","sf":2},{"pid":1,"tid":"2","ts":"15","sf":1},{"pid":1,"tid":"2","ts":"18","sf":1}],
            "stackFrames":{"1":{"name":"root","category":"r"},"2":{"name":"leaf","category":"j","parent":1}}}"#;
        assert_eq!(stacks(&open(text)), ["leaf<root 5 thread=js pid=1 tid=2", "root 3 thread=js pid=1 tid=2"]);
    }
}
