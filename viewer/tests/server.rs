//! The server as its clients meet it: over a socket, alone and mounted in a service.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use plop_profile::{Label, LabelSetId, LabelValue, Profile, TIME_KEY, TIME_UNIT};

#[path = "support/http.rs"]
mod http;
use http::{ask, ask_with, exchange, json, post, send, serve};

/// main calls each of these, once, twice, three times …
fn profile(names: &[&str]) -> Profile {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    let main = profile.named_location("main", "");
    for (at, name) in names.iter().enumerate() {
        let leaf = profile.named_location(name, "");
        let stack = profile.stacks.intern([leaf, main]);
        let samples = at as i64 + 1;
        profile.samples.add(stack, LabelSetId::EMPTY, &[samples, samples * 10_000_000]);
    }
    profile
}

/// A folder with one profile, and the viewer of it.
fn viewer(names: &[&str]) -> (tempfile::TempDir, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    profile(names).save(folder.path().join("busy.pb.gz")).unwrap();
    let address = serve(plop_view::router(folder.path()));
    (folder, address)
}

#[test]
fn the_list_names_profiles_by_id_and_every_picture_conserves_its_total() {
    let (_folder, address) = viewer(&["a", "b", "c"]);
    let (status, _, body) = ask(address, "/api/profiles");
    assert_eq!((status, json(&body)[0]["id"].as_str()), (200, Some("busy.pb")));
    for query in ["", "?items=1", "?items=2&direction=down", "?hide=.", "?focus=b", "?preset=std,tokio&color=file"] {
        let (status, _, body) = ask(address, &format!("/api/picture/busy.pb{query}"));
        assert_eq!(status, 200, "{body}");
        let picture = json(&body);
        let parts = picture["shown"]["self"].as_i64().unwrap() + picture["folded"]["self"].as_i64().unwrap();
        assert_eq!(parts, picture["total"].as_i64().unwrap(), "{query}: {body}");
    }
    let (_, _, body) = ask(address, "/api/top/busy.pb?type=samples&sort=total&n=1");
    let top = json(&body);
    assert_eq!((top["total"].as_i64(), top["functions"][0]["name"].as_str()), (Some(6), Some("main")));
}

