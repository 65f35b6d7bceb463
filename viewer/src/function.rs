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
    /// How many instances and closures are shown as this one; 0 where none are merged.
    pub instances: usize,
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), over the texts with a NUL between them.
pub(crate) fn hash(texts: &[&str]) -> u64 {
    let bytes =
        texts.iter().enumerate().flat_map(|(number, text)| (number > 0).then_some(0).into_iter().chain(text.bytes()));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
