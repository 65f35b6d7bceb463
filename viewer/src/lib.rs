//! The viewer.
mod function;
pub mod import;
mod names;
pub mod picture;
pub mod symbolize;

pub use function::Function;
