//! Exporters: a view as a file of some format. Each owns one format and knows nothing of the server.

use std::io::{self, Write};

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

pub(crate) use difference::{pprof_less, write_flame_diff, write_folded_diff};
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
