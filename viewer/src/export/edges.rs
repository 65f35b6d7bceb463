//! Call edges as CSV and as JSON: who calls whom, and what the samples weigh in which it does.

use std::io::{self, Write};

use plop_profile::CallGraph;
use serde_json::{Value, json};

use super::Exporter;
use crate::compare::{Both, Change, Sides};
use crate::filter::Viewed;
use crate::top::{SampleType, csv_field};

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
        write!(out, "caller,callee")?;
        for of in &profile.sample_types {
            let (kind, unit) = (&profile.strings[of.kind], &profile.strings[of.unit]);
            write!(out, ",{}", csv_field(if unit == "count" { kind } else { unit }))?;
        }
        writeln!(out)?;
        for Weighed { caller, callee, weights } in edges(viewed) {
            let name = |frame: u32| csv_field(&viewed.functions[frame as usize].name);
            write!(out, "{},{}", name(caller), name(callee))?;
            weights.iter().try_for_each(|weight| write!(out, ",{weight}"))?;
            writeln!(out)?;
        }
        Ok(())
    }

    /// What has changed most first, by the sample type that is looked at.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "caller,callee,change,before,after,delta")?;
        for Changed { caller, callee, change, sides: Sides { before, after } } in changed(both) {
            let name = |frame: u32| csv_field(&both.viewed.functions[frame as usize].name);
            let change = serde_json::to_value(change)?;
            let (change, delta) = (change.as_str().unwrap_or_default(), after.saturating_sub(before));
            writeln!(out, "{},{},{change},{before},{after},{delta}", name(caller), name(callee))?;
        }
        Ok(())
    }
}

pub(super) struct EdgesJson;

impl Exporter for EdgesJson {
    fn name(&self) -> &'static str {
        "edges-json"
    }

    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn extension(&self) -> &'static str {
        "json"
    }

    /// `{"sample_types": [{"type", "unit"}], "functions": [{"name", "file", "self": […], "total": […]}], "edges": [{"caller",
    /// "callee", "weights": […]}]}`: callers and callees are numbers of functions; values stand in the order of the sample
    /// types. Heaviest edges first.
    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let profile = &viewed.opened.profile;
        let text = |id| &profile.strings[id];
        let types: Vec<Value> =
            profile.sample_types.iter().map(|of| json!({"type": text(of.kind), "unit": text(of.unit)})).collect();
        let graphs = graphs(viewed);
        let has_any = |at: usize| graphs.iter().any(|graph| graph.totals[at] != 0 || graph.self_values[at] != 0);
        // Functions that the filters leave nothing of are left out; the others are numbered anew.
        let kept: Vec<usize> = (0..viewed.functions.len()).filter(|&at| has_any(at)).collect();
        let mut number = vec![0; viewed.functions.len()];
        kept.iter().enumerate().for_each(|(at, &function)| number[function] = at);
        let function = |&at: &usize| {
            let known = &viewed.functions[at];
            json!({
                "name": known.name,
                "file": known.file,
                "self": graphs.iter().map(|graph| graph.self_values[at]).collect::<Vec<_>>(),
                "total": graphs.iter().map(|graph| graph.totals[at]).collect::<Vec<_>>(),
            })
        };
        let functions: Vec<Value> = kept.iter().map(function).collect();
        let edge = |Weighed { caller, callee, weights }| json!({"caller": number[caller as usize], "callee": number[callee as usize], "weights": weights});
        let edges: Vec<Value> = edges(viewed).into_iter().map(edge).collect();
        serde_json::to_writer_pretty(
            &mut *out,
            &json!({"sample_types": types, "functions": functions, "edges": edges}),
        )?;
        writeln!(out)
    }

    /// Functions and edges each with what they have on either side, edges that have changed most first.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let graphs = both.graphs();
        let Both { viewed, scale, normalize, .. } = both;
        let has_any = |at: &usize| graphs.before.totals[*at] != 0 || graphs.after.totals[*at] != 0;
        let kept: Vec<usize> = (0..viewed.functions.len()).filter(has_any).collect();
        let mut number = vec![0; viewed.functions.len()];
        kept.iter().enumerate().for_each(|(at, &function)| number[function] = at);
        let functions = kept.iter().map(|&at| {
            let (own, total) = (graphs.map(|graph| graph.self_values[at]), graphs.map(|graph| graph.totals[at]));
            let known = &viewed.functions[at];
            json!({"name": known.name, "file": known.file, "change": total.change(),
                "self": both.scaled(&own), "total": both.scaled(&total)})
        });
        let edges = changed(both).into_iter().map(|Changed { caller, callee, change, sides }| {
            json!({"caller": number[caller as usize], "callee": number[callee as usize], "change": change, "weight": sides})
        });
        let written = json!({
            "sample_type": SampleType::of(viewed), "normalize": normalize, "factor": scale.factor(),
            "functions": functions.collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut *out, &written)?;
        writeln!(out)
    }
}

/// An edge of two profiles with its weight on either side, before's in units of after.
struct Changed {
    caller: u32,
    callee: u32,
    change: Change,
    sides: Sides<i64>,
}

/// The edges that weigh anything on either side, what has changed most first.
fn changed(both: &Both<'_>) -> Vec<Changed> {
    let graphs = both.graphs();
    // The edges of all graphs are in the same order, that of the tree.
    let pairs = graphs.before.edges.iter().zip(&graphs.after.edges);
    let mut edges: Vec<Changed> = pairs
        .map(|(before, after)| (after, Sides { before: before.weight, after: after.weight }))
        .filter(|(_, raw)| *raw != Sides::default())
        .map(|(edge, raw)| Changed {
            caller: edge.caller,
            callee: edge.callee,
            change: raw.change(),
            sides: both.scaled(&raw),
        })
        .collect();
    edges.sort_by_key(|edge| std::cmp::Reverse(edge.sides.after.saturating_sub(edge.sides.before).unsigned_abs()));
    edges
}

/// An edge with its weight in each sample type.
struct Weighed {
    caller: u32,
    callee: u32,
    weights: Vec<i64>,
}

/// The edges that weigh anything, heaviest first.
fn edges(viewed: &Viewed<'_>) -> Vec<Weighed> {
    let graphs = graphs(viewed);
    let Some(looked_at) = graphs.get(viewed.sample_type) else { return Vec::new() };
    // The edges of all graphs are in the same order, that of the tree.
    let weighed = |at: usize| Weighed {
        caller: looked_at.edges[at].caller,
        callee: looked_at.edges[at].callee,
        weights: graphs.iter().map(|graph| graph.edges[at].weight).collect(),
    };
    let mut edges: Vec<Weighed> = (0..looked_at.edges.len()).map(weighed).collect();
    edges.retain(|edge| edge.weights.iter().any(|weight| *weight != 0));
    edges.sort_by_key(|edge| std::cmp::Reverse(edge.weights[viewed.sample_type]));
    edges
}

/// A graph for each sample type.
fn graphs(viewed: &Viewed<'_>) -> Vec<CallGraph> {
    let types = 0..viewed.opened.profile.sample_types.len();
    types.map(|of| CallGraph::new(&viewed.tree, &viewed.node_self(of))).collect()
}
