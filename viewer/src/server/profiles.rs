//! `api/profiles` and `api/profile`: which profiles there are, and what is known of one.

use axum::extract::Path;
use serde_json::{Value, json};

use super::State;
use super::answer::{Answer, as_json, compute, with_profile};
use crate::library::Entry;
use crate::opened::Opened;

/// `api/profiles`.
pub(super) async fn profiles(shared: State) -> Answer {
    let entries = compute(move || {
        let list = |entry: Entry| {
            json!({
                "id": entry.id,
                "name": entry.id,
                "bytes": entry.bytes,
                "modified_ms": entry.modified_ms(),
                "growing": entry.growing(),
                "summary": shared.library.known_summary(&entry),
            })
        };
        Ok(shared.library.entries().into_iter().map(list).collect::<Vec<_>>())
    });
    as_json(entries.await?)
}

/// `api/summary/{id}`.
pub(super) async fn summary(shared: State, Path(id): Path<String>) -> Answer {
    let summary = compute(move || Ok(shared.library.summary(&shared.library.entry(&id)?)?));
    as_json(summary.await?)
}

/// `api/profile/{id}`.
pub(super) async fn profile(shared: State, Path(id): Path<String>) -> Answer {
    let described = with_profile(shared, id, |entry, opened| Ok(describe(entry, opened))).await?;
    as_json(described)
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
