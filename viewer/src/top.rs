//! The top table: functions by what they have, as text and as data.

use std::fmt::Write;

use serde::Serialize;

use crate::filter::Viewed;
use crate::quantity::Quantity;

/// By which value the table is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// What a function has as a leaf.
    #[default]
    SelfValue,
    /// What it has with its callees.
    Total,
}

/// The table, in the shape of `plop-view top --format json`.
#[derive(Debug, Clone, Serialize)]
pub struct Top {
    /// What the values measure.
    pub sample_type: SampleType,
    /// The sum over all samples of the view.
    pub total: i64,
    /// The functions, largest first.
    pub functions: Vec<Row>,
}

/// What values measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SampleType {
    /// Its name, `cpu`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its unit, `nanoseconds`.
    pub unit: String,
}

impl SampleType {
    pub(crate) fn of(viewed: &Viewed<'_>) -> Self {
        SampleType { kind: viewed.kind().to_owned(), unit: viewed.unit().to_owned() }
    }
}

/// One function.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its full name.
    pub name: String,
    /// Its file, or empty.
    pub file: String,
    /// What the samples weigh that have it as leaf.
    #[serde(rename = "self")]
    pub self_value: i64,
    /// What the samples weigh in whose stack it stands.
    pub total: i64,
    /// Its place in the view's functions, for what else is known of it.
    #[serde(skip)]
    pub(crate) function: usize,
}

impl Top {
    /// The `count` largest functions of a view; all if `None`. Those without any value are left out.
    pub fn of(viewed: &Viewed<'_>, sort: Sort, count: Option<usize>) -> Top {
        let graph = viewed.call_graph();
        let rows = graph.self_values.iter().zip(&graph.totals).enumerate();
        let mut rows: Vec<(usize, i64, i64)> = rows
            .filter(|(_, (own, total))| **own != 0 || **total != 0)
            .map(|(function, (&own, &total))| (function, own, total))
            .collect();
        let name = |function: usize| &viewed.functions[function].name;
        rows.sort_by(|&(left, left_self, left_total), &(right, right_self, right_total)| {
            let order = match sort {
                Sort::SelfValue => (right_self, right_total).cmp(&(left_self, left_total)),
                Sort::Total => (right_total, right_self).cmp(&(left_total, left_self)),
            };
            order.then_with(|| name(left).cmp(name(right)))
        });
        rows.truncate(count.unwrap_or(usize::MAX));
        let row = |(function, self_value, total): (usize, i64, i64)| {
            let known = &viewed.functions[function];
            Row { name: known.name.clone(), file: known.file.clone(), self_value, total, function }
        };
        Top { sample_type: SampleType::of(viewed), total: graph.total, functions: rows.into_iter().map(row).collect() }
    }

    /// The table as text, in the columns of `go tool pprof -top`: self, its share, the shares summed, total, its share.
    pub fn to_text(&self) -> String {
        let value = |value: i64| Quantity::new(value, &self.sample_type.unit).to_string();
        let share = |value: i64| format!("{:.2}%", 100.0 * value as f64 / self.total.max(1) as f64);
        let mut out = format!("{}: {} in all\n", self.sample_type.kind, value(self.total));
        let _ = writeln!(out, "{:>12} {:>7} {:>7} {:>12} {:>7}", "self", "self%", "sum%", "total", "total%");
        let mut sum = 0_i64;
        for row in &self.functions {
            sum = sum.saturating_add(row.self_value);
            let (own, total) = (value(row.self_value), value(row.total));
            let (own_share, sum_share, total_share) = (share(row.self_value), share(sum), share(row.total));
            let _ = writeln!(
                out,
                "{own:>12} {own_share:>7} {sum_share:>7} {total:>12} {total_share:>7}  {}",
                printable(&row.name)
            );
        }
        out
    }

    /// The table as CSV, with values in the unit that the first line names.
    pub fn to_csv(&self) -> String {
        let unit = &self.sample_type.unit;
        let mut out = format!(
            "function,file,{},{}\n",
            csv_field(&format!("self ({unit})")),
            csv_field(&format!("total ({unit})"))
        );
        for row in &self.functions {
            let _ = writeln!(out, "{},{},{},{}", csv_field(&row.name), csv_field(&row.file), row.self_value, row.total);
        }
        out
    }

    /// The table as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts can be JSON") + "\n"
    }
}

/// A field of CSV (RFC 4180). One that a spreadsheet would take for a formula gets an apostrophe before it.
pub(crate) fn csv_field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// A name on one line, without what a terminal would take for a command.
pub(crate) fn printable(name: &str) -> String {
    name.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}
