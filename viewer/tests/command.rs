//! The command as its users meet it: what it prints, and how it ends when something is wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use plop_profile::Profile;

mod support;
use support::{busy, plop_view, refusal, stderr, stdout};

#[test]
fn every_fault_is_one_line_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, prose) = (path("empty.pb", b""), path("prose.txt", b"no profile here, only prose\n"));
    let broken = path("broken.pb", b"\x32\0\x32\x01n\x0a\x04\x08\x01\x10\x01\x12\x04\x12\x02\x01\x02");
    assert_eq!(refusal(&["top", "/nowhere/x.pb"]), "plop-view: /nowhere/x.pb: no such file or directory\n");
    assert_eq!(refusal(&["top", &empty]), format!("plop-view: {empty}: the file is empty\n"));
    let unknown = format!("plop-view: {prose}: no profile of a known format; tried profile.proto");
    assert!(refusal(&["top", &prose]).starts_with(&unknown));
    assert!(refusal(&["--no-open", &prose]).starts_with(&unknown));
    assert_eq!(
        refusal(&["top", &broken]),
        format!("plop-view: {broken}: broken profile.proto: sample 0 has 2 values, expected 1\n")
    );
    assert_eq!(refusal(&["--no-open", "/nowhere"]), "plop-view: /nowhere: no such file or directory\n");
    let busy = busy(folder.path());
    let bad_pattern = "plop-view: --focus: ( is no regular expression: unclosed group\n";
    assert_eq!(refusal(&["top", &busy, "--focus", "("]), bad_pattern);
    assert!(refusal(&["top", &busy, "--sample-type", "heap"]).contains("the profile has no heap; it has samples, cpu"));
    let nowhere = refusal(&["export", "--format", "folded", &busy, "-o", "/nowhere/out"]);
    assert_eq!(nowhere, "plop-view: /nowhere/out: no such file or directory\n");
}

#[test]
fn a_command_line_that_can_not_be_is_one_line_too() {
    for (arguments, expected) in [
        (
            &["top", "a.pb", "--sample-typ", "cpu"][..],
            "unexpected argument '--sample-typ' found; did you mean --sample-type?; --help says what there is",
        ),
        (
            &["export", "a.pb"],
            "the following required arguments were not provided: --format <FORMAT>; --help says what there is",
        ),
        (&["merge", "a.pb"], "2 values required by '<FILE> <FILE>...'; only 1 was provided; --help says what there is"),
        (
            &["diff", "a", "b", "--normalize", "half"],
            "invalid value 'half' for '--normalize <NORMALIZE>' [possible values: none, total, time]; --help says what there is",
        ),
    ] {
        assert_eq!(refusal(arguments), format!("plop-view: {expected}\n"));
    }
    assert!(stdout(&plop_view(&["--help"])).contains("Usage:"));
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    busy(folder.path());
    let text = refusal(&["--no-open", "--port", &port, folder.path().to_str().unwrap()]);
    let reason = "address already in use; choose another with --port, or leave it out for the first free one";
    assert_eq!(text, format!("plop-view: 127.0.0.1:{port}: {reason}\n"));
}

#[test]
fn a_torn_file_opens_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Profile::load(busy(folder.path())).unwrap().encode();
    let torn = folder.path().join("torn.pb");
    std::fs::write(&torn, &whole[..whole.len() - 5]).unwrap();
    let output = plop_view(&["top", torn.to_str().unwrap()]);
    assert!(stdout(&output).contains("app::parse"));
    assert!(stderr(&output).contains("torn.pb: the file ends in the middle of a part; what comes before it is shown"));
}

#[test]
fn top_prints_the_table_and_the_json_of_the_documentation() {
    let folder = tempfile::tempdir().unwrap();
    let busy = busy(folder.path());
    let text = stdout(&plop_view(&["top", &busy, "-n", "2"]));
    assert!(text.starts_with("cpu: 100.00ms in all\n"), "{text}");
    assert!(text.contains("     70.00ms  70.00%  70.00%      70.00ms  70.00%  app::parse\n"), "{text}");
    let json = stdout(&plop_view(&["top", &busy, "--format", "json", "--sort", "total", "--sample-type", "samples"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!({
        "sample_type": {"type": "samples", "unit": "count"},
        "total": 10,
        "functions": [
            {"name": "app::main", "file": "app.rs", "self": 0, "total": 10},
            {"name": "app::parse", "file": "app.rs", "self": 7, "total": 7},
            {"name": "app::lex", "file": "app.rs", "self": 3, "total": 3},
        ]
    });
    assert_eq!(json, expected);
}

#[test]
fn exports_go_to_a_file_or_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let busy = busy(folder.path());
    let export = |format: &str, more: &[&str]| {
        let arguments = [&["export", "--format", format, &busy, "--sample-type", "samples"], more].concat();
        stdout(&plop_view(&arguments))
    };
    let mut lines: Vec<String> = export("folded", &["-o", "-"]).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["app::main;app::lex;app::lex 3", "app::main;app::parse 7"]);
    assert_eq!(
        export("edges", &[]),
        "caller,callee,samples,nanoseconds\napp::main,app::parse,7,70000000\napp::main,app::lex,3,30000000\n\
         app::lex,app::lex,3,30000000\n"
    );
    let out = folder.path().join("out.svg");
    export("flamegraph", &["-o", out.to_str().unwrap()]);
    assert!(std::fs::read_to_string(out).unwrap().contains("app::parse"));
    let again = folder.path().join("again.pb.gz");
    export("pprof", &["-o", again.to_str().unwrap(), "--hide", "lex"]);
    let again = Profile::load(again).unwrap();
    assert_eq!(again.total(0), 10);
    assert!(again.call_edges().iter().all(|edge| again.frame_name(edge.callee) != "app::lex"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let busy = busy(folder.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_plop-view"))
        .args(["export", "--format", "flamegraph", &busy])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success() && text.is_empty(), "{text}");
}

#[test]
fn the_server_prints_an_address_whose_token_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    busy(folder.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_plop-view"))
        .args(["--no-open", folder.path().to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").expect("an address is printed");
    let (host, query) = address.split_once('/').unwrap();
    assert!(host.starts_with("127.0.0.1:") && query.starts_with("?token="), "{line}");
    let ask = |path: &str, headers: &str| {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("/", "").starts_with("HTTP/1.1 403"), "without the token there is nothing to see");
    let answer = ask(&format!("/{query}"), "");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("the token becomes a cookie");
    let cookie = cookie.split(';').next().unwrap();
    assert!(ask("/", &format!("cookie: {cookie}\r\n")).starts_with("HTTP/1.1 200"));
    assert!(
        ask(&format!("/api/profiles{query}"), "").starts_with("HTTP/1.1 200"),
        "the address may carry it each time"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
