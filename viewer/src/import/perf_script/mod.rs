//! What `perf script` prints: for each sample a line with command, thread, time and event, then a line for each frame from
//! the leaf on, then an empty line; or all in one line where no stacks were recorded.
//!
//! Read as stackcollapse-perf.pl reads it: the command is the outermost frame, a sample weighs the period that its line
//! names, or 1, and a frame without a symbol is its file in brackets. Each event is a sample type of its own, the first one
//! shown first. A frame whose file is `(inlined)` is part of the place that the next other frame names. Lines that are neither,
//! such as source lines, are passed over and counted in a comment.

mod lines;

use std::borrow::Cow;

use plop_profile::{
    Function, Label, LabelSetId, LabelValue, Line, Location, LocationId, Profile, Samples, StackId, StringId, ValueType,
};
use rustc_hash::FxHashMap;

use super::source::{Source, in_halves};
use super::{Import, Json};
use lines::{Header, frame, inlined};

pub(super) const FORMAT: &str = "perf script text";

/// How many lines may pass before the first sample.
const JUDGED: usize = 400;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() || !is_perf_script(source.text()) {
        return Ok(None);
    }
    let text = source.text();
    let (mut part, rest) = in_halves(text, b"\n\n", Part::read);
    if let Some(rest) = rest {
        // The first half ends with an empty line, so its last sample is whole.
        part.finish();
        part.add(rest);
    }
    // A last sample without an empty line behind it may lack frames; it counts only if there is no other.
    let torn = part.sample.is_some() && !part.rows.is_empty();
    if !torn {
        part.finish();
    }
    let mut profile = part.into_profile();
    profile.torn = torn;
    Ok(Some(profile))
}

fn is_perf_script(text: &str) -> bool {
    let lines = text.lines().take(JUDGED);
    let mut lines = lines.skip_while(|line| line.trim().is_empty() || line.starts_with('#'));
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    Header::parse(first).is_some() && (second.is_empty() || frame(second).is_some() || Header::parse(second).is_some())
}

/// A sample, before the events are all known.
#[derive(Clone, Copy)]
struct Row {
    stack: StackId,
    labels: LabelSetId,
    event: u32,
    value: i64,
}

/// What perf prints in place of the file of a function that is inlined into the frame below.
const INLINED: &str = "inlined";

/// A frame as it is written: its symbol and file.
type Written<'a> = (&'a str, &'a str);

/// What a stretch of the text gave.
#[derive(Default)]
struct Part<'a> {
    profile: Profile,
    rows: Vec<Row>,
    events: Vec<&'a str>,
    sample: Option<Header<'a>>,
    /// The sample's frames, leaf first.
    frames: Vec<LocationId>,
    /// Functions inlined into the frame that comes next, then that frame itself.
    place: Vec<Written<'a>>,
    /// The last sample's, root first, with the stack up to each: the next one often shares its outer ones.
    path: Vec<(LocationId, StackId)>,
    locations: FxHashMap<Vec<Written<'a>>, LocationId>,
    /// For each location what it was made of, leaf first: several where calls were inlined; commands have no file.
    written: Vec<Vec<Written<'a>>>,
    labels: FxHashMap<Written<'a>, LabelSetId>,
    passed_over: usize,
}

