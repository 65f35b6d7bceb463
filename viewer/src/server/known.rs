//! Answers that somebody has already. What is shown of a profile depends on its file and the address alone, so an answer has a
//! tag of both: a browser that has it is told so, and of many windows on one view that ask at the same moment, as after each
//! second of a live profile, one has it computed and packed, and all get it. A window that says which earlier answer it has,
//! and takes differences, gets what has changed since, as long as that answer is kept (RFC 3229).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::delta::delta;
use super::packed::Packed;
use super::query::pairs;

/// Addresses whose answers depend on nothing else, but for the profile's own, which says whether it grows. Sources lie in other
/// files.
const TAGGED: [&str; 8] = ["picture", "item", "top", "flame", "sandwich", "function", "timeline", PROFILE];
const PROFILE: &str = "profile";

/// How many answers are kept, for other windows and to tell what has changed since: what a page with two views asks for over
/// four seconds.
const KEPT: usize = 16;

/// Larger answers are for one window only: the memory may be a service's.
const MOST_KEPT: usize = 1 << 19;

/// What a request asks with, what it has, and what an answer is the difference of. Of the registered ways to write one down
/// (RFC 3229, section 10.3), answers have this.
const A_IM: HeaderName = HeaderName::from_static("a-im");
const IM: HeaderName = HeaderName::from_static("im");
const DELTA_BASE: HeaderName = HeaderName::from_static("delta-base");
const VCDIFF: &str = "vcdiff";

/// One answer: whoever is first computes it, the others wait.
type Slot = Arc<tokio::sync::Mutex<Option<Known>>>;

/// The answers that were asked for last, by address, tag and whether they may be packed.
#[derive(Default)]
pub(super) struct Answers(Mutex<VecDeque<(String, Slot)>>);

struct Known {
    whole: Packed,
    /// What has changed since earlier answers, by their tags.
    since: Vec<(String, Packed)>,
}

impl Answers {
    fn list(&self) -> MutexGuard<'_, VecDeque<(String, Slot)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Option<Slot> {
        self.list().iter().find(|(known, _)| known == key).map(|(_, slot)| slot.clone())
    }

    fn slot(&self, key: String) -> Slot {
        let mut answers = self.list();
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

/// Says so where the browser has the answer; else hands on what another window has asked for, or has it computed; and of that
/// only what has changed, where that is less.
pub(super) async fn known(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Some(tag) = tag(&shared, &request) else {
        return next.run(request).await;
    };
    let headers = request.headers();
    if entries(headers, header::IF_NONE_MATCH).any(|had| had == tag) {
        return (StatusCode::NOT_MODIFIED, about(&tag)).into_response();
    }
    let takes_packed = entries(headers, header::ACCEPT_ENCODING).any(|coding| coding == "gzip");
    let uri = request.uri();
    let key = |tag: &str| format!("{tag} {takes_packed} {uri}");
    let takes_difference = entries(headers, A_IM).any(|way| way == VCDIFF);
    // Found before there is one answer more, which may take the place of this.
    let had = entries(headers, header::IF_NONE_MATCH).filter(|_| takes_difference);
    let had = had.filter_map(|had| Some((had.to_owned(), shared.answers.find(&key(had))?))).next();
    let slot = shared.answers.slot(key(&tag));
    let mut answer = slot.lock().await;
    if answer.is_none() {
        let response = next.run(request).await;
        if response.status() != StatusCode::OK {
            return response;
        }
        let Ok(body) = to_bytes(response.into_body(), usize::MAX).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let packed = tokio::task::spawn_blocking(move || Packed::new(body, takes_packed)).await;
        let Ok(whole) = packed else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        if whole.len() > MOST_KEPT {
            return whole.answer(about(&tag));
        }
        *answer = Some(Known { whole, since: Vec::new() });
    }
    let Some(known) = &mut *answer else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let difference = match had {
        Some((had, slot)) => known.since(&had, &slot, takes_packed).await.map(|difference| (had, difference)),
        None => None,
    };
    match difference {
        Some((had, difference)) if difference.len() < known.whole.len() => {
            let mut headers = about(&tag);
            headers.insert(IM, HeaderValue::from_static(VCDIFF));
            headers.extend(HeaderValue::from_str(&had).map(|had| (DELTA_BASE, had)));
            // Who does not know what this is must not keep it as the answer.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            (StatusCode::IM_USED, difference.answer(headers)).into_response()
        }
        _ => known.whole.clone().answer(about(&tag)),
    }
}

impl Known {
    /// What has changed since an earlier answer.
    async fn since(&mut self, tag: &str, earlier: &Slot, may_pack: bool) -> Option<Packed> {
        if let Some((_, difference)) = self.since.iter().find(|(known, _)| known == tag) {
            return Some(difference.clone());
        }
        // Waited for, it could itself be waiting for this one: a file can be put back to what it was.
        let old = earlier.try_lock().ok()?.as_ref()?.whole.clone();
        let new = self.whole.clone();
        let work = move || Some(Packed::new(delta(&old.unpacked()?, &new.unpacked()?).into(), may_pack));
        let difference = tokio::task::spawn_blocking(work).await.ok()??;
        self.since.push((tag.to_owned(), difference.clone()));
        Some(difference)
    }
}

/// What an answer is made of, if nothing else; in quotes, as a header has it.
fn tag(shared: &Shared, request: &Request) -> Option<String> {
    let mut steps = request.uri().path().strip_prefix("/api/")?.split('/');
    let (what, id) = (steps.next()?, steps.next()?);
    if !TAGGED.contains(&what) {
        return None;
    }
    let entry = |id: &str| shared.library.entry(id).ok();
    let id = pairs(Some(&format!("id={}", id.replace('+', "%2B")))).pop()?.1;
    let base = pairs(request.uri().query()).into_iter().find(|(key, _)| key == "base");
    let base = base.filter(|(_, id)| !id.is_empty());
    let base = base.map_or(Some(String::new()), |(_, id)| Some(entry(&id)?.version.to_string()))?;
    let entry = entry(&id)?;
    let growing = if what == PROFILE && entry.growing() { ".growing" } else { "" };
    // Another viewer may answer otherwise, or know other names.
    Some(format!("\"{:x}.{}.{base}{growing}\"", shared.began, entry.version))
}

/// The entries of a header's list, without the parameters that may follow them.
fn entries(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let texts = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(|entry| entry.split(';').next().unwrap_or_default().trim())
}

/// What is said of an answer besides what it is.
fn about(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers
}
