//! The page's files.

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
    // Asked for as `/plop` where a service mounts the viewer there, the page's relative addresses need to be told where
    // they begin.
    let last = whole.path().rsplit('/').next().unwrap_or_default();
    match plop_web::file("index.html") {
        Some(index) if !last.is_empty() => {
            let text =
                String::from_utf8_lossy(&index.bytes).replacen("<head>", &format!("<head><base href=\"{last}/\">"), 1);
            ([(header::CONTENT_TYPE, content_type("index.html"))], text).into_response()
        }
        _ => send("index.html", &headers),
    }
}

fn send(path: &str, headers: &HeaderMap) -> Response {
    let file = if plop_web::SCRIPTS.contains(&path) { plop_web::script(path) } else { plop_web::file(path) };
    let Some(file) = file else {
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
