//! Public profiles with the answers that reference tools gave for them: totals, and the functions that have most.
//!
//! The profiles are not part of this repository. The test runs where they lie in `../shared/corpus` beside it, or where
//! PLOP_CORPUS says, and says so where they do not.

use std::collections::HashMap;
use std::path::PathBuf;

use plop_profile::{CallGraph, Frame, FrameTree, LabelSetId, Profile};
use plop_view::import::{ImportError, import};
use serde_json::Value;

/// The references that speak for a format, the one that decides first.
const REFERENCES: [&str; 7] = [
    "pprof_exact",
    "stackcollapse_perf_pl",
    "independent_collapsed",
    "python_literal",
    "python_pstats",
    "callgrind_annotate",
    "speedscope_importer",
];

/// Files in which we differ from a reference, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("tests__data__collapse-perf__no-events.txt", "an empty file is refused as such"),
    ("tests__data__collapse-perf__results__no-events-collapsed.txt", "an empty file is refused as such"),
    (
        "tests__data__collapse-perf__versioned-vmlinux.txt",
        "the reference drops a last sample without an empty line behind it",
    ),
    (
        "sample__profiles__callgrind__callgrind.subposition-compression.log",
        "has relative costs, which the format has not; self values and their sum are as in callgrind_annotate, which takes \
         them for negative, but no stacks have the totals that it gives",
    ),
    (
        "sample__profiles__callgrind__callgrind.cfn-reset.log",
        "its calls cost more than the functions that are called; self values and their sum are as in callgrind_annotate, but \
         no stacks have a total above the sum",
    ),
    (
        "sample__profiles__linux-perf__simple.linux-perf.txt",
        "samples weigh their period, as in stackcollapse-perf.pl; in speedscope, the only reference here, the time that passed",
    ),
    (
        "src__test__fixtures__upgrades__chrome-trace-issue-5429.json.gz",
        "has a CPU profile of V8 behind its other events, which we open and speedscope does not",
    ),
];

/// How many of the public profiles are known to agree; fewer is a step back.
const LEAST_AGREED: usize = 146;

fn corpus() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("PLOP_CORPUS").map_or(beside, PathBuf::from);
    folder.join("answers.json").exists().then_some(folder)
}

/// Self and total by name, for one sample type and the samples whose labels are kept; functions of one name are one.
struct ByName {
    sum: i64,
    own: HashMap<String, i64>,
    total: HashMap<String, i64>,
}

impl ByName {
    fn of(
        profile: &Profile,
        sample_type: usize,
        keep: impl Fn(LabelSetId) -> bool,
        name: impl Fn(&Profile, Frame) -> String,
    ) -> Self {
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
        let frames = vec![Frame::Unnamed(None); names.len()];
        let tree = tree.reframed(frames, |at, _| Some(number[tree.nodes[at].frame as usize]));
        let graph = CallGraph::new(&tree, &tree.self_values(profile, sample_type, keep));
        let by_name = |values: &[i64]| names.iter().cloned().zip(values.iter().copied()).collect();
        ByName { sum: graph.total, own: by_name(&graph.self_values), total: by_name(&graph.totals) }
    }

    /// What differs from rows of names and values. `factor` is how many of our unit one of the reference's holds.
    fn differences(&self, total: f64, own: &[Row], totals: &[Row], factor: f64) -> Vec<String> {
        let mut differences = Vec::new();
        let mut compare = |what: String, ours: Option<i64>, theirs: f64| {
            // What has no value at all is not in the profile.
            let ours = ours.map(|ours| ours as f64 / factor).or((theirs == 0.0).then_some(0.0));
            if ours.is_none_or(|ours| !close(ours, theirs)) {
                differences.push(format!("{what}: {ours:?}, the reference has {theirs}"));
            }
        };
        compare("sum".to_owned(), Some(self.sum), total);
        for (key, rows, values) in [("self", own, &self.own), ("total", totals, &self.total)] {
            for (name, theirs) in rows {
                compare(format!("{key} {name}"), values.get(name).copied(), *theirs);
            }
        }
        differences
    }

    /// The same where functions of one name are apart on both sides: for each row there is a function of its own.
    fn differences_apart(&self, total: f64, own: &[Row], totals: &[Row], factor: f64) -> Vec<String> {
        let mut differences = self.differences(total, &[], &[], factor);
        for (key, rows, values) in [("self", own, &self.own), ("total", totals, &self.total)] {
            let mut left: Vec<(&str, f64)> = values
                .iter()
                .map(|(name, value)| (name.split('\0').next().unwrap_or(name), *value as f64 / factor))
                .collect();
            for (name, theirs) in rows.iter().filter(|(_, theirs)| *theirs != 0.0) {
                match left.iter().position(|(ours, value)| ours == name && close(*value, *theirs)) {
                    Some(at) => drop(left.swap_remove(at)),
                    None => {
                        let namesakes: Vec<f64> =
                            left.iter().filter(|(ours, _)| ours == name).map(|(_, value)| *value).collect();
                        differences.push(format!("{key} {name}: {namesakes:?}, the reference has {theirs}"));
                    }
                }
            }
        }
        differences
    }
}

