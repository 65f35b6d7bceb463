//! The table of what has changed: functions by how much more or less they have, as text, CSV and data.

use std::cmp::Reverse;
use std::fmt::Write;

use serde::Serialize;

use crate::compare::{Both, Change, Normalize, Scale, Sides};
use crate::quantity::Quantity;
use crate::top::{SampleType, Sort, csv_field, printable};

/// The table, in the shape of `plop-view diff --format json`.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// What the values measure.
    pub sample_type: SampleType,
    /// What makes before's values comparable.
    pub normalize: Normalize,
    /// What before's values were multiplied by.
    pub factor: f64,
    /// The sums over all samples of the view.
    pub total: Values,
    /// The functions, those that changed most first.
    pub functions: Vec<Changed>,
}

/// A value before, after, and the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Values {
    /// In units of after.
    pub before: i64,
    /// As measured.
    pub after: i64,
    /// After less before.
    pub delta: i64,
}

impl Values {
    fn new(scale: Scale, raw: &Sides<i64>) -> Self {
        Values { before: scale.of(raw.before), after: raw.after, delta: scale.delta(raw) }
    }

    /// Its share of `whole` after less its share before, in percentage points.
    fn share_delta(&self, whole: &Values) -> f64 {
        let share = |part: i64, whole: i64| if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
        share(self.after, whole.after) - share(self.before, whole.before)
    }
}

/// One function.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// Its full name.
    pub name: String,
    /// Its file, or empty.
    pub file: String,
    /// Whether it is new or gone.
    pub change: Change,
    /// What the samples weigh that have it as leaf.
    #[serde(rename = "self")]
    pub self_value: Values,
    /// What the samples weigh in whose stack it stands.
    pub total: Values,
    /// Its place in the view's functions, for what else is known of it.
    #[serde(skip)]
    pub function: usize,
}

impl Difference {
    /// The `count` functions of a view of a comparison whose self (or total) changed most, up or down; all if `None`. Those
    /// without any value on both sides are left out.
    pub fn of(both: &Both<'_>, sort: Sort, count: Option<usize>) -> Difference {
        let Both { viewed, scale, normalize, .. } = both;
        let (scale, normalize) = (*scale, *normalize);
        let graph = both.graphs();
        let row = |function: usize| {
            let total = graph.map(|graph| graph.totals[function]);
            let own = graph.map(|graph| graph.self_values[function]);
            let known = &viewed.functions[function];
            (own != Sides::default() || total != Sides::default()).then(|| Changed {
                name: known.name.clone(),
                file: known.file.clone(),
                change: total.change(),
                self_value: Values::new(scale, &own),
                total: Values::new(scale, &total),
                function,
            })
        };
        let mut functions: Vec<Changed> = (0..viewed.functions.len()).filter_map(row).collect();
        let size = |values: &Values| Reverse(values.delta.unsigned_abs());
        functions.sort_by(|left, right| {
            let by_self = size(&left.self_value).cmp(&size(&right.self_value));
            let by_total = size(&left.total).cmp(&size(&right.total));
            let order = match sort {
                Sort::SelfValue => by_self.then(by_total),
                Sort::Total => by_total.then(by_self),
            };
            order.then_with(|| left.name.cmp(&right.name)).then_with(|| left.file.cmp(&right.file))
        });
        functions.truncate(count.unwrap_or(usize::MAX));
        Difference {
            sample_type: SampleType::of(viewed),
            normalize,
            factor: scale.factor(),
            total: Values::new(scale, &graph.map(|graph| graph.total)),
            functions,
        }
    }

    /// The table as text: self before and after, what it changed by and by how many points of its share; total likewise.
    pub fn to_text(&self) -> String {
        let value = |value: i64| Quantity::new(value, &self.sample_type.unit).to_string();
        let signed = |delta: i64| if delta > 0 { format!("+{}", value(delta)) } else { value(delta) };
        let Values { before, after, delta } = self.total;
        let mut out =
            format!("{}: {} before, {} after, {}", self.sample_type.kind, value(before), value(after), signed(delta));
        let _ = match self.normalize {
            Normalize::None => writeln!(out),
            Normalize::Total => writeln!(out, "; before × {:.4}, to the same total", self.factor),
            Normalize::Time => writeln!(out, "; before × {:.4}, to the same time", self.factor),
        };
        let headings = format!("{:>10} {:>10} {:>11} {:>8}", "before", "after", "delta", "share");
        let _ = writeln!(out, "{:─^42}  {:─^42}", " self ", " total ");
        let _ = writeln!(out, "{headings}  {headings}");
        for row in &self.functions {
            for values in [&row.self_value, &row.total] {
                let (before, after, delta) = (value(values.before), value(values.after), signed(values.delta));
                let points = format!("{:+.2}%", values.share_delta(&self.total));
                let _ = write!(out, "{before:>10} {after:>10} {delta:>11} {points:>8}  ");
            }
            let mark = match row.change {
                Change::Kept => "",
                Change::New => "new: ",
                Change::Gone => "gone: ",
            };
            let _ = writeln!(out, "{mark}{}", printable(&row.name));
        }
        out
    }

    /// The table as CSV.
    pub fn to_csv(&self) -> String {
        let mut out =
            "function,file,change,self_before,self_after,self_delta,total_before,total_after,total_delta\n".to_owned();
        for row in &self.functions {
            let change = match row.change {
                Change::Kept => "kept",
                Change::New => "new",
                Change::Gone => "gone",
            };
            let _ = write!(out, "{},{},{change}", csv_field(&row.name), csv_field(&row.file));
            for Values { before, after, delta } in [row.self_value, row.total] {
                let _ = write!(out, ",{before},{after},{delta}");
            }
            out.push('\n');
        }
        out
    }

    /// The table as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts can be JSON") + "\n"
    }
}
