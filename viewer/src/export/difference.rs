//! What has changed between two profiles, in the forms that other tools take: stacks with two values, a red and blue flame
//! graph of them, and a profile with negative values.

use std::io::{self, Write};

use plop_profile::Profile;

use super::flamegraph;
use super::folded::each_stack;
use super::pprof;
use crate::compare::{CompareError, Comparison, Normalize, Scale, Sides};
use crate::filter::Viewed;

/// A line for each stack with its value before and after, as inferno-diff-folded and FlameGraph's difffolded.pl write them:
/// `main;parse;lex 7 9`.
pub(crate) fn write_folded_diff(
    comparison: &Comparison,
    viewed: &Viewed<'_>,
    scale: Scale,
    out: &mut dyn Write,
) -> io::Result<()> {
    each_line(comparison, viewed, scale, |line| writeln!(out, "{line}"))
}

/// A flame graph of after; red where a function itself has more than before, blue where it has less.
pub(crate) fn write_flame_diff(
    comparison: &Comparison,
    viewed: &Viewed<'_>,
    scale: Scale,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines = Vec::new();
    each_line(comparison, viewed, scale, |line| {
        lines.push(line);
        Ok(())
    })?;
    flamegraph::draw(&mut flamegraph::options(viewed), &lines, out)
}

fn each_line(
    comparison: &Comparison,
    viewed: &Viewed<'_>,
    scale: Scale,
    mut visit: impl FnMut(String) -> io::Result<()>,
) -> io::Result<()> {
    let Sides { before, after } = comparison.node_self(viewed);
    let before = scale.spread(&before);
    each_stack(
        viewed,
        |_| true,
        |node, stack| match (before[node], after[node]) {
            (0, 0) => Ok(()),
            (before, after) => visit(format!("{stack} {before} {after}")),
        },
    )
}

/// After less before, as a profile of functions: each sample type that both have, with negative values where there is less.
///
/// # Errors
/// When they are to be normalized by time and one of the two does not say how long it lasted.
pub(crate) fn pprof_less(
    comparison: &Comparison,
    viewed: &Viewed<'_>,
    normalize: Normalize,
) -> Result<Profile, CompareError> {
    let types = comparison.sample_types();
    let mut less = pprof::header(viewed, types.clone());
    let stacks = pprof::take_stacks(viewed, &mut less);
    let mut deltas = Vec::new();
    for of in types.clone() {
        let Sides { before, after } = comparison.node_self_of(viewed, of);
        let before = comparison.scale_of(of, normalize)?.spread(&before);
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
