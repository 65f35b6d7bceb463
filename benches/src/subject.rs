//! The program that carries a profiler: built once for each, and run in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::figures::Figures;

/// A profiler to measure: its name, and how the subject is built and run for it.
#[derive(Debug)]
pub struct Subject {
    /// What it goes by in tables.
    pub name: &'static str,
    /// The features of this package that bring the profiler in.
    pub features: &'static str,
    /// How code is to be generated for it.
    pub rustflags: &'static str,
    /// What is said to the program besides workload, seconds and interval.
    pub extra: &'static [&'static str],
}

/// An empty handler.
pub const EMPTY: Subject = Subject { name: "an empty handler", features: "", rustflags: "", extra: &["empty"] };
/// This project's collector.
pub const PLOP: Subject = Subject { name: "plop", features: "", rustflags: "", extra: &[] };
/// pprof-rs with its default unwinder.
pub const PPROF: Subject = Subject { name: "pprof-rs", features: "pprof", rustflags: "", extra: &[] };
/// pprof-rs by frame pointers.
pub const PPROF_FRAME_POINTERS: Subject = Subject {
    name: "pprof-rs, frame pointers",
    features: "pprof-frame-pointer",
    rustflags: "-C force-frame-pointers=yes",
    extra: &[],
};
/// The maintained fork of pprof-rs.
pub const RPPROF: Subject = Subject { name: "rpprof", features: "rpprof", rustflags: "", extra: &[] };
/// An unwinder, not a profiler: it keeps nothing.
pub const FRAMEHOP: Subject = Subject { name: "framehop", features: "framehop", rustflags: "", extra: &[] };

/// Where Cargo puts what it builds.
///
/// # Panics
/// Never: this package lies in the workspace.
pub fn target_folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the benches lie in the workspace");
    root.join("target")
}

/// Builds the subject for a profiler and keeps it under a name of its own. Whatever differs in features only shares a target
/// folder, so that what they have in common is built once.
///
/// # Panics
/// When it does not build.
pub fn build(subject: &Subject) -> PathBuf {
    let folder = match subject.rustflags {
        "" => target_folder(),
        _ => target_folder().join("subject-frame-pointers"),
    };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--package", "plop-benches", "--bin", "subject", "--features", subject.features])
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", subject.rustflags)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the subject for {} does not build", subject.name);
    let kept = target_folder().join(format!("release/subject-{}", subject.name.replace([' ', ','], "-")));
    std::fs::copy(folder.join("release/subject"), &kept).expect("target/ is writable");
    kept
}

/// One run in a process of its own; one that takes three times as long as it should has hung and is ended.
///
/// # Errors
/// How it ended, if not with figures.
///
/// # Panics
/// When the program can't be started.
pub fn run(
    subject: &Subject,
    program: &Path,
    workload: &str,
    seconds: f64,
    interval_us: u64,
) -> Result<Figures, String> {
    let mut child = Command::new(program)
        .args([workload, &seconds.to_string(), &interval_us.to_string()])
        .args(subject.extra)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the subject starts");
    let deadline = Instant::now() + Duration::from_secs_f64(3.0 * seconds + 10.0);
    let status = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                child.kill().expect("a child can be killed");
                child.wait().expect("a child can be waited for");
                return Err("hung".to_owned());
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let output = std::io::read_to_string(child.stdout.take().expect("stdout is piped")).expect("a subject prints text");
    if !status.success() {
        return Err(status.to_string());
    }
    serde_json::from_str(output.trim()).map_err(|error| format!("no figures: {error}"))
}

/// The middle one; not a number if there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
