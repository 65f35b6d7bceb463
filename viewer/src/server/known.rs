//! Answers that somebody has already. What is shown of a profile depends on its file and the address alone, so an answer has a
//! tag of both: a browser that has it is told so, and of many windows on one view that ask at the same moment, as after each
//! second of a live profile, one has it computed and packed, and all get it.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Shared;
use super::query::pairs;

/// Addresses whose answers depend on nothing else. A profile's own says whether it grows, which is so without a new version;
/// sources lie in other files.
const TAGGED: [&str; 6] = ["picture", "item", "top", "flame", "sandwich", "function"];

/// How many answers are kept for other windows; more views than these are seldom looked at in the same second.
const KEPT: usize = 8;

/// Larger answers are for one window only: the memory may be a service's.
const MOST_KEPT: usize = 1 << 20;

/// Smaller ones are sent as they are: they are one packet either way.
const LEAST_PACKED: usize = 1400;

/// One answer: whoever is first computes it, the others wait.
type Slot = Arc<tokio::sync::Mutex<Option<Packed>>>;

/// The answers that were asked for last.
#[derive(Default)]
pub(super) struct Answers(Mutex<VecDeque<(String, Slot)>>);

#[derive(Clone)]
struct Packed {
    body: Bytes,
    is_packed: bool,
}

impl Answers {
    fn slot(&self, key: String) -> Slot {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = answers.iter().find(|(known, _)| *known == key) {
            return slot.clone();
        }
        if answers.len() == KEPT {
            answers.pop_front();
        }
        let slot = Slot::default();
        answers.push_back((key, slot.clone()));
        slot
    }
}

/// Says so where the browser has the answer; else hands on what another window has asked for, or has it computed.
pub(super) async fn known(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let takes_packed = names(request.headers(), header::ACCEPT_ENCODING, "gzip");
    let Some(tag) = tag(&shared, &request) else {
        return next.run(request).await;
    };
    if names(request.headers(), header::IF_NONE_MATCH, &tag) {
        return (StatusCode::NOT_MODIFIED, about(&tag)).into_response();
    }
    let uri = request.uri();
    let slot = shared.answers.slot(format!("{tag} {takes_packed} {uri}"));
    let mut answer = slot.lock().await;
    if let Some(packed) = &*answer {
        return packed.clone().answer(&tag);
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let Ok(body) = to_bytes(response.into_body(), usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let packed = if takes_packed && body.len() >= LEAST_PACKED {
        tokio::task::spawn_blocking(move || pack(body)).await.ok()
    } else {
        Some(Packed { body, is_packed: false })
    };
    let Some(packed) = packed else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    if packed.body.len() <= MOST_KEPT {
        *answer = Some(packed.clone());
    }
    packed.answer(&tag)
}

/// What an answer is made of, if nothing else; in quotes, as a header has it.
fn tag(shared: &Shared, request: &Request) -> Option<String> {
    let mut steps = request.uri().path().strip_prefix("/api/")?.split('/');
    let (what, id) = (steps.next()?, steps.next()?);
    if !TAGGED.contains(&what) {
        return None;
    }
    let version = |id: &str| shared.library.entry(id).ok().map(|entry| entry.version.to_string());
    let id = pairs(Some(&format!("id={}", id.replace('+', "%2B")))).pop()?.1;
    let base = pairs(request.uri().query()).into_iter().find(|(key, _)| key == "base");
    let base = base.filter(|(_, id)| !id.is_empty()).map_or(Some(String::new()), |(_, id)| version(&id))?;
    // Another viewer may answer otherwise, or know other names.
    Some(format!("\"{:x}.{}.{base}\"", shared.began, version(&id)?))
}

/// Whether a header's list has an entry, which may be followed by parameters.
fn names(headers: &HeaderMap, name: header::HeaderName, wanted: &str) -> bool {
    let texts = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|entry| entry.split(';').next().unwrap_or_default().trim() == wanted)
}

/// The least effort: a second later there may be another answer.
fn pack(body: Bytes) -> Packed {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let written = packer.write_all(&body).and_then(|()| packer.finish());
    match written {
        Ok(packed) => Packed { body: packed.into(), is_packed: true },
        // Writing into memory does not fail; if it did, the answer would still be one.
        Err(_) => Packed { body, is_packed: false },
    }
}

/// What is said of an answer besides what it is.
fn about(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers
}

impl Packed {
    fn answer(self, tag: &str) -> Response {
        let mut headers = about(tag);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.is_packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, Body::from(self.body)).into_response()
    }
}
