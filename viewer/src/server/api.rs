//! The API: each handler opens the profile, puts the view on it, and answers as `API.md` says. What takes long runs off the
//! threads that serve.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::State;
use super::query::Query;
use super::reply::Refusal;
use crate::export;
use crate::filter::Viewed;
use crate::library::Entry;
use crate::opened::Opened;
use crate::picture::{self, Picture, Source};
use crate::timeline::Timeline;
use crate::top::{SampleType, Top};

type Answer = Result<Response, Refusal>;

/// Runs what computes for long on a thread that may.
async fn compute<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    let failed =
        |_| Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the computation failed; its cause is on stderr".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

/// Opens the profile and hands it to `work`.
async fn with_profile<T: Send + 'static>(
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

/// `api/profiles`.
pub(super) async fn profiles(shared: State) -> Answer {
    let list = |entry: Entry| {
        json!({
            "id": entry.id,
            "name": entry.id,
            "bytes": entry.bytes,
            "modified_ms": entry.modified_ms(),
            "growing": entry.growing(),
        })
    };
    let entries = compute(move || Ok(shared.library.entries().into_iter().map(list).collect::<Vec<_>>())).await?;
    Ok(Json(entries).into_response())
}

/// `api/profile/{id}`.
pub(super) async fn profile(shared: State, Path(id): Path<String>) -> Answer {
    let described = with_profile(shared, id, |entry, opened| Ok(describe(entry, opened))).await?;
    Ok(Json(described).into_response())
}

fn describe(entry: &Entry, opened: &Opened) -> Value {
    let profile = &opened.profile;
    let text = |id| &profile.strings[id];
    let types = profile.sample_types.iter().enumerate();
    let types = types.map(|(at, of)| json!({"type": text(of.kind), "unit": text(of.unit), "total": profile.total(at)}));
    let labels: serde_json::Map<String, Value> =
        opened.labels().into_iter().map(|(key, values)| (key.to_owned(), json!(values))).collect();
    let times = opened.times().map(|times| json!({"start_ms": times.start_ms, "end_ms": times.end_ms}));
    let check = profile.self_check.map(|check| {
        let mut figures: serde_json::Map<String, Value> =
            check.figures().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        figures.insert("coverage".to_owned(), json!(check.coverage()));
        figures
    });
    json!({
        "id": entry.id,
        "name": entry.id,
        "format": opened.format,
        "version": entry.version.to_string(),
        "sample_types": types.collect::<Vec<_>>(),
        "default_sample_type": profile.sample_types.get(profile.default_sample_type).map(|of| text(of.kind)),
        "time_ms": profile.time_nanos / 1_000_000,
        "duration_ns": profile.duration_nanos,
        "period": profile.period,
        "labels": labels,
        "times": times,
        "comments": profile.comments.iter().map(|&comment| text(comment)).collect::<Vec<_>>(),
        "growing": entry.growing(),
        "self_check": check,
        "warnings": opened.warnings,
    })
}

/// What a picture is made of.
fn source<'a>(viewed: &'a Viewed<'_>, node_self: &'a [i64]) -> Source<'a> {
    Source { tree: &viewed.tree, node_self, functions: viewed.functions }
}

#[derive(serde::Serialize)]
struct PictureAnswer {
    version: String,
    sample_type: SampleType,
    unfiltered_total: i64,
    #[serde(flatten)]
    picture: Picture,
}

/// `api/picture/{id}`.
pub(super) async fn picture(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let answer = with_profile(shared, id, move |entry, opened| {
        let viewed = query.view.of(opened)?;
        let node_self = viewed.node_self(viewed.sample_type);
        let picture = picture::picture(source(&viewed, &node_self), &query.settings);
        let unfiltered_total = opened.profile.total(viewed.sample_type);
        Ok(PictureAnswer {
            version: entry.version.to_string(),
            sample_type: SampleType::of(&viewed),
            unfiltered_total,
            picture,
        })
    });
    Ok(Json(answer.await?).into_response())
}

/// `api/item/{id}`.
pub(super) async fn item(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item =
        query.item.ok_or_else(|| Refusal(StatusCode::BAD_REQUEST, "item: missing; name an item's id".to_owned()))?;
    let split = with_profile(shared, id, move |_, opened| {
        let viewed = query.view.of(opened)?;
        let node_self = viewed.node_self(viewed.sample_type);
        let split = picture::split(source(&viewed, &node_self), &query.settings, item);
        split.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, format!("item: the picture has no {item:016x}")))
    });
    Ok(Json(split.await?).into_response())
}

/// `api/top/{id}`.
pub(super) async fn top(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let table = with_profile(shared, id, move |_, opened| {
        let viewed = query.view.of(opened)?;
        let top = Top::of(&viewed, query.sort, query.count);
        let row = |row: &crate::top::Row| {
            let function = &viewed.functions[row.function];
            json!({
                "id": format!("{:016x}", function.id),
                "name": row.name,
                "label": function.label,
                "file": row.file,
                "crate": function.krate,
                "module": function.module,
                "self": row.self_value,
                "total": row.total,
            })
        };
        let functions: Vec<Value> = top.functions.iter().map(row).collect();
        Ok(json!({"sample_type": top.sample_type, "total": top.total, "functions": functions}))
    });
    Ok(Json(table.await?).into_response())
}

/// `api/timeline/{id}`.
pub(super) async fn timeline(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let Query { mut view, bins, rows, .. } = Query::parse(query.as_deref())?;
    // What the timeline is there to choose does not narrow it.
    (view.from, view.to) = (None, None);
    view.threads.clear();
    let timeline = with_profile(shared, id, move |_, opened| Ok(Timeline::of(&view.of(opened)?, bins, rows)));
    Ok(Json(timeline.await?).into_response())
}

/// `api/export/{id}`.
pub(super) async fn export(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let mut query = Query::parse(query.as_deref())?;
    let name = query.format.take().unwrap_or_default();
    let exporter = export::exporter(&name).ok_or_else(|| {
        let have: Vec<_> = export::EXPORTERS.iter().map(|exporter| exporter.name()).collect();
        Refusal(StatusCode::BAD_REQUEST, format!("format: there is no {name}; there are {}", have.join(", ")))
    })?;
    // The file name is a header: nothing but plain letters of the id goes into it.
    let stem: String =
        id.chars().map(|sign| if sign.is_ascii_alphanumeric() || "-_.".contains(sign) { sign } else { '_' }).collect();
    let bytes = with_profile(shared, id, move |_, opened| {
        let viewed = query.view.of(opened)?;
        let mut bytes = Vec::new();
        exporter.write(&viewed, &mut bytes)?;
        Ok(bytes)
    });
    let file = format!("attachment; filename=\"{stem}.{}\"", exporter.extension());
    let headers = [(header::CONTENT_TYPE, exporter.content_type().to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, bytes.await?).into_response())
}
