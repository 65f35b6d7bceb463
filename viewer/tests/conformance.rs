//! Public profiles with the answers that reference tools gave for them: totals, and the functions that have most.
//!
//! The profiles are not part of this repository. The test runs where they lie in `../shared/corpus` beside it, or where
//! PLOP_CORPUS says, and says so where they do not.

use std::collections::HashMap;
use std::path::PathBuf;

use plop_profile::{CallGraph, FrameTree, Profile};
use plop_view::import::{ImportError, import};
use serde_json::Value;

/// The references that speak for a format, the one that decides first.
const REFERENCES: [&str; 4] = ["pprof_exact", "stackcollapse_perf_pl", "independent_collapsed", "python_literal"];

/// Files in which we differ from a reference, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("tests__data__collapse-perf__no-events.txt", "an empty file is refused as such"),
    (
        "tests__data__collapse-perf__versioned-vmlinux.txt",
        "the reference drops a last sample without an empty line behind it",
    ),
];

/// How many of the public profiles are known to agree; fewer is a step back.
const LEAST_AGREED: usize = 107;

fn corpus() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("PLOP_CORPUS").map_or(beside, PathBuf::from);
    folder.join("answers.json").exists().then_some(folder)
}

/// Self and total by function name, for one sample type; functions of one name are one.
struct ByName {
    sum: i64,
    own: HashMap<String, i64>,
    total: HashMap<String, i64>,
}

impl ByName {
    fn of(profile: &Profile, sample_type: usize, name: impl Fn(&Profile, plop_profile::Frame) -> String) -> Self {
        let tree = FrameTree::new(profile);
        let mut names: Vec<String> = Vec::new();
        let mut known: HashMap<String, u32> = HashMap::new();
        let number: Vec<u32> = tree
            .frames
            .iter()
            .map(|&frame| {
                let name = name(profile, frame);
                *known.entry(name.clone()).or_insert_with(|| {
                    names.push(name);
                    names.len() as u32 - 1
                })
            })
            .collect();
        let frames = vec![plop_profile::Frame::Unnamed(None); names.len()];
        let tree = tree.reframed(frames, |at, _| Some(number[tree.nodes[at].frame as usize]));
        let graph = CallGraph::new(&tree, &tree.self_values(profile, sample_type, |_| true));
        let by_name = |values: &[i64]| names.iter().cloned().zip(values.iter().copied()).collect();
        ByName { sum: graph.total, own: by_name(&graph.self_values), total: by_name(&graph.totals) }
    }

    /// What differs from an answer.
    fn differences(&self, answer: &Value, factor: f64) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: String, ours: Option<i64>, theirs: f64| {
            let ours = ours.map(|ours| ours as f64 / factor);
            if ours.is_none_or(|ours| (ours - theirs).abs() > 1e-6 * theirs.abs().max(1.0)) {
                differences.push(format!("{what}: {ours:?}, the reference has {theirs}"));
            }
        };
        compare("sum".to_owned(), Some(self.sum), answer["total"].as_f64().unwrap());
        for (key, values) in [("top_self", &self.own), ("top_cum", &self.total)] {
            for row in answer[key].as_array().into_iter().flatten() {
                let (name, theirs) = (row[0].as_str().unwrap(), row[1].as_f64().unwrap());
                let name = name.trim_end_matches(" (inline)").trim_end_matches(" (partial-inline)");
                compare(format!("{key} {name}"), values.get(name).copied(), theirs);
            }
        }
        differences
    }
}

/// What differs from a reference's answer for a profile.
fn compare(profile: &Profile, reference: &str, answer: &Value) -> Vec<String> {
    let plain = |profile: &Profile, frame| profile.frame_name(frame).into_owned();
    match reference {
        "pprof_exact" => {
            let types = answer["sample_types"].as_array().unwrap();
            let compared = types
                .iter()
                .enumerate()
                .flat_map(|(at, answer)| ByName::of(profile, at, plain).differences(answer, 1.0));
            compared.collect()
        }
        "python_literal" => {
            let with_file = |profile: &Profile, frame| {
                let file = profile.frame_file(frame);
                format!("{} {}", profile.frame_name(frame), file.rsplit('/').next().unwrap_or(file))
            };
            ByName::of(profile, 0, with_file).differences(answer, 1.0)
        }
        "stackcollapse_perf_pl" => {
            // The reference cuts parameters off and drops quotes, which tell functions apart for us.
            let tidied = |profile: &Profile, frame| tidy(&profile.frame_name(frame));
            ByName::of(profile, 0, tidied).differences(answer, 1.0)
        }
        _ => {
            let thousandths = &profile.strings[profile.sample_types[0].unit] == "millicount";
            ByName::of(profile, 0, plain).differences(answer, if thousandths { 1000.0 } else { 1.0 })
        }
    }
}

fn tidy(name: &str) -> String {
    let name = name.replace(';', ":").replace(['"', '\''], "");
    match name.find('(') {
        Some(at) if !name[at..].starts_with("(anonymous namespace)") && !name.contains(".(") => name[..at].to_owned(),
        _ => name,
    }
}

#[test]
fn public_profiles_open_and_agree_with_the_reference_tools() {
    let Some(corpus) = corpus() else {
        eprintln!("skipped: there is no ../shared/corpus beside the repository, and PLOP_CORPUS names none");
        return;
    };
    let answers: Value = serde_json::from_slice(&std::fs::read(corpus.join("answers.json")).unwrap()).unwrap();
    let (mut agreed, mut opened, mut rejected) = (0, 0, 0);
    let (mut unsupported, mut failures) = (Vec::new(), Vec::new());
    for entry in answers.as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let bytes = std::fs::read(corpus.join(file)).unwrap();
        let imported = import(&bytes);
        let reference = REFERENCES.iter().find(|reference| !entry["answers"][**reference].is_null());
        if let Some((_, reason)) = DIFFERENT.iter().find(|(name, _)| file.ends_with(name)) {
            println!("{file}: different: {reason}");
            continue;
        }
        let reference_rejects = entry["answers"]["pprof_HEAD"]["error"].is_string();
        match (imported, reference) {
            (Err(_), _) if reference_rejects => rejected += 1,
            (Ok(_), _) if reference_rejects => failures.push(format!("{file}: opened, though pprof rejects it")),
            (Ok(imported), Some(reference)) => {
                let differences = compare(&imported.profile, reference, &entry["answers"][*reference]);
                if differences.is_empty() {
                    agreed += 1;
                } else {
                    failures.push(format!("{file} ({}, {reference}): {}", imported.format, differences.join("; ")));
                }
            }
            // No reference that is compared with speaks for these.
            (Ok(_), None) => opened += 1,
            (Err(error @ (ImportError::Unknown | ImportError::Empty)), _) => {
                unsupported.push(format!("{file}: {error}"))
            }
            (Err(error), _) => failures.push(format!("{file}: {error}")),
        }
    }
    println!(
        "of {}: {agreed} opened and agreed, {rejected} rejected as by the reference, {opened} opened without a reference to \
         compare, {} of formats that are not supported",
        answers.as_array().unwrap().len(),
        unsupported.len()
    );
    unsupported.iter().for_each(|line| println!("not supported: {line}"));
    assert!(agreed >= LEAST_AGREED, "only {agreed} agreed");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
}
