//! Profiles from running services and from pipes, as the command's users meet them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

mod support;
use support::{busy, plop_view, refusal, stdout};

/// A server that answers every request with this status and body; gives its address.
fn service(status: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            assert!(request[0].starts_with("GET /debug/pprof/profile?seconds=1 HTTP/1.1"), "{request:?}");
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    format!("http://{host}/debug/pprof/profile?seconds=1")
}

#[test]
fn a_profile_that_a_service_takes_of_itself_is_opened_like_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = busy(folder.path());
    let address = service("200 OK", fs::read(&file).unwrap());
    assert_eq!(stdout(&plop_view(&["top", &address])), stdout(&plop_view(&["top", &file])));
    let diff = stdout(&plop_view(&["diff", &file, &address, "--format", "csv"]));
    assert!(diff.lines().skip(1).all(|line| line.contains(",kept,")), "{diff}");
}

#[test]
fn what_is_wrong_with_an_address_is_said_in_one_line() {
    let missing = service("404 Not Found", b"404 page not found\n".to_vec());
    let said = format!("plop-view: {missing}: the server answers 404: 404 page not found\n");
    assert_eq!(refusal(&["top", &missing]), said);
    let page = service("200 OK", b"<html><body>Types of profiles available</body></html>".to_vec());
    let said = refusal(&["--no-open", &page]);
    assert!(said.starts_with(&format!("plop-view: {page}: no profile of a known format; tried profile.proto")));
    assert!(said.ends_with("; name a profile itself, as /debug/pprof/profile?seconds=10 is one of a Go service\n"));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}/");
    let said = format!("plop-view: {nobody}: connection refused; is the program running, and is this its port?\n");
    assert_eq!(refusal(&["export", "--format", "folded", &nobody]), said);
}

#[test]
fn a_profile_from_an_address_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let address = service("200 OK", fs::read(busy(folder.path())).unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_plop-view"))
        .args(["--no-open", "--no-token", &address])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let profiles = stdout(&plop_view(&["top", &format!("{}api/export/{}?format=pprof", line.trim(), id(&address))]));
    assert!(profiles.contains("app::parse"), "{profiles}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What a profile from an address is called in the list: its host and path.
fn id(address: &str) -> String {
    let path = address.strip_prefix("http://").unwrap().split('?').next().unwrap();
    path.replace([':', '/'], "-")
}

#[test]
fn a_profile_comes_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let file = busy(folder.path());
    let piped = |arguments: &[&str]| {
        let child = Command::new(env!("CARGO_BIN_EXE_plop-view"))
            .args(arguments)
            .stdin(fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        stdout(&child)
    };
    assert_eq!(piped(&["top", "-"]), stdout(&plop_view(&["top", &file])));
    assert!(piped(&["diff", &file, "-"]).contains("app::parse"));
    assert_eq!(
        refusal(&["diff", "-", "-"]),
        "plop-view: standard input: it can be one of the two profiles, not both\n"
    );
}
