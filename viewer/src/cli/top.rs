//! `plop-view top`: the functions that have most.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::input;
use super::options::{Filters, Names, SortBy};
use super::output::Output;
use super::watch::Watch;
use crate::top;

pub(super) const EXAMPLES: &str = "Examples:
  plop-view top busy.pb.gz -n 20 --sort total
  plop-view top busy.pb.gz --sample-type cpu --thread worker-1
  plop-view top heap.pb.gz --focus parse --format csv -o parse.csv
  plop-view top --watch profiles/              the newest profile, as it grows
  plop-view top --watch busy.pb --from -10     its last ten seconds";

/// The profile, and which rows of the table in which form.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// The profile: a file, an address, or `-` for standard input
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// How many functions
    #[arg(short, default_value_t = 30)]
    n: usize,
    /// By which value
    #[arg(long, value_enum, default_value_t)]
    sort: SortBy,
    /// In which form
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Follow a file that grows, or the newest of a folder, until Ctrl-C; without a terminal, until it grows no more
    #[arg(long, conflicts_with_all = ["format", "output"])]
    watch: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    names: Names,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Csv,
    Json,
}

impl Top {
    pub(super) fn run(&self) -> Result<(), String> {
        let view = self.filters.view()?;
        if self.watch {
            let watch = Watch { file: &self.file, view, sort: self.sort.into(), count: self.n };
            return watch.run(self.names.sources());
        }
        let opened = input::open(&self.file, &self.names.sources())?;
        let viewed = view.of(&opened).map_err(|error| format!("{}: {error}", input::shown(&self.file)))?;
        let top = top::Top::of(&viewed, self.sort.into(), Some(self.n));
        let text = match self.format {
            Format::Text => top.to_text(),
            Format::Csv => top.to_csv(),
            Format::Json => top.to_json(),
        };
        self.output.write(|out| out.write_all(text.as_bytes()))
    }
}
