//! The top table as a file, all functions of it.

use std::io::{self, Write};

use super::Exporter;
use crate::compare::Both;
use crate::difference::Difference;
use crate::filter::Viewed;
use crate::top::{Sort, Top};

/// The form that the table is written in.
pub(super) enum TopTable {
    Text,
    Csv,
    Json,
}

impl Exporter for TopTable {
    fn name(&self) -> &'static str {
        match self {
            TopTable::Text => "top",
            TopTable::Csv => "top-csv",
            TopTable::Json => "top-json",
        }
    }

    fn content_type(&self) -> &'static str {
        match self {
            TopTable::Text => "text/plain; charset=utf-8",
            TopTable::Csv => "text/csv; charset=utf-8",
            TopTable::Json => "application/json",
        }
    }

    fn extension(&self) -> &'static str {
        match self {
            TopTable::Text => "txt",
            TopTable::Csv => "csv",
            TopTable::Json => "json",
        }
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let top = Top::of(viewed, Sort::SelfValue, None);
        let text = match self {
            TopTable::Text => top.to_text(),
            TopTable::Csv => top.to_csv(),
            TopTable::Json => top.to_json(),
        };
        out.write_all(text.as_bytes())
    }

    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let table = Difference::of(both, Sort::SelfValue, None);
        let text = match self {
            TopTable::Text => table.to_text(),
            TopTable::Csv => table.to_csv(),
            TopTable::Json => table.to_json(),
        };
        out.write_all(text.as_bytes())
    }
}
