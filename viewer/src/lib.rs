//! The viewer.
pub mod export;
mod function;
pub mod import;
pub mod picture;

pub use function::Function;
