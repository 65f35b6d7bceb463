//! What is known of a profile besides its samples: `api/profile` in `API.md`, without what only its file tells.

use serde_json::{Map, Value, json};

use crate::opened::Opened;

/// What is known of a profile, by the names of `API.md`.
pub(crate) fn about(opened: &Opened) -> Map<String, Value> {
    let profile = &opened.profile;
    let text = |id| &profile.strings[id];
    let types = profile.sample_types.iter().enumerate();
    let types = types.map(|(at, of)| json!({"type": text(of.kind), "unit": text(of.unit), "total": profile.total(at)}));
    let labels: Map<String, Value> =
        opened.labels().into_iter().map(|(key, values)| (key.to_owned(), json!(values))).collect();
    let times = opened.times().map(|times| json!({"start_ms": times.start_ms, "end_ms": times.end_ms}));
    let check = profile.self_check.map(|check| {
        let mut figures: Map<String, Value> =
            check.figures().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        figures.insert("coverage".to_owned(), json!(check.coverage()));
        figures
    });
    let comments: Vec<_> = profile.comments.iter().map(|&comment| text(comment)).collect();
    let default_type = profile.sample_types.get(profile.default_sample_type).map(|of| text(of.kind));
    Map::from_iter([
        ("format".to_owned(), json!(opened.format)),
        ("sample_types".to_owned(), types.collect()),
        ("default_sample_type".to_owned(), json!(default_type)),
        ("time_ms".to_owned(), json!(profile.time_nanos / 1_000_000)),
        ("duration_ns".to_owned(), json!(profile.duration_nanos)),
        ("period".to_owned(), json!(profile.period)),
        ("labels".to_owned(), json!(labels)),
        ("times".to_owned(), json!(times)),
        ("comments".to_owned(), json!(comments)),
        ("self_check".to_owned(), json!(check)),
        ("warnings".to_owned(), json!(opened.warnings)),
    ])
}
