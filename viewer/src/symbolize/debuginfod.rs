//! Debug information from servers that the user named, by build ID, kept where debuginfod's own client keeps it.
//!
//! The interface: <https://sourceware.org/elfutils/Debuginfod.html>, `debuginfod(8)`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Sources;
use crate::fetch::{self, Bounds};

/// The folder of debuginfod's client: `$DEBUGINFOD_CACHE_PATH`, or within the user's cache.
pub(super) fn cache() -> Option<PathBuf> {
    let named = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let caches = || named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    named("DEBUGINFOD_CACHE_PATH").or_else(|| caches().map(|folder| folder.join("debuginfod_client")))
}

/// What a build ID has on a server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// The binary itself, as it was run.
    Executable,
    /// What was stripped from it.
    DebugInfo,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Executable => "executable",
            Kind::DebugInfo => "debuginfo",
        }
    }
}

/// A file of that build ID, from the cache or from a server, and what the servers answered instead.
pub(super) fn find(kind: Kind, build_id: &str, sources: &Sources) -> (Option<PathBuf>, Vec<String>) {
    // What a profile calls a build ID becomes part of a path and of an address.
    let is_id = build_id.len() > 4 && build_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if sources.servers.is_empty() || !is_id {
        return (None, Vec::new());
    }
    let kept = match &sources.cache {
        Some(folder) => folder.join(build_id).join(kind.name()),
        None => std::env::temp_dir().join(format!("plop-view-{}-{build_id}.{}", std::process::id(), kind.name())),
    };
    if fs::metadata(&kept).is_ok_and(|file| file.len() > 0) {
        return (Some(kept), Vec::new());
    }
    let mut refusals = Vec::new();
    for server in &sources.servers {
        let address = format!("{}/buildid/{build_id}/{}", server.trim_end_matches('/'), kind.name());
        let got = fetch::fetch(&address, Bounds::default(), |_| {});
        let written = got.map_err(|error| error.to_string()).and_then(|bytes| keep(&kept, &bytes));
        match written {
            Ok(()) => return (Some(kept), refusals),
            Err(reason) => refusals.push(format!("{server}: {reason}")),
        }
    }
    (None, refusals)
}

/// Writes beside and renames, so that nobody finds half a file.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&beside, bytes)?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| format!("{}: {}", path.display(), crate::io_error::io_reason(&error)))
}
