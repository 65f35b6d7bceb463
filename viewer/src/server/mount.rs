//! The viewer as a service mounts it, with what it lets its page do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;

use super::{Gate, Shared, serve};
use crate::controls::Controls;
use crate::library::Library;
use crate::source::Places;
use crate::symbolize::Sources;

/// A viewer to be mounted in a service:
///
/// ```no_run
/// # struct Profiler;
/// # impl plop_view::Controls for Profiler {
/// #     fn is_running(&self) -> bool { false }
/// #     fn start(&self) -> Result<String, String> { Ok("sampling".to_owned()) }
/// #     fn stop(&self) -> Result<String, String> { Ok("stopped".to_owned()) }
/// # }
/// let viewer = plop_view::Mount::new("profiles").reached_as(["svc.internal".to_owned()]).controls(Profiler);
/// let app: axum::Router = axum::Router::new().nest_service("/plop", viewer.router());
/// ```
pub struct Mount {
    library: Arc<Library>,
    gate: Gate,
    controls: Option<Arc<dyn Controls>>,
    receives: bool,
    places: Places,
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("gate", &self.gate).field("receives", &self.receives).finish_non_exhaustive()
    }
}

impl Mount {
    /// The viewer of this file or folder, for requests whose `Host` is a loopback name.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Mount::of(Arc::new(Library::new([path.into()], Sources::default())), Gate::loopback())
    }

    pub(crate) fn of(library: Arc<Library>, gate: Gate) -> Self {
        Mount { library, gate, controls: None, receives: false, places: Places::installed() }
    }

    /// Answers requests for these names too; without ports.
    pub fn reached_as(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.gate = self.gate.with_hosts(hosts);
        self
    }

    /// Offers buttons that start and stop the service's collector.
    pub fn controls(mut self, controls: impl Controls) -> Self {
        self.controls = Some(Arc::new(controls));
        self
    }

    /// Takes profiles that are dropped on the page, and keeps some of them in memory. A service does not by default: its
    /// memory is its own.
    pub fn receives_files(mut self) -> Self {
        self.receives = true;
        self
    }

    /// Shows sources from these places.
    pub(crate) fn sources_in(mut self, places: Places) -> Self {
        self.places = places;
        self
    }

    /// The viewer as a router; see [`router`](crate::router) for how to mount it.
    pub fn router(self) -> Router {
        let Mount { library, gate, controls, receives, places } = self;
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        serve(Shared { library, gate, controls, receives, places, answers: Default::default(), began })
    }
}
