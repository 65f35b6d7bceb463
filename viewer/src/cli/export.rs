//! `plop-view export`: a view as a file of another format.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::input;
use super::options::{Filters, Names};
use super::output::Output;
use crate::export;

pub(super) const EXAMPLES: &str = "Examples:
  plop-view export --format flamegraph busy.pb.gz -o busy.svg
  plop-view export --format folded busy.pb.gz --focus parse
  plop-view export --format callgrind busy.pb.gz -o callgrind.out.busy
  plop-view export --format dot busy.pb.gz | dot -Tsvg > graph.svg";

/// The profile, the format, where to.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The profile: a file, an address, or `-` for standard input
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The format
    #[arg(long, value_parser = format_names())]
    format: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    names: Names,
}

fn format_names() -> clap::builder::PossibleValuesParser {
    export::EXPORTERS.iter().map(|exporter| exporter.name()).collect::<Vec<_>>().into()
}

impl Export {
    pub(super) fn run(&self) -> Result<(), String> {
        let mut view = self.filters.view()?;
        // As the page shows them.
        view.merge_generics |= ["html", "svg"].contains(&&*self.format);
        let exporter = export::exporter(&self.format).ok_or_else(|| format!("{}: no such format", self.format))?;
        let opened = input::open(&self.file, &self.names.sources())?;
        let viewed = view.of(&opened).map_err(|error| format!("{}: {error}", input::shown(&self.file)))?;
        match exporter.content_type() {
            "application/octet-stream" => self.output.write_binary(|out| exporter.write(&viewed, out)),
            _ => self.output.write(|out| exporter.write(&viewed, out)),
        }
    }
}