/// A function's name and its value.
type Row = (String, f64);

/// Whether values are the same but for rounding: of doubles here, of three decimals in the references.
fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-6 * theirs.abs().max(1.0) || (ours - theirs).abs() < 0.0006 && theirs.fract() != 0.0
}

/// Rows of a JSON answer.
fn rows(answer: &Value) -> Vec<Row> {
    let rows = answer.as_array().into_iter().flatten();
    let name = |row: &Value| {
        let name = row[0].as_str().unwrap();
        name.trim_end_matches(" (inline)").trim_end_matches(" (partial-inline)").to_owned()
    };
    rows.map(|row| (name(row), row[1].as_f64().unwrap())).collect()
}

fn all(_: LabelSetId) -> bool {
    true
}

/// What differs from a reference's answer for a profile.
fn compare(profile: &Profile, reference: &str, answer: &Value) -> Vec<String> {
    let plain = |profile: &Profile, frame: Frame| profile.frame_name(frame).into_owned();
    let total = || answer["total"].as_f64().unwrap();
    let (own, totals) = (rows(&answer["top_self"]), rows(&answer["top_cum"]));
    match reference {
        "pprof_exact" => {
            let types = answer["sample_types"].as_array().unwrap();
            let compared = types.iter().enumerate().flat_map(|(at, answer)| {
                let (own, totals) = (rows(&answer["top_self"]), rows(&answer["top_cum"]));
                let total = answer["total"].as_f64().unwrap();
                ByName::of(profile, at, all, plain).differences(total, &own, &totals, 1.0)
            });
            compared.collect()
        }
        "python_literal" => {
            let with_file = |profile: &Profile, frame| {
                let file = profile.frame_file(frame);
                format!("{} {}", profile.frame_name(frame), file.rsplit('/').next().unwrap_or(file))
            };
            ByName::of(profile, 0, all, with_file).differences(total(), &own, &totals, 1.0)
        }
        "python_pstats" => {
            let as_printed = |profile: &Profile, frame| {
                let Frame::Function(function) = frame else { return String::new() };
                let function = profile.functions[function.0 as usize];
                // Several functions of one name in one file have their line behind the file's name.
                let file =
                    profile.strings[function.file].trim_end_matches(&format!(":{}", function.start_line)).to_owned();
                let file = if file.is_empty() { "~" } else { &file };
                format!("{file}:{}({})", function.start_line, &profile.strings[function.name])
            };
            let total = answer["total_tt"].as_f64().unwrap();
            ByName::of(profile, 0, all, as_printed).differences(total, &own, &totals, 1e9)
        }
        "callgrind_annotate" => {
            // A file that is not known is the object for us, and nothing here.
            let as_printed = |profile: &Profile, frame| {
                let (file, name) = (profile.frame_file(frame), profile.frame_name(frame));
                let of_object = profile.mappings.iter().any(|mapping| profile.strings[mapping.file] == *file);
                if of_object { name.into_owned() } else { format!("{file}:{name}") }
            };
            let (own, totals) = (annotated(&answer["self"]), annotated(&answer["inclusive"]));
            let total = own[0].1;
            ByName::of(profile, 0, all, as_printed).differences(total, &own[1..], &totals[1..], 1.0)
        }
        "stackcollapse_perf_pl" => {
            // The reference cuts parameters off and drops quotes, which tell functions apart for us.
            let tidied = |profile: &Profile, frame: Frame| tidy(&profile.frame_name(frame));
            ByName::of(profile, 0, all, tidied).differences(total(), &own, &totals, 1.0)
        }
        "speedscope_importer" => compare_speedscope(profile, answer),
        _ => {
            let factor = factor(profile, 0, "none");
            ByName::of(profile, 0, all, plain).differences(total(), &own, &totals, factor)
        }
    }
}

/// Rows that callgrind_annotate printed: `1,920 (100.0%)  file2.c:func2 [object]`.
fn annotated(lines: &Value) -> Vec<Row> {
    let row = |line: &Value| {
        let line = line.as_str().unwrap();
        let (value, name) = line.split_once("  ").unwrap();
        let value = value.split(' ').next().unwrap().replace(',', "");
        let name = name.split(" [").next().unwrap().trim_start_matches("???:").to_owned();
        (name, value.parse().unwrap())
    };
    lines.as_array().unwrap().iter().map(row).collect()
}

