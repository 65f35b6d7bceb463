//! The answers that a page in one file brings along: those to what it asks of a view first. The same as a server gives.

use serde_json::{Map, Value, json};

use super::answer::Shown;
use super::query::Query;
use super::{flame, picture, top};
use crate::about::about;
use crate::filter::Viewed;
use crate::flame::Shape;

/// The answers about a view, by the part of their address behind `api/`; `name` is what the profile is called.
pub(crate) fn answers(viewed: &Viewed<'_>, name: &str) -> Map<String, Value> {
    let query = Query::default();
    let version = "kept";
    let mut profile = about(viewed.opened);
    let known = [("id", json!(name)), ("name", json!(name)), ("version", json!(version)), ("growing", json!(false))];
    profile.extend(known.map(|(key, value)| (key.to_owned(), value)));
    // No other type and no stretch can be asked for.
    profile.insert("times".to_owned(), Value::Null);
    let types = profile.get_mut("sample_types").and_then(Value::as_array_mut);
    types.into_iter().for_each(|types| types.retain(|of| of["type"] == viewed.kind()));
    profile.insert("default_sample_type".to_owned(), json!(viewed.kind()));
    let modified_ms = viewed.opened.profile.time_nanos / 1_000_000;
    let entry =
        json!({"id": name, "name": name, "bytes": 0, "modified_ms": modified_ms, "growing": false, "summary": null});
    let shown = |answer: Value| json!(Shown::of(version.to_owned(), viewed, answer));
    Map::from_iter([
        ("offers".to_owned(), json!({"receives_bytes": 0, "controls": null})),
        ("profiles".to_owned(), json!([entry])),
        ("profile".to_owned(), Value::Object(profile)),
        ("picture".to_owned(), shown(json!(picture::of_one(viewed, &query)))),
        ("flame".to_owned(), shown(json!(flame::of_view(viewed, &Shape::Callees, &query)))),
        ("top".to_owned(), shown(json!(top::functions(viewed, &query)))),
    ])
}
