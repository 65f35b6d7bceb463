//! The answers that a page in one file brings along: those to what it asks of a view first. The same as a server gives.

use serde_json::{Map, Value, json};

use super::answer::Shown;
use super::compare::Compared;
use super::query::Query;
use super::{compare, flame, picture, top};
use crate::about::about;
use crate::compare::Both;
use crate::filter::Viewed;
use crate::flame::Shape;

/// What every answer has.
const VERSION: &str = "kept";

/// The answers about a view, by the part of their address behind `api/`; `name` is what the profile is called.
pub(crate) fn answers(viewed: &Viewed<'_>, name: &str) -> Map<String, Value> {
    let query = Query::default();
    let shown = |answer: Value| json!(Shown::of(VERSION.to_owned(), viewed, answer));
    let views = [
        ("picture", shown(json!(picture::of_one(viewed, &query)))),
        ("flame", shown(json!(flame::of_view(viewed, &Shape::Callees, &query)))),
        ("top", shown(json!(top::functions(viewed, &query)))),
    ];
    with_profile(viewed, name, views)
}

/// The same of two profiles; of what is said of the profile, that is of after.
pub(crate) fn answers_of_both(both: &Both<'_>, name: &str) -> Map<String, Value> {
    let query = Query::default();
    let shown = |answer: Value| json!(Compared::with(both, "the one before".to_owned(), VERSION.to_owned(), answer));
    let views = [
        ("picture", shown(json!(compare::picture(both, &query)))),
        ("flame", shown(json!(flame::of_both(both, &Shape::Callees, &query)))),
        ("top", shown(json!(top::functions_of_both(both, &query)))),
    ];
    with_profile(&both.viewed, name, views)
}

/// Views with what the page asks besides.
fn with_profile<const N: usize>(viewed: &Viewed<'_>, name: &str, views: [(&str, Value); N]) -> Map<String, Value> {
    let mut profile = about(viewed.opened);
    let known = [("id", json!(name)), ("name", json!(name)), ("version", json!(VERSION)), ("growing", json!(false))];
    profile.extend(known.map(|(key, value)| (key.to_owned(), value)));
    // No other type and no stretch can be asked for.
    profile.insert("times".to_owned(), Value::Null);
    let types = profile.get_mut("sample_types").and_then(Value::as_array_mut);
    types.into_iter().for_each(|types| types.retain(|of| of["type"] == viewed.kind()));
    profile.insert("default_sample_type".to_owned(), json!(viewed.kind()));
    let modified_ms = viewed.opened.profile.time_nanos / 1_000_000;
    let entry =
        json!({"id": name, "name": name, "bytes": 0, "modified_ms": modified_ms, "growing": false, "summary": null});
    let besides = [
        ("offers", json!({"receives_bytes": 0, "controls": null})),
        ("profiles", json!([entry])),
        ("profile", Value::Object(profile)),
    ];
    Map::from_iter(besides.into_iter().chain(views).map(|(key, value)| (key.to_owned(), value)))
}
