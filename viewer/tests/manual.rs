//! Help, completions and manual pages: made from one definition, so all of them know every command.

use std::io::Write;
use std::process::{Command, Stdio};

mod support;
use support::{plop_view, refusal, stdout};

const COMMANDS: [&str; 6] = ["top", "export", "diff", "merge", "completions", "man"];

#[test]
fn every_command_has_help_with_examples_and_a_manual_page_with_the_same() {
    for command in COMMANDS {
        let help = stdout(&plop_view(&[command, "--help"]));
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}: {help}"));
        let page = stdout(&plop_view(&["man", command]));
        assert!(page.contains(&format!(".TH PLOP-VIEW-{}", command.to_uppercase())), "{page}");
        for example in examples.lines().filter(|line| line.trim_start().starts_with("plop-view")) {
            assert!(page.replace("\\-", "-").contains(example), "{command}: {example}");
            assert!(example.len() <= 100, "longer lines are broken: {example}");
        }
    }
    let page = stdout(&plop_view(&["man"])).replace("\\-", "-");
    assert!(COMMANDS.iter().all(|command| page.contains(&format!("plop-view-{command}(1)"))), "{page}");
    assert!(page.contains(".SH EXIT STATUS\n0 on success; 2 when something is wrong"), "{page}");
    assert_eq!(refusal(&["man", "nope"]), "plop-view: nope: there is no such command; see plop-view --help\n");
}

#[test]
fn completions_know_every_command_and_the_shell_reads_them() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&plop_view(&["completions", shell]));
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
        assert!(script.contains("sample-type"), "{shell}");
        // The others' scripts know no values of options.
        assert!(script.contains("flamegraph") == ["bash", "fish", "zsh"].contains(&shell), "{shell}");
    }
    let script = stdout(&plop_view(&["completions", "bash"]));
    let mut bash = Command::new("bash").args(["-n"]).stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}
