//! What the viewer knows of a function besides its samples: its names and where it belongs.

/// A function as the viewer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Function {
    /// A hash of name and file, the same in every profile and run: what positions and selections are keyed by.
    pub id: u64,
    /// The full name, demangled.
    pub name: String,
    /// The short name for labels: `Foo::next (Iterator)` for `<alpha::Foo<T> as Iterator>::next`.
    pub label: String,
    /// The crate, library or package it belongs to.
    pub krate: String,
    /// The module path within it, the crate included: `tokio::runtime::scheduler`.
    pub module: String,
    /// The source file, or the mapped file, or empty.
    pub file: String,
}
