//! The viewer.
pub mod export;
mod function;
pub mod import;
mod library;
mod names;
mod opened;
pub mod picture;
mod quantity;
mod server;
mod symbolize;
mod top;
mod view;

pub use browser::open_browser;
pub use cli::run;
pub use export::{EXPORTERS, Exporter, exporter};
pub use filter::Viewed;
pub use function::Function;
pub use opened::Opened;
pub use quantity::Quantity;
pub use server::{router, router_for};
pub use symbolize::{Sources, symbolize};
pub use top::{Row, SampleType, Sort, Top};
pub use view::{Preset, View, ViewError};
