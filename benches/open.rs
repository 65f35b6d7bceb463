//! Opening large profiles, beside the peers: `cargo bench -p plop-benches --bench open`.
//!
//! Makes its inputs in `target/bench-inputs` once, then runs plop-view and each peer in turn as whole processes and prints
//! the medians of wall time and peak memory, with plop-view's ratio to the peer.
//!
//! `-- --rounds N` changes 5; `-- --largest-mb N` changes 1000, the size of the largest inputs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plop_benches::inputs;

/// One line of the table: our command and the peers'.
struct Contest {
    what: String,
    ours: Vec<String>,
    peers: Vec<(&'static str, Vec<String>)>,
}

fn main() {
    let (rounds, largest_mb) = options();
    let target =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the benches lie in the workspace").join("target");
    let view = build(&["--package", "plop-view"], &target.join("release/plop-view"));
    let inferno = build(&["--package", "plop-benches", "--bin", "inferno_peer"], &target.join("release/inferno_peer"));
    let folder = target.join("bench-inputs");
    std::fs::create_dir_all(&folder).expect("target/ is writable");

    println!("| what | plop-view | memory | peer | its time | its memory | plop-view ÷ peer |");
    println!("|---|---|---|---|---|---|---|");
    for contest in contests(&view, &inferno, &folder, largest_mb) {
        let mut ours = Vec::new();
        let mut theirs: Vec<Vec<Run>> = contest.peers.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            ours.push(run(&contest.ours));
            for ((_, command), runs) in contest.peers.iter().zip(&mut theirs) {
                runs.push(run(command));
            }
        }
        let ours = Run::median(ours);
        if theirs.is_empty() {
            println!("| {} | {:.2} s | {:.0} MB | — | | | |", contest.what, ours.seconds, ours.peak_mb);
        }
        for ((name, _), runs) in contest.peers.iter().zip(theirs) {
            let peer = Run::median(runs);
            println!(
                "| {} | {:.2} s | {:.0} MB | {name} | {:.2} s | {:.0} MB | {:.2} |",
                contest.what,
                ours.seconds,
                ours.peak_mb,
                peer.seconds,
                peer.peak_mb,
                ours.seconds / peer.seconds
            );
        }
    }
}

fn options() -> (usize, u64) {
    let (mut rounds, mut largest_mb) = (5, 1000);
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        let value: u64 = value.unwrap_or_else(|| panic!("{name} wants a whole number"));
        match name.as_str() {
            "--rounds" => rounds = value as usize,
            "--largest-mb" => largest_mb = value,
            _ => panic!("{name}: no such option; there are --rounds and --largest-mb"),
        }
    }
    (rounds, largest_mb)
}

fn build(what: &[&str], program: &Path) -> PathBuf {
    let status = Command::new(env!("CARGO")).args(["build", "--release", "--quiet"]).args(what).status();
    assert!(status.expect("cargo runs").success(), "{} does not build", program.display());
    program.to_owned()
}

/// The contests whose inputs are small enough; makes the inputs that are missing.
fn contests(view: &Path, inferno: &Path, folder: &Path, largest_mb: u64) -> Vec<Contest> {
    let words = |program: &Path, arguments: &[&str], input: &Path| -> Vec<String> {
        let program = program.to_string_lossy().into_owned();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        [program].into_iter().chain(arguments).chain([input.to_string_lossy().into_owned()]).collect()
    };
    let top = ["top", "--format", "json", "-n", "20"];
    let flame = ["export", "--format", "flamegraph", "-o", "/dev/null"];
    let mut contests = Vec::new();
    for mb in [10, 100, 1000].into_iter().filter(|&mb| mb <= largest_mb) {
        let folded =
            made(folder, &format!("{mb}mb.folded"), |path| inputs::write_folded(path, mb << 20).expect("disk space"));
        contests.push(Contest {
            what: format!("{mb} MB folded: top"),
            ours: words(view, &top, &folded),
            peers: Vec::new(),
        });
        contests.push(Contest {
            what: format!("{mb} MB folded: flame graph"),
            ours: words(view, &flame, &folded),
            peers: vec![("inferno", words(inferno, &["flamegraph"], &folded))],
        });
        let perf = made(folder, &format!("{mb}mb.perf"), |path| {
            inputs::write_perf_script(path, mb << 20).expect("disk space")
        });
        contests.push(Contest {
            what: format!("{mb} MB perf script: top"),
            ours: words(view, &top, &perf),
            peers: vec![("inferno collapse", words(inferno, &["collapse-perf"], &perf))],
        });
        contests.push(Contest {
            what: format!("{mb} MB perf script: flame graph"),
            ours: words(view, &flame, &perf),
            peers: vec![("inferno collapse and flame graph", words(inferno, &["perf-flamegraph"], &perf))],
        });
    }
    let pprof = made(folder, "100000.pb.gz", |path| inputs::write_pprof(path, 100_000).expect("disk space"));
    let mut peers = Vec::new();
    match Command::new("go").arg("version").output() {
        Ok(_) => peers.push(("go tool pprof -top", words(Path::new("go"), &["tool", "pprof", "-top"], &pprof))),
        Err(_) => eprintln!("go tool pprof is passed over: there is no go on this machine (Debian: golang)"),
    }
    contests.push(Contest { what: "pprof, 100,000 stacks: top".to_owned(), ours: words(view, &top, &pprof), peers });
    let folded = made(folder, "100000.folded", |path| {
        let (pprof, path) = (pprof.to_string_lossy(), path.to_string_lossy());
        run(&[&view.to_string_lossy(), "export", "--format", "folded", &pprof, "-o", &path].map(str::to_owned));
    });
    contests.push(Contest {
        what: "pprof, 100,000 stacks: flame graph".to_owned(),
        ours: words(view, &flame, &pprof),
        peers: vec![("inferno, of the same stacks folded", words(inferno, &["flamegraph"], &folded))],
    });
    contests
}

fn made(folder: &Path, name: &str, make: impl Fn(&Path)) -> PathBuf {
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("making {name}");
        make(&path);
    }
    path
}

/// One whole process.
#[derive(Debug, Clone, Copy)]
struct Run {
    seconds: f64,
    peak_mb: f64,
}

impl Run {
    fn median(mut runs: Vec<Run>) -> Run {
        runs.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
        let seconds = runs[runs.len() / 2].seconds;
        runs.sort_by(|left, right| left.peak_mb.total_cmp(&right.peak_mb));
        Run { seconds, peak_mb: runs[runs.len() / 2].peak_mb }
    }
}

fn run(command: &[String]) -> Run {
    let before = Instant::now();
    #[expect(
        clippy::zombie_processes,
        reason = "wait4 below waits for it, and gives its memory, which `wait` does not"
    )]
    let child = Command::new(&command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command[0]));
    let (mut status, pid) = (0, child.id() as libc::pid_t);
    // SAFETY: all zeroes is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: waits for our own child, which nobody else waits for; both pointers are to whole values.
    let waited = unsafe { libc::wait4(pid, &mut status, 0, &mut usage) };
    let took: Duration = before.elapsed();
    assert!(waited == pid && status == 0, "{} ended with status {status}", command.join(" "));
    Run { seconds: took.as_secs_f64(), peak_mb: usage.ru_maxrss as f64 / 1024.0 }
}
