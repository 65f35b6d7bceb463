//! The command line: what each command takes, and what it prints when something is wrong.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::browser;
use crate::export;
use crate::library::{self, Library, io_reason};
use crate::opened::Opened;
use crate::server::{Gate, Mount};
use crate::symbolize::Sources;
use crate::top::{Sort, Top};
use crate::view::{self, Preset, View};

const EXAMPLES: &str = "Examples:
  plop-view                                    the profiles in profiles/, newest first
  plop-view busy.pb.gz perf.txt                these two
  plop-view top busy.pb.gz -n 20 --sort total
  plop-view export --format flamegraph busy.pb.gz -o busy.svg
  plop-view export --format folded busy.pb.gz --focus parse

Exit status: 0 on success, 2 when something is wrong, with one line on stderr that says what.";

/// The call-graph viewer of the plop profiler.
#[derive(Debug, Parser)]
#[command(name = "plop-view", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the functions that have most
    Top(TopCommand),
    /// Write a profile in another format
    Export(ExportCommand),
}

/// Show profiles in the browser.
#[derive(Debug, Args)]
struct Serve {
    /// Files and folders with profiles
    #[arg(value_name = "PATH", default_value = "profiles")]
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
    #[command(flatten)]
    names: Names,
}

#[derive(Debug, Args)]
struct TopCommand {
    /// The profile
    file: PathBuf,
    /// How many functions
    #[arg(short, default_value_t = 30)]
    n: usize,
    /// By which value
    #[arg(long, value_enum, default_value_t = SortBy::SelfValue)]
    sort: SortBy,
    /// As text or as JSON
    #[arg(long, value_enum, default_value_t = TopFormat::Text)]
    format: TopFormat,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    names: Names,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SortBy {
    #[value(name = "self")]
    SelfValue,
    Total,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TopFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
struct ExportCommand {
    /// The profile
    file: PathBuf,
    /// The format
    #[arg(long, value_parser = format_names())]
    format: String,
    /// Where to; `-` or nothing for standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    names: Names,
}

fn format_names() -> clap::builder::PossibleValuesParser {
    export::EXPORTERS.iter().map(|exporter| exporter.name()).collect::<Vec<_>>().into()
}

/// What to look at, as in the page.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
struct Filters {
    /// The sample type, by name
    #[arg(long, value_name = "NAME")]
    sample_type: Option<String>,
    /// Keep samples in whose stack a function or its file matches
    #[arg(long, value_name = "REGEX")]
    focus: Option<String>,
    /// Drop samples in whose stack a function or its file matches
    #[arg(long, value_name = "REGEX")]
    ignore: Option<String>,
    /// Take matching functions out of the stacks, their cost charged to the caller
    #[arg(long, value_name = "REGEX")]
    hide: Option<String>,
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
    /// Instances of a generic function, and closures, count as the function
    #[arg(long)]
    merge_generics: bool,
}

impl Filters {
    fn view(&self) -> Result<View, String> {
        let pattern = |key: &str, value: &Option<String>| {
            view::pattern(key, value.as_deref().unwrap_or_default()).map_err(|error| format!("--{error}"))
        };
        let moment = |key: &str, value: &Option<String>| {
            view::moment(key, value.as_deref().unwrap_or_default()).map_err(|error| format!("--{error}"))
        };
        let preset = |name: &String| name.parse::<Preset>().map_err(|error| format!("--{error}"));
        let label = |text: &String| view::label(text).map_err(|error| format!("--{error}"));
        Ok(View {
            sample_type: self.sample_type.clone(),
            focus: pattern("focus", &self.focus)?,
            ignore: pattern("ignore", &self.ignore)?,
            hide: pattern("hide", &self.hide)?,
            show_from: pattern("show-from", &self.show_from)?,
            presets: self.preset.iter().map(preset).collect::<Result<_, _>>()?,
            threads: self.thread.clone(),
            labels: self.label.iter().map(label).collect::<Result<_, _>>()?,
            from: moment("from", &self.from)?,
            to: moment("to", &self.to)?,
            fold_recursion: self.fold_recursion,
            merge_generics: self.merge_generics,
        })
    }
}

/// Where names come from when the profile holds addresses only.
#[derive(Debug, Args)]
#[command(next_help_heading = "Names")]
struct Names {
    /// A binary to take names from, before the paths that the profile gives (repeatable)
    #[arg(long, value_name = "PATH")]
    binary: Vec<PathBuf>,
}

impl Names {
    fn sources(&self) -> Sources {
        Sources { binaries: self.binary.clone(), ..Sources::default() }
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let command = Command::parse();
    let done = match &command.action {
        Some(Action::Top(top)) => print_top(top),
        Some(Action::Export(export)) => write_export(export),
        None => serve(&command.serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("plop-view: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Opens a profile and says on stderr what its reader has to know.
fn open(file: &Path, names: &Names) -> Result<Opened, String> {
    let opened = library::open(file, &names.sources()).map_err(|error| error.to_string())?;
    for warning in &opened.warnings {
        eprintln!("plop-view: {}: {warning}", file.display());
    }
    Ok(opened)
}

fn print_top(command: &TopCommand) -> Result<(), String> {
    let view = command.filters.view()?;
    let opened = open(&command.file, &command.names)?;
    let viewed = view.of(&opened).map_err(|error| format!("{}: {error}", command.file.display()))?;
    let sort = match command.sort {
        SortBy::SelfValue => Sort::SelfValue,
        SortBy::Total => Sort::Total,
    };
    let top = Top::of(&viewed, sort, Some(command.n));
    let text = match command.format {
        TopFormat::Text => top.to_text(),
        TopFormat::Json => serde_json::to_string_pretty(&top).map_err(|error| error.to_string())? + "\n",
    };
    to_stdout(|out| out.write_all(text.as_bytes()))
}

fn write_export(command: &ExportCommand) -> Result<(), String> {
    let view = command.filters.view()?;
    let opened = open(&command.file, &command.names)?;
    let viewed = view.of(&opened).map_err(|error| format!("{}: {error}", command.file.display()))?;
    let exporter = export::exporter(&command.format).ok_or_else(|| format!("{}: no such format", command.format))?;
    match command.output.as_deref() {
        None => to_stdout(|out| exporter.write(&viewed, out)),
        Some(path) if path == Path::new("-") => to_stdout(|out| exporter.write(&viewed, out)),
        Some(path) => {
            let write = || -> io::Result<()> {
                let mut out = BufWriter::new(File::create(path)?);
                exporter.write(&viewed, &mut out)?;
                out.flush()
            };
            write().map_err(|error| format!("{}: {}", path.display(), io_reason(&error)))
        }
    }
}

/// Writes to standard output; a reader that has gone away is no error.
fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {}", io_reason(&error)))
        }
        _ => Ok(()),
    }
}

fn serve(command: &Serve) -> Result<(), String> {
    for path in &command.paths {
        // The default folder may come to be later, when a program that is profiled makes it.
        let is_default = command.paths == [PathBuf::from("profiles")];
        if let Err(error) = std::fs::metadata(path)
            && !is_default
        {
            return Err(format!("{}: {}", path.display(), io_reason(&error)));
        }
        if path.is_file() {
            open(path, &command.names)?;
        }
    }
    let library = Library::new(command.paths.clone(), command.names.sources());
    if library.entries().is_empty() {
        let named: Vec<_> = command.paths.iter().map(|path| path.display().to_string()).collect();
        eprintln!("plop-view: {}: no profiles yet; they are shown as they come", named.join(", "));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the server can't start its threads: {}", io_reason(&error)))?;
    runtime.block_on(async {
        let listener = listen(command).await?;
        let address = listener.local_addr().map_err(|error| io_reason(&error))?;
        let token = if command.no_token { None } else { Some(random_token()?) };
        let suffix = token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
        let page = format!("http://{address}/{suffix}");
        let gate = Gate::loopback().with_hosts([command.address.to_string()]).with_token(token);
        println!("{page}");
        if !command.no_open {
            browser::open_browser(&page);
        }
        let router = Mount::of(library, gate).receives_files().router();
        axum::serve(listener, router).await.map_err(|error| io_reason(&error))
    })
}

/// The port that was asked for, or the first free one from 8888.
async fn listen(command: &Serve) -> Result<tokio::net::TcpListener, String> {
    let ports = match command.port {
        Some(port) => port..=port,
        None => 8888..=8987,
    };
    let (first, mut last_error) = (*ports.start(), None);
    for port in ports {
        match tokio::net::TcpListener::bind((command.address, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last_error = Some(error),
        }
    }
    let reason = last_error.map_or_else(String::new, |error| io_reason(&error));
    Err(format!(
        "{}:{first}: {reason}; choose another with --port, or leave it out for the first free one",
        command.address
    ))
}

fn random_token() -> Result<String, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random token can be had: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
