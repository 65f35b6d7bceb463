//! Folded stacks, as stackcollapse-*.pl, inferno and async-profiler write them: a line for each stack, frames from the root
//! joined by `;`, a space, the count.
//!
//! Counts may be fractional; then all are kept in thousandths (a unit of `milli` and the count's own). Lines may
//! end in CRLF, frames may hold spaces. Lines that start with `#` or `//` are
//! remarks. Other lines without a count are passed over, as the tools that read this format do, and counted in a comment.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;

use super::source::{Source, in_halves};
use super::{Import, Json};

pub(super) const FORMAT: &str = "folded stacks";

/// How many lines a text is judged by.
const JUDGED: usize = 64;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() {
        return Ok(None);
    }
    let text = source.text();
    let judged = lines(text).take(JUDGED).count();
    let whole = lines(text).take(JUDGED).filter(|line| split(line).is_some()).count();
    // A few broken lines are broken lines; many are another format.
    if judged == 0 || whole * 3 < judged * 2 || !lines(text).take(JUDGED).any(is_stack) {
        return Ok(None);
    }
    let Part { mut profile, broken, .. } = match read(text, Counts::Whole) {
        Ok(part) => part,
        Err(Fraction) => read(text, Counts::Thousandths).unwrap_or_else(|_| unreachable!("thousandths hold fractions")),
    };
    if broken > 0 {
        let comment = profile.strings.intern(&format!("lines without a count, passed over: {broken}"));
        profile.comments.push(comment);
    }
    Ok(Some(profile))
}

fn read(text: &str, counts: Counts) -> Result<Part<'_>, Fraction> {
    let (first, second) = in_halves(text, b"\n", |text| Part::read(text, counts));
    let mut part = first?;
    if let Some(second) = second {
        part.add(second?);
    }
    Ok(part)
}

/// The lines that are no remarks.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    let lines = ends.map(move |end| {
        let line = text[start..end].trim_end();
        start = (end + 1).min(text.len());
        line
    });
    lines.filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//"))
}

/// A line's stack and count.
fn split(line: &str) -> Option<(&str, &str)> {
    let (stack, count) = line.rsplit_once(' ')?;
    let number = count.strip_prefix('-').unwrap_or(count);
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(part) && !stack.trim().is_empty()).then_some((stack, count))
}

/// Whether a line looks like a stack rather than like prose that ends in a number.
fn is_stack(line: &str) -> bool {
    split(line).is_some_and(|(stack, _)| stack.contains(';') || !stack.contains(' ') || stack.contains("::"))
}

/// How counts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Whole,
    Thousandths,
}

/// There is a count that is not whole, where whole ones were expected.
#[derive(Debug)]
struct Fraction;

/// What a stretch of the text gave.
struct Part<'a> {
    profile: Profile,
    counts: Counts,
    /// The stack of the line before: for each frame where it ends in the line, and its node. The next line shares its start.
    path: Vec<(usize, StackId)>,
    line: &'a str,
    locations: FxHashMap<&'a str, LocationId>,
    broken: usize,
}

impl<'a> Part<'a> {
    fn read(text: &'a str, counts: Counts) -> Result<Self, Fraction> {
        let unit = if counts == Counts::Whole { "count" } else { "millicount" };
        let profile = Profile::new([("samples", unit)]);
        let mut part = Part { profile, counts, path: Vec::new(), line: "", locations: FxHashMap::default(), broken: 0 };
        for line in lines(text) {
            let split = split(line);
            if counts == Counts::Whole && split.is_some_and(|(_, count)| count.contains('.')) {
                return Err(Fraction);
            }
            let added = split.and_then(|(stack, count)| part.line(stack, count));
            part.broken += usize::from(added.is_none());
        }
        Ok(part)
    }

    fn line(&mut self, stack: &'a str, count: &str) -> Option<()> {
        let value = match self.counts {
            Counts::Whole => count.parse().ok()?,
            Counts::Thousandths => thousandths(count)?,
        };
        let shared = common_prefix(self.line.as_bytes(), stack.as_bytes());
        // Frames that end within what both lines share, at a `;` of both, are the same.
        let ends_alike =
            |end: usize| end < shared || end == shared && stack.len() == shared && self.line.len() == shared;
        while self.path.last().is_some_and(|(end, _)| !ends_alike(*end)) {
            self.path.pop();
        }
        let (mut start, mut caller) = self.path.last().map_or((0, StackId::EMPTY), |(end, node)| (end + 1, *node));
        let rest = &stack.as_bytes()[start.min(stack.len())..];
        let first = start;
        let ends = memchr::memchr_iter(b';', rest).map(|at| first + at).chain([stack.len()]);
        for end in ends.filter(|end| *end >= first) {
            if start < end {
                let location = self.location(&stack[start..end]);
                caller = self.profile.stacks.push(caller, location);
            }
            self.path.push((end, caller));
            start = end + 1;
        }
        self.line = stack;
        self.profile.samples.add(caller, LabelSetId::EMPTY, &[value]);
        Some(())
    }

