//! Flame graphs, drawn by inferno.

use std::io::{self, Write};

use inferno::flamegraph::{self, Options};

use super::{Exporter, folded};
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
        let mut options = Options::default();
        options.title = format!("{}, {}", viewed.kind(), viewed.unit());
        options.count_name = if viewed.unit() == "count" { viewed.kind().to_owned() } else { viewed.unit().to_owned() };
        let lines: Vec<String> = folded::lines(viewed).collect();
        if lines.is_empty() {
            return Err(io::Error::other("no samples to draw a flame graph of; loosen the filters"));
        }
        flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out)
    }
}