#[test]
fn an_items_samples_split_over_the_edges_of_its_picture() {
    let (_folder, address) = viewer(&["a", "b"]);
    let (_, _, body) = ask(address, "/api/picture/busy.pb?type=samples");
    let picture = json(&body);
    let items = picture["items"].as_array().unwrap();
    let b = items.iter().find(|item| item["name"] == "b").unwrap();
    let id = b["id"].as_str().unwrap();
    let (status, _, body) = ask(address, &format!("/api/item/busy.pb?type=samples&item={id}"));
    assert_eq!(status, 200, "{body}");
    let split = json(&body);
    assert_eq!(split["total"].as_i64(), Some(2));
    let edges = split["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 1, "only the edge from main to b: {body}");
    let callee = picture["edges"]["to"][edges[0][0].as_u64().unwrap() as usize].as_u64().unwrap();
    assert_eq!(items[callee as usize]["name"], "b");
}

#[test]
fn requests_for_a_foreign_host_or_from_a_foreign_page_are_refused() {
    let (_folder, address) = viewer(&["a"]);
    let status = |headers: &str| ask_with(address, "/api/profiles", headers).0;
    assert_eq!(status("host: evil.example\r\n"), 403);
    assert_ne!(status(""), 200, "a request has to name its host");
    assert_eq!(status(&format!("host: {address}\r\norigin: http://evil.example\r\n")), 403);
    assert_eq!(status(&format!("host: {address}\r\norigin: http://{address}\r\n")), 200);
    assert_eq!(status("host: localhost:1\r\n"), 200);
}

#[test]
fn no_id_leads_out_of_the_folders() {
    let (folder, address) = viewer(&["a"]);
    let inside = folder.path().join("shown");
    std::fs::create_dir(&inside).unwrap();
    let inner = serve(plop_view::router(&inside));
    for id in ["..%2Fbusy.pb", "../busy.pb", "..%2Fbusy.pb.gz", "%2Fetc%2Fpasswd", "busy.pb%00"] {
        let (status, _, body) = ask(inner, &format!("/api/profile/{id}"));
        assert!(status == 404, "{id}: {status} {body}");
    }
    assert_eq!(ask(address, "/..%2f..%2fCargo.toml").0, 404);
}

#[test]
fn a_bad_parameter_is_one_line_that_names_it() {
    let (_folder, address) = viewer(&["a"]);
    let refusal = |query: &str| {
        let (status, _, body) = ask(address, &format!("/api/picture/busy.pb?{query}"));
        assert_eq!(status, 400, "{query}: {body}");
        body
    };
    assert_eq!(refusal("focus=%28"), "focus: ( is no regular expression: unclosed group\n");
    assert_eq!(refusal("type=heap"), "type: the profile has no heap; it has samples, cpu\n");
    assert_eq!(refusal("items=many"), "items: many is no whole number from 1 to 20000\n");
    assert_eq!(ask(address, "/api/picture/absent.pb").0, 404);
}

#[test]
fn a_file_that_is_no_profile_is_refused_with_its_reason() {
    let (folder, address) = viewer(&["a"]);
    std::fs::write(folder.path().join("prose.txt"), "not a profile at all\n").unwrap();
    let (status, _, body) = ask(address, "/api/profile/prose.txt");
    assert_eq!(status, 422);
    assert!(body.contains("no profile of a known format"), "{body}");
}

#[test]
fn markup_in_names_stays_text_in_every_export() {
    let name = "<script>alert(1)</script>";
    let (_folder, address) = viewer(&[name]);
    let (_, head, svg) = ask(address, "/api/export/busy.pb?format=flamegraph");
    assert!(head.contains("image/svg+xml") && head.contains("attachment"), "{head}");
    assert!(!svg.contains(name) && svg.contains("&lt;script&gt;"), "the name is escaped");
    let (_, head, csv) = ask(address, "/api/export/busy.pb?format=edges");
    assert!(head.contains("text/csv") && head.contains("nosniff"), "{head}");
    assert_eq!(csv, format!("caller,callee,samples,nanoseconds\nmain,{name},1,10000000\n"));
    let (_, head, _) = ask(address, "/api/picture/busy.pb");
    assert!(
        head.contains("application/json") && head.contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
}

#[test]
fn a_service_can_mount_the_viewer_anywhere() {
    let (folder, _) = viewer(&["a"]);
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "the service" }))
        .nest_service("/debug/plop", plop_view::router(folder.path()));
    let address = serve(app);
    assert_eq!(ask(address, "/").2, "the service");
    assert!(ask(address, "/debug/plop/").2.contains("<head>\n"));
    assert!(
        ask(address, "/debug/plop").2.contains("<base href=\"plop/\">"),
        "relative addresses begin below the mount"
    );
    assert_eq!(ask(address, "/debug/plop/app.js").0, 200);
    assert_eq!(ask(address, "/debug/plop/api/profiles").0, 200);
    assert_eq!(ask(address, "/debug/plop/absent.js").0, 404);
}

