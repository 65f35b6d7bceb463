//! `plop-view`: the command line.
fn main() {}
