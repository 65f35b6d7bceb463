//! `plop-view diff` and `plop-view merge`, as their users meet them.

use std::fs;
use std::path::Path;

use plop_profile::Profile;
use serde_json::{Value, json};

mod support;
use support::{plop_view, refusal, stderr, stdout};

/// Two runs: lex grew, parse stayed, old is gone, fresh is new; the second took twice as many samples.
fn runs(folder: &Path) -> [String; 2] {
    let texts = ["main;parse;lex 10\nmain;parse 6\nmain;old 4\n", "main;parse;lex 30\nmain;parse 6\nmain;fresh 4\n"];
    [("before", texts[0]), ("after", texts[1])].map(|(name, text)| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[test]
fn diff_says_what_changed_most_first_and_marks_the_new_and_the_gone() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = runs(folder.path());
    let text = stdout(&plop_view(&["diff", &before, &after]));
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "samples: 20 before, 40 after, +20");
    assert_eq!(lines[3].join(" "), "10 30 +20 +25.00% 10 30 +20 +25.00% lex");
    assert_eq!(lines[4].join(" "), "0 4 +4 +10.00% 0 4 +4 +10.00% new: fresh");
    assert_eq!(lines[5].join(" "), "4 0 -4 -20.00% 4 0 -4 -20.00% gone: old");
    assert_eq!(lines.len(), 3 + 5);
    let csv = stdout(&plop_view(&["diff", &before, &after, "--format", "csv", "-n", "1"]));
    assert_eq!(csv.lines().nth(1), Some("lex,,kept,10,30,20,10,30,20"));
}

#[test]
fn diff_as_json_normalized_by_total_gives_befores_values_in_units_of_after() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = runs(folder.path());
    let arguments = ["diff", &before, &after, "--normalize", "total", "--sort", "total", "--format", "json"];
    let table: Value = serde_json::from_str(&stdout(&plop_view(&arguments))).unwrap();
    assert_eq!((&table["factor"], &table["normalize"]), (&json!(2.0), &json!("total")));
    assert_eq!(table["total"], json!({"before": 40, "after": 40, "delta": 0}));
    let change = |before, after| json!({"before": before, "after": after, "delta": after - before});
    let lex = json!({
        "name": "lex", "file": "", "change": "kept", "self": change(20, 30), "total": change(20, 30),
    });
    assert_eq!(table["functions"][0], lex);
    let of = |name: &str| {
        let functions = table["functions"].as_array().unwrap();
        functions.iter().find(|function| function["name"] == name).unwrap()["change"].clone()
    };
    assert_eq!([of("old"), of("fresh"), of("main")], [json!("gone"), json!("new"), json!("kept")]);
}

#[test]
fn diff_as_folded_stacks_and_as_a_profile_with_negative_values_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = runs(folder.path());
    let folded = stdout(&plop_view(&["diff", &before, &after, "--format", "folded-diff", "--hide", "parse"]));
    let mut lines: Vec<&str> = folded.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["main 6 6", "main;fresh 0 4", "main;lex 10 30", "main;old 4 0"]);
    let out = folder.path().join("less.pb.gz");
    stdout(&plop_view(&["diff", &before, &after, "--format", "pprof", "-o", out.to_str().unwrap()]));
    let less = Profile::load(&out).unwrap();
    let mut edges: Vec<(String, i64)> =
        less.call_edges().iter().map(|edge| (less.frame_name(edge.callee).into_owned(), edge.values[0])).collect();
    edges.sort();
    let expected = [("fresh", 4), ("lex", 20), ("old", -4), ("parse", 20)];
    assert_eq!(edges, expected.map(|(name, value)| (name.to_owned(), value)));
    let svg = stdout(&plop_view(&["diff", &before, &after, "--format", "flamegraph"]));
    assert!(svg.contains("lex (30 samples, 75.00%; +50.00%)"), "{svg}");
}

#[test]
fn diff_draws_and_lists_the_call_graph_with_what_it_has_on_either_side() {
    let folder = tempfile::tempdir().unwrap();
    // As many samples as it takes to be sure of a change.
    let texts = [
        ("before", "main;parse;lex 1000\nmain;parse 600\nmain;old 400\n"),
        ("after", "main;parse;lex 3000\nmain;parse 600\nmain;fresh 400\n"),
    ];
    let [before, after] = texts.map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let exported =
        |format: &str| stdout(&plop_view(&["diff", &before, &after, "--normalize", "total", "--format", format]));
    let edges = exported("edges");
    let lines: Vec<&str> = edges.lines().collect();
    assert_eq!(lines[0], "caller,callee,change,before,after,delta");
    assert!(lines.contains(&"parse,lex,kept,2000,3000,1000") && lines.contains(&"main,old,gone,800,0,-800"), "{edges}");
    assert!(lines.contains(&"main,fresh,new,0,400,400"), "{edges}");
    let dot = exported("dot");
    assert!(dot.contains("label=\"samples: 4000 before, 4000 after\""), "{dot}");
    assert!(dot.contains("2000 → 3000") && dot.contains("+ new") && dot.contains("− gone"), "{dot}");
    let svg = exported("svg");
    assert!(svg.contains("lex  + 50 %") && svg.contains("old  − gone"), "{svg}");
    let html = exported("html");
    assert!(html.contains(r#""compared":{"base":"#), "the page brings the comparison along");
}

#[test]
fn profiles_that_measure_different_things_are_neither_compared_nor_merged() {
    let folder = tempfile::tempdir().unwrap();
    let [before, _] = runs(folder.path());
    let other = folder.path().join("heap.pb.gz");
    let mut heap = Profile::new([("space", "bytes")]);
    let main = heap.named_location("main", "");
    let stack = heap.stacks.intern([main]);
    heap.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[4096]);
    heap.save(&other).unwrap();
    let other = other.to_str().unwrap();
    let reason = "the two have no sample type in common: samples (count) before, space (bytes) after";
    assert_eq!(refusal(&["diff", &before, other]), format!("plop-view: {before}, {other}: {reason}\n"));
    let reason = "it has space (bytes), the ones before it samples (count)";
    assert_eq!(refusal(&["merge", &before, other]), format!("plop-view: {other}: {reason}\n"));
    let reason = "the profile before does not say how long it lasted; normalize by total instead";
    let refused = refusal(&["diff", &before, &before, "--normalize", "time"]);
    assert_eq!(refused, format!("plop-view: {before}, {before}: {reason}\n"));
}

#[test]
fn merge_adds_up_profiles_of_any_formats_and_says_what_it_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = runs(folder.path());
    let busy = support::busy(folder.path());
    let out = folder.path().join("all.pb.gz");
    let output = plop_view(&["merge", &busy, &before, &after, "-o", out.to_str().unwrap()]);
    assert_eq!(stdout(&output), "");
    let said = format!("plop-view: {before}: not all of the profiles have cpu (nanoseconds); left out\n");
    assert_eq!(stderr(&output), said);
    let all = Profile::load(&out).unwrap();
    assert_eq!((all.sample_types.len(), all.total(0)), (1, 10 + 20 + 40));
}
