//! Serving a router and asking it, as a client does: over a socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Serves a router on a free port for as long as the process lives.
pub(crate) fn serve(router: axum::Router) -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

/// Asks for a path with these headers; gives the status, the head in lower case, and the body.
pub(crate) fn ask_with(address: SocketAddr, path: &str, headers: &str) -> (u16, String, String) {
    send(address, "GET", path, headers, &[])
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &[u8]) -> (u16, String) {
    let (status, _, answer) =
        send(address, "POST", path, &format!("host: {address}\r\norigin: http://{address}\r\n"), body);
    (status, answer)
}

pub(crate) fn send(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
    let (status, head, body) = exchange(address, method, path, headers, body);
    (status, head, String::from_utf8_lossy(&body).into_owned())
}

/// The same of a body that is no text.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n")
        .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]);
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), answer[end + 4..].to_vec())
}

pub(crate) fn ask(address: SocketAddr, path: &str) -> (u16, String, String) {
    ask_with(address, path, &format!("host: {address}\r\n"))
}

pub(crate) fn json(body: &str) -> serde_json::Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}
