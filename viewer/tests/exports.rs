//! Every export in the tool that it is for: go tool pprof, graphviz, callgrind_annotate, inferno. (speedscope's own page opens
//! its in `web/tests/browser/exports.test.js`.) A tool that is not on the machine is named, and its test passes over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plop_profile::{Label, LabelValue, Profile};
use serde_json::Value;

mod support;
use support::{plop_view, refusal, stderr, stdout};

/// Names that some format could take for its own signs.
const ODD: &str = "app::odd<\"a\", [u8; 2]>\\ (x=1) </text>&";

/// Two threads: `main` has main → parse → lex and main → ODD, `worker` has spin → lex.
fn threads(folder: &Path) -> String {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    profile.set_period("cpu", "nanoseconds", 10_000_000);
    let [main, parse, lex, odd, spin] = ["app::main", "app::parse", "app::lex", ODD, "pool::spin"]
        .map(|name| profile.named_location(name, if name.starts_with("app") { "src/app.rs" } else { "src/pool.rs" }));
    let stacks = [("main", vec![lex, parse, main], 6), ("main", vec![odd, main], 1), ("worker", vec![lex, spin], 3)];
    for (thread, stack, samples) in stacks {
        let (key, value) = (profile.strings.intern("thread"), profile.strings.intern(thread));
        let labels = profile.label_sets.intern(&[Label { key, value: LabelValue::Text(value) }]);
        let stack = profile.stacks.intern(stack);
        profile.samples.add(stack, labels, &[samples, samples * 10_000_000]);
    }
    let path = folder.join("threads.pb.gz");
    profile.save(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

fn export(format: &str, profile: &str, more: &[&str]) -> String {
    stdout(&plop_view(&[&["export", "--format", format, profile], more].concat()))
}

/// The same, into a file.
fn exported(format: &str, profile: &str, folder: &Path, more: &[&str]) -> PathBuf {
    let path = folder.join(format!("out.{format}"));
    export(format, profile, &[&["-o", path.to_str().unwrap()], more].concat());
    path
}

/// Runs a peer's tool; `None`, and a remark, if it is not on the machine.
fn tool(name: &str, arguments: &[&str], package: &str) -> Option<String> {
    match Command::new(name).args(arguments).stdin(Stdio::null()).output() {
        Err(_) => {
            eprintln!("skipped: there is no {name} on this machine (Debian: {package})");
            None
        }
        Ok(output) => Some(stdout(&output)),
    }
}

#[test]
fn go_tool_pprof_opens_the_pprof_export_with_the_filters_applied() {
    let folder = tempfile::tempdir().unwrap();
    let profile = threads(folder.path());
    let path = exported("pprof", &profile, folder.path(), &["--hide", "parse", "--thread", "main"]);
    let arguments = ["tool", "pprof", "-top", "-sample_index=cpu", path.to_str().unwrap()];
    let Some(text) = tool("go", &arguments, "golang") else { return };
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |name: &str| rows.iter().find(|row| row.last() == Some(&name)).unwrap_or_else(|| panic!("{text}"));
    assert_eq!((row("app::lex")[0], row("app::main")[3]), ("60ms", "70ms"), "{text}");
    assert!(!text.contains("parse") && !text.contains("pool"), "{text}");
}

#[test]
fn callgrind_annotate_sums_up_the_callgrind_export() {
    let folder = tempfile::tempdir().unwrap();
    let path = exported("callgrind", &threads(folder.path()), folder.path(), &["--sample-type", "samples"]);
    let path = path.to_str().unwrap();
    let Some(own) = tool("callgrind_annotate", &["--threshold=100", path], "valgrind") else { return };
    let line = |text: &str, name: &str| {
        let found = text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        found.split_whitespace().next().unwrap().to_owned()
    };
    assert!(own.contains("Events recorded:  samples cpu"), "{own}");
    assert_eq!(line(&own, "PROGRAM TOTALS"), "10");
    assert_eq!((line(&own, "src/app.rs:app::lex [app]"), line(&own, "src/app.rs:app::odd")), ("9".into(), "1".into()));
    let inclusive = tool("callgrind_annotate", &["--inclusive=yes", "--threshold=100", path], "valgrind").unwrap();
    assert_eq!(line(&inclusive, "src/app.rs:app::main [app]"), "7");
    assert_eq!(line(&inclusive, "src/pool.rs:pool::spin [pool]"), "3");
}

#[test]
fn graphviz_draws_the_dot_export_whatever_the_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = exported("dot", &threads(folder.path()), folder.path(), &[]);
    let Some(svg) = tool("dot", &["-Tsvg", path.to_str().unwrap()], "graphviz") else { return };
    assert!(svg.contains("90.00ms (90.0%)"), "{svg}");
    assert!(svg.contains("app::odd") && !svg.contains("</text>&amp;"), "{svg}");
}

#[test]
fn inferno_draws_the_folded_stacks_and_the_difference_of_two_as_our_own_flame_graph() {
    let folder = tempfile::tempdir().unwrap();
    let profile = threads(folder.path());
    let draw = |lines: &str| {
        let mut svg = Vec::new();
        let mut options = inferno::flamegraph::Options::default();
        options.count_name = "nanoseconds".to_owned();
        inferno::flamegraph::from_lines(&mut options, lines.lines(), &mut svg).unwrap();
        boxes(&String::from_utf8(svg).unwrap())
    };
    let drawn = draw(&export("folded", &profile, &[]));
    assert!(drawn.contains(&"app::lex (60,000,000 nanoseconds, 60.00%)".to_owned()), "{drawn:?}");
    assert_eq!(drawn, boxes(&export("flamegraph", &profile, &[])));
    let diff = ["diff", &profile, &profile, "--hide", "spin"];
    let lines = stdout(&plop_view(&[&diff[..], &["--format", "folded-diff"]].concat()));
    assert_eq!(draw(&lines), boxes(&stdout(&plop_view(&[&diff[..], &["--format", "flamegraph"]].concat()))));
}

/// The titles of a flame graph's boxes.
fn boxes(svg: &str) -> Vec<String> {
    let titles = svg.split("<title>").skip(1).filter_map(|rest| rest.split("</title>").next());
    let mut titles: Vec<String> = titles.map(str::to_owned).collect();
    titles.sort();
    titles
}

#[test]
fn a_flame_graph_of_many_thin_stacks_shows_the_boxes_that_inferno_shows_of_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thin.folded");
    let line = |number: i32| format!("main;group{};leaf{number};deep{} {}\n", number % 7, number % 3, 1 + number % 40);
    let text: String = (0..30_000).map(line).collect();
    std::fs::write(&path, &text).unwrap();
    let mut svg = Vec::new();
    let mut options = inferno::flamegraph::Options::default();
    options.count_name = "samples".to_owned();
    inferno::flamegraph::from_lines(&mut options, text.lines(), &mut svg).unwrap();
    let all = boxes(&String::from_utf8(svg).unwrap());
    assert!(all.len() > 8, "{}", all.len());
    assert_eq!(boxes(&export("flamegraph", path.to_str().unwrap(), &[])), all);
}

