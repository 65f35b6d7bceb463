//! The page of plop-view, compiled into the program so that one binary is all there is to install.
//!
//! The files under `page/` are plain ES modules; those of each thread are sent as one script. This crate knows nothing of HTTP
//! or of profiles. Debug builds read the files from disk, so that an edit shows at the next reload.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

mod script;

/// The modules that a browser asks for: the page's, and those of its workers. What they import comes with them.
pub const SCRIPTS: [&str; 4] = ["app.js", "graph/layout-worker.js", "graph/draw-worker.js", "flame/flame-worker.js"];

#[derive(rust_embed::RustEmbed)]
#[folder = "page/"]
struct Page;

/// One file of the page: its bytes and a hash of them, fit for an `ETag`.
#[derive(Debug, Clone)]
pub struct File {
    /// The file's bytes.
    pub bytes: Cow<'static, [u8]>,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// The file at `path`, relative to the page's folder with `/` between its parts (`index.html`, `graph/draw.js`).
pub fn file(path: &str) -> Option<File> {
    Page::get(path).map(|found| File { bytes: found.data, sha256: found.metadata.sha256_hash() })
}

/// The module at `path` with all that it imports, as one script.
pub fn script(path: &str) -> Option<File> {
    let read = |path: &str| file(path).map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
    let bytes = script::script(path, &read)?.into_bytes();
    Some(File { sha256: Sha256::digest(&bytes).into(), bytes: bytes.into() })
}

/// The paths of all files of the page.
pub fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    Page::iter()
}