impl<'a> Part<'a> {
    fn read(text: &'a str) -> Self {
        let mut part = Part::default();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            part.line(&text[start..end]);
            start = end + 1;
        }
        if start < text.len() {
            part.line(&text[start..]);
        }
        part
    }

    fn line(&mut self, line: &'a str) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match line.as_bytes().first() {
            None => self.finish(),
            Some(b'#') => {}
            // Most lines by far are frames, most of them of a symbol that is known.
            Some(b' ' | b'\t') if self.sample.is_some() => match frame(line) {
                Some((symbol, file)) => self.frame(symbol, file),
                None => self.begin(line),
            },
            Some(_) => self.begin(line),
        }
    }

    /// Begins a sample, if the line does.
    fn begin(&mut self, line: &'a str) {
        let Some(header) = Header::parse(line) else {
            match frame(line).filter(|_| self.sample.is_some()) {
                Some((symbol, file)) => self.frame(symbol, file),
                None => self.passed_over += usize::from(!line.trim().is_empty()),
            }
            return;
        };
        self.finish();
        self.sample = Some(header);
        // Without stacks the sample's only frame stands behind the event.
        if let Some((symbol, file)) = frame(header.rest) {
            self.frame(symbol, file);
            self.finish();
        }
    }

    fn frame(&mut self, symbol: &'a str, file: &'a str) {
        // perf prints a process's name in parentheses among its frames.
        if symbol.starts_with('(') {
            return;
        }
        self.place.push((symbol, file));
        if file != INLINED {
            self.end_place();
        }
    }

    fn end_place(&mut self) {
        let place = std::mem::take(&mut self.place);
        let location = self.location(&place);
        self.frames.push(location);
        self.place = place;
        self.place.clear();
    }

    fn location(&mut self, written: &[Written<'a>]) -> LocationId {
        if let Some(&location) = self.locations.get(written) {
            return location;
        }
        // What is inlined lies in the same file as what it is inlined into.
        let file = written.last().map_or("", |(_, file)| file);
        let profile = &mut self.profile;
        let mut lines: Vec<Line> = Vec::new();
        for (symbol, _) in written.iter().rev() {
            let name: Cow<'_, str> = match (*symbol, file) {
                ("[unknown]", "[unknown]") | ("", "") => "[unknown]".into(),
                ("[unknown]" | "", file) => format!("[{}]", file.rsplit('/').next().unwrap_or(file)).into(),
                (symbol, _) => symbol.into(),
            };
            for name in inlined(&name) {
                let (name, file) = (profile.strings.intern(name), profile.strings.intern(file));
                let function = profile.intern_function(Function { name, file, ..Function::default() });
                lines.push(Line { function, line: 0 });
            }
        }
        // A location has the innermost callee first.
        lines.reverse();
        let location = profile.push_location(Location { lines, ..Location::default() });
        self.locations.insert(written.to_vec(), location);
        self.written.push(written.to_vec());
        location
    }

    fn finish(&mut self) {
        let Some(header) = self.sample.take() else { return };
        if !self.place.is_empty() {
            self.end_place();
        }
        let command = self.location(&[(header.command, "")]);
        self.frames.push(command);
        let shared = self.frames.iter().rev().zip(&self.path).take_while(|(ours, (before, _))| *ours == before).count();
        self.path.truncate(shared);
        let mut stack = self.path.last().map_or(StackId::EMPTY, |(_, stack)| *stack);
        for &location in self.frames[..self.frames.len() - shared].iter().rev() {
            stack = self.profile.stacks.push(stack, location);
            self.path.push((location, stack));
        }
        self.frames.clear();
        let labels = self.labels(header.command, header.thread);
        let event = self.event(header.event);
        self.rows.push(Row { stack, labels, event, value: header.period.unwrap_or(1) });
    }

    fn event(&mut self, name: &'a str) -> u32 {
        let known = self.events.iter().position(|event| *event == name);
        known.unwrap_or_else(|| {
            self.events.push(name);
            self.events.len() - 1
        }) as u32
    }

    fn labels(&mut self, command: &'a str, thread: &'a str) -> LabelSetId {
        let profile = &mut self.profile;
        *self.labels.entry((command, thread)).or_insert_with(|| {
            let [key, name, tid] = ["thread", command, "tid"].map(|text| profile.strings.intern(text));
            profile.label_sets.intern(&[
                Label { key, value: LabelValue::Text(name) },
                Label { key: tid, value: LabelValue::Number(thread.parse().unwrap_or(0), StringId::EMPTY) },
            ])
        })
    }

    /// Adds what another stretch gave.
    fn add(&mut self, other: Part<'a>) {
        let locations: Vec<LocationId> = other.written.iter().map(|written| self.location(written)).collect();
        let mut stacks = vec![StackId::EMPTY; other.profile.stacks.nodes().len()];
        for (at, node) in other.profile.stacks.nodes().iter().enumerate().skip(1) {
            let caller = stacks[node.parent.0 as usize];
            stacks[at] = self.profile.stacks.push(caller, locations[node.location.0 as usize]);
        }
        let mut labels = vec![LabelSetId::EMPTY; other.profile.label_sets.len()];
        for (&(command, thread), theirs) in &other.labels {
            labels[theirs.0 as usize] = self.labels(command, thread);
        }
        let events: Vec<u32> = other.events.iter().map(|event| self.event(event)).collect();
        self.rows.extend(other.rows.iter().map(|row| Row {
            stack: stacks[row.stack.0 as usize],
            labels: labels[row.labels.0 as usize],
            event: events[row.event as usize],
            value: row.value,
        }));
        self.sample = other.sample;
        self.frames = other.frames.iter().map(|location| locations[location.0 as usize]).collect();
        self.place = other.place;
        self.path.clear();
        self.passed_over += other.passed_over;
    }

    fn into_profile(self) -> Profile {
        let Part { mut profile, rows, events, passed_over, .. } = self;
        let unit = profile.strings.intern("count");
        profile.sample_types =
            events.iter().map(|event| ValueType { kind: profile.strings.intern(event), unit }).collect();
        profile.default_sample_type = 0;
        profile.samples = Samples::new(events.len());
        let mut values = vec![0; events.len()];
        for row in rows {
            values[row.event as usize] = row.value;
            profile.samples.add(row.stack, row.labels, &values);
            values[row.event as usize] = 0;
        }
        if passed_over > 0 {
            let comment =
                profile.strings.intern(&format!("lines that are no sample and no frame, passed over: {passed_over}"));
            profile.comments.push(comment);
        }
        profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::{open, stacks};

    #[test]
    fn samples_weigh_their_period_and_events_stay_apart() {
        let text = "# made by hand\nbusy 7 1.0: 500 cycles:\n\t 10 leaf+0x1 (/bin/busy)\n\t 20 [unknown] (/lib/libc.so)\n\n\
            busy 7 1.1: 9 faults:\n\t 10 leaf (/bin/busy)\n\nbusy 8 1.2: 300 cycles:\n\n";
        let profile = open(text);
        assert_eq!([profile.total(0), profile.total(1)], [800, 9]);
        assert_eq!(profile.default_sample_type, 0);
        assert_eq!(
            stacks(&profile),
            ["leaf<[libc.so]<busy 500 0 thread=busy", "leaf<busy 0 9 thread=busy", "busy 300 0 thread=busy"]
        );
    }

    #[test]
    fn inlined_frames_source_lines_and_frames_at_the_margin_are_read() {
        let text = "java 7 1.0: 5 cycles:\n\t 10 a->b->c+0x1 (/tmp/perf-7.map)\n  file.cpp:137\nffff main ([kernel.kallsyms])\n\n\
            java 7 1.1: 6 cycles:\n\t 20 d (/x)\n\n";
        let profile = open(text);
        assert_eq!(stacks(&profile), ["c<b<a<main<java 5 thread=java", "d<java 6 thread=java"]);
        assert_eq!(&profile.strings[profile.comments[0]], "lines that are no sample and no frame, passed over: 1");
    }

    #[test]
    fn frames_that_perf_calls_inlined_are_inlined_into_the_next_other_frame() {
        let text = "busy 7 1.0: 5 cycles:\n\t 10 leaf (inlined)\n\t 10 middle (inlined)\n  busy.rs:3\n\t 10 outer+0x1 (/bin/busy)\n\
            \t 20 main+0x9 (/bin/busy)\n\nbusy 7 1.1: 6 cycles:\n\t 30 leaf+0x2 (/bin/busy)\n\t 20 main+0x9 (/bin/busy)\n\n\
            busy 7 1.2: 7 cycles:\n\t 40 alone (inlined)\n\n";
        let profile = open(text);
        let expected =
            ["leaf<middle<outer<main<busy 5 thread=busy", "leaf<main<busy 6 thread=busy", "alone<busy 7 thread=busy"];
        assert_eq!(stacks(&profile), expected);
        let lines = |location: &Location| location.lines.len();
        assert_eq!(profile.locations.iter().map(lines).collect::<Vec<_>>(), [3, 1, 1, 1, 1]);
        assert_eq!(profile.functions.len(), 6, "leaf is one function, inlined or not");
    }

    #[test]
    fn samples_without_stacks_stand_in_one_line() {
        let text = "  false 39654 19115.489713:  1 cycles:u:  9b29 [unknown] ([unknown])\n\
            \x20 false 39654 19115.489719:  2 cycles:u:  7fa6 _dl_start+0x4 (/usr/lib/ld-2.31.so)\n";
        assert_eq!(stacks(&open(text)), ["[unknown]<false 1 thread=false", "_dl_start<false 2 thread=false"]);
    }

    #[test]
    fn a_text_in_halves_gives_what_it_gives_whole() {
        let sample = |at: usize| {
            let event = ["cycles", "faults"][at % 7 / 6];
            format!(
                "busy {} 1.{at}: {at} {event}:\n\t 10 f{} (/bin/busy)\n\t 20 g{} (/bin/busy)\n\n",
                at % 3,
                at % 13,
                at % 5
            )
        };
        let text: String = (1..200).map(sample).collect();
        let whole = Part::read(&text).into_profile();
        let middle = text[text.len() / 2..].find("\n\n").unwrap() + text.len() / 2 + 2;
        let mut part = Part::read(&text[..middle]);
        part.add(Part::read(&text[middle..]));
        let halved = part.into_profile();
        assert_eq!(stacks(&halved), stacks(&whole));
    }
}