#[test]
fn events_tell_of_a_file_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pb");
    let mut growing = profile(&["a"]);
    std::fs::write(&path, growing.encode()).unwrap();
    let address = serve(plop_view::router(folder.path()));
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /api/events/growing.pb HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let mut heard = String::new();
    let mut wait_for = |count: usize| {
        let mut bytes = [0; 1024];
        while heard.matches("event: changed").count() < count {
            let read = stream.read(&mut bytes).unwrap();
            assert!(read > 0, "the stream stays open: {heard}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    };
    wait_for(1);
    let leaf = growing.named_location("later", "");
    let stack = growing.stacks.intern([leaf]);
    growing.samples.add(stack, LabelSetId::EMPTY, &[5, 50]);
    std::fs::write(&path, growing.encode()).unwrap();
    wait_for(2);
    let (_, _, body) = ask(address, "/api/top/growing.pb?type=samples");
    assert_eq!(json(&body)["total"].as_i64(), Some(6));
}

/// The value of a header.
fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

#[test]
fn an_answer_that_the_browser_has_is_not_sent_again_until_the_profile_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pb");
    std::fs::write(&path, profile(&["a"]).encode()).unwrap();
    let address = serve(plop_view::router(folder.path()));
    for what in ["picture/growing.pb?items=9", "top/growing.pb", "flame/growing.pb?base=growing.pb"] {
        let ask = |tag: &str| {
            ask_with(address, &format!("/api/{what}"), &format!("host: {address}\r\nif-none-match: {tag}\r\n"))
        };
        let (status, head, body) = ask("\"another\"");
        assert_eq!(status, 200, "{body}");
        let (status, again, body) = ask(&header(&head, "etag"));
        assert_eq!((status, body.as_str(), header(&again, "etag")), (304, "", header(&head, "etag")));
    }
    let (_, head, _) = ask(address, "/api/top/growing.pb");
    std::fs::write(&path, profile(&["a", "b"]).encode()).unwrap();
    let headers = format!("host: {address}\r\nif-none-match: {}\r\n", header(&head, "etag"));
    let (status, _, body) = ask_with(address, "/api/top/growing.pb?type=samples", &headers);
    assert_eq!((status, json(&body)["total"].as_i64()), (200, Some(3)));
    assert_eq!(ask_with(address, "/api/top/growing.pb", "host: evil.example\r\n").0, 403, "whoever has the tag");
}

#[test]
fn of_an_answer_that_has_changed_who_has_an_earlier_one_gets_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pb");
    let mut names: Vec<String> = (0..200).map(|at| format!("größe::module::function_{at}")).collect();
    let mut write = |name: &str| {
        names.push(name.to_owned());
        std::fs::write(&path, profile(&names.iter().map(String::as_str).collect::<Vec<_>>()).encode()).unwrap();
    };
    write("first");
    let address = serve(plop_view::router(folder.path()));
    for what in ["top/growing.pb", "picture/growing.pb?items=90", "flame/growing.pb", "profile/growing.pb"] {
        let ask = |headers: &str| {
            let headers = format!("host: {address}\r\n{headers}");
            exchange(address, "GET", &format!("/api/{what}"), &headers, b"")
        };
        let (status, head, old) = ask("");
        assert_eq!(status, 200);
        let tag = header(&head, "etag");
        write("another");
        let has = format!("if-none-match: \"unknown\", {tag}\r\na-im: gzip, vcdiff\r\n");
        let (status, head, difference) = ask(&has);
        assert_eq!((status, header(&head, "im"), header(&head, "delta-base")), (226, "vcdiff".to_owned(), tag.clone()));
        assert_eq!(header(&head, "cache-control"), "no-store", "a cache must not take it for the answer");
        let (status, whole_head, new) = ask("");
        assert_eq!((status, header(&whole_head, "etag")), (200, header(&head, "etag")));
        let mut made = Vec::new();
        let (mut patch, mut source) = (std::io::Cursor::new(&*difference), std::io::Cursor::new(&*old));
        vcdiff_decoder::apply_patch(&mut patch, Some(&mut source), &mut made).unwrap();
        assert!(made == new, "{what}: {}", String::from_utf8_lossy(&made));
        assert!(difference.len() < new.len(), "{what}: {} of {}", difference.len(), new.len());
        let (status, _, again) = ask(&has);
        assert!(status == 226 && again == difference, "the same for another window");
        let packed = ask(&format!("if-none-match: {tag}\r\naccept-encoding: gzip\r\na-im: vcdiff\r\n"));
        assert_eq!(packed.0, 200, "another's packed answer is not the one that was kept");
        assert_eq!(ask(&format!("if-none-match: {tag}\r\n")).0, 200, "who takes no differences");
        assert_eq!(ask("if-none-match: \"unknown\"\r\na-im: vcdiff\r\n").0, 200, "nobody knows what that was");
    }
}

