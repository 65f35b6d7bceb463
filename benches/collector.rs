//! The collector beside its peers: `cargo bench -p plop-benches --bench collector`.
//!
//! Builds the `subject` program once for each profiler, then runs each profiler under each workload in turn, round after
//! round, every run in a process of its own. Prints the medians as a table, with the ratio to each peer, and writes
//! `target/bench-collector.json`.
//!
//! The workload `warm` is about the handler alone: on a stack of 40 frames it gets the same signal again and again, so that
//! all it needs is in the processor's cache. There the figure to look at is what it takes over an empty handler.
//!
//! `-- --rounds N --seconds S --interval-us U --only WORKLOAD` change 5, 5, 10000 and all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use plop_benches::figures::Figures;
use plop_benches::subject::{
    self, EMPTY, FRAMEHOP, PLOP, PPROF, PPROF_FRAME_POINTERS, RPPROF, Subject, median, target_folder,
};
use plop_benches::workload;

const SUBJECTS: [Subject; 6] = [EMPTY, PLOP, PPROF, PPROF_FRAME_POINTERS, RPPROF, FRAMEHOP];

struct Options {
    rounds: usize,
    seconds: f64,
    interval_us: u64,
    only: Option<String>,
}

/// How a run ended that gave no figures.
type Failures = BTreeMap<(&'static str, &'static str), Vec<String>>;

fn main() {
    let options = options();
    let programs: Vec<PathBuf> = SUBJECTS.iter().map(subject::build).collect();
    let mut runs: BTreeMap<(&str, &str), Vec<Figures>> = BTreeMap::new();
    let mut failures = Failures::new();
    let workloads = workload::NAMES
        .into_iter()
        .chain([workload::WARM])
        .filter(|name| options.only.as_deref().is_none_or(|only| only == *name));
    let workloads: Vec<_> = workloads.collect();
    for round in 1..=options.rounds {
        for &workload in &workloads {
            for (subject, program) in SUBJECTS.iter().zip(&programs) {
                eprintln!("round {round} of {}: {workload}, {}", options.rounds, subject.name);
                match subject::run(subject, program, workload, options.seconds, options.interval_us) {
                    Ok(figures) => runs.entry((workload, subject.name)).or_default().push(figures),
                    Err(end) => failures.entry((workload, subject.name)).or_default().push(end),
                }
            }
        }
    }
    for workload in workloads {
        print_table(workload, &runs, &failures, &options);
    }
    print_crates();
    let all: Vec<&Figures> = runs.values().flatten().collect();
    let path = target_folder().join("bench-collector.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&all).expect("figures are plain data"))
        .expect("target/ is writable");
    println!("every run: {}", path.display());
}

fn options() -> Options {
    let mut options = Options { rounds: 5, seconds: 5.0, interval_us: 10_000, only: None };
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_else(|| panic!("{name} wants a value"));
        match name.as_str() {
            "--rounds" => options.rounds = value.parse().expect("--rounds is a whole number"),
            "--seconds" => options.seconds = value.parse().expect("--seconds is a number"),
            "--interval-us" => options.interval_us = value.parse().expect("--interval-us is a whole number"),
            "--only" => options.only = Some(value),
            _ => panic!("{name}: no such option; there are --rounds, --seconds, --interval-us, --only"),
        }
    }
    options
}

fn print_table(
    workload: &'static str,
    runs: &BTreeMap<(&str, &str), Vec<Figures>>,
    failures: &Failures,
    options: &Options,
) {
    let of = |name: &'static str, figure: fn(&Figures) -> f64| {
        median(runs.get(&(workload, name)).into_iter().flatten().map(figure).collect())
    };
    println!(
        "\n## {workload}, {} s, every {} µs, medians of {} runs\n",
        options.seconds, options.interval_us, options.rounds
    );
    println!(
        "| profiler | handler p50 | over an empty one | p99 | plop's p50 ÷ its | plop's p99 ÷ its | sampled ÷ CPU | whole stacks | start | memory at start | peak | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for Subject { name, .. } in SUBJECTS {
        let p50 = of(name, |figures| figures.handler_p50_ns as f64);
        let p99 = of(name, |figures| figures.handler_p99_ns as f64);
        let failed =
            failures.get(&(workload, name)).map_or("—".to_owned(), |ends| format!("{}: {}", ends.len(), ends[0]));
        let floor = of("an empty handler", |figures| figures.handler_p50_ns as f64);
        let figures: [(f64, usize, &str); 10] = [
            (p50 / 1e3, 2, " µs"),
            ((p50 - floor) / 1e3, 2, " µs"),
            (p99 / 1e3, 2, " µs"),
            (of("plop", |figures| figures.handler_p50_ns as f64) / p50, 3, ""),
            (of("plop", |figures| figures.handler_p99_ns as f64) / p99, 3, ""),
            (of(name, |figures| figures.coverage.unwrap_or(f64::NAN)), 3, ""),
            (of(name, |figures| 100.0 * figures.whole.unwrap_or(f64::NAN)), 1, " %"),
            (of(name, |figures| figures.start_ms), 1, " ms"),
            (of(name, |figures| figures.start_kib as f64) / 1024.0, 1, " MB"),
            (of(name, |figures| figures.peak_kib as f64) / 1024.0, 1, " MB"),
        ];
        let shown = figures.map(|(value, digits, unit)| match value.is_nan() {
            true => "—".to_owned(),
            false => format!("{value:.digits$}{unit}"),
        });
        println!("| {name} | {} | {failed} |", shown.join(" | "));
    }
}

/// How many crates a program's build gains by each collector with its default features, as cargo resolves them.
fn print_crates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the benches lie in the workspace");
    let ours = format!("plop-collector = {{ path = {:?} }}", root.join("collector"));
    println!("\n## Crates that a user's build gains by default\n\n| dependency | crates |\n|---|---|");
    for dependency in [ours.as_str(), "pprof = \"0.15\"", "rpprof = \"0.18\""] {
        let name = dependency.split(' ').next().unwrap_or_default();
        match crates(dependency) {
            Some(count) => println!("| {name} | {count} |"),
            None => println!("| {name} | — (cargo could not resolve it) |"),
        }
    }
    println!();
}

/// All crates that a package with this one dependency needs besides itself.
fn crates(dependency: &str) -> Option<usize> {
    let folder = target_folder().join("gains");
    std::fs::create_dir_all(folder.join("src")).expect("target/ is writable");
    std::fs::write(folder.join("src/lib.rs"), "").expect("target/ is writable");
    // An empty workspace table keeps it apart from ours.
    let package = "[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n";
    std::fs::write(folder.join("Cargo.toml"), format!("{package}{dependency}\n")).expect("target/ is writable");
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--quiet", "--edges", "normal,build", "--prefix", "none", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.starts_with("user v"));
    let names: std::collections::BTreeSet<&str> = names.filter(|line| !line.is_empty()).collect();
    output.status.success().then_some(names.len())
}
