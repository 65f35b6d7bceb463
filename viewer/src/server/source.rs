//! `api/source`: the file of a function, with what each of its lines has. Which file, the profile says; the client names a
//! function only.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery};
use serde::Serialize;

use super::answer::{Answer, Shown, as_json, with_view};
use super::compare::Measured;
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::compare::{Both, Sides};
use crate::source::{self, LineValue, Places};

#[derive(Serialize)]
struct SourceAnswer {
    total: i64,
    file: String,
    found: Option<String>,
    remark: String,
    first: Option<i64>,
    text: Option<String>,
    lines: Vec<Line>,
}

/// A line with what it has on either side, if two profiles are compared.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    value: LineValue,
    #[serde(flatten)]
    sides: Option<Measured>,
}

/// `api/source/{id}`.
pub(super) async fn source(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item = query.wanted_item()?;
    let places = shared.places.clone();
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, move |both, _| {
            let lines = |of: usize| source::lines(&both.viewed, item, of).ok_or_else(|| Refusal::no_function(item));
            let Sides { before, after } = both.columns();
            let (before, after) = (lines(before)?, lines(after)?);
            let total = both.node_self.after.iter().sum();
            Ok(answer(
                &places,
                total,
                after.file,
                after.first.or(before.first),
                merged(both, &before.values, &after.values),
            ))
        });
        return as_json(answer.await?);
    }
    let answer = with_view(shared, id, query, move |entry, viewed, _| {
        let found = source::lines(viewed, item, viewed.sample_type).ok_or_else(|| Refusal::no_function(item))?;
        let total = viewed.node_self(viewed.sample_type).iter().sum();
        let lines = found.values.into_iter().map(|value| Line { value, sides: None }).collect();
        Ok(Shown::new(entry, viewed, answer(&places, total, found.file, found.first, lines)))
    });
    as_json(answer.await?)
}

fn answer(places: &Places, total: i64, file: String, first: Option<i64>, lines: Vec<Line>) -> SourceAnswer {
    let (found, text, remark) = match places.find(&file) {
        Ok(found) => (Some(found.path.display().to_string()), Some(found.text), found.remark),
        Err(reason) => (None, None, reason),
    };
    SourceAnswer { total, file, found, remark, first, text, lines }
}

/// The lines of both sides, by their numbers.
fn merged(both: &Both<'_>, before: &[LineValue], after: &[LineValue]) -> Vec<Line> {
    let mut known: BTreeMap<i64, Sides<(i64, i64)>> = BTreeMap::new();
    before.iter().for_each(|of| known.entry(of.line).or_default().before = (of.self_value, of.total));
    after.iter().for_each(|of| known.entry(of.line).or_default().after = (of.self_value, of.total));
    let line = |(line, sides): (i64, Sides<(i64, i64)>)| {
        let (own, total) = (sides.map(|of| of.0), sides.map(|of| of.1));
        let value = LineValue { line, self_value: own.after, total: total.after };
        Line { value, sides: Some(Measured::new(both, &own, &total)) }
    };
    known.into_iter().map(line).collect()
}
