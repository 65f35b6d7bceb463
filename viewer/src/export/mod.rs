//! What is seen, as a file. Each exporter owns one format.

pub mod svg;
