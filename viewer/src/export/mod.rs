//! Exporters: a view as a file of some format. Each owns one format and knows nothing of the server.

use std::io::{self, Write};

use crate::compare::Both;
use crate::filter::Viewed;

mod callgrind;
mod difference;
mod dot;
mod edges;
mod firefox;
mod flamegraph;
mod folded;
mod pprof;
mod speedscope;
mod svg;
mod top;

pub(crate) use pprof::write as write_pprof;

/// Writes a view as one format.
pub trait Exporter: Sync {
    /// What the format is called on the command line and in addresses.
    fn name(&self) -> &'static str;
    /// Its media type.
    fn content_type(&self) -> &'static str;
    /// What its files' names end with.
    fn extension(&self) -> &'static str;
    /// Writes the view.
    ///
    /// # Errors
    /// When writing fails, or the format can't hold such a view.
    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()>;
    /// Writes what has changed between two profiles.
    ///
    /// # Errors
    /// When writing fails; of the kind `Unsupported` if the format has no room for what has changed.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let _ = (both, out);
        let name = self.name();
        let reason = format!("{name} has no place for what has changed; end the comparison, or take pprof or folded");
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }
}

/// All exporters.
pub const EXPORTERS: &[&dyn Exporter] = &[
    &flamegraph::FlameGraph,
    &folded::Folded,
    &pprof::Pprof,
    &speedscope::Speedscope,
    &firefox::Firefox,
    &callgrind::Callgrind,
    &dot::Dot,
    &edges::Edges,
    &edges::EdgesJson,
    &top::TopTable::Text,
    &top::TopTable::Csv,
    &top::TopTable::Json,
    &svg::Svg,
    &crate::standalone::Html,
];

/// The exporter of that name.
pub fn exporter(name: &str) -> Option<&'static dyn Exporter> {
    EXPORTERS.iter().copied().find(|exporter| exporter.name() == name)
}

/// By node of the view's tree: whether a sample that the view keeps has it in its stack. What no sample has stays out of
/// files, which people hand on.
fn in_use(viewed: &Viewed<'_>) -> Vec<bool> {
    let mut used = vec![false; viewed.tree.nodes.len()];
    for sample in viewed.samples() {
        used[viewed.tree.leaf(sample.stack)] = true;
    }
    for at in (1..used.len()).rev() {
        if used[at] {
            used[viewed.tree.nodes[at].parent as usize] = true;
        }
    }
    used
}

/// The same by function.
fn functions_in_use(viewed: &Viewed<'_>) -> Vec<bool> {
    let mut used = vec![false; viewed.functions.len()];
    for (node, _) in viewed.tree.nodes.iter().zip(in_use(viewed)).skip(1).filter(|(_, in_use)| *in_use) {
        used[node.frame as usize] = true;
    }
    used
}
