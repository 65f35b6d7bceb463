//! What has changed between two profiles, as several formats write it: stacks with two values, a profile with negative values,
//! a picture with what everything has become.

use std::io;

use plop_profile::Profile;

use super::folded::each_stack;
use super::pprof;
use crate::compare::{Both, CompareError, Sides};
use crate::picture::{self, Picture, Settings, Source};

/// A line for each stack with its value before and after, as inferno-diff-folded and FlameGraph's difffolded.pl write them:
/// `main;parse;lex 7 9`.
pub(super) fn each_line(both: &Both<'_>, mut visit: impl FnMut(String) -> io::Result<()>) -> io::Result<()> {
    let after = &both.node_self.after;
    let before = both.scale.spread(&both.node_self.before);
    each_stack(
        &both.viewed,
        |_| true,
        |node, stack| match (before[node], after[node]) {
            (0, 0) => Ok(()),
            (before, after) => visit(format!("{stack} {before} {after}")),
        },
    )
}

/// After less before, as a profile of functions: each sample type that both have, with negative values where there is less.
pub(super) fn pprof_less(both: &Both<'_>) -> Result<Profile, CompareError> {
    let Both { comparison, viewed, normalize, .. } = both;
    let types = comparison.sample_types();
    let mut less = pprof::header(viewed, types.clone());
    let stacks = pprof::take_stacks(viewed, &mut less);
    let mut deltas = Vec::new();
    for of in types {
        let Sides { before, after } = comparison.node_self_of(viewed, of);
        let before = comparison.scale_of(of, *normalize)?.spread(&before);
        deltas.push(after.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).collect::<Vec<i64>>());
    }
    for (node, &stack) in stacks.iter().enumerate().skip(1) {
        let values: Vec<i64> = deltas.iter().map(|deltas| deltas[node]).collect();
        if values.iter().any(|value| *value != 0) {
            less.samples.add(stack, plop_profile::LabelSetId::EMPTY, &values);
        }
    }
    Ok(less)
}

/// What a comparison can't be made of.
pub(super) fn refused(error: CompareError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// The picture of both.
pub(super) fn picture(both: &Both<'_>) -> Picture {
    let together = both.together();
    let source = Source { tree: &both.viewed.tree, node_self: &together, functions: both.viewed.functions };
    picture::compared(source, &Settings::default(), &both.node_self, both.scale)
}

/// What has become of something, by a sign and in words; `delta` as `api/picture` has it.
pub(super) fn change(delta: f64) -> String {
    if delta >= 1.0 {
        return "+ new".to_owned();
    }
    if delta <= -1.0 {
        return "− gone".to_owned();
    }
    // From a part of the larger side to a part of before.
    let percent = if delta > 0.0 { 100.0 * (1.0 / (1.0 - delta) - 1.0) } else { 100.0 * delta };
    match percent.abs() {
        size if size < 0.05 => "same".to_owned(),
        size => format!("{} {size:.*} %", if delta > 0.0 { '+' } else { '−' }, usize::from(size < 9.95)),
    }
}

/// The colour of a change: from grey towards orange for what grew, towards blue for what shrank, as the page has them.
pub(super) fn tint(delta: f64) -> String {
    const PLAIN: [f64; 3] = [125.0, 132.0, 143.0];
    const GROWN: [f64; 3] = [184.0, 58.0, 0.0];
    const SHRUNK: [f64; 3] = [0.0, 99.0, 176.0];
    let part = delta.abs().min(1.0).sqrt();
    let to = if delta > 0.0 { GROWN } else { SHRUNK };
    let channel = |at: usize| (PLAIN[at] + (to[at] - PLAIN[at]) * part).round() as u8;
    format!("#{:02x}{:02x}{:02x}", channel(0), channel(1), channel(2))
}
