//! `api/source`: the file of a function, with what each of its lines has. Which file, the profile says; the client names a
//! function only.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use serde::Serialize;

use super::State;
use super::answer::{Answer, Shown, as_json, with_profile};
use super::query::Query;
use super::reply::Refusal;
use crate::source::{self, LineValue};

#[derive(Serialize)]
struct SourceAnswer {
    total: i64,
    file: String,
    found: Option<String>,
    remark: String,
    first: Option<i64>,
    text: Option<String>,
    lines: Vec<LineValue>,
}

/// `api/source/{id}`.
pub(super) async fn source(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item = query.wanted_item()?;
    let places = shared.places.clone();
    let answer = with_profile(shared, id, move |entry, opened| {
        let viewed = query.view.of(opened)?;
        let no_such = || Refusal(StatusCode::NOT_FOUND, format!("item: the view has no function {item:016x}"));
        let lines = source::lines(&viewed, item).ok_or_else(no_such)?;
        let (found, text, remark) = match places.find(&lines.file) {
            Ok(found) => (Some(found.path.display().to_string()), Some(found.text), found.remark),
            Err(reason) => (None, None, reason),
        };
        let total = viewed.node_self(viewed.sample_type).iter().sum();
        let answer =
            SourceAnswer { total, file: lines.file, found, remark, first: lines.first, text, lines: lines.values };
        Ok(Shown::new(entry, &viewed, answer))
    });
    as_json(answer.await?)
}
