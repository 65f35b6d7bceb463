//! Errors as a client sees them: a status and one line of plain text.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::library::NoSuchProfile;
use crate::open::OpenError;
use crate::view::ViewError;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

impl Refusal {
    /// The view has no function of that id.
    pub(super) fn no_function(item: u64) -> Self {
        Refusal(StatusCode::NOT_FOUND, format!("item: the view has no function {item:016x}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, format!("{}\n", self.1)).into_response()
    }
}

impl From<ViewError> for Refusal {
    fn from(error: ViewError) -> Self {
        Refusal(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<NoSuchProfile> for Refusal {
    fn from(error: NoSuchProfile) -> Self {
        Refusal(StatusCode::NOT_FOUND, error.to_string())
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let status = match &error {
            OpenError::Io(_, cause) if cause.kind() == std::io::ErrorKind::NotFound => StatusCode::NOT_FOUND,
            OpenError::Io(..) | OpenError::Import(..) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal(status, error.to_string())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        let status = match error.kind() {
            std::io::ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal(status, error.to_string())
    }
}
