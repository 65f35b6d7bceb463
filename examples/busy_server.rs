//! A server that keeps itself busy, with plop linked in: watch its call graph grow while it runs.
//!
//! Run with `cargo run --release --example busy_server`; add `-- --seconds 10 --no-open` to have it end by itself and leave
//! a finished profile in `profiles/`.
//!
//! What to copy from here: the routes under `/profiler`, and the viewer mounted at `/plop`, whose page has buttons for them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use plop_collector::Collector;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

mod shop;

/// Where the collector writes and the viewer reads.
const PROFILES: &str = "profiles";

/// The collector while it runs. Any request may start or stop it at any time.
#[derive(Clone, Default)]
struct Profiler(Arc<Mutex<Option<Collector>>>);

type Answer = Result<String, (StatusCode, String)>;

impl Profiler {
    fn start(&self) -> Answer {
        let mut running = self.0.lock().expect("no holder of the lock panics");
        if running.is_some() {
            return Err((StatusCode::CONFLICT, "the collector is running already; stop it first\n".to_owned()));
        }
        let started = Collector::builder().output(format!("{PROFILES}/")).start();
        *running = Some(started.map_err(|error| (StatusCode::CONFLICT, format!("{error}\n")))?);
        Ok(format!("sampling, flushed to {PROFILES}/ every second\n"))
    }

    fn stop(&self) -> Answer {
        let running = self.0.lock().expect("no holder of the lock panics").take();
        let collector = running.ok_or_else(|| (StatusCode::CONFLICT, "the collector is not running\n".to_owned()))?;
        let profile = collector.stop().map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")))?;
        let Some(check) = profile.self_check else { return Ok("stopped\n".to_owned()) };
        let seconds = |ns: u64| ns as f64 / 1e9;
        Ok(format!(
            "{} samples: {:.2} s of CPU sampled, {:.2} s used by the process ({:.1} %); lost {}, truncated {}\n",
            check.samples,
            seconds(check.sampled_cpu_ns),
            seconds(check.process_cpu_ns),
            100.0 * check.coverage().unwrap_or(1.0),
            check.lost,
            check.truncated,
        ))
    }

    fn status(&self) -> String {
        match &*self.0.lock().expect("no holder of the lock panics") {
            Some(collector) => format!("{:?}\n", collector.stats()),
            None => "stopped\n".to_owned(),
        }
    }
}

/// The buttons of the page.
impl plop_view::Controls for Profiler {
    fn is_running(&self) -> bool {
        self.0.lock().expect("no holder of the lock panics").is_some()
    }

    fn start(&self) -> Result<String, String> {
        Profiler::start(self).map_err(|(_, reason)| reason)
    }

    fn stop(&self) -> Result<String, String> {
        Profiler::stop(self).map_err(|(_, reason)| reason)
    }
}

fn router(profiler: Profiler) -> Router {
    let viewer = plop_view::Mount::new(PROFILES).controls(profiler.clone());
    Router::new()
        .route("/search/{query}", get(|Path(query): Path<String>| async move { shop::search(&query).await }))
        .route("/thumbnail/{id}", get(|Path(id): Path<u64>| async move { shop::thumbnail(id).await }))
        .route(
            "/checkout/{id}",
            post(|Path(id): Path<u64>, body: String| async move { shop::checkout(id, &body).await }),
        )
        .route("/profiler/start", post(|State(profiler): State<Profiler>| async move { profiler.start() }))
        .route("/profiler/stop", post(|State(profiler): State<Profiler>| async move { profiler.stop() }))
        .route("/profiler", get(|State(profiler): State<Profiler>| async move { profiler.status() }))
        .with_state(profiler)
        .nest_service("/plop", viewer.router())
}

struct Options {
    seconds: Option<f64>,
    open: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options { seconds: None, open: true };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                let value = arguments.next().and_then(|value| value.parse().ok());
                options.seconds = Some(value.ok_or("--seconds: wants a number, as in --seconds 10")?);
            }
            "--no-open" => options.open = false,
            _ => return Err(format!("{argument}: no such option; there are --seconds N and --no-open")),
        }
    }
    Ok(options)
}

fn main() {
    let options = options().unwrap_or_else(|error| {
        eprintln!("busy_server: {error}");
        std::process::exit(2);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(serve(options));
}

async fn serve(options: Options) {
    let listener = match TcpListener::bind("127.0.0.1:8888").await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port"),
    };
    let address = listener.local_addr().expect("a bound socket has an address");
    let profiler = Profiler::default();
    let router = router(profiler.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });

    match profiler.start() {
        Ok(started) => print!("{started}"),
        Err((_, error)) => eprint!("busy_server: {error}"),
    }
    let page = format!("http://{address}/plop/");
    println!("the live call graph: {page}");
    println!("stop and start: curl -X POST http://{address}/profiler/stop (or start)");
    if options.open {
        plop_view::open_browser(&page);
    }

    let end = options.seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
    std::thread::Builder::new()
        .name("indexer".to_owned())
        .spawn(move || {
            while end.is_none_or(|end| Instant::now() < end) {
                shop::rebuild_index()
            }
        })
        .expect("a thread can be started");
    let clients: Vec<_> = (0..4).map(|client| tokio::spawn(load(address, client, end))).collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
    match profiler.stop() {
        Ok(stopped) => print!("{stopped}"),
        Err((_, error)) => eprint!("busy_server: {error}"),
    }
}

/// One customer: asks the server for one thing after another, with short pauses, until the end.
async fn load(address: SocketAddr, client: u64, end: Option<Instant>) {
    let queries = ["red+lamp", "oak+table", "warm+light", "desk", "chair+cushion"];
    let mut turn = client;
    while end.is_none_or(|end| Instant::now() < end) {
        turn += 1;
        let request = match turn % 5 {
            0 => {
                let body = (0..200).map(|line| format!("{{\"item\": {line}, \"count\": {}}}\n", turn % 9)).collect();
                request("POST", &format!("/checkout/{turn}"), body)
            }
            1 | 2 => request("GET", &format!("/thumbnail/{turn}"), String::new()),
            _ => request("GET", &format!("/search/{}", queries[turn as usize % queries.len()]), String::new()),
        };
        if let Err(error) = exchange(address, &request).await {
            eprintln!("busy_server: its own request failed: {error}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn request(method: &str, path: &str, body: String) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

async fn exchange(address: SocketAddr, request: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}
