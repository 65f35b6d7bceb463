//! Folded stacks: a line for each stack, `main;parse;lex 7`, root first.

use std::io::{self, Write};

use super::Exporter;
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
        lines(viewed).try_for_each(|line| writeln!(out, "{line}"))
    }
}

/// The lines, in the order of the tree. What would end a frame or a line within a name becomes a space or a colon.
pub(super) fn lines(viewed: &Viewed<'_>) -> impl Iterator<Item = String> {
    let values = viewed.node_self(viewed.sample_type);
    let nodes = values.into_iter().enumerate().skip(1).filter(|(_, value)| *value != 0);
    nodes.map(|(node, value)| {
        let mut line = String::new();
        for name in viewed.root_first(node) {
            if !line.is_empty() {
                line.push(';');
            }
            line.extend(name.chars().map(|sign| match sign {
                ';' => ':',
                sign if sign.is_control() => ' ',
                sign => sign,
            }));
        }
        line.push_str(&format!(" {value}"));
        line
    })
}
