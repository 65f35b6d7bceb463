//! Names at stop: `cargo bench -p plop-benches --bench symbols`.
//!
//! Builds plop-view with a collector in it, optimised and with full debug information, and has it name functions from all over
//! itself, once by stopping a collector that has sampled them, once by the `backtrace` crate, as pprof-rs does. Every run is in
//! a process of its own, in turn. Prints the medians of time and of what resident memory grew by.
//!
//! `-- --rounds N --addresses N` change 5 and 5000.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use plop_benches::figures::Naming;
use plop_benches::subject::{median, target_folder};

fn main() {
    let (mut rounds, mut addresses) = (5, 5000);
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value: usize = value.unwrap_or_else(|| panic!("{name} wants a whole number"));
        match name.as_str() {
            "--rounds" => rounds = value,
            "--addresses" => addresses = value,
            _ => panic!("{name}: no such option; there are --rounds and --addresses"),
        }
    }
    let program = build();
    let size = std::fs::metadata(&program).expect("it was built").len();
    let mut runs: BTreeMap<&str, Vec<Naming>> = BTreeMap::new();
    for round in 1..=rounds {
        for way in ["plop", "backtrace"] {
            eprintln!("round {round} of {rounds}: {way}");
            let output = Command::new(&program).args([way, &addresses.to_string()]).output().expect("it starts");
            assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
            let figures = serde_json::from_slice(&output.stdout).expect("it prints figures");
            runs.entry(way).or_default().push(figures);
        }
    }
    println!(
        "\n## {addresses} functions of a program of {} MB with full debug information, medians of {rounds} runs\n",
        size >> 20
    );
    println!("| by | named | time | memory grown by |\n|---|---|---|---|");
    for (way, runs) in runs.iter().rev() {
        let of = |figure: fn(&Naming) -> f64| median(runs.iter().map(figure).collect());
        let named = of(|run| 100.0 * run.named as f64 / run.asked as f64);
        let (ms, grown) = (of(|run| run.ms), of(|run| run.grown_kib as f64 / 1024.0));
        println!("| {way} | {named:.1} % | {ms:.0} ms | {grown:.1} MB |");
    }
}

fn build() -> PathBuf {
    let folder = target_folder().join("full-debug");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--package", "plop-benches", "--bin", "large", "--features", "large"])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "full")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the large program does not build");
    folder.join("release/large")
}
