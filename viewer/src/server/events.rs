//! Live events: tells a page that the profile it shows has grown, at most once a second.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Path;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::json;

use super::State;
use super::reply::Refusal;
use crate::library::Version;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// `api/events/{id}`: `changed` at the start and whenever the file or its growing has changed, `gone` at its removal, after
/// which there is nothing more.
pub(super) async fn events(
    shared: State,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    shared.library.entry(&id)?;
    let seen: Option<(Version, bool)> = None;
    let stream = stream::unfold(Some((shared, id, seen)), |state| async move {
        let (shared, id, mut seen) = state?;
        loop {
            if seen.is_some() {
                tokio::time::sleep(EVERY).await;
            }
            let Ok(entry) = shared.library.entry(&id) else {
                return Some((Ok(Event::default().event("gone").data("{}")), None));
            };
            let now = (entry.version, entry.growing());
            if seen != Some(now) {
                seen = Some(now);
                if entry.growing() {
                    // So that the library notes what came when, though nobody may ask for this version. An error is
                    // told to who asks for it.
                    let (shared, entry) = (shared.clone(), entry.clone());
                    drop(tokio::task::spawn_blocking(move || shared.library.open(&entry).map(drop)).await);
                }
                let data = json!({"version": entry.version.to_string(), "growing": entry.growing()});
                let event = Event::default().event("changed").data(data.to_string());
                return Some((Ok(event), Some((shared, id, seen))));
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}
