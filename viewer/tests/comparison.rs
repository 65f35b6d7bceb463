//! What the server answers about two profiles, in every view and every format.

use plop_profile::{Label, LabelValue, Profile, TIME_KEY, TIME_UNIT};
use serde_json::json as value;

#[path = "support/http.rs"]
#[allow(dead_code, reason = "not every test file needs all of it")]
mod http;
use http::{ask, json, serve};

#[test]
fn two_profiles_share_one_picture_that_says_what_grew_came_and_went() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, lines: &str| std::fs::write(folder.path().join(name), lines).unwrap();
    write("before.folded", "main;parse 600\nmain;lex 400\n");
    write("after.folded", "main;parse 600\nmain;draw 1400\n");
    let address = serve(plop_view::router(folder.path()));
    let (status, _, body) = ask(address, "/api/picture/after.folded?base=before.folded");
    assert_eq!(status, 200, "{body}");
    let picture = json(&body);
    assert_eq!(picture["compared"]["factor"], 2.0, "ten samples before weigh as much as twenty after");
    assert_eq!(picture["compared"]["totals"], serde_json::json!({"before": 2000, "after": 2000}));
    assert_eq!((&picture["total"], &picture["unfiltered_total"]), (&4000.into(), &4000.into()));
    let parts = picture["shown"]["self"].as_i64().unwrap() + picture["folded"]["self"].as_i64().unwrap();
    assert_eq!(parts, 4000);
    let item = |name: &str| picture["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap();
    assert_eq!(item("parse")["delta"], -0.5);
    assert_eq!(item("parse")["before"], serde_json::json!({"self": 1200, "total": 1200}));
    assert_eq!(item("parse")["after"], serde_json::json!({"self": 600, "total": 600}));
    assert_eq!((&item("draw")["delta"], &item("lex")["delta"]), (&1.0.into(), &(-1.0).into()));
    assert_eq!(item("main")["delta"], 0.0);
    let of_edges = |side: &str| picture["edges"][side].as_array().unwrap();
    let sum = |side: &str| of_edges(side).iter().map(|value| value.as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("before"), sum("after")), (2000, 2000), "all of both is called by main");

    let (_, _, body) = ask(address, "/api/picture/after.folded?base=before.folded&normalize=none");
    assert_eq!(json(&body)["compared"]["totals"]["before"], 1000);
    let (status, _, body) = ask(address, "/api/picture/after.folded?base=before.folded&normalize=time");
    assert_eq!(status, 400);
    assert_eq!(body, "base: the profile before does not say how long it lasted; normalize by total instead\n");
    let (_, _, body) = ask(address, "/api/top/after.folded?base=before.folded");
    let top = json(&body);
    assert_eq!(top["functions"][0]["name"], "draw", "what has changed most comes first: {body}");
    assert_eq!(ask(address, "/api/picture/after.folded?base=absent").0, 404);
    let (_, _, body) = ask(address, "/api/picture/after.folded?base=after.folded");
    assert!(json(&body)["items"].as_array().unwrap().iter().all(|item| item["delta"] == 0.0), "{body}");
}

#[test]
fn two_stretches_of_one_profile_can_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let mut timed = Profile::new([("samples", "count")]);
    let [key, unit] = [TIME_KEY, TIME_UNIT].map(|text| timed.strings.intern(text));
    for (second, name, value) in [(0, "a", 8), (1, "a", 8), (2, "b", 3)] {
        let place = timed.named_location(name, "");
        let stack = timed.stacks.intern([place]);
        let start = LabelValue::Number(second * 1_000_000_000, unit);
        let labels = timed.label_sets.intern(&[Label { key, value: start }]);
        timed.samples.add(stack, labels, &[value]);
    }
    timed.save(folder.path().join("timed.pb.gz")).unwrap();
    let address = serve(plop_view::router(folder.path()));
    let query = "base=timed.pb&base_to=2&from=2&normalize=time";
    let (status, _, body) = ask(address, &format!("/api/picture/timed.pb?{query}"));
    assert_eq!(status, 200, "{body}");
    let picture = json(&body);
    assert_eq!(picture["compared"]["measured"], serde_json::json!({"before": 16, "after": 3}));
    assert_eq!(picture["compared"]["factor"], 0.5, "two seconds before, one after");
}

