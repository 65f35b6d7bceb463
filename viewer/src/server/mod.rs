//! The server: the page, the API of `API.md`, live events. It knows who may ask; how things are computed is elsewhere.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::controls::Controls;
use crate::library::Library;
use crate::source::Places;

mod answer;
mod compare;
mod delta;
mod events;
mod export;
mod flame;
mod functions;
pub(crate) mod kept;
mod known;
mod mount;
mod offers;
mod packed;
mod page;
mod picture;
mod profiles;
mod query;
mod reply;
mod security;
mod source;
mod timeline;
mod top;

pub use mount::Mount;
pub(crate) use query::pairs as query_pairs;
pub(crate) use security::Gate;

/// What all handlers share.
struct Shared {
    library: Arc<Library>,
    gate: Gate,
    controls: Option<Arc<dyn Controls>>,
    /// Whether profiles are taken from the page.
    receives: bool,
    places: Places,
    answers: known::Answers,
    /// When it began to serve, in nanoseconds since 1970.
    began: u128,
}

type State = axum::extract::State<Arc<Shared>>;

/// The viewer of these files and folders as a router, to be served as it stands or mounted in a service's own with
/// `nest_service` (with `nest`, axum itself answers 404 to the path with a slash behind it).
///
/// It answers requests whose `Host` is a loopback name, and asks for no token: whoever can reach the service's loopback
/// address may look at its profiles. See [`router_for`] for other hosts, [`Mount`] for what else there is to choose.
pub fn router(path: impl Into<PathBuf>) -> Router {
    Mount::new(path).router()
}

/// The same for a service that is reached under other names than loopback's: `hosts` are those names, without ports. Put
/// the service's own authentication before it.
pub fn router_for(path: impl Into<PathBuf>, hosts: impl IntoIterator<Item = String>) -> Router {
    Mount::new(path).reached_as(hosts).router()
}

fn serve(shared: Shared) -> Router {
    let shared = Arc::new(shared);
    let guard = axum::middleware::from_fn_with_state(shared.clone(), security::guard);
    let known = axum::middleware::from_fn_with_state(shared.clone(), known::known);
    Router::new()
        .route("/api/offers", get(offers::offers))
        .route("/api/controls/{what}", post(offers::control))
        .route("/api/profiles", get(profiles::profiles).post(offers::receive))
        .layer(DefaultBodyLimit::max(offers::MOST_RECEIVED))
        .route("/api/summary/{id}", get(profiles::summary))
        .route("/api/profile/{id}", get(profiles::profile))
        .route("/api/picture/{id}", get(picture::picture))
        .route("/api/item/{id}", get(picture::item))
        .route("/api/top/{id}", get(top::top))
        .route("/api/flame/{id}", get(flame::flame))
        .route("/api/sandwich/{id}", get(flame::sandwich))
        .route("/api/function/{id}", get(functions::function))
        .route("/api/matches/{id}", get(functions::matches))
        .route("/api/source/{id}", get(source::source))
        .route("/api/timeline/{id}", get(timeline::timeline))
        .route("/api/export/{id}", get(export::export))
        .route("/api/events/{id}", get(events::events))
        .fallback(get(page::page))
        .layer(known)
        .layer(guard)
        .with_state(shared)
}