#[test]
fn large_answers_are_packed_for_who_unpacks_them() {
    let names: Vec<String> = (0..200).map(|at| format!("crate::module::function_{at}")).collect();
    let (_folder, address) = viewer(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let length = |headers: &str| {
        let (status, head, _) = ask_with(address, "/api/top/busy.pb", &format!("host: {address}\r\n{headers}"));
        assert_eq!(status, 200);
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        (head.contains("content-encoding: gzip"), length.parse::<usize>().unwrap())
    };
    let (plain, packed) = (length(""), length("accept-encoding: gzip, br\r\n"));
    assert!(!plain.0 && packed.0, "{plain:?} {packed:?}");
    assert!(5 * packed.1 < plain.1, "{plain:?} {packed:?}");
    assert_eq!(length("accept-encoding: gzip\r\n"), packed, "what another window has asked for is the same");
    assert_eq!(length("accept-encoding: identity\r\n"), plain);
}

#[test]
fn a_torn_file_is_shown_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = profile(&["a", "b"]).encode();
    std::fs::write(folder.path().join("torn.pb"), &bytes[..bytes.len() - 3]).unwrap();
    let address = serve(plop_view::router(folder.path()));
    let (status, _, body) = ask(address, "/api/profile/torn.pb");
    assert_eq!(status, 200);
    assert!(json(&body)["warnings"][0].as_str().unwrap().contains("ends in the middle"), "{body}");
}

#[test]
fn a_stretch_of_the_timeline_narrows_every_view_but_the_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let mut timed = Profile::new([("samples", "count")]);
    let [key, unit] = [TIME_KEY, TIME_UNIT].map(|text| timed.strings.intern(text));
    for (second, name) in [(0, "early"), (1, "late"), (3, "last")] {
        let place = timed.named_location(name, "");
        let stack = timed.stacks.intern([place]);
        let labels = timed.label_sets.intern(&[Label { key, value: LabelValue::Number(second * 1_000_000_000, unit) }]);
        timed.samples.add(stack, labels, &[1 + second]);
    }
    timed.save(folder.path().join("timed.pb.gz")).unwrap();
    let address = serve(plop_view::router(folder.path()));
    let (_, _, body) = ask(address, "/api/profile/timed.pb");
    let info = json(&body);
    assert_eq!(info["times"], serde_json::json!({"start_ms": 0, "end_ms": 4000}));
    assert_eq!(info["labels"], serde_json::json!({}), "the time is no label to choose by");
    let stretch = "from=1&to=2";
    for view in ["picture", "top"] {
        let (_, _, body) = ask(address, &format!("/api/{view}/timed.pb?{stretch}"));
        assert_eq!(json(&body)["total"].as_i64(), Some(2), "{view}");
    }
    let export = |format: &str| ask(address, &format!("/api/export/timed.pb?format={format}&{stretch}")).2;
    assert_eq!(export("folded"), "late 2\n");
    for format in ["flamegraph", "edges", "svg"] {
        assert!(!export(format).contains("early"), "{format}");
    }
    let (_, _, body) = ask(address, &format!("/api/timeline/timed.pb?{stretch}&bins=10"));
    let timeline = json(&body);
    assert_eq!(timeline["threads"][0]["values"], serde_json::json!([1, 2, 0, 4]), "{body}");
    let (status, _, body) = ask(address, "/api/picture/timed.pb?from=soon");
    assert_eq!(status, 400, "{body}");
}

