//! An answer's bytes, gzipped where who asked unpacks them.

use std::io::{Read, Write};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Smaller ones are sent as they are: they are one packet either way.
const LEAST_PACKED: usize = 1400;

#[derive(Clone)]
pub(super) struct Packed {
    body: Bytes,
    is_packed: bool,
}

impl Packed {
    /// With the least effort: a second later there may be another answer.
    pub(super) fn new(body: Bytes, may_pack: bool) -> Self {
        if !may_pack || body.len() < LEAST_PACKED {
            return Packed { body, is_packed: false };
        }
        let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
        let written = packer.write_all(&body).and_then(|()| packer.finish());
        match written {
            Ok(packed) => Packed { body: packed.into(), is_packed: true },
            // Writing into memory does not fail; if it did, the answer would still be one.
            Err(_) => Packed { body, is_packed: false },
        }
    }

    /// How much is sent.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// What was packed.
    pub(super) fn unpacked(&self) -> Option<Bytes> {
        if !self.is_packed {
            return Some(self.body.clone());
        }
        let mut bytes = Vec::new();
        GzDecoder::new(&*self.body).read_to_end(&mut bytes).ok()?;
        Some(bytes.into())
    }

    pub(super) fn answer(self, mut headers: HeaderMap) -> Response {
        if self.is_packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, Body::from(self.body)).into_response()
    }
}
