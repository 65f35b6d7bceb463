//! Call edges as CSV: who calls whom, and what the samples weigh in which it does.

use std::io::{self, Write};

use plop_profile::CallGraph;

use super::Exporter;
use crate::filter::Viewed;
use crate::top::csv_field;

pub(super) struct Edges;

impl Exporter for Edges {
    fn name(&self) -> &'static str {
        "edges"
    }

    fn content_type(&self) -> &'static str {
        "text/csv; charset=utf-8"
    }

    fn extension(&self) -> &'static str {
        "csv"
    }

    /// A column for each sample type, named by its unit, or by its kind if it is a count. Heaviest first.
    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let profile = &viewed.opened.profile;
        let graphs: Vec<CallGraph> =
            (0..profile.sample_types.len()).map(|of| CallGraph::new(&viewed.tree, &viewed.node_self(of))).collect();
        write!(out, "caller,callee")?;
        for of in &profile.sample_types {
            let (kind, unit) = (&profile.strings[of.kind], &profile.strings[of.unit]);
            write!(out, ",{}", csv_field(if unit == "count" { kind } else { unit }))?;
        }
        writeln!(out)?;
        let Some(first) = graphs.get(viewed.sample_type) else { return Ok(()) };
        // The edges of all graphs are in the same order, that of the tree.
        let weights = |edge: usize| graphs.iter().map(move |graph| graph.edges[edge].weight);
        let mut order: Vec<usize> =
            (0..first.edges.len()).filter(|&edge| weights(edge).any(|weight| weight != 0)).collect();
        order.sort_by_key(|&edge| std::cmp::Reverse(first.edges[edge].weight));
        for edge in order {
            let name = |frame: u32| csv_field(&viewed.functions[frame as usize].name);
            write!(out, "{},{}", name(first.edges[edge].caller), name(first.edges[edge].callee))?;
            weights(edge).try_for_each(|weight| write!(out, ",{weight}"))?;
            writeln!(out)?;
        }
        Ok(())
    }
}
