//! callgrind's format (<https://valgrind.org/docs/manual/cl-format.html>), for KCachegrind and callgrind_annotate: functions
//! in their files and crates, with what they have themselves, and each call with what it costs.
//!
//! The format wants a number of calls, which samples do not tell; each is written as one.

use std::io::{self, Write};

use plop_profile::CallGraph;
use rustc_hash::FxHashSet;

use super::Exporter;
use crate::filter::Viewed;

pub(super) struct Callgrind;

impl Exporter for Callgrind {
    fn name(&self) -> &'static str {
        "callgrind"
    }

    fn content_type(&self) -> &'static str {
        "text/plain; charset=utf-8"
    }

    fn extension(&self) -> &'static str {
        "callgrind"
    }

    /// The sample type that is looked at comes first, as KCachegrind shows the first.
    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let profile = &viewed.opened.profile;
        let others = (0..profile.sample_types.len()).filter(|of| *of != viewed.sample_type);
        let types: Vec<usize> = std::iter::once(viewed.sample_type).chain(others).collect();
        let graphs: Vec<CallGraph> =
            types.iter().map(|&of| CallGraph::new(&viewed.tree, &viewed.node_self(of))).collect();
        writeln!(out, "# callgrind format\nversion: 1\ncreator: plop-view {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "positions: line")?;
        for &of in &types {
            let (kind, unit) =
                (&profile.strings[profile.sample_types[of].kind], &profile.strings[profile.sample_types[of].unit]);
            writeln!(out, "event: {} : {} ({})", event(kind), one_line(kind), one_line(unit))?;
        }
        let events = types.iter().map(|&of| event(&profile.strings[profile.sample_types[of].kind]));
        writeln!(out, "events: {}", events.collect::<Vec<_>>().join(" "))?;
        let costs = |value: &dyn Fn(&CallGraph) -> i64| {
            graphs.iter().map(|graph| value(graph).to_string()).collect::<Vec<_>>().join(" ")
        };
        writeln!(out, "summary: {}\n", costs(&|graph| graph.total))?;

        let mut callees: Vec<Vec<usize>> = vec![Vec::new(); viewed.functions.len()];
        for (at, edge) in graphs[0].edges.iter().enumerate() {
            callees[edge.caller as usize].push(at);
        }
        let mut names = Names::default();
        for (at, callees) in callees.iter().enumerate() {
            if graphs.iter().all(|graph| graph.totals[at] == 0) {
                continue;
            }
            names.write(viewed, at, "", out)?;
            writeln!(out, "0 {}", costs(&|graph| graph.self_values[at]))?;
            for &edge in callees {
                names.write(viewed, graphs[0].edges[edge].callee as usize, "c", out)?;
                writeln!(out, "calls=1 0\n0 {}", costs(&|graph| graph.edges[edge].weight))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// Which functions have been named in full; later only their numbers stand.
#[derive(Default)]
struct Names {
    written: FxHashSet<usize>,
}

impl Names {
    /// Says which function comes, with its crate and its file: `fn=` or, for one that is called, `cfn=`.
    fn write(&mut self, viewed: &Viewed<'_>, function: usize, called: &str, out: &mut dyn Write) -> io::Result<()> {
        let known = &viewed.functions[function];
        // An empty text stands for the one before, so what is unknown needs a name.
        let or_unknown = |text: &str| if text.is_empty() { "???".to_owned() } else { one_line(text) };
        let (object, file) = (or_unknown(&known.krate), or_unknown(&known.file));
        let file_key = if called.is_empty() { "fl" } else { "cfi" };
        writeln!(out, "{called}ob={object}\n{file_key}={file}")?;
        let number = function + 1;
        match self.written.insert(function) {
            true => writeln!(out, "{called}fn=({number}) {}", or_unknown(&known.name)),
            false => writeln!(out, "{called}fn=({number})"),
        }
    }
}

/// A name of an event: the format ends it at a space.
fn event(kind: &str) -> String {
    let name: String = kind.chars().map(|sign| if sign.is_alphanumeric() { sign } else { '_' }).collect();
    if name.starts_with(|sign: char| sign.is_alphabetic()) { name } else { format!("type_{name}") }
}

fn one_line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}