/// Self values by function, of a Firefox profile's threads, read from its tables.
fn firefox_self(profile: &Value) -> BTreeMap<(String, String), i64> {
    let shared = &profile["shared"];
    let mut sums = BTreeMap::new();
    for thread in profile["threads"].as_array().unwrap() {
        let strings = thread.get("stringArray").or(shared.get("stringArray")).unwrap();
        let (samples, stacks) = (&thread["samples"], &thread["stackTable"]);
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        for (stack, weight) in samples["stack"].as_array().unwrap().iter().zip(samples["weight"].as_array().unwrap()) {
            let frame = number(&stacks["frame"][number(stack)]);
            let function = number(&thread["frameTable"]["func"][frame]);
            let name = strings[number(&thread["funcTable"]["name"][function])].as_str().unwrap();
            let thread = thread["name"].as_str().unwrap().to_owned();
            *sums.entry((thread, name.to_owned())).or_default() += weight.as_i64().unwrap();
        }
    }
    sums
}

#[test]
fn the_firefox_export_has_a_thread_for_each_thread_and_weighs_time_in_milliseconds() {
    let folder = tempfile::tempdir().unwrap();
    let profile = threads(folder.path());
    let json: Value = serde_json::from_str(&export("firefox", &profile, &[])).unwrap();
    assert_eq!(json["meta"]["interval"], 10.0);
    assert!(json["threads"].as_array().unwrap().iter().all(|thread| thread["samples"]["weightType"] == "tracing-ms"));
    let entry = |thread: &str, name: &str, value| ((thread.to_owned(), name.to_owned()), value);
    let expected = [entry("main", "app::lex", 60), entry("main", ODD, 10), entry("worker", "app::lex", 30)];
    assert_eq!(firefox_self(&json), expected.into());
    let counts: Value = serde_json::from_str(&export("firefox", &profile, &["--sample-type", "samples"])).unwrap();
    assert_eq!(firefox_self(&counts).values().sum::<i64>(), 10);
}

