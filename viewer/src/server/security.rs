//! Who may ask. A page of some other site must not read profiles: its requests carry a foreign `Host` (DNS rebinding) or
//! `Origin`, and lack the token that only the command's own address carries.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Shared;
use super::query::pairs;
use super::reply::Refusal;

/// What a request must show.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// Names besides loopback's that the server is reached under, without ports.
    hosts: Vec<String>,
    /// What the address or the cookie must carry; nothing if `None`.
    token: Option<String>,
}

/// The cookie that keeps the token once the address has shown it.
const COOKIE: &str = "plop-token";

impl Gate {
    /// Loopback names only, and no token.
    pub(crate) fn loopback() -> Self {
        Gate { hosts: Vec::new(), token: None }
    }

    /// These names too.
    pub(crate) fn with_hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.hosts.extend(hosts);
        self
    }

    /// This token.
    pub(crate) fn with_token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    fn knows_host(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        loopback
            || name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether a text is the token. Takes as long for a nearly right one as for a wrong one.
    fn accepts(&self, text: &str) -> bool {
        let Some(token) = &self.token else { return true };
        let differences = token.bytes().zip(text.bytes()).fold(0, |sum, (left, right)| sum | (left ^ right));
        token.len() == text.len() && differences == 0
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = text(headers, header::COOKIE)?.split(';');
    cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// Lets a request through or refuses it, and puts the page's security headers on the answer.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let gate = &shared.gate;
    let headers = request.headers();
    let uri_host = request.uri().host().map(str::to_owned);
    let host = text(headers, header::HOST).map(str::to_owned).or(uri_host).unwrap_or_default();
    if !gate.knows_host(&host) {
        return refuse(format!("{host}: not a host of this server; ask for it by its own address"));
    }
    let origin = text(headers, header::ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    if let Some(origin) = origin
        && origin != host
    {
        return refuse(format!("{origin}: another site's page may not ask this server"));
    }
    let shown = pairs(request.uri().query()).into_iter().find(|(key, _)| key == "token").map(|(_, value)| value);
    let in_address = shown.as_deref().is_some_and(|token| gate.accepts(token));
    if gate.token.is_some() && !in_address && !cookie(headers).is_some_and(|token| gate.accepts(token)) {
        return refuse("the token is missing; open the address that plop-view printed, all of it".to_owned());
    }
    let is_page = ["", "/"].contains(&request.uri().path());
    let mut response = match shown {
        // Keep the token in a cookie and out of the address, which people copy and browsers remember.
        Some(token) if in_address && gate.token.is_some() && is_page => {
            let mut response = Redirect::to("./").into_response();
            let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict");
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
             connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refuse(reason: String) -> Response {
    Refusal(StatusCode::FORBIDDEN, reason).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_name_whatever_the_port() {
        let gate = Gate::loopback().with_hosts(["svc.internal".to_owned()]);
        for host in ["localhost", "localhost:8888", "127.0.0.1:1", "127.8.9.1", "[::1]:8888", "SVC.internal:80"] {
            assert!(gate.knows_host(host), "{host}");
        }
        for host in ["", "evil.example", "evil.example:8888", "10.0.0.1", "localhost.evil.example", "[::2]:1"] {
            assert!(!gate.knows_host(host), "{host}");
        }
    }

    #[test]
    fn only_the_whole_token_is_accepted() {
        let gate = Gate::loopback().with_token(Some("abc".to_owned()));
        assert!(gate.accepts("abc"));
        assert!(!gate.accepts("ab") && !gate.accepts("abd") && !gate.accepts("") && !gate.accepts("abcd"));
    }
}
