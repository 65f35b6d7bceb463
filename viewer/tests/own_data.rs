//! Profiles that the tools of each format made, in `data/`, held against what the same tools say of them. `data/make.sh`
//! makes them anew.

use std::collections::HashMap;
use std::path::PathBuf;

use plop_profile::{CallGraph, FrameTree};
use plop_view::import::import;
use serde_json::Value;

fn data(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

#[test]
fn what_the_tools_wrote_opens_and_agrees_with_what_they_print() {
    let expected: HashMap<String, Value> = serde_json::from_slice(&data("expected.json")).unwrap();
    let formats = [
        ("work.pstats", "Python cProfile statistics"),
        ("work.plop", "Python plop"),
        ("work.flame", "folded stacks"),
        ("work.speedscope.json.gz", "speedscope JSON"),
        ("busy.perf.gz", "perf script text"),
        ("heap.dhat.json", "DHAT JSON"),
        ("callgrind.out.gz", "callgrind"),
        ("work.cpuprofile.gz", "V8 CPU profile"),
        ("work.heapprofile.gz", "V8 heap profile"),
        ("go.cpu.pb.gz", "profile.proto"),
        ("go.heap.txt", "legacy pprof profile"),
        ("go.goroutine.txt", "legacy pprof profile"),
    ];
    assert_eq!(formats.len(), expected.len());
    for (name, format) in formats {
        let imported = import(&data(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.format, format, "{name}");
        let counts_calls = ["callgrind", "Python cProfile statistics"].contains(&format);
        assert_eq!(imported.caution().is_some(), counts_calls, "{name}: estimates are said");
        let (profile, expected) = (imported.profile, &expected[name]);
        let shown = profile.default_sample_type;
        let tolerance = match name {
            // Values in seconds were rounded to nanoseconds one by one.
            "work.pstats" => profile.samples.len() as i64,
            // pyinstrument rounds what it prints to microseconds.
            "work.speedscope.json.gz" => 500,
            _ => 0,
        };
        let close = |ours: i64, theirs: &Value| (ours - theirs.as_i64().unwrap()).abs() <= tolerance;
        assert!(close(profile.total(shown), &expected["total"]), "{name}: {}", profile.total(shown));
        let tree = FrameTree::new(&profile);
        let graph = CallGraph::new(&tree, &tree.self_values(&profile, shown, |_| true));
        for (key, values) in [("self", &graph.self_values), ("total_of", &graph.totals)] {
            for row in expected[key].as_array().into_iter().flatten() {
                let of_name = |at: &usize| profile.frame_name(tree.frames[*at]) == row[0].as_str().unwrap();
                let found: Vec<i64> = (0..tree.frames.len()).filter(of_name).map(|at| values[at]).collect();
                // Functions of one name are several for us and one row for some tools.
                let sum = found.iter().sum();
                assert!(
                    found.iter().any(|&value| close(value, &row[1])) || close(sum, &row[1]),
                    "{name}: {key} {row}: {found:?}"
                );
            }
        }
    }
}