#[test]
fn a_profile_handed_over_by_the_page_is_listed_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(plop_view::Mount::new(folder.path()).receives_files().router());
    let (status, body) = post(address, "/api/profiles?name=..%2F..%2Fmy%20stacks.folded", b"main;parse 3\nmain 1\n");
    assert_eq!(status, 200, "{body}");
    let id = json(&body)["id"].as_str().unwrap().to_owned();
    assert_eq!(id, "my stacks.folded", "of the name only its last part counts");
    let (_, _, body) = ask(address, "/api/profiles");
    let entry = &json(&body)[0];
    assert_eq!(
        (entry["summary"]["samples"].as_i64(), entry["summary"]["format"].as_str()),
        (Some(4), Some("folded stacks")),
        "{body}"
    );
    let (_, _, body) = ask(address, "/api/top/my%20stacks.folded");
    assert_eq!(json(&body)["total"].as_i64(), Some(4));
    let (status, body) = post(address, "/api/profiles?name=prose.txt", b"no profile at all");
    assert_eq!(status, 422);
    assert!(body.starts_with("prose.txt: no profile of a known format"), "{body}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written");
}

#[test]
fn a_profile_from_another_sites_page_is_refused_and_a_service_takes_none() {
    let (_folder, address) = viewer(&["a"]);
    let (status, body) = post(address, "/api/profiles?name=x", b"main 1\n");
    assert_eq!(
        (status, &*body),
        (403, "this viewer takes no profiles from the page; open the file with plop-view FILE\n")
    );
    let folder = tempfile::tempdir().unwrap();
    let address = serve(plop_view::Mount::new(folder.path()).receives_files().router());
    for origin in ["http://evil.example", "null"] {
        let headers = format!("host: {address}\r\norigin: {origin}\r\n");
        assert_eq!(send(address, "POST", "/api/profiles?name=x", &headers, b"main 1\n").0, 403, "{origin}");
    }
    assert_eq!(ask(address, "/api/profiles").2, "[]");
}

/// A collector that only says what it would do.
#[derive(Default)]
struct Pretended(std::sync::atomic::AtomicBool);

impl plop_view::Controls for Pretended {
    fn is_running(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn start(&self) -> Result<String, String> {
        match self.0.swap(true, std::sync::atomic::Ordering::SeqCst) {
            false => Ok("sampling\n".to_owned()),
            true => Err("the collector is running already; stop it first".to_owned()),
        }
    }

    fn stop(&self) -> Result<String, String> {
        self.0.store(false, std::sync::atomic::Ordering::SeqCst);
        Ok("stopped".to_owned())
    }
}

#[test]
fn a_service_can_offer_its_collectors_start_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(plop_view::router(folder.path()));
    assert_eq!(json(&ask(address, "/api/offers").2), serde_json::json!({"receives_bytes": 0, "controls": null}));
    assert_eq!(post(address, "/api/controls/start", b"").0, 404);
    let address = serve(plop_view::Mount::new(folder.path()).controls(Pretended::default()).router());
    assert_eq!(json(&ask(address, "/api/offers").2)["controls"]["running"], false);
    let (status, body) = post(address, "/api/controls/start", b"");
    assert_eq!((status, json(&body)), (200, serde_json::json!({"running": true, "said": "sampling"})));
    let (status, body) = post(address, "/api/controls/start", b"");
    assert_eq!((status, &*body), (409, "the collector is running already; stop it first\n"));
    assert_eq!(ask(address, "/api/controls/stop").0, 405, "looking at an address changes nothing");
    assert_eq!(json(&post(address, "/api/controls/stop", b"").1)["running"], false);
}

/// One function whose only line is in that file.
fn profile_of_file(file: &str) -> Profile {
    use plop_profile::{Function, Line, Location};
    let mut profile = Profile::new([("samples", "count")]);
    let (name, file) = (profile.strings.intern("app::run"), profile.strings.intern(file));
    let function = profile.intern_function(Function { name, file, ..Function::default() });
    let lines = vec![Line { function, line: 2 }];
    let place = profile.push_location(Location { lines, address: 1, ..Location::default() });
    let stack = profile.stacks.intern([place]);
    profile.samples.add(stack, LabelSetId::EMPTY, &[7]);
    profile
}

