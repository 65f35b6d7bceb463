//! `api/timeline`: what each thread used over time.

use axum::extract::{Path, RawQuery};

use super::State;
use super::answer::{Answer, as_json, with_view};
use super::query::Query;
use crate::timeline::Timeline;

/// `api/timeline/{id}`.
pub(super) async fn timeline(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::parse(query.as_deref())?;
    // What the timeline is there to choose does not narrow it.
    (query.view.from, query.view.to) = (None, None);
    query.view.threads.clear();
    let timeline = with_view(shared, id, query, |_, viewed, query| Ok(Timeline::of(viewed, query.bins, query.rows)));
    as_json(timeline.await?)
}
