//! Source: what each line of a function's file has, and where the file lies. Lines are summed like everything else: after the
//! filters, and once a sample, however often it passes them.

use std::collections::BTreeMap;

use plop_profile::{FunctionId, StringId};
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::filter::Viewed;

mod places;

pub(crate) use places::Places;

/// A file with what its lines have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The file as the profile names it; may be empty.
    pub(crate) file: String,
    /// Where the function begins, or its first line that was sampled.
    pub(crate) first: Option<i64>,
    /// The lines that have anything, in their order.
    pub(crate) values: Vec<LineValue>,
}

/// What a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct LineValue {
    pub(crate) line: i64,
    /// What the samples weigh that were taken on it.
    #[serde(rename = "self")]
    pub(crate) self_value: i64,
    /// What the samples weigh in whose stack it stands.
    pub(crate) total: i64,
}

/// A line that a stack passes, and the one before it in the same file: a list for each stack, shared by those that go on from
/// it.
struct Passed {
    line: i64,
    before: Option<u32>,
}

/// The lines of the file that a function, by its id, is in, by one sample type; `None` if the view has no such function.
pub(crate) fn lines(viewed: &Viewed<'_>, item: u64, sample_type: usize) -> Option<Lines> {
    let profile = &viewed.opened.profile;
    let number = viewed.frame_with(item)?;
    let is_of_item = |function: FunctionId| viewed.frame_of(function) == number;
    let file = file_of(viewed, number);
    let nodes = profile.stacks.nodes();
    let mut own = vec![0_i64; nodes.len()];
    for sample in viewed.samples() {
        let value = &mut own[sample.stack.0 as usize];
        *value = value.saturating_add(sample.values[sample_type]);
    }
    let mut totals = own.clone();
    for at in (1..nodes.len()).rev() {
        let caller = nodes[at].parent.0 as usize;
        totals[caller] = totals[caller].saturating_add(totals[at]);
    }

    // For each stack, all by its number: the last line of the file that it passes, the line of its innermost frame if that is
    // in the file, and whether the frames from which stacks are shown have begun.
    let mut passed: Vec<Passed> = Vec::new();
    let mut last: Vec<Option<u32>> = vec![None; nodes.len()];
    let mut leaf: Vec<Option<i64>> = vec![None; nodes.len()];
    let mut begun = vec![viewed.begins(None); nodes.len()];
    let mut sums: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    let mut first = None;
    for (at, node) in nodes.iter().enumerate().skip(1) {
        let caller = node.parent.0 as usize;
        (last[at], leaf[at], begun[at]) = (last[caller], leaf[caller], begun[caller]);
        let location = &profile.locations[node.location.0 as usize];
        if location.lines.is_empty() {
            leaf[at] = None;
        }
        for line in location.lines.iter().rev() {
            let frame = viewed.frame_of(line.function);
            begun[at] |= viewed.begins(Some(frame));
            if !begun[at] || viewed.hides(frame) {
                continue;
            }
            let function = &profile.functions[line.function.0 as usize];
            if function.file != file || file == StringId::EMPTY || line.line <= 0 {
                leaf[at] = None;
                continue;
            }
            leaf[at] = Some(line.line);
            if is_of_item(line.function) {
                let begins = if function.start_line > 0 { function.start_line } else { line.line };
                first = Some(first.map_or(begins, |first: i64| first.min(begins)));
            }
            let mut above = last[at];
            while let Some(number) = above
                && passed[number as usize].line != line.line
            {
                above = passed[number as usize].before;
            }
            if above.is_none() {
                passed.push(Passed { line: line.line, before: last[at] });
                last[at] = Some(passed.len() as u32 - 1);
                let sum = &mut sums.entry(line.line).or_default().1;
                *sum = sum.saturating_add(totals[at]);
            }
        }
        if let Some(line) = leaf[at] {
            let sum = &mut sums.entry(line).or_default().0;
            *sum = sum.saturating_add(own[at]);
        }
    }
    let values = sums.into_iter().map(|(line, (self_value, total))| LineValue { line, self_value, total });
    let values = values.filter(|value| value.total != 0 || value.self_value != 0).collect();
    Some(Lines { file: profile.strings[file].to_owned(), first, values })
}

/// The file that most functions shown as this one are in: instances can be in several.
fn file_of(viewed: &Viewed<'_>, number: u32) -> StringId {
    let mut files: FxHashMap<StringId, usize> = FxHashMap::default();
    for (at, function) in viewed.opened.profile.functions.iter().enumerate() {
        if viewed.frame_of(FunctionId(at as u32)) == number && function.file != StringId::EMPTY {
            *files.entry(function.file).or_default() += 1;
        }
    }
    files.into_iter().max_by_key(|&(file, count)| (count, std::cmp::Reverse(file))).map_or(StringId::EMPTY, |of| of.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opened::Opened;
    use crate::view::View;
    use plop_profile::{Function, LabelSetId, Line, Location, LocationId, Profile};

    /// A location of these lines, innermost first: function, file, line.
    fn place(profile: &mut Profile, lines: &[(&str, &str, i64)]) -> LocationId {
        let lines = lines.iter().map(|&(name, file, line)| {
            let (name, file) = (profile.strings.intern(name), profile.strings.intern(file));
            let function = profile.intern_function(Function { name, file, ..Function::default() });
            Line { function, line }
        });
        let lines = lines.collect();
        let address = profile.locations.len() as u64 + 1;
        profile.push_location(Location { lines, address, ..Location::default() })
    }

    fn values(opened: &Opened, name: &str, parameters: &[(&str, &str)]) -> Vec<(i64, i64, i64)> {
        let mut view = View::default();
        parameters.iter().for_each(|(key, value)| assert!(view.set(key, value).unwrap()));
        let viewed = view.of(opened).unwrap();
        let id = viewed.functions.iter().find(|function| function.name == name).unwrap().id;
        lines(&viewed, id, 0).unwrap().values.iter().map(|of| (of.line, of.self_value, of.total)).collect()
    }

    fn program() -> Opened {
        let mut profile = Profile::new([("samples", "count")]);
        let main = place(&mut profile, &[("main", "a.rs", 1)]);
        let deep = place(&mut profile, &[("f", "a.rs", 5)]);
        let leaf = place(&mut profile, &[("g", "a.rs", 9), ("f", "a.rs", 6)]);
        let other = place(&mut profile, &[("h", "b.rs", 5)]);
        for (leaf_first, value) in
            [(vec![leaf, deep, deep, main], 4), (vec![other, deep, main], 2), (vec![deep, main], 1)]
        {
            let stack = profile.stacks.intern(leaf_first);
            profile.samples.add(stack, LabelSetId::EMPTY, &[value]);
        }
        Opened::new(profile, "test", Vec::new())
    }

    #[test]
    fn a_line_counts_once_in_a_sample_and_inlined_lines_count_too() {
        assert_eq!(values(&program(), "f", &[]), [(1, 0, 7), (5, 1, 7), (6, 0, 4), (9, 4, 4)]);
        assert_eq!(values(&program(), "h", &[]), [(5, 2, 2)]);
    }

    #[test]
    fn lines_follow_the_filters() {
        assert_eq!(values(&program(), "f", &[("hide", "^[gh]$")]), [(1, 0, 7), (5, 3, 7), (6, 4, 4)]);
        assert_eq!(values(&program(), "f", &[("show_from", "^f$")]), [(5, 1, 7), (6, 0, 4), (9, 4, 4)]);
        assert_eq!(values(&program(), "f", &[("focus", "^h$")]), [(1, 0, 2), (5, 0, 2)]);
    }
}
