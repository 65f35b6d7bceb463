//! How much of a process's CPU time the samples stand for, and what sampling costs: `cargo bench -p plop-benches --bench
//! coverage`.
//!
//! Coverage is CPU time of the samples over CPU time of the process, as its own clock says: for a number of threads that compute
//! for as long as the run lasts, and for threads that live for a moment; at 100 Hz and 1 kHz; with the machine to itself
//! ("quiet") and with twice as many busy threads of another process as there are processors ("contended"). Beside plop's CPU
//! timers its perf events where the kernel allows them, and the peers.
//!
//! The cost is that of plop at 100 Hz on eight allocating threads, with an output that is flushed each second: all time in the
//! handler, and all CPU time of the collector's thread (drain, timers, names, flushes), over the CPU time of the process; over
//! the whole run, and without its first five seconds, in which most names are looked up. The kernel's delivery of the signal
//! is not in it, since nothing in the process can see it; it is measured by itself, as what an empty handler costs a thread.
//!
//! `-- --rounds N --seconds S --only plop` change 5, 3 and all profilers. Medians of the rounds are printed, with the smallest and
//! the largest, and written to `target/bench-coverage.json`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plop_benches::subject::{self, PLOP, PPROF, RPPROF, Subject, median, target_folder};
use plop_benches::workload;
use plop_collector::Collector;

const PERF: Subject = Subject { name: "plop, perf events", features: "", rustflags: "", extra: &["perf"] };
const SUBJECTS: [Subject; 4] = [PLOP, PERF, PPROF, RPPROF];

const INTERVALS_US: [u64; 2] = [10_000, 1_000];
const THREADS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
/// How long short-lived threads live, in microseconds of CPU time.
const LIVES_US: [u32; 4] = [300, 2_000, 3_000, 20_000];

struct Options {
    rounds: usize,
    seconds: f64,
    only: Option<String>,
}

/// One cell of the table.
struct Cell {
    workload: String,
    contended: bool,
    interval_us: u64,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == "--cost") {
        println!("{}", cost());
        return;
    }
    let options = options(&words);
    let subjects: Vec<(Subject, PathBuf)> = SUBJECTS
        .into_iter()
        .filter(|subject| options.only.as_deref().is_none_or(|only| subject.name.starts_with(only)))
        .map(|subject| {
            let program = subject::build(&subject);
            (subject, program)
        })
        .collect();
    let cells = cells();
    // By cell and subject.
    let mut found: Vec<Vec<Vec<f64>>> = cells.iter().map(|_| subjects.iter().map(|_| Vec::new()).collect()).collect();
    for round in 1..=options.rounds {
        for (cell, found) in cells.iter().zip(&mut found) {
            eprintln!("round {round} of {}: {}", options.rounds, cell.name());
            let _others = cell.contended.then(Others::start);
            for ((subject, program), found) in subjects.iter().zip(found) {
                match subject::run(subject, program, &cell.workload, options.seconds, cell.interval_us) {
                    Ok(figures) => found.extend(figures.coverage),
                    Err(end) => eprintln!("{}: {end}", subject.name),
                }
            }
        }
    }
    print_table(&options, &subjects, &cells, &found);
    print_cost(options.rounds);
    let all: Vec<_> = cells
        .iter()
        .zip(&found)
        .flat_map(|(cell, found)| {
            let of = |((subject, _), runs): (&(Subject, PathBuf), &Vec<f64>)| {
                serde_json::json!({ "profiler": subject.name, "workload": cell.name(), "coverage": runs })
            };
            subjects.iter().zip(found).map(of).collect::<Vec<_>>()
        })
        .collect();
    let path = target_folder().join("bench-coverage.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&all).expect("figures are plain data"))
        .expect("target/ is writable");
    println!("\nevery run: {}", path.display());
}

fn options(words: &[String]) -> Options {
    let mut options = Options { rounds: 5, seconds: 3.0, only: None };
    for pair in words.chunks(2) {
        let [name, value] = pair else { panic!("{} wants a value", pair[0]) };
        match name.as_str() {
            "--rounds" => options.rounds = value.parse().expect("--rounds is a whole number"),
            "--seconds" => options.seconds = value.parse().expect("--seconds is a number"),
            "--only" => options.only = Some(value.clone()),
            _ => panic!("{name}: no such option; there are --rounds, --seconds, --only"),
        }
    }
    options
}

impl Cell {
    fn name(&self) -> String {
        let rate = 1_000_000 / self.interval_us;
        format!("{}, {rate} Hz, {}", self.workload, if self.contended { "contended" } else { "quiet" })
    }
}

fn cells() -> Vec<Cell> {
    let threads = THREADS.map(|threads| format!("{}{threads}", workload::THREADS));
    let lives = LIVES_US.map(|life| format!("{}{life}", workload::LIVES_US));
    let mut cells = Vec::new();
    for workload in threads.into_iter().chain(lives) {
        for interval_us in INTERVALS_US {
            for contended in [false, true] {
                cells.push(Cell { workload: workload.clone(), contended, interval_us });
            }
        }
    }
    cells
}

