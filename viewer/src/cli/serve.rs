//! `plop-view` itself: profiles in the browser.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};

use super::input;
use super::options::Names;
use crate::browser;
use crate::io_error::io_reason;
use crate::library::Library;
use crate::server::{Gate, Mount};
use crate::source::Places;

/// How long the browser waits for the files that were named. Most are read sooner, and what is no profile is known by then.
const SOON: Duration = Duration::from_millis(50);

/// Show profiles in the browser.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Files and folders with profiles; addresses of such; `-` for standard input
    #[arg(value_name = "PATH", default_value = "profiles", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
    /// The port; by default the first free one from 8888
    #[arg(long)]
    port: Option<u16>,
    /// The address to listen at
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Ask for no token: whoever reaches the address may look
    #[arg(long)]
    no_token: bool,
    /// Where sources lie: paths of the profile that begin with FROM are under TO (repeatable)
    #[arg(long, value_name = "FROM=TO")]
    source_path: Vec<String>,
    #[command(flatten)]
    names: Names,
}

impl Serve {
    pub(super) fn run(&self) -> Result<(), String> {
        let sources = self.names.sources();
        let mut paths = Vec::new();
        let mut received = Vec::new();
        for path in &self.paths {
            match input::bytes(path, &sources)? {
                None => paths.push(self.present(path)?),
                Some(bytes) => received.push((path, bytes)),
            }
        }
        let library = Library::new(paths.clone(), sources);
        for (name, bytes) in received {
            library.receive(&file_name(name), &bytes).map_err(|error| input::reason(name, &error))?;
        }
        if library.entries().is_empty() {
            let named: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
            eprintln!("plop-view: {}: no profiles yet; they are shown as they come", named.join(", "));
        }
        let mut places = Places::installed();
        if let Ok(folder) = std::env::current_dir() {
            places = places.with_work_in(&folder);
        }
        self.source_path.iter().try_for_each(|path| places.map(path))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("the server can't start its threads: {}", io_reason(&error)))?;
        let ended = runtime.block_on(self.serve(Arc::new(library), paths, places));
        // A large file that is still being read holds nobody up.
        runtime.shutdown_background();
        ended
    }

    /// Serves until something fails. A profile is read while the browser loads the page, unless it is read sooner.
    async fn serve(&self, library: Arc<Library>, paths: Vec<PathBuf>, places: Places) -> Result<(), String> {
        let listener = self.listen().await?;
        let address = listener.local_addr().map_err(|error| io_reason(&error))?;
        let token = if self.no_token { None } else { Some(random_token()?) };
        let suffix = token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
        let page = format!("http://{address}/{suffix}");
        let gate = Gate::loopback().with_hosts([self.address.to_string()]).with_token(token);

        let reading = library.clone();
        let mut reading = tokio::task::spawn_blocking(move || read_named(&reading, &paths));
        // What is wrong with a file shows soon; then no browser opens for nothing.
        let was_read = match tokio::time::timeout(SOON, &mut reading).await {
            Ok(read) => read.map_err(|panic| panic.to_string()).and_then(|read| read).map(|()| true)?,
            Err(_) => false,
        };
        println!("{page}");
        if !self.no_open {
            browser::open_browser(&page);
        }
        let router = Mount::of(library, gate).receives_files().sources_in(places).router();
        let serving = axum::serve(listener, router).into_future();
        tokio::pin!(serving);
        if !was_read {
            tokio::select! {
                read = reading => read.map_err(|panic| panic.to_string()).and_then(|read| read)?,
                served = &mut serving => return served.map_err(|error| io_reason(&error)),
            }
        }
        serving.await.map_err(|error| io_reason(&error))
    }

    /// The path, which exists.
    fn present(&self, path: &Path) -> Result<PathBuf, String> {
        // The default folder may come to be later, when a program that is profiled makes it.
        let is_default = self.paths == [PathBuf::from("profiles")];
        match std::fs::metadata(path) {
            Err(error) if !is_default => Err(format!("{}: {}", path.display(), io_reason(&error))),
            _ => Ok(path.to_owned()),
        }
    }

    /// The port that was asked for, or the first free one from 8888.
    async fn listen(&self) -> Result<tokio::net::TcpListener, String> {
        let ports = match self.port {
            Some(port) => port..=port,
            None => 8888..=8987,
        };
        let (first, mut last_error) = (*ports.start(), None);
        for port in ports {
            match tokio::net::TcpListener::bind((self.address, port)).await {
                Ok(listener) => return Ok(listener),
                Err(error) => last_error = Some(error),
            }
        }
        let reason = last_error.map_or_else(String::new, |error| io_reason(&error));
        Err(format!(
            "{}:{first}: {reason}; choose another with --port, or leave it out for the first free one",
            self.address
        ))
    }
}

/// Reads what is named one by one, which has to be a profile; what lies in a folder is told of when it is looked at.
fn read_named(library: &Library, paths: &[PathBuf]) -> Result<(), String> {
    let entries = library.entries();
    for path in paths {
        let Some(entry) = entries.iter().find(|entry| entry.path == *path) else { continue };
        let opened = library.open(entry).map_err(|error| input::reason(path, &error))?;
        input::warn(path, &opened);
        if entry.id == entries[0].id {
            // The one that the page shows first.
            opened.prepare();
        }
    }
    Ok(())
}

/// A name for what came from an address: its host and path, in signs that any file system takes.
fn file_name(from: &Path) -> String {
    let name = input::shown(from);
    let name = name.split_once("://").map_or(&*name, |(_, rest)| rest);
    let name = name.split(['?', '#']).next().unwrap_or_default();
    let safe = |sign: char| if sign.is_ascii_alphanumeric() || ".-_".contains(sign) { sign } else { '-' };
    name.chars().map(safe).take(100).collect()
}

fn random_token() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random token can be had: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