    fn location(&mut self, name: &'a str) -> LocationId {
        *self.locations.entry(name).or_insert_with(|| self.profile.named_location(name, ""))
    }

    /// Adds what another stretch gave.
    fn add(&mut self, other: Part<'a>) {
        let mut names = vec![""; other.profile.locations.len()];
        other.locations.iter().for_each(|(name, location)| names[location.0 as usize] = name);
        let locations: Vec<LocationId> = names.into_iter().map(|name| self.location(name)).collect();
        let mut stacks = vec![StackId::EMPTY; other.profile.stacks.nodes().len()];
        for (at, node) in other.profile.stacks.nodes().iter().enumerate().skip(1) {
            let caller = stacks[node.parent.0 as usize];
            stacks[at] = self.profile.stacks.push(caller, locations[node.location.0 as usize]);
        }
        for sample in other.profile.samples.iter() {
            self.profile.samples.add(stacks[sample.stack.0 as usize], LabelSetId::EMPTY, sample.values);
        }
        self.broken += other.broken;
    }
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let (mut at, most) = (0, left.len().min(right.len()));
    while at + 8 <= most && left[at..at + 8] == right[at..at + 8] {
        at += 8;
    }
    at + left[at..most].iter().zip(&right[at..most]).take_while(|(left, right)| left == right).count()
}

/// A decimal number in thousandths; what is finer is cut off.
fn thousandths(count: &str) -> Option<i64> {
    let (whole, part) = count.split_once('.').unwrap_or((count, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    let (whole, part): (i64, i64) = (whole.trim_start_matches('-').parse().ok()?, digits.parse().ok()?);
    let value = whole.checked_mul(1000)?.checked_add(part)?;
    Some(if count.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::import;

    fn stacks(bytes: &[u8]) -> Vec<(String, i64)> {
        let profile = crate::import::tests::open_bytes(bytes);
        let name = |location: LocationId| {
            let function = profile.locations[location.0 as usize].lines[0].function;
            profile.strings[profile.functions[function.0 as usize].name].to_owned()
        };
        let stack = |stack| profile.stacks.leaf_first(stack).map(name).collect::<Vec<_>>().join("<");
        profile.samples.iter().map(|sample| (stack(sample.stack), sample.values[0])).collect()
    }

    #[test]
    fn each_line_is_a_stack_with_its_count() {
        let read = stacks(b"main;a;b 3\nmain;a 1\nmain;ab 2\r\nmain;a;b 4\nmain;operator new(unsigned long);b 1\n");
        let expected = [("b<a<main", 7), ("a<main", 1), ("ab<main", 2), ("b<operator new(unsigned long)<main", 1)];
        assert_eq!(read, expected.map(|(stack, value)| (stack.to_owned(), value)));
    }

    #[test]
    fn wide_text_and_fractions_are_read() {
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("main;a 2\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(stacks(&wide), [("a<main".to_owned(), 2)]);
        assert_eq!(stacks(b"main;a 1.5\nmain 2\n"), [("a<main".to_owned(), 1500), ("main".to_owned(), 2000)]);
    }

    #[test]
    fn other_texts_are_left_to_others() {
        for foreign in [&b"{\"a\": 1}"[..], b"# only remarks\n", b"hello world\nthis is prose\n", b"", b"\0\0\0 3"] {
            assert!(import(foreign).is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn a_text_in_halves_gives_what_it_gives_whole() {
        let line = |at: usize| format!("main;f{};g{};h{} {at}\n", at % 3, at % 7, at % 1013);
        let text: String = (1..3000).map(line).collect();
        let middle = text[text.len() / 2..].find('\n').unwrap() + text.len() / 2 + 1;
        let part = |text| Part::read(text, Counts::Whole).unwrap();
        let mut halved = part(&text[..middle]);
        halved.add(part(&text[middle..]));
        let rows = |part: &Part<'_>| crate::import::tests::stacks(&part.profile);
        assert_eq!(rows(&halved), rows(&part(&text)));
    }

    #[test]
    fn empty_frames_and_empty_stacks_are_passed_over() {
        assert_eq!(
            stacks(b"main;a 1\n;main;;b 2\n; 3\nmain; 4\nmain;;b 1\n"),
            [("a<main".to_owned(), 1), ("b<main".to_owned(), 3), (String::new(), 3), ("main".to_owned(), 4)]
        );
    }

    #[test]
    fn broken_lines_are_passed_over_and_counted() {
        let profile = import(b"main;a 1\nmain;b 2\n// a remark\nmain;d\nmain;e 5\n").unwrap().profile;
        assert_eq!(profile.total(0), 8);
        assert_eq!(&profile.strings[profile.comments[0]], "lines without a count, passed over: 1");
    }
}
