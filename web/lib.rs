//! The page of plop-view, compiled into the program so that one binary is all there is to install.
//!
//! The files under `page/` are plain ES modules, served as they stand; this crate knows nothing of HTTP or of profiles.
//! Debug builds read them from disk, so that an edit shows at the next reload.

use std::borrow::Cow;

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

/// The paths of all files of the page.
pub fn paths() -> impl Iterator<Item = Cow<'static, str>> {
    Page::iter()
}
