//! The command line: what each command takes, and what it prints when something is wrong. Each command is a file.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};

mod diff;
mod export;
mod input;
mod manual;
mod merge;
mod options;
mod output;
mod serve;
mod top;
mod watch;

const EXAMPLES: &str = "Examples:
  plop-view                                    the profiles in profiles/, newest first
  plop-view busy.pb.gz perf.txt                these two
  plop-view 'http://localhost:6060/debug/pprof/profile?seconds=10'
                                               what a running service takes of itself
  perf script | plop-view top -                from a pipe
  plop-view top busy.pb.gz -n 20 --sort total
  plop-view top --watch profiles/              the newest of them, as it grows
  plop-view diff before.pb.gz after.pb.gz
  plop-view export --format flamegraph busy.pb.gz -o busy.svg

Exit status: 0 on success; 2 when something is wrong, with one line on stderr that says what.";

const EXIT_STATUS: &str = "0 on success; 2 when something is wrong, with one line on stderr that says what.";

/// The call-graph viewer of the plop profiler.
#[derive(Debug, Parser)]
#[command(name = "plop-view", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the functions that have most
    #[command(after_help = top::EXAMPLES)]
    Top(top::Top),
    /// Write a profile in another format
    #[command(after_help = export::EXAMPLES)]
    Export(export::Export),
    /// Print what has changed from one profile to another
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Diff),
    /// Add profiles up to one
    #[command(after_help = merge::EXAMPLES)]
    Merge(merge::Merge),
    /// Print the completions for a shell
    #[command(after_help = manual::COMPLETIONS)]
    Completions(manual::Completions),
    /// Print the manual page
    #[command(after_help = manual::MAN)]
    Man(manual::Man),
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let done = match Command::try_parse() {
        Err(error) if error.use_stderr() => Err(misused(&error)),
        // `--help` and `--version` were asked for.
        Err(shown) => shown.exit(),
        Ok(Command { action: None, serve }) => serve.run(),
        Ok(Command { action: Some(action), .. }) => match action {
            Action::Top(top) => top.run(),
            Action::Export(export) => export.run(),
            Action::Diff(diff) => diff.run(),
            Action::Merge(merge) => merge.run(),
            Action::Completions(completions) => completions.run(&mut Command::command()),
            Action::Man(man) => man.run(Command::command()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("plop-view: {reason}");
            ExitCode::from(2)
        }
    }
}

/// What is wrong with a command line, in one line as all errors: what clap says, what it would take instead, where to read on.
fn misused(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let said = text.split("\n\n").next().unwrap_or_default();
    let said: Vec<&str> = said.trim_start_matches("error: ").lines().map(str::trim).collect();
    let tip = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(meant)) => format!("; did you mean {meant}?"),
        _ => String::new(),
    };
    format!("{}{tip}; --help says what there is", said.join(" "))
}
