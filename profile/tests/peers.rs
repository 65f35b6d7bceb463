//! What we write, read by the tools it is for.

use std::process::Command;

use plop_profile::{LabelSetId, Profile};
use pprof::protos::Message as _;

fn profile() -> Profile {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    profile.set_period("cpu", "nanoseconds", 10_000_000);
    profile.time_nanos = 1_700_000_000_000_000_000;
    for (leaf, samples) in [("alpha::parse", 7), ("alpha::lex<T>", 3)] {
        let leaf = profile.named_location(leaf, "src/alpha.rs");
        let main = profile.named_location("main", "src/main.rs");
        let stack = profile.stacks.intern([leaf, main]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[samples, samples * 10_000_000]);
    }
    let mut check = plop_profile::SelfCheck::default();
    check.samples = 10;
    profile.set_self_check(check);
    profile
}

#[test]
fn pprof_rs_reads_what_we_write() {
    let ours = profile();
    let read = pprof::protos::Profile::decode(&ours.encode()[..]).unwrap();
    let text = |at: i64| read.string_table[at as usize].as_str();
    let functions: Vec<&str> = read.function.iter().map(|function| text(function.name)).collect();
    assert_eq!(functions, ["alpha::parse", "main", "alpha::lex<T>"]);
    let values: Vec<i64> = read.sample.iter().map(|sample| sample.value[0]).collect();
    assert_eq!(values, [7, 3, 0], "the last is the self-check, which has no stack and no value");
    assert_eq!(text(read.sample_type[1].ty), "cpu");
}

/// Chunks behind one another are read as one profile by `go tool pprof`, which is Debian's `golang`.
#[test]
fn go_tool_pprof_sums_the_chunks_of_a_growing_file() {
    if Command::new("go").arg("version").output().is_err() {
        eprintln!("skipped: there is no go on this machine (Debian: golang)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pb");
    let mut profile = profile();
    let mut encoder = plop_profile::ChunkEncoder::new();
    let mut file = Vec::new();
    for round in 1..=3_i64 {
        let leaf = profile.named_location(&format!("leaf_{round}"), "src/leaf.rs");
        let stack = profile.stacks.intern([leaf]);
        profile.samples.add(stack, LabelSetId::EMPTY, &[round, round * 10_000_000]);
        profile.duration_nanos += 1_000_000_000;
        file.extend(encoder.encode(&profile));
        encoder.advance(&profile);
        std::fs::write(&path, &file).unwrap();
        let output = Command::new("go")
            .args(["tool", "pprof", "-top", "-sample_index=samples", "-nodecount=0"])
            .arg(&path)
            .output()
            .unwrap();
        let (text, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let total = profile.total(0);
        assert!(text.contains(&format!("of {total} total")), "round {round}: {text}{error}");
        assert!(text.contains("alpha::lex<T>"), "{text}");
    }
}
