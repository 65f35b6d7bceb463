//! What every handler of the API does: open the profile, put the view on it, answer as `API.md` says. What takes long runs
//! off the threads that serve.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::State;
use super::query::Query;
use super::reply::Refusal;
use crate::filter::Viewed;
use crate::library::Entry;
use crate::opened::Opened;
use crate::top::SampleType;

pub(super) type Answer = Result<Response, Refusal>;

/// Runs what computes for long on a thread that may.
pub(super) async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let failed =
        |_| Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the computation failed; its cause is on stderr".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// Opens the profile and hands it to `work`.
pub(super) async fn with_profile<T: Send + 'static>(
    shared: State,
    id: String,
    work: impl FnOnce(&Entry, &Arc<Opened>) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    compute(move || {
        let entry = shared.library.entry(&id)?;
        let opened = shared.library.open(&entry)?;
        work(&entry, &opened)
    })
    .await
}

/// Opens the profile, puts the query's view on it, and hands both to `work`.
pub(super) async fn with_view<T: Send + 'static>(
    shared: State,
    id: String,
    query: Query,
    work: impl FnOnce(&Entry, &Viewed<'_>, &Query) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    with_profile(shared, id, move |entry, opened| {
        let instances = query.view.with_instances(opened);
        let viewed = query.view.of(instances.as_ref().unwrap_or(opened))?;
        work(entry, &viewed, &query)
    })
    .await
}

/// An answer as JSON.
pub(super) fn as_json(value: impl Serialize) -> Answer {
    Ok(Json(value).into_response())
}

/// What the answers that show a view have in common, before what each shows.
#[derive(Serialize)]
pub(super) struct Shown<T> {
    version: String,
    sample_type: SampleType,
    unfiltered_total: i64,
    #[serde(flatten)]
    shown: T,
}

impl<T: Serialize> Shown<T> {
    pub(super) fn new(entry: &Entry, viewed: &Viewed<'_>, shown: T) -> Self {
        Shown::of(entry.version.to_string(), viewed, shown)
    }

    /// The same of what lies in no file.
    pub(super) fn of(version: String, viewed: &Viewed<'_>, shown: T) -> Self {
        Shown::of_both(version, viewed, viewed.opened.profile.total(viewed.sample_type), shown)
    }

    /// The same of two profiles, whose total is that of both.
    pub(super) fn of_both(version: String, viewed: &Viewed<'_>, unfiltered_total: i64, shown: T) -> Self {
        Shown { version, sample_type: SampleType::of(viewed), unfiltered_total, shown }
    }
}
