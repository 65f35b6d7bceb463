//! Errors as a client sees them: a status and one line of plain text.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::library::OpenError;
use crate::view::ViewError;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

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

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let status = match &error {
            OpenError::NoSuchId(_) => StatusCode::NOT_FOUND,
            OpenError::Io(_, cause) if cause.kind() == std::io::ErrorKind::NotFound => StatusCode::NOT_FOUND,
            OpenError::Io(..) | OpenError::Import(..) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal(status, error.to_string())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}
