//! What `perf script` prints: for each sample a line with command, thread, time and event, then a line for each frame from
//! the leaf on, then an empty line.
//!
//! Read as stackcollapse-perf.pl reads it: the command is the outermost frame, a sample weighs the period that its line
//! names, or 1, and a frame without a symbol is its file in brackets. Each event is a sample type of its own, the first one
//! shown first.

use std::borrow::Cow;

use plop_profile::{Label, LabelSetId, LabelValue, LocationId, Profile, StringId};
use rustc_hash::FxHashMap;

use super::source::Source;
use super::{Import, Json, Malformed};

pub(super) const FORMAT: &str = "perf script text";

/// How many lines may pass before the first sample.
const JUDGED: usize = 400;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() {
        return Ok(None);
    }
    let text = source.text();
    let mut lines = text.lines().take(JUDGED).skip_while(|line| line.is_empty() || line.starts_with('#'));
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return Ok(None) };
    if Header::parse(first).is_none()
        || !(second.is_empty() || frame(second).is_some() || Header::parse(second).is_some())
    {
        return Ok(None);
    }
    let events = events(text);
    let mut reader = Reader::new(&events);
    for (number, line) in text.lines().enumerate() {
        let broken = |reason: &str| Malformed { format: FORMAT, reason: format!("line {}: {reason}", number + 1) };
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            reader.finish();
        } else if line.starts_with([' ', '\t']) && reader.sample.is_some() {
            let (symbol, file) = frame(line).ok_or_else(|| broken("no frame"))?;
            reader.frame(symbol, file);
        } else {
            reader.finish();
            reader.sample = Some(Header::parse(line).ok_or_else(|| broken("neither a sample nor a frame"))?);
        }
    }
    // A last sample without an empty line behind it may lack frames; it counts only if there is no other.
    reader.profile.torn = reader.sample.is_some() && !reader.profile.samples.is_empty();
    if !reader.profile.torn {
        reader.finish();
    }
    Ok(Some(reader.profile))
}

/// The line that begins a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header<'a> {
    command: &'a str,
    thread: &'a str,
    period: Option<i64>,
    event: &'a str,
}

impl<'a> Header<'a> {
    /// `command 1234/5678 [001] 12.345678: 1000 cycles:u:`; process, processor and period may be missing, and the command
    /// may hold spaces.
    fn parse(line: &'a str) -> Option<Self> {
        let is_time = |word: &str| {
            word.strip_suffix(':').is_some_and(|time| {
                time.contains('.') && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            })
        };
        let digits = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let Some(time) = line.split_whitespace().find(|word| is_time(word)) else { return Header::without_time(line) };
        let time_at = time.as_ptr() as usize - line.as_ptr() as usize;
        let (before, after) = (line[..time_at].trim_end(), line[time_at + time.len()..].trim());
        let before = match before.rsplit_once(char::is_whitespace) {
            Some((rest, word)) if word.starts_with('[') && word.ends_with(']') => rest.trim_end(),
            _ => before,
        };
        let (command, ids) = before.rsplit_once(char::is_whitespace)?;
        let thread = ids.rsplit('/').next()?;
        if !ids.split('/').all(digits) || command.trim().is_empty() {
            return None;
        }
        let (first, rest) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
        let (period, event) = if digits(first) { (Some(first.parse().ok()?), rest.trim()) } else { (None, after) };
        let event = event.split_whitespace().next().unwrap_or_default();
        Some(Header { command: command.trim(), thread, period, event: event.trim_end_matches(':') })
    }
}

impl<'a> Header<'a> {
    /// `command 1234 cycles:`, or with a period before the event.
    fn without_time(line: &'a str) -> Option<Self> {
        let digits = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let (before, event) = line.trim_end().rsplit_once(char::is_whitespace)?;
        let event = event.strip_suffix(':')?;
        let (command, last) = before.trim_end().rsplit_once(char::is_whitespace)?;
        let (command, thread, period) = match command.trim_end().rsplit_once(char::is_whitespace) {
            Some((command, thread)) if digits(thread) && digits(last) => (command, thread, last.parse().ok()),
            _ => (command, last, None),
        };
        let thread = thread.rsplit('/').next()?;
        let well_formed = !command.trim().is_empty() && digits(thread) && !event.is_empty();
        well_formed.then(|| Header { command: command.trim(), thread, period, event: event.trim_end_matches(':') })
    }
}

/// A frame's symbol, without its offset, and the file that it lies in.
fn frame(line: &str) -> Option<(&str, &str)> {
    let (address, rest) = line.trim_start().split_once(' ')?;
    if address.is_empty() || !address.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let rest = rest.trim();
    // The file is the last thing in parentheses; both it and the symbol may hold parentheses and spaces.
    let inner = rest.strip_suffix(')')?;
    let open = inner.rfind(" (").or_else(|| inner.starts_with('(').then_some(0))?;
    let (symbol, file) = (inner[..open].trim(), inner[open..].trim_start().trim_start_matches('('));
    let symbol = match symbol.rsplit_once("+0x") {
        Some((name, offset)) if offset.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => symbol,
    };
    Some((symbol, file))
}

/// The events of a text, in the order of their first appearance.
fn events(text: &str) -> Vec<&str> {
    let mut events: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#']) && !line.is_empty()) {
        // Most lines repeat the last event; only the others need to be parsed.
        if let Some(last) = events.last()
            && line.trim_end().trim_end_matches(':').ends_with(last)
        {
            continue;
        }
        if let Some(header) = Header::parse(line)
            && !events.contains(&header.event)
        {
            events.push(header.event);
        }
    }
    events
}

