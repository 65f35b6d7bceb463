//! `api/profiles` and `api/profile`: which profiles there are, and what is known of one.

use axum::extract::Path;
use serde_json::{Value, json};

use super::State;
use super::answer::{Answer, as_json, compute, with_profile};
use crate::about::about;
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
    let mut described = about(opened);
    described.extend([
        ("id".to_owned(), json!(entry.id)),
        ("name".to_owned(), json!(entry.id)),
        ("version".to_owned(), json!(entry.version.to_string())),
        ("growing".to_owned(), json!(entry.growing())),
    ]);
    Value::Object(described)
}
