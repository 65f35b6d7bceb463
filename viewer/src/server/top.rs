//! `api/top`: the functions by what they have.

use axum::extract::{Path, RawQuery};
use serde_json::{Value, json};

use super::answer::{Answer, Shown, as_json, with_profile};
use super::query::Query;
use super::{State, compare};
use crate::filter::Viewed;
use crate::picture;
use crate::top::Top;

/// `api/top/{id}`.
pub(super) async fn top(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, |both, query| Ok(compare::top(both, query)));
        return as_json(answer.await?);
    }
    let table = with_profile(shared, id, move |entry, opened| {
        let viewed = query.view.of(opened)?;
        Ok(Shown::new(entry, &viewed, functions(&viewed, &query)))
    });
    as_json(table.await?)
}

/// The functions of a view.
pub(super) fn functions(viewed: &Viewed<'_>, query: &Query) -> Value {
    let colors = picture::colors(viewed.functions, query.settings.color);
    let top = Top::of(viewed, query.sort, query.count);
    let row = |row: &crate::top::Row| {
        let function = &viewed.functions[row.function];
        json!({
            "id": format!("{:016x}", function.id),
            "name": row.name,
            "label": function.label,
            "file": row.file,
            "crate": function.krate,
            "module": function.module,
            "color": colors[row.function],
            "self": row.self_value,
            "total": row.total,
        })
    };
    let functions: Vec<Value> = top.functions.iter().map(row).collect();
    json!({"total": top.total, "functions": functions})
}
