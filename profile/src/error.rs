//! What can go wrong with a profile.

use std::fmt;

/// Why a profile could not be read, checked or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no profile.proto at all.
    NotAProfile,
    /// The file is a profile.proto, but this part of it is broken: what, and why.
    Malformed {
        /// The part: `sample 812`, for instance.
        part: String,
        /// What is wrong with it: `has 1 value, expected 2`.
        reason: String,
    },
    /// The unpacked bytes are more than the bound allows.
    TooLarge {
        /// The bound, in bytes.
        limit: u64,
    },
    /// The file could not be read or written.
    Io(std::io::Error),
}

impl Error {
    pub(crate) fn malformed(part: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Error::Malformed { part: part.to_string(), reason: reason.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotAProfile => {
                write!(f, "no profile.proto: its first bytes are neither gzip nor a profile's fields")
            }
            Error::Malformed { part, reason } => write!(f, "{part} {reason}"),
            Error::TooLarge { limit } => {
                write!(f, "unpacks to more than {} MiB; raise the bound if the file is to be trusted", limit >> 20)
            }
            Error::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Io(error)
    }
}
