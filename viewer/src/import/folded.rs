//! Folded stacks, as stackcollapse-*.pl, inferno and async-profiler write them: a line for each stack, frames from the root
//! joined by `;`, a space, the count.
//!
//! Counts may be fractional; then all are kept in thousandths (a unit of `milli` and the count's own). Lines may
//! end in CRLF, frames may hold spaces. Lines that start with `#` or `//` are
//! remarks. Other lines without a count are passed over, as the tools that read this format do, and counted in a comment.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};

use super::source::Source;
use super::{Import, Json};

pub(super) const FORMAT: &str = "folded stacks";

/// How many lines a text is judged by.
const JUDGED: usize = 64;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() {
        return Ok(None);
    }
    let text = source.text();
    let is_remark = |line: &str| line.is_empty() || line.starts_with('#') || line.starts_with("//");
    let lines = || text.lines().map(str::trim_end).filter(|line| !is_remark(line));
    let judged = lines().take(JUDGED).count();
    let whole = lines().take(JUDGED).filter(|line| split(line).is_some()).count();
    // A few broken lines are broken lines; many are another format.
    if judged == 0 || whole * 3 < judged * 2 || !lines().take(JUDGED).any(is_stack) {
        return Ok(None);
    }
    let fractional = lines().filter_map(split).any(|(_, count)| count.contains('.'));
    let mut reader = Reader::new(fractional);
    let mut broken = 0_usize;
    for line in lines() {
        let added = split(line).and_then(|(stack, count)| reader.add(stack, count));
        broken += usize::from(added.is_none());
    }
    let mut profile = reader.profile;
    if broken > 0 {
        let comment = profile.strings.intern(&format!("lines without a count, passed over: {broken}"));
        profile.comments.push(comment);
    }
    Ok(Some(profile))
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

struct Reader {
    profile: Profile,
    fractional: bool,
    /// The stack of the line before: for each frame where it ends in the line, and its node. The next line shares its start.
    path: Vec<(usize, StackId)>,
    line: String,
    locations: rustc_hash::FxHashMap<plop_profile::StringId, LocationId>,
}

impl Reader {
    fn new(fractional: bool) -> Self {
        let unit = if fractional { "millicount" } else { "count" };
        let profile = Profile::new([("samples", unit)]);
        Reader { profile, fractional, path: Vec::new(), line: String::new(), locations: Default::default() }
    }

    fn add(&mut self, stack: &str, count: &str) -> Option<()> {
        let value = if self.fractional { thousandths(count)? } else { count.parse().ok()? };
        let shared = common_prefix(self.line.as_bytes(), stack.as_bytes());
        // Frames that end within what both lines share, at a `;` of both, are the same.
        let ends_alike =
            |end: usize| end < shared || end == shared && stack.len() == shared && self.line.len() == shared;
        let kept = self.path.iter().take_while(|(end, _)| ends_alike(*end)).count();
        self.path.truncate(kept);
        let (mut start, mut caller) = self.path.last().map_or((0, StackId::EMPTY), |(end, node)| (end + 1, *node));
        while start <= stack.len() && !stack.is_empty() {
            let end = stack[start..].find(';').map_or(stack.len(), |at| start + at);
            let name = &stack[start..end];
            if !name.is_empty() {
                let location = self.location(name);
                caller = self.profile.stacks.push(caller, location);
            }
            self.path.push((end, caller));
            start = end + 1;
        }
        self.line.clear();
        self.line.push_str(stack);
        self.profile.samples.add(caller, LabelSetId::EMPTY, &[value]);
        Some(())
    }

    fn location(&mut self, name: &str) -> LocationId {
        let profile = &mut self.profile;
        let id = profile.strings.intern(name);
        *self.locations.entry(id).or_insert_with(|| {
            let function = profile.intern_function(plop_profile::Function { name: id, ..Default::default() });
            profile.function_location(function)
        })
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

    fn read(bytes: &[u8]) -> Vec<(String, i64)> {
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
        let read = read(b"main;a;b 3\nmain;a 1\nmain;ab 2\r\nmain;a;b 4\nmain;operator new(unsigned long);b 1\n");
        let expected = [("b<a<main", 7), ("a<main", 1), ("ab<main", 2), ("b<operator new(unsigned long)<main", 1)];
        assert_eq!(read, expected.map(|(stack, value)| (stack.to_owned(), value)));
    }

    #[test]
    fn wide_text_and_fractions_are_read() {
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("main;a 2\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(read(&wide), [("a<main".to_owned(), 2)]);
        assert_eq!(read(b"main;a 1.5\nmain 2\n"), [("a<main".to_owned(), 1500), ("main".to_owned(), 2000)]);
    }

    #[test]
    fn other_texts_are_left_to_others() {
        for foreign in [&b"{\"a\": 1}"[..], b"# only remarks\n", b"hello world\nthis is prose\n", b"", b"\0\0\0 3"] {
            assert!(import(foreign).is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn broken_lines_are_passed_over_and_counted() {
        let profile = import(b"main;a 1\nmain;b 2\n// a remark\nmain;d\nmain;e 5\n").unwrap().profile;
        assert_eq!(profile.total(0), 8);
        assert_eq!(&profile.strings[profile.comments[0]], "lines without a count, passed over: 1");
    }
}
