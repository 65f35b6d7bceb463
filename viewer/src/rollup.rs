//! What belongs together, summed: modules, crates and files with all their functions, and the values of a label.

use plop_profile::{CallGraph, Frame};
use rustc_hash::FxHashMap;

use crate::filter::Viewed;
use crate::picture::ColorBy;

/// Rows with their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rolled {
    /// What all samples of the view weigh.
    pub(crate) total: i64,
    /// The rows, the heaviest first.
    pub(crate) rows: Vec<Row>,
}

/// What one of them has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// What samples weigh whose leaf belongs to it.
    pub(crate) self_value: i64,
    /// What samples weigh in whose stack something of it stands.
    pub(crate) total: i64,
    /// How many samples those are, if the profile counts them.
    pub(crate) samples: Option<i64>,
}

/// The sample type that counts samples.
fn counting_type(viewed: &Viewed<'_>) -> Option<usize> {
    let profile = &viewed.opened.profile;
    let counts = |name: &str| profile.sample_types.iter().position(|of| &profile.strings[of.kind] == name);
    counts("samples").or_else(|| counts("sample")).or_else(|| {
        let of = profile.sample_types.iter().position(|of| &profile.strings[of.unit] == "count");
        of.filter(|_| profile.sample_types.len() == 1)
    })
}

/// By function of the view: in how many samples' stacks it stands; `None` if the profile does not count samples.
pub(crate) fn samples(viewed: &Viewed<'_>) -> Option<Vec<i64>> {
    let own = viewed.node_self(counting_type(viewed)?);
    Some(CallGraph::new(&viewed.tree, &own).totals)
}

/// The modules, crates or files of a view, by one sample type. One that stands several times in a stack counts once.
pub(crate) fn by_group(viewed: &Viewed<'_>, by: ColorBy, sample_type: usize) -> Rolled {
    let mut numbers: FxHashMap<&str, u32> = FxHashMap::default();
    let mut names = Vec::new();
    let group_of: Vec<u32> = viewed
        .functions
        .iter()
        .map(|function| {
            *numbers.entry(by.group_of(function)).or_insert_with_key(|name| {
                names.push((*name).to_owned());
                names.len() as u32 - 1
            })
        })
        .collect();
    let frames = vec![Frame::Unnamed(None); names.len()];
    let tree = viewed.tree.reframed(frames, |at, _| Some(group_of[viewed.tree.nodes[at].frame as usize]));
    let graph = CallGraph::new(&tree, &viewed.node_self_in(&tree, sample_type));
    let counted = counting_type(viewed).map(|counts| CallGraph::new(&tree, &viewed.node_self_in(&tree, counts)).totals);
    let row = |(at, name): (usize, String)| {
        let name = if name.is_empty() { "unknown".to_owned() } else { name };
        let samples = counted.as_ref().map(|counted| counted[at]);
        Row { name, self_value: graph.self_values[at], total: graph.totals[at], samples }
    };
    rolled(graph.total, names.into_iter().enumerate().map(row))
}

/// The values of a label, by one sample type. What a sample has is all its value's own.
pub(crate) fn by_label(viewed: &Viewed<'_>, key: &str, sample_type: usize) -> Rolled {
    let counts = counting_type(viewed);
    let mut sums: FxHashMap<String, (i64, i64)> = FxHashMap::default();
    for sample in viewed.samples() {
        let value = viewed.opened.label(sample.labels, key).unwrap_or_else(|| format!("no {key}"));
        let sum = sums.entry(value).or_default();
        sum.0 = sum.0.saturating_add(sample.values[sample_type]);
        sum.1 = sum.1.saturating_add(counts.map_or(0, |counts| sample.values[counts]));
    }
    let total = sums.values().map(|(value, _)| value).sum();
    let row = |(name, (value, count))| Row { name, self_value: value, total: value, samples: counts.map(|_| count) };
    rolled(total, sums.into_iter().map(row))
}

fn rolled(total: i64, rows: impl Iterator<Item = Row>) -> Rolled {
    let mut rows: Vec<Row> = rows.filter(|row| row.self_value != 0 || row.total != 0).collect();
    rows.sort_by(|left, right| right.total.cmp(&left.total).then_with(|| left.name.cmp(&right.name)));
    Rolled { total, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opened::Opened;
    use crate::view::View;
    use plop_profile::{Label, LabelSetId, LabelValue, Profile};

    fn rows(rolled: &Rolled) -> Vec<(&str, i64, i64)> {
        rolled.rows.iter().map(|row| (&*row.name, row.self_value, row.total)).collect()
    }

    #[test]
    fn a_crate_counts_once_in_a_stack_and_all_self_values_make_up_the_whole() {
        let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
        for (leaf_first, samples) in [(&["b::x", "a::g", "b::y", "a::f"][..], 3), (&["a::g", "a::f"], 2)] {
            let locations: Vec<_> = leaf_first.iter().map(|name| profile.named_location(name, "")).collect();
            let stack = profile.stacks.intern(locations);
            profile.samples.add(stack, LabelSetId::EMPTY, &[samples, 10 * samples]);
        }
        let opened = Opened::new(profile, "test", Vec::new());
        let viewed = View::default().of(&opened).unwrap();
        let crates = by_group(&viewed, ColorBy::Crate, viewed.sample_type);
        assert_eq!((crates.total, rows(&crates)), (50, vec![("a", 20, 50), ("b", 30, 30)]));
        assert_eq!(crates.rows[1].samples, Some(3));
        assert_eq!(samples(&viewed).unwrap().iter().max(), Some(&5));
    }

    #[test]
    fn the_values_of_a_label_make_up_the_whole() {
        let mut profile = Profile::new([("samples", "count")]);
        let main = profile.named_location("main", "");
        let stack = profile.stacks.intern([main]);
        for (name, samples) in [("one", 3), ("two", 4)] {
            let (key, value) = (profile.strings.intern("thread"), profile.strings.intern(name));
            let labels = profile.label_sets.intern(&[Label { key, value: LabelValue::Text(value) }]);
            profile.samples.add(stack, labels, &[samples]);
        }
        profile.samples.add(stack, LabelSetId::EMPTY, &[1]);
        let opened = Opened::new(profile, "test", Vec::new());
        let threads = by_label(&View::default().of(&opened).unwrap(), "thread", 0);
        assert_eq!((threads.total, rows(&threads)), (8, vec![("two", 4, 4), ("one", 3, 3), ("no thread", 1, 1)]));
    }
}
