//! What a person is told of an input or output error.

use std::io;

/// An input or output error without the number that the standard library puts behind it.
pub(crate) fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = reason.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