struct Reader<'a> {
    profile: Profile,
    events: FxHashMap<&'a str, usize>,
    values: Vec<i64>,
    sample: Option<Header<'a>>,
    /// The sample's frames, leaf first.
    frames: Vec<LocationId>,
    locations: FxHashMap<(&'a str, &'a str), LocationId>,
    labels: FxHashMap<(&'a str, &'a str), LabelSetId>,
}

impl<'a> Reader<'a> {
    fn new(events: &[&'a str]) -> Self {
        let mut profile = Profile::new(events.iter().map(|event| (*event, "count")));
        profile.default_sample_type = 0;
        Reader {
            profile,
            events: events.iter().enumerate().map(|(at, event)| (*event, at)).collect(),
            values: vec![0; events.len()],
            sample: None,
            frames: Vec::new(),
            locations: FxHashMap::default(),
            labels: FxHashMap::default(),
        }
    }

    fn frame(&mut self, symbol: &'a str, file: &'a str) {
        // perf prints a process's name in parentheses among its frames.
        if symbol.starts_with('(') {
            return;
        }
        if let Some(&location) = self.locations.get(&(symbol, file)) {
            self.frames.push(location);
            return;
        }
        let name: Cow<'_, str> = match (symbol, file) {
            ("[unknown]", "[unknown]") => "[unknown]".into(),
            ("[unknown]", file) => {
                format!("[{}]", file.rsplit('/').next().unwrap_or(file).trim_matches(['[', ']'])).into()
            }
            _ => symbol.into(),
        };
        let location = self.profile.named_location(&name, file);
        self.locations.insert((symbol, file), location);
        self.frames.push(location);
    }

    fn finish(&mut self) {
        let Some(header) = self.sample.take() else { return };
        let command = self.profile.named_location(header.command, "");
        self.frames.push(command);
        let stack = self.profile.stacks.intern(self.frames.drain(..));
        let labels = self.labels(header);
        if let Some(&event) = self.events.get(header.event) {
            self.values[event] = header.period.unwrap_or(1);
            self.profile.samples.add(stack, labels, &self.values);
            self.values[event] = 0;
        }
    }

    fn labels(&mut self, header: Header<'a>) -> LabelSetId {
        let profile = &mut self.profile;
        *self.labels.entry((header.command, header.thread)).or_insert_with(|| {
            let [thread, name, tid] = ["thread", header.command, "tid"].map(|text| profile.strings.intern(text));
            let number = header.thread.parse().unwrap_or(0);
            profile.label_sets.intern(&[
                Label { key: thread, value: LabelValue::Text(name) },
                Label { key: tid, value: LabelValue::Number(number, StringId::EMPTY) },
            ])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::{open_bytes, refusal};

    #[test]
    fn the_first_line_of_a_sample_is_read_in_all_its_forms() {
        let header = |command, thread, period, event| Some(Header { command, thread, period, event });
        assert_eq!(
            Header::parse("iperf 27409/28744 [000] 441995.133575: cpu-clock: "),
            header("iperf", "28744", None, "cpu-clock")
        );
        assert_eq!(
            Header::parse("spshell 31714 451945.594655:   22145531 cycles: "),
            header("spshell", "31714", Some(22_145_531), "cycles")
        );
        assert_eq!(
            Header::parse("Web Content  10 [001] 1.5:  7 cycles:u:"),
            header("Web Content", "10", Some(7), "cycles:u")
        );
        assert_eq!(Header::parse("func_ab 15294 cpu-clock: "), header("func_ab", "15294", None, "cpu-clock"));
        assert_eq!(Header::parse("main;a;b 3"), None);
    }

    #[test]
    fn frames_lose_their_offset_and_keep_their_parentheses() {
        assert_eq!(frame("\t  643 _Z4betav+0x1f (/opt/simple)"), Some(("_Z4betav", "/opt/simple")));
        assert_eq!(frame(" ffff call(int) const (/lib/my lib.so)"), Some(("call(int) const", "/lib/my lib.so")));
        assert_eq!(frame("\t 6ce2 [unknown] ([unknown])"), Some(("[unknown]", "[unknown]")));
        assert_eq!(frame("\tnot a frame"), None);
    }

    #[test]
    fn samples_weigh_their_period_and_events_stay_apart() {
        let text =
            b"# made by hand\nbusy 7 1.0: 500 cycles:\n\t 10 leaf+0x1 (/bin/busy)\n\t 20 [unknown] (/lib/libc.so)\n\n\
            busy 7 1.1: 9 faults:\n\t 10 leaf (/bin/busy)\n\nbusy 8 1.2: 300 cycles:\n\n";
        let profile = open_bytes(text);
        assert_eq!([profile.total(0), profile.total(1)], [800, 9]);
        assert_eq!(profile.default_sample_type, 0);
        let names: Vec<String> = profile
            .stacks
            .leaf_first(profile.samples.get(0).stack)
            .map(|at| profile.locations[at.0 as usize].lines[0].function)
            .map(|function| profile.frame_name(plop_profile::Frame::Function(function)).into_owned())
            .collect();
        assert_eq!(names, ["leaf", "[libc.so]", "busy"]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = refusal("busy 7 1.0: 500 cycles:\n\t 10 leaf (/bin/busy)\n\nwhat is this\n\n");
        assert_eq!(error, "broken perf script text: line 4: neither a sample nor a frame");
    }
}