/// What speedscope's importer made of a file: one or several profiles, which are sample types of ours if their units
/// differ, and threads if not.
fn compare_speedscope(profile: &Profile, answer: &Value) -> Vec<String> {
    let profiles = answer["ps"].as_array().unwrap();
    if answer["profiles"] == 0 || profiles.iter().all(|theirs| theirs["total"] == 0) {
        return if profile.total(0) == 0 { Vec::new() } else { vec!["has samples".to_owned()] };
    }
    // Functions of one name are apart in both.
    let apart = |profile: &Profile, frame: Frame| {
        let name = profile.frame_name(frame);
        format!("{}\0{frame:?}", if name == "[unknown]" { "??? ([unknown])" } else { &name })
    };
    let by_unit = profiles.len() == profile.sample_types.len() && profiles.len() > 1;
    let mut threads: Vec<LabelSetId> = Vec::new();
    for sample in profile.samples.iter().filter(|sample| !threads.contains(&sample.labels)).collect::<Vec<_>>() {
        if !threads.contains(&sample.labels) {
            threads.push(sample.labels);
        }
    }
    let whole = answer["profiles"] == 1 || by_unit;
    let with_values = profiles.iter().filter(|theirs| theirs["total"] != 0).enumerate();
    let compared = with_values.flat_map(|(at, theirs)| {
        let sample_type = if by_unit { at } else { 0 };
        let keep = |labels| whole || threads.get(at) == Some(&labels);
        let factor = factor(profile, sample_type, theirs["unit"].as_str().unwrap());
        let (own, totals) = (rows(&theirs["topSelf"]), rows(&theirs["topTotal"]));
        let total = theirs["total"].as_f64().unwrap();
        ByName::of(profile, sample_type, keep, apart).differences_apart(total, &own, &totals, factor)
    });
    compared.collect()
}

/// How many of the unit that a sample type has one of another unit holds.
fn factor(profile: &Profile, sample_type: usize, unit: &str) -> f64 {
    let in_nanoseconds = |unit: &str| match unit {
        "microseconds" => 1e3,
        "milliseconds" => 1e6,
        "seconds" => 1e9,
        "millicount" => 1e-3,
        _ => 1.0,
    };
    in_nanoseconds(unit) / in_nanoseconds(&profile.strings[profile.sample_types[sample_type].unit])
}

fn tidy(name: &str) -> String {
    // What the JVM calls a class: `Lorg/mozilla/Script;`.
    let of_java = name.contains(";.") || name.contains(";::");
    let name = if of_java { name.strip_prefix('L').unwrap_or(name) } else { name };
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
    let answers = answers.as_array().unwrap();
    let (mut agreed, mut opened) = (0, Vec::new());
    let (mut different, mut rejected, mut unsupported, mut failures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for entry in answers {
        let file = entry["file"].as_str().unwrap();
        let bytes = std::fs::read(corpus.join(file)).unwrap();
        let imported = import(&bytes);
        let speaks = |reference: &&&str| {
            let answer = &entry["answers"][**reference];
            let opens_nothing = answer.get("speedscope").is_some() || answer["ps"][0]["frames"] == 0;
            !answer.is_null() && !answer["error"].is_string() && !opens_nothing
        };
        let reference = REFERENCES.iter().find(speaks);
        if let Some((_, reason)) = DIFFERENT.iter().find(|(name, _)| file.ends_with(name)) {
            different.push(format!("{file}: {reason}"));
            continue;
        }
        let rejects = |reference: &str| entry["answers"][reference]["error"].is_string();
        let all_reject = rejects("pprof_HEAD") || rejects("python_pstats");
        match (imported, reference) {
            (Err(error), _) if all_reject => rejected.push(format!("{file}: {error}")),
            (Ok(_), _) if all_reject => failures.push(format!("{file}: opened, though the reference rejects it")),
            (Ok(imported), Some(reference)) => {
                let differences = compare(&imported.profile, reference, &entry["answers"][*reference]);
                if differences.is_empty() {
                    agreed += 1;
                } else {
                    failures.push(format!("{file} ({}, {reference}): {}", imported.format, differences.join("; ")));
                }
            }
            // No reference that is compared with speaks for these.
            (Ok(imported), None) => {
                let profile = imported.profile;
                opened.push(format!(
                    "{file}: {}, {} of {} stacks",
                    imported.format,
                    profile.total(0),
                    profile.samples.len()
                ))
            }
            (Err(error @ (ImportError::Unknown | ImportError::Empty | ImportError::Unsupported(_))), None) => {
                unsupported.push(format!("{file}: {error}"))
            }
            (Err(error), _) => failures.push(format!("{file}: {error}")),
        }
    }
    for (what, files) in [
        ("different from the reference", &different),
        ("rejected as by the reference", &rejected),
        ("opened, and no reference opens it", &opened),
        ("no profile, or of a format that is not supported", &unsupported),
    ] {
        files.iter().for_each(|line| println!("{what}: {line}"));
    }
    println!(
        "of {}: {agreed} opened and agreed, {} rejected as by the reference, {} opened that no reference opens, {} not \
         supported, {} different",
        answers.len(),
        rejected.len(),
        opened.len(),
        unsupported.len(),
        different.len()
    );
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(agreed >= LEAST_AGREED || std::env::var_os("PLOP_CORPUS").is_some(), "only {agreed} agreed");
}
