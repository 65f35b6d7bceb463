//! Exporters: a view as a file of some format. Each owns one format and knows nothing of the server.

mod callgrind;
mod course;
mod difference;
mod dot;
mod edges;
pub(crate) mod exporter;
mod firefox;
mod flamegraph;
mod folded;
mod pprof;
mod speedscope;
mod svg;
mod top;

pub use exporter::Exporter;
pub(crate) use pprof::write as write_pprof;

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
