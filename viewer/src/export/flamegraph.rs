//! Flame graphs, drawn by inferno.

use std::io::{self, Write};

use inferno::flamegraph::{self, Options};

use super::Exporter;
use super::folded::{each_difference, each_stack};
use crate::compare::Both;
use crate::filter::Viewed;

pub(super) struct FlameGraph;

impl Exporter for FlameGraph {
    fn name(&self) -> &'static str {
        "flamegraph"
    }

    fn content_type(&self) -> &'static str {
        "image/svg+xml"
    }

    fn extension(&self) -> &'static str {
        "svg"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut options = options(viewed);
        let Drawn { wide, values } = Drawn::of(viewed, options.min_width);
        let mut lines = Vec::new();
        each_stack(
            viewed,
            |node| wide[node],
            |node, stack| {
                if values[node] > 0 {
                    lines.push(format!("{stack} {}", values[node]));
                }
                Ok(())
            },
        )?;
        draw(&mut options, &lines, out)
    }

    /// A flame graph of after; red where a function itself has more than before, blue where it has less.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = Vec::new();
        each_difference(both, |line| {
            lines.push(line);
            Ok(())
        })?;
        draw(&mut options(&both.viewed), &lines, out)
    }
}

/// What a flame graph of the view says of itself.
fn options(viewed: &Viewed<'_>) -> Options<'static> {
    let mut options = Options::default();
    // A function has the same colour in every graph.
    options.deterministic = true;
    options.title = format!("{}, {}", viewed.kind(), viewed.unit());
    options.count_name = if viewed.unit() == "count" { viewed.kind().to_owned() } else { viewed.unit().to_owned() };
    options
}

/// Draws lines of folded stacks.
fn draw(options: &mut Options<'_>, lines: &[String], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return Err(io::Error::other("no samples to draw a flame graph of; loosen the filters"));
    }
    flamegraph::from_lines(options, lines.iter().map(String::as_str), out)
}

/// What of the tree is drawn. Inferno leaves out what is narrower than `min_width` (in percent) once it has read it; here
/// such a node leaves its value to its caller, so that it needs no line of its own.
struct Drawn {
    /// By node: whether it is wide enough. Callees of one that is not aren't either.
    wide: Vec<bool>,
    /// By node: what it has itself, with what its narrow callees left to it.
    values: Vec<i64>,
}

impl Drawn {
    fn of(viewed: &Viewed<'_>, min_width: f64) -> Self {
        let nodes = &viewed.tree.nodes;
        let mut values = viewed.node_self(viewed.sample_type);
        let totals = viewed.tree.totals(&values);
        let least = min_width / 100.0 * totals[0] as f64;
        let mut wide = vec![true; nodes.len()];
        for (at, node) in nodes.iter().enumerate().skip(1) {
            wide[at] = wide[node.parent as usize] && totals[at] as f64 >= least;
        }
        for at in (1..nodes.len()).rev().filter(|&at| !wide[at]) {
            let caller = nodes[at].parent as usize;
            values[caller] = values[caller].saturating_add(std::mem::take(&mut values[at]));
        }
        Drawn { wide, values }
    }
}
