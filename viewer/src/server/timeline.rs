//! `api/timeline`: what each thread used over time.

use axum::extract::{Path, RawQuery};

use super::State;
use super::answer::{Answer, as_json, with_profile};
use super::query::Query;
use crate::timeline::Timeline;

/// `api/timeline/{id}`.
pub(super) async fn timeline(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let Query { mut view, bins, rows, .. } = Query::parse(query.as_deref())?;
    // What the timeline is there to choose does not narrow it.
    (view.from, view.to) = (None, None);
    view.threads.clear();
    let timeline = with_profile(shared, id, move |_, opened| Ok(Timeline::of(&view.of(opened)?, bins, rows)));
    as_json(timeline.await?)
}