#[test]
fn the_edges_and_the_table_come_as_json_and_csv() {
    let folder = tempfile::tempdir().unwrap();
    let profile = threads(folder.path());
    let json: Value = serde_json::from_str(&export("edges-json", &profile, &["--focus", "spin"])).unwrap();
    let name =
        |number: &Value| json["functions"][number.as_u64().unwrap() as usize]["name"].as_str().unwrap().to_owned();
    let edge = &json["edges"][0];
    assert_eq!(json["edges"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!((name(&edge["caller"]), name(&edge["callee"])), ("pool::spin".to_owned(), "app::lex".to_owned()));
    assert_eq!(edge["weights"], serde_json::json!([3, 30_000_000]));
    let csv = export("top-csv", &profile, &["--sample-type", "samples"]);
    assert!(csv.starts_with("function,file,self (count),total (count)\napp::lex,src/app.rs,9,9\n"), "{csv}");
    assert_eq!(export("top", &profile, &[]), stdout(&plop_view(&["top", &profile, "-n", "99"])));
    assert_eq!(
        export("top-json", &profile, &[]),
        stdout(&plop_view(&["top", &profile, "-n", "99", "--format", "json"]))
    );
}

/// The formats that `--help` lists.
fn formats() -> Vec<String> {
    let help = stdout(&plop_view(&["export", "--help"]));
    let list = help.split("[possible values: ").nth(1).expect("formats are listed").split(']').next().unwrap();
    list.split(',').map(|format| format.split_whitespace().collect()).collect()
}

#[test]
fn every_format_honours_every_filter_and_goes_to_a_pipe_as_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let profile = threads(folder.path());
    let formats = formats();
    assert!(formats.len() >= 13, "{formats:?}");
    let bytes = |format: &str, more: &[&str]| {
        let output = plop_view(&[&["export", "--format", format, &profile], more].concat());
        assert!(output.status.success(), "{format}: {}", stderr(&output));
        match format {
            // What is packed says nothing; the reader of this project's own profiles unpacks it.
            "pprof" => {
                export("folded", exported("pprof", &profile, folder.path(), more).to_str().unwrap(), &[]).into_bytes()
            }
            _ => output.stdout,
        }
    };
    let has = |format: &str, more: &[&str], name: &str| String::from_utf8(bytes(format, more)).unwrap().contains(name);
    for format in &formats {
        assert!(has(format, &[], "pool::spin") && has(format, &[], "app::parse"), "{format}");
        for filter in [
            ["--label", "thread=main"],
            ["--thread", "main"],
            ["--focus", "main"],
            ["--ignore", "pool"],
            ["--hide", "spin"],
            ["--show-from", "app::main"],
        ] {
            assert!(!has(format, &filter, "pool::spin") && has(format, &filter, "app::parse"), "{format} {filter:?}");
        }
        if format != "pprof" {
            let into = exported(format, &profile, folder.path(), &[]);
            assert!(std::fs::read(into).unwrap() == bytes(format, &["-o", "-"]), "{format}");
        }
        let strange = refusal(&["export", "--format", format, &profile, "--sample-type", "heap"]);
        assert!(strange.contains("the profile has no heap; it has samples, cpu"), "{strange}");
    }
}
