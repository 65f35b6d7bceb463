//! Where a command's profiles come from: a file, standard input (`-`), or an address.

use std::fmt::Write;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::fetch::{self, Bounds};
use crate::import::ImportError;
use crate::io_error::io_reason;
use crate::open::{self, OpenError};
use crate::opened::Opened;
use crate::server::query_pairs;
use crate::symbolize::Sources;

/// How often the bar moves while a server takes its profile.
const TICK: Duration = Duration::from_millis(100);

/// Opens a profile and says on stderr what its reader has to know.
pub(super) fn open(file: &Path, sources: &Sources) -> Result<Opened, String> {
    let opened = match bytes(file, sources)? {
        None => open::file(file, sources),
        Some(bytes) => open::bytes(file, &bytes, sources),
    };
    let opened = opened.map_err(|error| reason(file, &error))?;
    warn(file, &opened);
    Ok(opened)
}

/// Says on stderr what the reader of a profile has to know.
pub(super) fn warn(file: &Path, opened: &Opened) {
    for warning in &opened.warnings {
        eprintln!("plop-view: {}: {warning}", shown(file));
    }
}

/// Why a profile could not be opened, under the name that it was asked for by.
pub(super) fn reason(file: &Path, error: &OpenError) -> String {
    let name = shown(file);
    match error {
        OpenError::Import(_, ImportError::Unknown) if is_address(file) => format!(
            "{name}: {}; name a profile itself, as /debug/pprof/profile?seconds=10 is one of a Go service",
            ImportError::Unknown
        ),
        OpenError::Import(_, error) => format!("{name}: {error}"),
        OpenError::Io(_, error) => format!("{name}: {}", io_reason(error)),
    }
}

/// What stands before a reason: the path or the address, or that it was standard input.
pub(super) fn shown(file: &Path) -> String {
    if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() }
}

pub(super) fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

pub(super) fn is_address(file: &Path) -> bool {
    file.to_str().is_some_and(fetch::is_address)
}

/// The bytes of what is no file: standard input, or what an address gives.
pub(super) fn bytes(file: &Path, sources: &Sources) -> Result<Option<Vec<u8>>, String> {
    if is_stdin(file) {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| format!("standard input: {}", io_reason(&error)))?;
        return Ok(Some(bytes));
    }
    match file.to_str().filter(|text| fetch::is_address(text)) {
        Some(address) => get(address, sources.largest).map(Some).map_err(|error| format!("{address}: {error}")),
        None => Ok(None),
    }
}

/// Gets a profile, with a bar on stderr if that is a terminal: how much of the asked time has passed, then what has come.
fn get(address: &str, largest: u64) -> Result<Vec<u8>, fetch::FetchError> {
    let seconds = seconds(address);
    // A server that profiles itself for so long says nothing meanwhile.
    let silence = Bounds::default().silence + Duration::from_secs(seconds);
    let bounds = Bounds { bytes: largest, silence };
    let bar = ProgressBar::new_spinner();
    bar.set_style(taking_style(seconds));
    bar.enable_steady_tick(TICK);
    let mut coming = false;
    let got = fetch::fetch(address, bounds, |received| {
        if !coming {
            coming = true;
            bar.set_style(coming_style(received.of.is_some()));
            bar.set_length(received.of.unwrap_or_default());
        }
        bar.set_position(received.bytes);
    });
    bar.finish_and_clear();
    got
}

/// How long the address asks the server to profile itself, at most an hour of it.
fn seconds(address: &str) -> u64 {
    let query = address.split_once('?').map(|(_, query)| query);
    let seconds = query_pairs(query).into_iter().find(|(key, _)| key == "seconds");
    seconds.and_then(|(_, value)| value.parse().ok()).map_or(0, |seconds: f64| seconds.clamp(0.0, 3600.0) as u64)
}

fn taking_style(seconds: u64) -> ProgressStyle {
    let bar = move |state: &ProgressState, out: &mut dyn Write| {
        let passed = state.elapsed().as_secs_f64();
        if seconds == 0 {
            let _ = write!(out, "{passed:.0} s");
            return;
        }
        const WIDTH: usize = 30;
        let filled = ((passed / seconds as f64).min(1.0) * WIDTH as f64) as usize;
        let (full, empty) = ("█".repeat(filled), "░".repeat(WIDTH - filled));
        let _ = write!(out, "{full}{empty} {passed:.0} of {seconds} s");
    };
    style("{spinner} the server takes the profile {taking}").with_key("taking", bar)
}

fn coming_style(size_known: bool) -> ProgressStyle {
    style(if size_known {
        "{spinner} {wide_bar} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}"
    } else {
        "{spinner} {binary_bytes}, {binary_bytes_per_sec}"
    })
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are whole")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asked_time_is_read_from_the_address() {
        assert_eq!(seconds("http://host:6060/debug/pprof/profile?debug=0&seconds=10"), 10);
        assert_eq!(seconds("http://host/heap"), 0);
        assert_eq!(seconds("http://host/profile?seconds=soon"), 0);
        assert_eq!(seconds("http://host/profile?seconds=1e99"), 3600);
    }

    #[test]
    fn templates_are_whole() {
        taking_style(3);
        coming_style(true);
        coming_style(false);
    }
}
