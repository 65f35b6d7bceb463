//! What several commands take: what to look at, where names come from.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::import;
use crate::symbolize::Sources;
use crate::top::Sort;
use crate::view::{self, Pattern, Preset, View};

/// What to look at, as in the page.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filters {
    /// The sample type, by name
    #[arg(long, value_name = "NAME")]
    sample_type: Option<String>,
    /// Keep samples in whose stack a function matches: by name or file, or crate:NAME, module:PATH, file:REGEX (repeatable)
    #[arg(long, value_name = "REGEX")]
    focus: Vec<String>,
    /// Drop samples in whose stack a function matches (repeatable)
    #[arg(long, value_name = "REGEX")]
    ignore: Vec<String>,
    /// Take matching functions out of the stacks, their cost charged to the caller (repeatable)
    #[arg(long, value_name = "REGEX")]
    hide: Vec<String>,
    /// Cut stacks above the outermost match
    #[arg(long, value_name = "REGEX")]
    show_from: Option<String>,
    /// Hide a library's runtime frames: std, tokio, rayon
    #[arg(long, value_name = "LIBRARY", value_delimiter = ',')]
    preset: Vec<String>,
    /// Keep samples of this thread (repeatable)
    #[arg(long, value_name = "NAME")]
    thread: Vec<String>,
    /// Keep samples with this label (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Keep samples from this moment on: seconds from the profile's start, or from its end if negative
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    from: Option<String>,
    /// Keep samples before this moment
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    to: Option<String>,
    /// A function that calls itself directly stands once
    #[arg(long)]
    fold_recursion: bool,
    /// Instances of a generic function, and closures, count as the function; exported as html or svg, they do anyway
    #[arg(long)]
    merge_generics: bool,
}

impl Filters {
    pub(super) fn view(&self) -> Result<View, String> {
        let patterns = |key: &str, values: &[String]| {
            let parsed = values.iter().filter_map(|value| Pattern::parse(key, value).transpose());
            parsed.collect::<Result<Vec<_>, _>>().map_err(|error| format!("--{error}"))
        };
        let moment = |key: &str, value: &Option<String>| {
            view::moment(key, value.as_deref().unwrap_or_default()).map_err(|error| format!("--{error}"))
        };
        let preset = |name: &String| name.parse::<Preset>().map_err(|error| format!("--{error}"));
        let label = |text: &String| view::label(text).map_err(|error| format!("--{error}"));
        Ok(View {
            sample_type: self.sample_type.clone(),
            focus: patterns("focus", &self.focus)?,
            ignore: patterns("ignore", &self.ignore)?,
            hide: patterns("hide", &self.hide)?,
            show_from: patterns("show-from", self.show_from.as_slice())?.pop(),
            presets: self.preset.iter().map(preset).collect::<Result<_, _>>()?,
            threads: self.thread.clone(),
            labels: self.label.iter().map(label).collect::<Result<_, _>>()?,
            from: moment("from", &self.from)?,
            to: moment("to", &self.to)?,
            fold_recursion: self.fold_recursion,
            merge_generics: self.merge_generics,
            instances: Vec::new(),
        })
    }
}

/// Where names come from when the profile holds addresses only.
#[derive(Debug, Args)]
#[command(next_help_heading = "Names")]
pub(super) struct Names {
    /// A binary to take names from, before the paths that the profile gives (repeatable)
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    binary: Vec<PathBuf>,
    /// A debuginfod server to ask for names by build ID, when this machine has none (repeatable)
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    debuginfod: Vec<String>,
    /// How many MiB a packed profile may unpack to
    #[arg(long, value_name = "MIB", default_value_t = import::DEFAULT_LIMIT >> 20)]
    max_size: u64,
}

impl Names {
    pub(super) fn sources(&self) -> Sources {
        Sources {
            binaries: self.binary.clone(),
            servers: self.debuginfod.clone(),
            largest: self.max_size.saturating_mul(1 << 20),
            ..Sources::default()
        }
    }
}

/// By which value a table is sorted.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum SortBy {
    /// What a function has itself
    #[default]
    #[value(name = "self")]
    SelfValue,
    /// What it has with its callees
    Total,
}

impl From<SortBy> for Sort {
    fn from(by: SortBy) -> Self {
        match by {
            SortBy::SelfValue => Sort::SelfValue,
            SortBy::Total => Sort::Total,
        }
    }
}
