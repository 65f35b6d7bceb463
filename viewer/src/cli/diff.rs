//! `plop-view diff`: what has changed from one profile to another.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::input;
use super::options::{Filters, Names, SortBy};
use super::output::Output;
use crate::compare::{Both, Comparison, Normalize};
use crate::difference::Difference;
use crate::export;

pub(super) const EXAMPLES: &str = "Examples:
  plop-view diff before.pb.gz after.pb.gz
  plop-view diff before.pb.gz after.pb.gz --normalize total --sort total -n 10
  plop-view diff before.pb.gz after.pb.gz --format flamegraph -o diff.svg
  plop-view diff before.pb.gz after.pb.gz --format folded-diff | inferno-flamegraph > diff.svg
  plop-view diff before.pb.gz after.pb.gz --format pprof -o diff.pb.gz";

/// The two profiles, how they are made comparable, and which rows of the table in which form.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The profile to compare with: a file, an address, or `-` for standard input
    #[arg(value_hint = ValueHint::FilePath)]
    before: PathBuf,
    /// The profile to look at
    #[arg(value_hint = ValueHint::FilePath)]
    after: PathBuf,
    /// How many functions, in the tables
    #[arg(short, default_value_t = 30)]
    n: usize,
    /// By the change of which value
    #[arg(long, value_enum, default_value_t)]
    sort: SortBy,
    /// What makes the first profile's values comparable with the second's
    #[arg(long, value_enum, default_value_t = NormalizeBy::None)]
    normalize: NormalizeBy,
    /// In which form
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    names: Names,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NormalizeBy {
    /// Values as they were measured
    None,
    /// Both totals weigh the same: compares shares
    Total,
    /// Both last as long: compares values per second
    Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table
    Text,
    /// A table
    Csv,
    /// A table
    Json,
    /// Stacks with the value before and the value after, as inferno and flamegraph.pl take them
    FoldedDiff,
    /// A flame graph of the second profile, what grew in red, what shrank in blue
    Flamegraph,
    /// The second profile less the first, with negative values
    Pprof,
    /// The call graph for graphviz, coloured and signed by what has changed
    Dot,
    /// The call graph as a picture, coloured and signed likewise
    Svg,
    /// Call edges as CSV, each with what it weighs on either side
    Edges,
    /// The comparison in one page that opens from disk
    Html,
}

impl Diff {
    pub(super) fn run(&self) -> Result<(), String> {
        let view = self.filters.view()?;
        if input::is_stdin(&self.before) && input::is_stdin(&self.after) {
            return Err("standard input: it can be one of the two profiles, not both".to_owned());
        }
        let sources = self.names.sources();
        let (before, after) = (input::open(&self.before, &sources)?, input::open(&self.after, &sources)?);
        let named = || format!("{}, {}", input::shown(&self.before), input::shown(&self.after));
        let comparison = Comparison::new(&before, &after).map_err(|error| format!("{}: {error}", named()))?;
        drop((before, after));
        let viewed = view.of(&comparison.opened).map_err(|error| format!("{}: {error}", named()))?;
        let normalize = match self.normalize {
            NormalizeBy::None => Normalize::None,
            NormalizeBy::Total => Normalize::Total,
            NormalizeBy::Time => Normalize::Time,
        };
        let both = Both::new(&comparison, viewed, normalize).map_err(|error| format!("{}: {error}", named()))?;
        let exported = match self.format {
            Format::Text | Format::Csv | Format::Json => {
                let table = Difference::of(&both, self.sort.into(), Some(self.n));
                let text = match self.format {
                    Format::Csv => table.to_csv(),
                    Format::Json => table.to_json(),
                    _ => table.to_text(),
                };
                return self.output.write(|out| out.write_all(text.as_bytes()));
            }
            Format::FoldedDiff => "folded",
            Format::Flamegraph => "flamegraph",
            Format::Pprof => "pprof",
            Format::Dot => "dot",
            Format::Svg => "svg",
            Format::Edges => "edges",
            Format::Html => "html",
        };
        let exporter = export::exporter(exported).ok_or_else(|| format!("{exported}: no such format"))?;
        match self.format {
            Format::Pprof => self.output.write_binary(|out| exporter.write_difference(&both, out)),
            _ => self.output.write(|out| exporter.write_difference(&both, out)),
        }
    }
}
