//! Opening large profiles, beside the peers: `cargo bench -p plop-benches --bench open`.
//!
//! Makes its inputs in `target/bench-inputs` once, then runs plop-view and each peer in turn as whole processes and prints
//! the medians of wall time and peak memory, with plop-view's ratio to the peer. Then the same from the start of plop-view to
//! its graph on the screen, which `benches/page/open.mjs` drives; that needs Node.js, Debian's chromium and the page's npm
//! packages (`npm --prefix web ci`), and is passed over where one is missing.
//!
//! `-- --rounds N` changes 5; `-- --largest-mb N` changes 1000, the size of the largest inputs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plop_benches::inputs;
use serde::Deserialize;

/// One line of the table: our command and the peers'.
struct Contest {
    what: String,
    ours: Vec<String>,
    peers: Vec<(&'static str, Vec<String>)>,
}

/// With this argument the program makes one input and ends: its kind, its size, its path.
const MAKE: &str = "--make";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [MAKE, kind, size, path] = &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return make(kind, size.parse().expect("a size is a number"), Path::new(path));
    }
    let (rounds, largest_mb) = options(arguments);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the benches lie in the workspace");
    let target = root.join("target");
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
    paintings(root, &view, &folder, largest_mb, rounds);
}

fn options(arguments: Vec<String>) -> (usize, u64) {
    let (mut rounds, mut largest_mb) = (5, 1000);
    let mut arguments = arguments.into_iter();
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
        let folded = made(folder, &format!("{mb}mb.folded"), "folded", mb << 20);
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
        let perf = made(folder, &format!("{mb}mb.perf"), "perf", mb << 20);
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
    let pprof = made(folder, "100000.pb.gz", "pprof", 100_000);
    let mut peers = Vec::new();
    match Command::new("go").arg("version").output() {
        Ok(_) => peers.push(("go tool pprof -top", words(Path::new("go"), &["tool", "pprof", "-top"], &pprof))),
        Err(_) => eprintln!("go tool pprof is passed over: there is no go on this machine (Debian: golang)"),
    }
    contests.push(Contest { what: "pprof, 100,000 stacks: top".to_owned(), ours: words(view, &top, &pprof), peers });
    let folded = folder.join("100000.folded");
    if !folded.exists() {
        let (pprof, path) = (pprof.to_string_lossy(), folded.to_string_lossy());
        run(&[&view.to_string_lossy(), "export", "--format", "folded", &pprof, "-o", &path].map(str::to_owned));
    }
    contests.push(Contest {
        what: "pprof, 100,000 stacks: flame graph".to_owned(),
        ours: words(view, &flame, &pprof),
        peers: vec![("inferno, of the same stacks folded", words(inferno, &["flamegraph"], &folded))],
    });
    contests
}

/// An input, which is made if it is missing: by a process of its own, since what this one ever had resident would count for
/// those that it starts.
fn made(folder: &Path, name: &str, kind: &str, size: u64) -> PathBuf {
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("making {name}");
        let this = std::env::current_exe().expect("a program knows its path");
        let done = Command::new(this).args([MAKE, kind, &size.to_string()]).arg(&path).status();
        assert!(done.is_ok_and(|status| status.success()), "{name} could not be made");
    }
    path
}

fn make(kind: &str, size: u64, path: &Path) {
    match kind {
        "folded" => inputs::write_folded(path, size).expect("disk space"),
        "perf" => inputs::write_perf_script(path, size).expect("disk space"),
        _ => inputs::write_pprof(path, size as usize).expect("disk space"),
    }
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

/// What the page's driver measured, as it prints it.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Painting {
    seconds: f64,
    server_mb: f64,
    page_mb: f64,
    empty_mb: f64,
}

/// The second table: from the start of a viewer to its graph on the screen.
fn paintings(root: &Path, view: &Path, folder: &Path, largest_mb: u64, rounds: usize) {
    let packages = root.join("web/node_modules");
    let missing = [
        (!Path::new("/usr/bin/chromium").exists() && std::env::var_os("CHROMIUM").is_none()).then_some("chromium"),
        Command::new("node").arg("--version").output().is_err().then_some("node"),
        (!packages.join("playwright-core").exists()).then_some("the page's packages (npm --prefix web ci)"),
    ];
    if let Some(missing) = missing.into_iter().flatten().next() {
        eprintln!("the page is not measured: there is no {missing}");
        return;
    }
    let speedscope = packages.join("speedscope/dist/release");
    let mut viewers = vec![("plop-view", view.to_owned(), rounds)];
    // A minute each, and always the same.
    match speedscope.exists() {
        true => viewers.push(("speedscope", speedscope, 1)),
        false => eprintln!("speedscope is passed over: it is not among the page's packages"),
    }
    if Command::new("go").arg("version").output().is_ok() && Command::new("dot").arg("-V").output().is_ok() {
        viewers.push(("go", PathBuf::from("go"), rounds.min(3)));
    }
    println!(
        "\n| from start to the graph painted | viewer | time | memory of the server | of the page | of an empty page |"
    );
    println!("|---|---|---|---|---|---|");
    let inputs = [("100 MB folded", "100mb.folded", 100), ("pprof, 100,000 stacks", "100000.pb.gz", 0)].into_iter();
    for (what, name, _) in inputs.filter(|(_, _, mb)| *mb <= largest_mb) {
        for (viewer, program, rounds) in &viewers {
            // go tool pprof reads no folded stacks.
            if *viewer == "go" && name.ends_with("folded") {
                continue;
            }
            let driver = Command::new("node")
                .arg(root.join("benches/page/open.mjs"))
                .args([viewer, &*program.to_string_lossy(), &*folder.join(name).to_string_lossy()])
                .arg(rounds.to_string())
                .stderr(Stdio::inherit())
                .output()
                .expect("node runs");
            match serde_json::from_slice::<Painting>(&driver.stdout) {
                Ok(Painting { seconds, server_mb, page_mb, empty_mb }) => {
                    println!(
                        "| {what} | {viewer} | {seconds:.2} s | {server_mb:.0} MB | {page_mb:.0} MB | {empty_mb:.0} MB |"
                    );
                }
                Err(_) => println!("| {what} | {viewer} | failed | | |"),
            }
        }
    }
}
