//! The viewer of plop profiles: opens files of many formats, shows them as a live call graph in the browser, and exports
//! them.
//!
//! The binary `plop-view` is a command line around this library. A service that profiles itself can mount the same viewer:
//!
//! ```no_run
//! let app: axum::Router = axum::Router::new().nest_service("/plop", plop_view::router("profiles"));
//! ```

mod about;
mod arrivals;
mod browser;
mod cli;
pub mod compare;
mod controls;
mod difference;
mod export;
mod fetch;
mod filter;
pub mod flame;
mod function;
pub mod import;
mod io_error;
mod library;
mod moments;
mod names;
mod open;
mod opened;
pub mod picture;
mod quantity;
mod rollup;
mod server;
mod source;
mod standalone;
mod symbolize;
mod timeline;
mod top;
mod view;

pub use browser::open_browser;
pub use cli::run;
pub use compare::{Both, Change, CompareError, Comparison, Normalize, Scale, Sides};
pub use controls::Controls;
pub use difference::{Changed, Difference, Values};
pub use export::{EXPORTERS, Exporter, exporter};
pub use filter::Viewed;
pub use function::Function;
pub use moments::Moment;
pub use opened::Opened;
pub use quantity::Quantity;
pub use server::{Mount, router, router_for};
pub use symbolize::{Sources, symbolize};
pub use top::{Row, SampleType, Sort, Top};
pub use view::{Preset, View, ViewError};