/// Busy threads beside the process that is measured.
struct Others(std::sync::Arc<AtomicBool>, Vec<std::thread::JoinHandle<()>>);

impl Others {
    fn start() -> Self {
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = (0..2 * processors).map(|_| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                // Relaxed: it carries no data.
                while !stop.load(Ordering::Relaxed) {
                    workload::compute(Duration::from_millis(1));
                }
            })
        });
        let threads = threads.collect();
        Others(stop, threads)
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.drain(..).for_each(|thread| thread.join().expect("it only computes"));
    }
}

fn print_table(options: &Options, subjects: &[(Subject, PathBuf)], cells: &[Cell], found: &[Vec<Vec<f64>>]) {
    println!(
        "\n## sampled ÷ used CPU time, medians of {} runs of {} s (smallest to largest)\n",
        options.rounds, options.seconds
    );
    let names: Vec<_> = subjects.iter().map(|(subject, _)| subject.name).collect();
    println!("| workload | {} |", names.join(" | "));
    println!("|---{}|", "|---".repeat(names.len()));
    for (cell, found) in cells.iter().zip(found) {
        let shown: Vec<String> = found
            .iter()
            .map(|runs| {
                let (least, most) =
                    runs.iter().fold((f64::MAX, 0.0_f64), |(least, most), &run| (least.min(run), most.max(run)));
                if runs.is_empty() {
                    "—".to_owned()
                } else {
                    format!("{:.3} ({least:.3}–{most:.3})", median(runs.clone()))
                }
            })
            .collect();
        println!("| {} | {} |", cell.name(), shown.join(" | "));
    }
}

/// What sampling costs, in a process of its own for each round.
fn print_cost(rounds: usize) {
    let program = std::env::current_exe().expect("the program's own path is known");
    let mut runs: [Vec<f64>; 5] = Default::default();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}: cost");
        let output =
            std::process::Command::new(&program).arg("--cost").output().expect("this program can start itself");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        runs.iter_mut().zip(figures).for_each(|(runs, figure)| runs.push(figure));
    }
    let [whole, whole_handler, steady, steady_handler, delivery] = runs.map(median);
    println!("\n## cost at 100 Hz, eight allocating threads, medians of {rounds} runs of 20 s\n");
    println!("| of the process's CPU time | handler, drain and flush | the handler alone |\n|---|---|---|");
    println!("| the whole run, names looked up | {:.3} % | {:.3} % |", 100.0 * whole, 100.0 * whole_handler);
    println!("| from the sixth second on | {:.3} % | {:.3} % |", 100.0 * steady, 100.0 * steady_handler);
    println!(
        "\nThe kernel's delivery of a signal, besides: {delivery:.2} µs, {:.3} %.",
        delivery * 1e-6 * 100.0 * 100.0
    );
}

/// The shares of the process's CPU time that sampling took, and the handler alone, over the whole run and without its beginning;
/// and what an empty handler costs, in µs.
fn cost() -> String {
    let delivery = delivery_us();
    let folder = std::env::temp_dir().join(format!("plop-cost-{}", std::process::id()));
    let collector = Collector::builder().output(folder.join("")).start().expect("plop starts");
    let spent = || {
        let check = collector.stats();
        [check.handler_total_ns + check.drain_total_ns, check.handler_total_ns, check.process_cpu_ns]
            .map(|ns| ns as f64)
    };
    workload::run("allocating", Duration::from_secs(5));
    let early = spent();
    workload::run("allocating", Duration::from_secs(15));
    let late = spent();
    collector.stop().expect("the folder for temporary files is writable");
    std::fs::remove_dir_all(&folder).expect("our own folder can be removed");
    let shares = |[all, handler, process]: [f64; 3]| format!("{} {}", all / process, handler / process);
    let steady = [0, 1, 2].map(|at| late[at] - early[at]);
    format!("{} {} {delivery}", shares(late), shares(steady))
}

/// What delivering a signal to a handler that does nothing, and returning from it, takes: the time that raising one takes, less
/// that of the system call with a signal that is only checked.
fn delivery_us() -> f64 {
    extern "C" fn nothing(_: libc::c_int) {}
    const TIMES: u32 = 100_000;
    // SAFETY: all zeroes is a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    // SAFETY: `nothing` is a handler that does nothing.
    unsafe { libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()) };
    let raise = |signal: libc::c_int| {
        let begun = Instant::now();
        for _ in 0..TIMES {
            // SAFETY: signal 0 is only checked; the other has a handler.
            unsafe { libc::raise(signal) };
        }
        begun.elapsed()
    };
    let (sent, checked) = (raise(libc::SIGUSR1), raise(0));
    sent.saturating_sub(checked).as_secs_f64() * 1e6 / f64::from(TIMES)
}
