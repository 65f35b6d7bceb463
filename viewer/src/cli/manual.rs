//! `plop-view completions` and `plop-view man`: made from the definitions of the command line itself.

use clap::Args;
use clap_complete::Shell;

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
        clap_mangen::Man::new(page).render(&mut text).map_err(|error| error.to_string())?;
        to_stdout(|out| out.write_all(&text))
    }
}