/// Ten samples before, twenty after, so that each of before's weighs two.
fn two() -> (tempfile::TempDir, std::net::SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, lines: &str| std::fs::write(folder.path().join(name), lines).unwrap();
    write("before.folded", "main;app::parse;app::lex 600\nmain;app::old 400\n");
    write("after.folded", "main;app::parse;app::lex 1500\nmain;app::parse 100\nmain;db::fresh 400\n");
    let address = serve(plop_view::router(folder.path()));
    (folder, address)
}

const BOTH: &str = "base=before.folded";

fn id_of(address: std::net::SocketAddr, name: &str) -> String {
    let top = json(&ask(address, &format!("/api/top/after.folded?{BOTH}")).2);
    let row = top["functions"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    row["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_sandwich_and_the_function_have_both_sides_of_whatever_is_on_either() {
    let (_folder, address) = two();
    let of = |name: &str| {
        let (status, _, body) =
            ask(address, &format!("/api/sandwich/after.folded?{BOTH}&item={}", id_of(address, name)));
        assert_eq!(status, 200, "{body}");
        json(&body)
    };
    let parse = of("app::parse");
    assert_eq!(
        (&parse["before"], &parse["after"]),
        (&value!({"self": 0, "total": 1200}), &value!({"self": 100, "total": 1600}))
    );
    assert_eq!(parse["delta"], 0.25, "four more of sixteen");
    let callees = parse["callees"].as_array().unwrap();
    assert_eq!(
        (&callees[0]["before"], &callees[0]["after"], &callees[0]["delta"]),
        (&1200.into(), &1500.into(), &0.2.into())
    );
    assert_eq!(parse["down"][1][5], 0.2, "a box grows likewise: {parse}");
    assert_eq!(parse["up"][1][5], 0.25, "towards its callers, only what passes through it counts: {parse}");
    let old = of("app::old");
    assert_eq!((&old["delta"], &old["after"]["total"]), (&(-1.0).into(), &0.into()), "what has gone can be looked at");
    let query = format!("{BOTH}&item={}", id_of(address, "app::old"));
    let known = json(&ask(address, &format!("/api/function/after.folded?{query}")).2);
    assert_eq!(
        (&known["name"], &known["before"]["self"], &known["delta"]),
        (&"app::old".into(), &800.into(), &(-1.0).into())
    );
    let found = json(&ask(address, &format!("/api/matches/after.folded?{BOTH}&search=app::")).2);
    assert_eq!(found, value!({"functions": 3, "weight": 1200 + 800 + 1600, "total": 4000}));
}

#[test]
fn flame_graphs_from_the_leaves_and_rows_of_crates_have_both_sides() {
    let (_folder, address) = two();
    let flame = json(&ask(address, &format!("/api/flame/after.folded?{BOTH}&tree=callers")).2);
    let names = flame["functions"].as_array().unwrap();
    let boxes = flame["boxes"].as_array().unwrap();
    let delta = |name: &str, depth: i64| {
        let of = boxes
            .iter()
            .find(|of| of[0] == depth && names.iter().any(|known| known["at"] == of[1] && known["name"] == name));
        of.unwrap_or_else(|| panic!("{name} at {depth}: {boxes:?}"))[5].clone()
    };
    assert_eq!((delta("app::lex", 0), delta("app::parse", 1), delta("main", 2)), (0.2.into(), 0.2.into(), 0.2.into()));
    assert_eq!((delta("db::fresh", 0), delta("app::old", 0)), (1.0.into(), (-1.0).into()));
    let top = json(&ask(address, &format!("/api/top/after.folded?{BOTH}&by=crate")).2);
    let rows: Vec<_> = top["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["name"], &row["before"]["self"], &row["after"]["self"]))
        .collect();
    let expected = [("app", 2000, 1600), ("db", 0, 400), ("native", 0, 0)]
        .map(|(name, before, after)| (value!(name), value!(before), value!(after)));
    assert_eq!(rows, expected.iter().map(|(name, before, after)| (name, before, after)).collect::<Vec<_>>());
}

#[test]
fn recursion_and_merged_frames_count_once_on_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, lines: &str| std::fs::write(folder.path().join(name), lines).unwrap();
    write("before.folded", "main;f;g;f 400\nmain;f 200\nmain;x 400\n");
    write("after.folded", "main;f;g;f 100\nmain;f 200\nmain;x 700\n");
    let address = serve(plop_view::router(folder.path()));
    let flame = json(&ask(address, "/api/flame/after.folded?base=before.folded").2);
    let boxes = flame["boxes"].as_array().unwrap();
    let found = |depth: i64, total: i64| boxes.iter().find(|of| of[0] == depth && of[2] == total).unwrap()[5].clone();
    assert_eq!(
        found(1, 600 + 300),
        value!(-0.5),
        "six hundred samples of f before, three hundred after, not a thousand and four hundred"
    );
    assert_eq!(found(2, 400 + 100), value!(-0.75));
    assert_eq!(found(3, 400 + 100), value!(-0.75));
}

#[test]
fn lines_of_source_have_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, lines: &[(i64, i64)]| {
        use plop_profile::{Function, Line, Location};
        let mut profile = Profile::new([("samples", "count")]);
        let (of, file) = (profile.strings.intern("app::run"), profile.strings.intern("src/run.rs"));
        let function = profile.intern_function(Function { name: of, file, ..Function::default() });
        for &(line, samples) in lines {
            let lines = vec![Line { function, line }];
            let place = profile.push_location(Location { lines, address: line as u64, ..Location::default() });
            let stack = profile.stacks.intern([place]);
            profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[samples]);
        }
        profile.save(folder.path().join(name)).unwrap();
    };
    save("before.pb.gz", &[(2, 600), (3, 400)]);
    save("after.pb.gz", &[(2, 600), (5, 1400)]);
    let address = serve(plop_view::router(folder.path()));
    let item = json(&ask(address, "/api/top/after.pb").2)["functions"][0]["id"].as_str().unwrap().to_owned();
    let (status, _, body) = ask(address, &format!("/api/source/after.pb?base=before.pb&item={item}"));
    assert_eq!(status, 200, "{body}");
    let line = |number: i64, before: i64, after: i64, delta: f64| {
        value!({"line": number, "self": after, "total": after, "delta": delta,
            "before": {"self": before, "total": before}, "after": {"self": after, "total": after}})
    };
    assert_eq!(json(&body)["lines"], value!([line(2, 1200, 600, -0.5), line(3, 800, 0, -1.0), line(5, 0, 1400, 1.0)]));
}

