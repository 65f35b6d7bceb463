//! `api/top`: functions, or what they belong to, by what they have.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::answer::{Answer, Shown, as_json, with_view};
use super::compare::Measured;
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::compare::{Both, Sides};
use crate::filter::Viewed;
use crate::function::Function;
use crate::picture::{self, ColorBy};
use crate::rollup::{self, Rolled};
use crate::top::Top;

/// What each row stands for.
enum Rows {
    Functions,
    Groups(ColorBy),
    Label(String),
}

impl Rows {
    fn parse(by: &str) -> Result<Self, Refusal> {
        Ok(match by {
            "" | "function" => Rows::Functions,
            "module" => Rows::Groups(ColorBy::Module),
            "crate" => Rows::Groups(ColorBy::Crate),
            "file" => Rows::Groups(ColorBy::File),
            "thread" => Rows::Label("thread".to_owned()),
            _ => match by.strip_prefix("label:") {
                Some(key) => Rows::Label(key.to_owned()),
                None => {
                    let have = "function, module, crate, file, thread, label:KEY";
                    return Err(Refusal(StatusCode::BAD_REQUEST, format!("by: there is no {by}; there are {have}")));
                }
            },
        })
    }
}

#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    name: String,
    label: String,
    file: String,
    #[serde(rename = "crate")]
    krate: String,
    module: String,
    color: u8,
    #[serde(rename = "self")]
    self_value: i64,
    total: i64,
    samples: Option<i64>,
    #[serde(flatten)]
    sides: Option<Measured>,
}

#[derive(Serialize)]
pub(super) struct TopAnswer {
    total: i64,
    functions: Vec<Row>,
}

/// `api/top/{id}`.
pub(super) async fn top(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let rows = Rows::parse(&query.by)?;
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, move |both, query| {
            Ok(match &rows {
                Rows::Functions => functions_of_both(both, query),
                Rows::Groups(by) => {
                    groups_of_both(both, query, Some(*by), |of| rollup::by_group(&both.viewed, *by, of))
                }
                Rows::Label(key) => groups_of_both(both, query, None, |of| rollup::by_label(&both.viewed, key, of)),
            })
        });
        return as_json(answer.await?);
    }
    let table = with_view(shared, id, query, move |entry, viewed, query| {
        let of = viewed.sample_type;
        let answer = match rows {
            Rows::Functions => functions(viewed, query),
            Rows::Groups(by) => groups(rollup::by_group(viewed, by, of), query, viewed, Some(by)),
            Rows::Label(key) => groups(rollup::by_label(viewed, &key, of), query, viewed, None),
        };
        Ok(Shown::new(entry, viewed, answer))
    });
    as_json(table.await?)
}

/// The functions of a view.
pub(super) fn functions(viewed: &Viewed<'_>, query: &Query) -> TopAnswer {
    let colors = picture::colors(viewed.functions, query.settings.color);
    let samples = rollup::samples(viewed);
    let top = Top::of(viewed, query.sort, query.count);
    let row = |row: crate::top::Row| {
        let samples = samples.as_ref().map(|samples| samples[row.function]);
        let color = colors[row.function];
        Row { self_value: row.self_value, total: row.total, samples, ..Row::of(&viewed.functions[row.function], color) }
    };
    TopAnswer { total: top.total, functions: top.functions.into_iter().map(row).collect() }
}

/// The functions of two profiles: what has changed most comes first.
pub(super) fn functions_of_both(both: &Both<'_>, query: &Query) -> TopAnswer {
    let Both { viewed, .. } = both;
    let graphs = both.graphs();
    let colors = picture::colors(viewed.functions, query.settings.color);
    let rows = viewed.functions.iter().enumerate().filter_map(|(number, function)| {
        let own = graphs.map(|graph| graph.self_values.get(number).copied().unwrap_or(0));
        let total = graphs.map(|graph| graph.totals.get(number).copied().unwrap_or(0));
        let has_any = own != Sides::default() || total != Sides::default();
        has_any.then(|| Row::of(function, colors[number]).with(both, &own, &total))
    });
    changed_first(graphs.after.total, rows, query)
}

/// Rows that are no functions, of two profiles.
fn groups_of_both(both: &Both<'_>, query: &Query, by: Option<ColorBy>, roll: impl Fn(usize) -> Rolled) -> TopAnswer {
    let rolled = both.columns().map(|&of| roll(of));
    let mut known: BTreeMap<&str, Sides<(i64, i64)>> = BTreeMap::new();
    for row in &rolled.before.rows {
        known.entry(&row.name).or_default().before = (row.self_value, row.total);
    }
    for row in &rolled.after.rows {
        known.entry(&row.name).or_default().after = (row.self_value, row.total);
    }
    let colors = Colors::of(&both.viewed, query, by);
    let rows = known.into_iter().map(|(name, sides)| {
        Row::named(name, colors.of_group(name)).with(both, &sides.map(|of| of.0), &sides.map(|of| of.1))
    });
    changed_first(rolled.after.total, rows, query)
}

fn changed_first(total: i64, rows: impl Iterator<Item = Row>, query: &Query) -> TopAnswer {
    let mut functions: Vec<Row> = rows.collect();
    functions.sort_by_key(|row| std::cmp::Reverse(row.sides.as_ref().map_or(0, Measured::change)));
    functions.truncate(query.count.unwrap_or(usize::MAX));
    TopAnswer { total, functions }
}

/// Rows that are no functions.
fn groups(rolled: Rolled, query: &Query, viewed: &Viewed<'_>, by: Option<ColorBy>) -> TopAnswer {
    let colors = Colors::of(viewed, query, by);
    let row = |row: rollup::Row| Row {
        self_value: row.self_value,
        total: row.total,
        samples: row.samples,
        ..Row::named(&row.name, colors.of_group(&row.name))
    };
    TopAnswer { total: rolled.total, functions: rolled.rows.into_iter().map(row).collect() }
}

/// The colours of groups, if those are what colours stand for.
struct Colors<'a>(FxHashMap<&'a str, u8>);

impl<'a> Colors<'a> {
    /// `None` for values of a label, which may be called like a crate.
    fn of(viewed: &Viewed<'a>, query: &Query, by: Option<ColorBy>) -> Self {
        let Some(by) = by.filter(|by| *by == query.settings.color) else {
            return Colors(FxHashMap::default());
        };
        let colors = picture::colors(viewed.functions, by);
        Colors(viewed.functions.iter().map(|function| by.group_of(function)).zip(colors).collect())
    }

    /// Grey for what is no group.
    fn of_group(&self, name: &str) -> u8 {
        self.0.get(name).copied().unwrap_or(255)
    }
}

impl Row {
    fn of(function: &Function, color: u8) -> Self {
        Row {
            id: format!("{:016x}", function.id),
            label: function.label.clone(),
            file: function.file.clone(),
            krate: function.krate.clone(),
            module: function.module.clone(),
            ..Row::named(&function.name, color)
        }
    }

    fn named(name: &str, color: u8) -> Self {
        Row {
            id: String::new(),
            name: name.to_owned(),
            label: name.to_owned(),
            file: String::new(),
            krate: String::new(),
            module: String::new(),
            color,
            self_value: 0,
            total: 0,
            samples: None,
            sides: None,
        }
    }

    /// With what it has on either side.
    fn with(mut self, both: &Both<'_>, own: &Sides<i64>, total: &Sides<i64>) -> Self {
        (self.self_value, self.total) = (own.after, total.after);
        self.sides = Some(Measured::new(both, own, total));
        self
    }
}