/// What `api/source` says of that function.
fn source_of(address: SocketAddr, profile: &str) -> serde_json::Value {
    let top = json(&ask(address, &format!("/api/top/{profile}")).2);
    let id = top["functions"][0]["id"].as_str().unwrap();
    let (status, _, body) = ask(address, &format!("/api/source/{profile}?item={id}&file=/etc/passwd&path=/etc/passwd"));
    assert_eq!(status, 200, "{body}");
    json(&body)
}

#[test]
fn a_profile_that_names_files_of_the_machine_is_given_none() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.rs");
    std::fs::write(&secret, "fn secret() {}\n").unwrap();
    let named = secret.to_str().unwrap().to_owned();
    let files =
        ["/etc/passwd".to_owned(), "/proc/self/environ".to_owned(), named.clone(), format!("/rustc/0/..{named}")];
    let address = serve(plop_view::router(folder.path()));
    for (at, file) in files.iter().enumerate() {
        profile_of_file(file).save(folder.path().join(format!("hostile-{at}.pb.gz"))).unwrap();
        let source = source_of(address, &format!("hostile-{at}.pb"));
        assert!(source["text"].is_null() && source["found"].is_null(), "{file}: {source}");
        assert_ne!(source["remark"], "", "{file}");
        assert_eq!(source["lines"][0]["self"], 7, "its lines have their values all the same");
    }
}

#[test]
fn a_flame_graph_keeps_the_numbers_of_its_functions_while_a_profile_grows() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(plop_view::router(folder.path()));
    let numbers = |text: &str| {
        std::fs::write(folder.path().join("live.folded"), text).unwrap();
        let flame = json(&ask(address, "/api/flame/live.folded").2);
        let number = |name: &str| {
            let functions = flame["functions"].as_array().unwrap();
            functions.iter().find(|of| of["name"] == name).map(|of| of["at"].clone())
        };
        ["main", "lex", "draw"].map(|name| number(name).unwrap())
    };
    let before = numbers("main;lex 5\nmain;draw 3\n");
    let after = numbers("main;lex 5\nmain;draw 40\nmain;new 9\n");
    assert_eq!(before, after, "draw is now the wider one, and comes first");
}

#[test]
fn flame_graph_sandwich_and_matches_agree_with_the_table() {
    let (_folder, address) = viewer(&["a", "b", "c"]);
    let flame = json(&ask(address, "/api/flame/busy.pb?type=samples").2);
    let box_of = |at: usize| (flame["boxes"][at][0].as_i64(), flame["boxes"][at][2].as_i64());
    assert_eq!((box_of(0), box_of(1)), ((Some(0), Some(6)), (Some(1), Some(3))));
    let id = flame["functions"][0]["id"].as_str().unwrap();
    let sandwich = json(&ask(address, &format!("/api/sandwich/busy.pb?type=samples&item={id}")).2);
    assert_eq!((sandwich["function_total"].as_i64(), sandwich["callees"].as_array().unwrap().len()), (Some(6), 3));
    let function = json(&ask(address, &format!("/api/function/busy.pb?type=samples&item={id}")).2);
    assert_eq!((function["name"].as_str(), function["total"].as_i64()), (Some("main"), Some(6)));
    let matches = json(&ask(address, "/api/matches/busy.pb?type=samples&search=B").2);
    assert_eq!((matches["functions"].as_i64(), matches["weight"].as_i64()), (Some(1), Some(2)));
    let crates = json(&ask(address, "/api/top/busy.pb?type=samples&by=crate").2);
    assert_eq!(
        (crates["functions"][0]["total"].as_i64(), crates["functions"][0]["samples"].as_i64()),
        (Some(6), Some(6))
    );
    assert_eq!(ask(address, "/api/top/busy.pb?by=colour").0, 400);
    assert_eq!(ask(address, "/api/sandwich/busy.pb?item=0000000000000001").0, 404);
    assert_eq!(ask(address, "/api/flame/busy.pb?zoom=nothing").0, 400);
}
