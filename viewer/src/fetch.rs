//! Bytes from an address, over HTTP or HTTPS: a profile that a running service takes of itself, or a binary's debug
//! information from a debuginfod server. Knows neither; bounds what may come and how long it may take.

use std::fmt;
use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;

use plop_profile::Profile;
use ureq::tls::{RootCerts, TlsConfig};

use crate::io_error::io_reason;

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How much of an error's answer is read for its first line.
const REFUSAL_BYTES: u64 = 4096;

/// What is asked of a fetch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The most bytes that may come.
    pub(crate) bytes: u64,
    /// How long nothing may come: before the answer begins, and between two pieces of it.
    pub(crate) silence: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { bytes: Profile::DEFAULT_LIMIT, silence: Duration::from_secs(60) }
    }
}

/// How far a fetch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes so far.
    pub(crate) bytes: u64,
    /// How many there will be, if the server says.
    pub(crate) of: Option<u64>,
}

/// Why nothing could be had from an address.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum FetchError {
    /// It is no address of HTTP.
    NotAnAddress(String),
    /// Nobody answers there.
    Unreachable(String),
    /// The server answers, but not with what was asked for: its status and the first line of its text.
    Refused { status: u16, text: String },
    /// Nothing came for too long.
    Silent(Duration),
    /// It is more than the bound allows.
    TooLarge(u64),
    /// The connection broke.
    Broken { reason: String, bytes: u64 },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::NotAnAddress(reason) => write!(f, "no address of a server: {reason}"),
            FetchError::Unreachable(reason) => write!(f, "{reason}; is the program running, and is this its port?"),
            FetchError::Refused { status, text } if text.is_empty() => write!(f, "the server answers {status}"),
            FetchError::Refused { status, text } => write!(f, "the server answers {status}: {text}"),
            FetchError::Silent(for_long) => write!(f, "the server sent nothing for {} s", for_long.as_secs()),
            FetchError::TooLarge(limit) => write!(f, "the server sends more than {} MiB", limit >> 20),
            FetchError::Broken { reason, bytes } => write!(f, "the connection broke after {bytes} bytes: {reason}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Whether a text is meant as an address rather than as a path.
pub(crate) fn is_address(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Gets what an address gives; `progress` is told of each piece.
///
/// The machine's own certificates decide who is trusted, and `HTTP_PROXY` and its like are followed, except to loopback.
///
/// # Errors
/// When nobody answers, the server refuses, or a bound is exceeded.
pub(crate) fn fetch(address: &str, bounds: Bounds, mut progress: impl FnMut(Received)) -> Result<Vec<u8>, FetchError> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_WITHIN))
        .timeout_resolve(Some(CONNECT_WITHIN))
        .timeout_recv_response(Some(bounds.silence))
        .timeout_per_read(Some(bounds.silence))
        .user_agent(concat!("plop-view/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
    if is_loopback(address) {
        config = config.proxy(None);
    }
    let agent = ureq::Agent::from(config.build());
    let answer = agent.get(address).call().map_err(|error| unreachable(error, bounds))?;
    let status = answer.status();
    let body = answer.into_body();
    let of = body.content_length();
    let mut body = body.into_reader();
    if !status.is_success() {
        let mut text = Vec::new();
        // Its text only explains the refusal; what can't be read of it is left out.
        let _ = body.take(REFUSAL_BYTES).read_to_end(&mut text);
        return Err(FetchError::Refused { status: status.as_u16(), text: first_line(&text) });
    }
    if of.is_some_and(|of| of > bounds.bytes) {
        return Err(FetchError::TooLarge(bounds.bytes));
    }
    let mut bytes = Vec::new();
    let mut piece = [0; 64 << 10];
    loop {
        match body.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if is_timeout(&error) => return Err(FetchError::Silent(bounds.silence)),
            Err(error) => {
                return Err(FetchError::Broken { reason: io_reason(&error), bytes: bytes.len() as u64 });
            }
        }
        if bytes.len() as u64 > bounds.bytes {
            return Err(FetchError::TooLarge(bounds.bytes));
        }
        progress(Received { bytes: bytes.len() as u64, of });
    }
}

