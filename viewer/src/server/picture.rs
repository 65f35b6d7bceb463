//! `api/picture` and `api/item`: the call graph as it is to be drawn.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;

use super::answer::{Answer, Shown, as_json, with_view};
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::filter::Viewed;
use crate::picture::{self, Picture, Source};

/// What a picture is made of.
fn source<'a>(viewed: &'a Viewed<'_>, node_self: &'a [i64]) -> Source<'a> {
    Source { tree: &viewed.tree, node_self, functions: viewed.functions }
}

/// The picture of one profile.
pub(super) fn of_one(viewed: &Viewed<'_>, query: &Query) -> Picture {
    let node_self = viewed.node_self(viewed.sample_type);
    picture::picture(source(viewed, &node_self), &query.settings)
}

/// `api/picture/{id}`.
pub(super) async fn picture(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, |both, query| Ok(compare::picture(both, query)));
        return as_json(answer.await?);
    }
    let answer = with_view(shared, id, query, move |entry, viewed, query| {
        let picture = of_one(viewed, query);
        Ok(Shown::new(entry, viewed, picture))
    });
    as_json(answer.await?)
}

/// `api/item/{id}`.
pub(super) async fn item(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item = query.wanted_item()?;
    let missing = move || Refusal(StatusCode::NOT_FOUND, format!("item: the picture has no {item:016x}"));
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, move |both, query| {
            let together = both.together();
            picture::split(source(&both.viewed, &together), &query.settings, item).ok_or_else(missing)
        });
        return as_json(answer.await?);
    }
    let split = with_view(shared, id, query, move |_, viewed, query| {
        let node_self = viewed.node_self(viewed.sample_type);
        let split = picture::split(source(viewed, &node_self), &query.settings, item);
        split.ok_or_else(missing)
    });
    as_json(split.await?)
}
