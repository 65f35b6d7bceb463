//! `plop-view completions` and `plop-view man`: made from the definitions of the command line itself.

use std::io::{self, Write};

use clap::Args;
use clap_complete::Shell;

use super::EXIT_STATUS;
use super::output::to_stdout;

pub(super) const COMPLETIONS: &str = "Examples:
  plop-view completions bash > ~/.local/share/bash-completion/completions/plop-view
  plop-view completions fish > ~/.config/fish/completions/plop-view.fish
  plop-view completions zsh > ~/.zfunc/_plop-view";

pub(super) const MAN: &str = "Examples:
  plop-view man > ~/.local/share/man/man1/plop-view.1
  plop-view man top | man -l -";

/// For which shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, command: &mut clap::Command) -> Result<(), String> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "plop-view", &mut script);
        to_stdout(|out| out.write_all(&script))
    }
}

/// Of which command.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command, for its own page
    command: Option<String>,
}

impl Man {
    pub(super) fn run(&self, mut command: clap::Command) -> Result<(), String> {
        command.build();
        let page = match &self.command {
            None => command,
            Some(name) => {
                let found = command.find_subcommand(name).cloned();
                let page = found.ok_or_else(|| format!("{name}: there is no such command; see plop-view --help"))?;
                page.display_name(format!("plop-view-{name}"))
            }
        };
        let mut text = Vec::new();
        write_page(page, &mut text).map_err(|error| error.to_string())?;
        to_stdout(|out| out.write_all(&text))
    }
}

/// The page in roff. What stands behind a command's help becomes sections that keep their lines.
fn write_page(command: clap::Command, out: &mut Vec<u8>) -> io::Result<()> {
    let title = command.get_display_name().unwrap_or(command.get_name()).to_uppercase();
    let has_commands = command.has_subcommands();
    let behind = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let man = clap_mangen::Man::new(command).title(title).manual("plop");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if has_commands {
        man.render_subcommands_section(out)?;
    }
    let examples = behind.split("\n\n").next().unwrap_or_default();
    let lines = examples.lines().skip(1).map(roff).collect::<Vec<_>>().join("\n");
    writeln!(out, ".SH EXAMPLES\n.nf\n{lines}\n.fi")?;
    writeln!(out, ".SH EXIT STATUS\n{}", roff(EXIT_STATUS))
}

/// A line as roff shows it: no sign of it is a command.
fn roff(line: &str) -> String {
    let escaped = line.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}
