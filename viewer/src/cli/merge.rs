//! `plop-view merge`: several profiles added up to one.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};
use plop_profile::Profile;

use super::input;
use super::options::Names;
use super::output::Output;
use crate::export;

pub(super) const EXAMPLES: &str = "Examples:
  plop-view merge monday.pb.gz tuesday.pb.gz -o both.pb.gz
  plop-view merge replica-*.pb.gz -o - | plop-view top -";

/// The profiles, and where to.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// The profiles, of whatever formats
    #[arg(required = true, num_args = 2.., value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    names: Names,
}

impl Merge {
    /// Writes profile.proto, gzipped.
    pub(super) fn run(&self) -> Result<(), String> {
        let sources = self.names.sources();
        let mut merged: Option<Profile> = None;
        for file in &self.files {
            let next = Arc::unwrap_or_clone(input::open(file, &sources)?.profile);
            let Some(merged) = &mut merged else {
                merged = Some(next);
                continue;
            };
            let had = sample_types(merged);
            merged.merge(&next).map_err(|_| {
                format!(
                    "{}: it has {}, the ones before it {}",
                    input::shown(file),
                    sample_types(&next).join(", "),
                    had.join(", ")
                )
            })?;
            let has = sample_types(merged);
            let lost: Vec<String> = had.into_iter().chain(sample_types(&next)).filter(|of| !has.contains(of)).collect();
            if !lost.is_empty() {
                eprintln!(
                    "plop-view: {}: not all of the profiles have {}; left out",
                    input::shown(file),
                    lost.join(", ")
                );
            }
        }
        let merged = merged.unwrap_or_default();
        self.output.write_binary(|out| export::write_pprof(&merged, out))
    }
}

fn sample_types(profile: &Profile) -> Vec<String> {
    let text = |id| &profile.strings[id];
    profile.sample_types.iter().map(|of| format!("{} ({})", text(of.kind), text(of.unit))).collect()
}
