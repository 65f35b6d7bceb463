//! The page's files.

use std::borrow::Cow;

use axum::extract::OriginalUri;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::reply::Refusal;

/// Whatever is no part of the API: the page, or one of its files.
pub(super) async fn page(uri: Uri, OriginalUri(whole): OriginalUri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if !path.is_empty() {
        return send(path, &headers);
    }
    let Some(index) = plop_web::file("index.html") else { return send("index.html", &headers) };
    // Asked for as `/plop` where a service mounts the viewer there, the page's relative addresses need to be told where
    // they begin.
    let last = whole.path().rsplit('/').next().unwrap_or_default();
    let base = if last.is_empty() { String::new() } else { format!("<base href=\"{last}/\">") };
    let text = String::from_utf8_lossy(&index.bytes).replacen("<head>", &format!("<head>{base}{}", preloads()), 1);
    let about = [(header::CONTENT_TYPE, content_type("index.html")), (header::CACHE_CONTROL, "no-cache")];
    (about, text).into_response()
}

/// Names the page's modules at its beginning, so that a browser asks for all at once and not for those that a module imports
/// once it has read that one. Workers are started by the page itself.
fn preloads() -> String {
    let is_imported = |path: &str| path.ends_with(".js") && !path.ends_with("-worker.js") && path != "standalone.js";
    let preload = |path: Cow<'static, str>| format!("<link rel=\"modulepreload\" href=\"{path}\">");
    plop_web::paths().filter(|path| is_imported(path)).map(preload).collect()
}

fn send(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = plop_web::file(path) else {
        return Refusal(StatusCode::NOT_FOUND, format!("{path}: the page has no such file")).into_response();
    };
    let tag: String = file.sha256[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    // The page's files change with the program only: the browser keeps them, and asks each time whether they still hold.
    let known = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|have| have.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, known).into_response();
    }
    (known, [(header::CONTENT_TYPE, content_type(path))], file.bytes.into_owned()).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}
