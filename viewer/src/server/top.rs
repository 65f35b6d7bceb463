//! `api/top`: functions, or what they belong to, by what they have.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use serde::Serialize;

use super::answer::{Answer, Shown, as_json, with_profile};
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::filter::Viewed;
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
}

#[derive(Serialize)]
pub(super) struct TopAnswer {
    total: i64,
    functions: Vec<Row>,
}

/// `api/top/{id}`.
pub(super) async fn top(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, |both, query| Ok(compare::top(both, query)));
        return as_json(answer.await?);
    }
    let rows = Rows::parse(&query.by)?;
    let table = with_profile(shared, id, move |entry, opened| {
        let viewed = query.view.of(opened)?;
        let answer = match rows {
            Rows::Functions => functions(&viewed, &query),
            Rows::Groups(by) => groups(rollup::by_group(&viewed, by), query.settings.color == by, &viewed, by),
            Rows::Label(key) => groups(rollup::by_label(&viewed, &key), false, &viewed, ColorBy::Crate),
        };
        Ok(Shown::new(entry, &viewed, answer))
    });
    as_json(table.await?)
}

/// The functions of a view.
pub(super) fn functions(viewed: &Viewed<'_>, query: &Query) -> TopAnswer {
    let colors = picture::colors(viewed.functions, query.settings.color);
    let samples = rollup::samples(viewed);
    let top = Top::of(viewed, query.sort, query.count);
    let row = |row: crate::top::Row| {
        let function = &viewed.functions[row.function];
        Row {
            id: format!("{:016x}", function.id),
            name: row.name,
            label: function.label.clone(),
            file: row.file,
            krate: function.krate.clone(),
            module: function.module.clone(),
            color: colors[row.function],
            self_value: row.self_value,
            total: row.total,
            samples: samples.as_ref().map(|samples| samples[row.function]),
        }
    };
    TopAnswer { total: top.total, functions: top.functions.into_iter().map(row).collect() }
}

/// Rows that are no functions, in the colours of their groups if that is what colours stand for.
fn groups(rolled: Rolled, colored: bool, viewed: &Viewed<'_>, by: ColorBy) -> TopAnswer {
    let colors = picture::colors(viewed.functions, by);
    let color_of = |name: &str| {
        let of_group = viewed.functions.iter().position(|function| by.group_of(function) == name);
        of_group.filter(|_| colored).map_or(255, |at| colors[at])
    };
    let row = |row: rollup::Row| Row {
        id: String::new(),
        label: row.name.clone(),
        file: String::new(),
        krate: String::new(),
        module: String::new(),
        color: color_of(&row.name),
        name: row.name,
        self_value: row.self_value,
        total: row.total,
        samples: row.samples,
    };
    TopAnswer { total: rolled.total, functions: rolled.rows.into_iter().map(row).collect() }
}