#[test]
fn every_format_writes_what_has_changed_or_says_that_it_can_not() {
    let (_folder, address) = two();
    let exported = |format: &str| ask(address, &format!("/api/export/after.folded?{BOTH}&format={format}"));
    let mut refused = Vec::new();
    for exporter in plop_view::EXPORTERS {
        let (status, _, body) = exported(exporter.name());
        match status {
            200 => assert!(!body.is_empty(), "{}", exporter.name()),
            400 => {
                let reason = "has no place for what has changed; end the comparison, or take pprof or folded";
                assert_eq!(body, format!("{} {reason}\n", exporter.name()));
                refused.push(exporter.name());
            }
            _ => panic!("{}: {status} {body}", exporter.name()),
        }
    }
    assert_eq!(refused, ["speedscope", "firefox", "callgrind"]);
    let folded = exported("folded").2;
    assert!(folded.lines().any(|line| line == "main;app::parse;app::lex 1200 1500"), "{folded}");
    assert!(folded.lines().any(|line| line == "main;app::old 800 0"), "{folded}");
    let edges = json(&exported("edges-json").2);
    assert_eq!(
        (&edges["edges"][0]["change"], &edges["edges"][0]["weight"]),
        (&"gone".into(), &value!({"before": 800, "after": 0}))
    );
    let top = json(&exported("top-json").2);
    assert_eq!(top["functions"][0]["self"], value!({"before": 800, "after": 0, "delta": -800}), "{top}");
}
