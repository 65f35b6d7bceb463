//! What the profilers are measured on. Each workload runs for a stretch of time and uses all the CPU it gets.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::process;

/// The workloads, by name.
pub const NAMES: [&str; 4] = ["shallow", "recursive", "allocating", "server"];
/// Before a number: so many threads that compute.
pub const THREADS: &str = "threads ";
/// Before a number: threads that each compute for so many microseconds of their CPU time and end, four at a time.
pub const LIVES_US: &str = "lives of µs ";

/// One more, which is about the handler alone: the same signal again and again on the same stack, see [`at_depth`].
pub const WARM: &str = "warm";

/// Runs `work` under so many frames of one function, and the few below it that every program has.
#[inline(never)]
pub fn at_depth(depth: u32, work: &mut dyn FnMut()) {
    if depth == 0 {
        return work();
    }
    at_depth(depth - 1, work);
    // What follows the call keeps it from becoming a jump.
    black_box(depth);
}

/// Runs a workload.
///
/// # Panics
/// When there is none of that name.
pub fn run(name: &str, length: Duration) {
    let end = Instant::now() + length;
    match name {
        "shallow" => shallow(end),
        "recursive" => recursive(end),
        "allocating" => allocating(end),
        "server" => server(end),
        _ => match (number_after(THREADS, name), number_after(LIVES_US, name)) {
            (Some(threads), _) => threads_that_compute(threads, end),
            (_, Some(life_us)) => threads_that_end(life_us, end),
            _ => panic!("{name}: no such workload; there are {}, {THREADS}N, {LIVES_US}N", NAMES.join(", ")),
        },
    }
}

fn number_after(prefix: &str, name: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.parse().ok()
}

fn threads_that_compute(threads: u64, end: Instant) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while Instant::now() < end {
                    compute(Duration::from_millis(1));
                }
            });
        }
    });
}

fn threads_that_end(life_us: u64, end: Instant) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while Instant::now() < end {
                    let thread = std::thread::spawn(move || compute(Duration::from_micros(life_us)));
                    thread.join().expect("it only computes");
                }
            });
        }
    });
}

/// Uses so much of the calling thread's CPU time.
pub fn compute(cpu: Duration) {
    let now = || process::clock(libc::CLOCK_THREAD_CPUTIME_ID);
    let end = now() + cpu;
    while now() < end {
        black_box(mix(black_box(1), 10_000));
    }
}

/// A loop in a function called from main: the shortest stack there is.
fn shallow(end: Instant) {
    while Instant::now() < end {
        black_box(mix(black_box(1), 100_000));
    }
}

#[inline(never)]
fn mix(seed: u64, rounds: u64) -> u64 {
    (0..rounds).fold(seed, |state, round| (state ^ round).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7))
}

/// The same loop under a hundred frames.
fn recursive(end: Instant) {
    while Instant::now() < end {
        black_box(descend(black_box(100)));
    }
}

#[inline(never)]
fn descend(depth: u32) -> u64 {
    if depth == 0 {
        return mix(1, 1_000_000);
    }
    // What follows the call keeps it from becoming a jump.
    black_box(descend(depth - 1)).wrapping_add(u64::from(depth))
}

/// Eight threads that allocate, hash, sort and free.
fn allocating(end: Instant) {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let mut state = thread + 1;
                while Instant::now() < end {
                    black_box(allocate(&mut state));
                }
            });
        }
    });
}

#[inline(never)]
fn allocate(state: &mut u64) -> usize {
    let mut words: Vec<String> = (0..500)
        .map(|_| {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            format!("{:x}", *state >> 40)
        })
        .collect();
    words.sort();
    let mut counts: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, word) in words.iter().enumerate() {
        counts.entry(word).or_default().push(at);
    }
    counts.values().map(Vec::len).max().unwrap_or(0)
}

/// An axum server under load from its own process, over loopback.
fn server(end: Instant) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let router = axum::Router::new().route("/words/{seed}", axum::routing::get(words));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clients: Vec<_> = (0..8).map(|seed| tokio::spawn(client(address, seed, end))).collect();
        for client in clients {
            client.await.expect("a client does not panic");
        }
    });
    runtime.shutdown_background();
}

async fn words(axum::extract::Path(seed): axum::extract::Path<u64>) -> axum::Json<HashMap<String, u64>> {
    let words = (0..200).map(|at| (format!("word{at}"), mix(seed, 100 + at)));
    axum::Json(words.collect())
}

/// Asks again and again over one connection.
async fn client(address: std::net::SocketAddr, seed: u64, end: Instant) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("our own server listens");
    let request = format!("GET /words/{seed} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let mut answer = Vec::with_capacity(16 << 10);
    while Instant::now() < end {
        stream.write_all(request.as_bytes()).await.expect("our own server reads");
        answer.clear();
        while !whole(&answer) {
            let read = stream.read_buf(&mut answer).await.expect("our own server answers");
            assert!(read > 0, "the server keeps the connection open");
        }
    }
}

/// Whether the answer's head and as many bytes as it promises are there.
fn whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    length
        .and_then(|length| length.trim().parse::<usize>().ok())
        .is_some_and(|length| answer.len() >= head + 4 + length)
}
