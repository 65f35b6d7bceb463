//! Folded stacks: a line for each stack, `main;parse;lex 7`, root first.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Exporter;
use crate::compare::Both;
use crate::filter::Viewed;

pub(super) struct Folded;

impl Exporter for Folded {
    fn name(&self) -> &'static str {
        "folded"
    }

    fn content_type(&self) -> &'static str {
        "text/plain; charset=utf-8"
    }

    fn extension(&self) -> &'static str {
        "folded"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let values = viewed.node_self(viewed.sample_type);
        each_stack(
            viewed,
            |_| true,
            |node, stack| match values[node] {
                0 => Ok(()),
                value => writeln!(out, "{stack} {value}"),
            },
        )
    }

    /// Each stack with two values.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        each_difference(both, |line| writeln!(out, "{line}"))
    }
}

/// Visits each node of the view's tree, in its order, with its stack as text: `main;parse;lex`. Nodes that are not wanted
/// are passed over; their callees must not be wanted either.
pub(super) fn each_stack(
    viewed: &Viewed<'_>,
    wanted: impl Fn(usize) -> bool,
    mut visit: impl FnMut(usize, &str) -> io::Result<()>,
) -> io::Result<()> {
    let names: Vec<Cow<'_, str>> = viewed.functions.iter().map(|function| plain(&function.name)).collect();
    let mut stack = String::new();
    // The chain from the root to the node before: each node, and where its stack ends in the text.
    let mut path = vec![(0_u32, 0_usize)];
    for (at, node) in viewed.tree.nodes.iter().enumerate().skip(1).filter(|(at, _)| wanted(*at)) {
        while path.last().is_some_and(|(above, _)| *above != node.parent) {
            path.pop();
        }
        stack.truncate(path.last().map_or(0, |(_, end)| *end));
        if node.parent != 0 {
            stack.push(';');
        }
        stack.push_str(&names[node.frame as usize]);
        path.push((at as u32, stack.len()));
        visit(at, &stack)?;
    }
    Ok(())
}

/// A line for each stack with its value before and after, as inferno-diff-folded and FlameGraph's difffolded.pl write them:
/// `main;parse;lex 7 9`.
pub(super) fn each_difference(both: &Both<'_>, mut visit: impl FnMut(String) -> io::Result<()>) -> io::Result<()> {
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

/// A name in which what would end a frame or a line has become a colon or a space.
fn plain(name: &str) -> Cow<'_, str> {
    let ends = |sign: char| sign == ';' || sign.is_control();
    if !name.contains(ends) {
        return Cow::Borrowed(name);
    }
    let plain = name.chars().map(|sign| match sign {
        ';' => ':',
        sign if sign.is_control() => ' ',
        sign => sign,
    });
    Cow::Owned(plain.collect())
}