fn is_loopback(address: &str) -> bool {
    let Ok(uri) = address.parse::<ureq::http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_timeout(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
        || error.get_ref().is_some_and(|inner| matches!(inner.downcast_ref(), Some(ureq::Error::Timeout(_))))
}

fn unreachable(error: ureq::Error, bounds: Bounds) -> FetchError {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            FetchError::Unreachable(format!("no connection within {} s", CONNECT_WITHIN.as_secs()))
        }
        ureq::Error::Timeout(_) => FetchError::Silent(bounds.silence),
        ureq::Error::HostNotFound => FetchError::Unreachable("there is no such host".to_owned()),
        ureq::Error::Io(error) if is_timeout(&error) => FetchError::Silent(bounds.silence),
        ureq::Error::Io(error) => FetchError::Unreachable(io_reason(&error)),
        ureq::Error::BadUri(reason) => FetchError::NotAnAddress(reason),
        ureq::Error::Http(error) => FetchError::NotAnAddress(error.to_string()),
        other => FetchError::Unreachable(other.to_string()),
    }
}

/// The first line of a server's text, short and without what a terminal would take for a command.
fn first_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // A page's first line is markup and says nothing.
    if line.starts_with('<') {
        String::new()
    } else {
        line.chars().filter(|sign| !sign.is_control()).take(200).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers its first request with these bytes and then hangs up, or stays silent if it is told to.
    fn server(answer: &'static [u8], hang_up: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            stream.write_all(answer).unwrap();
            // A client that is content or tired hangs up itself.
            while !hang_up && lines.next().is_some_and(|line| line.is_ok()) {}
        });
        format!("http://{address}/debug/pprof/profile?seconds=1")
    }

    fn get(address: &str) -> Result<Vec<u8>, FetchError> {
        let bounds = Bounds { bytes: 100, silence: Duration::from_millis(300) };
        fetch(address, bounds, |_| {})
    }

    #[test]
    fn what_the_server_sends_comes_whole_whether_or_not_it_says_how_much_there_is() {
        let told = server(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmain", true);
        let mut seen = Vec::new();
        assert_eq!(fetch(&told, Bounds::default(), |received| seen.push(received)).unwrap(), b"main");
        assert_eq!(seen.last(), Some(&Received { bytes: 4, of: Some(4) }));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nma\r\n2\r\nin\r\n0\r\n\r\n";
        assert_eq!(get(&server(chunked, true)).unwrap(), b"main");
    }

    #[test]
    fn a_refusal_is_told_with_the_servers_own_words() {
        let text = b"HTTP/1.1 404 Not Found\r\ncontent-length: 19\r\n\r\n404 page not found\n";
        assert_eq!(get(&server(text, true)).unwrap_err().to_string(), "the server answers 404: 404 page not found");
        let page = b"HTTP/1.1 500 Oh\r\ncontent-length: 6\r\n\r\n<html>";
        assert_eq!(get(&server(page, true)).unwrap_err().to_string(), "the server answers 500");
    }

    #[test]
    fn nobody_there_silence_hanging_up_and_too_much_are_told_apart() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = get(&format!("http://{free}/")).unwrap_err().to_string();
        assert_eq!(refused, "connection refused; is the program running, and is this its port?");
        assert!(matches!(get(&server(b"", false)), Err(FetchError::Silent(_))));
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nmain";
        assert!(matches!(get(&server(half, true)), Err(FetchError::Broken { bytes: 4, .. })));
        assert!(matches!(get(&server(half, false)), Err(FetchError::Silent(_))));
        let large = b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n";
        assert!(matches!(get(&server(large, true)), Err(FetchError::TooLarge(100))));
        assert!(matches!(get("http://"), Err(FetchError::NotAnAddress(_))));
    }

    #[test]
    fn a_path_is_no_address() {
        assert!(is_address("http://host/debug") && is_address("HTTPS://host"));
        assert!(!is_address("profiles/busy.pb") && !is_address("ftp://host/") && !is_address("http:"));
        assert!(is_loopback("http://localhost:6060/") && is_loopback("http://[::1]:1/"));
        assert!(!is_loopback("http://example.org/"));
    }
}
