//! What a sampling profile is.
