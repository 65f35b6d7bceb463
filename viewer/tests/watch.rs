//! `plop-view top --watch` on a terminal and without one. The terminal is util-linux's `script`, which says where it is
//! missing.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

mod support;
use support::{plop_view, refusal, stdout};

/// Puts a file there, whole, as if it had been written some time ago.
fn write(path: &Path, text: &str, ago: Duration) {
    let beside = path.with_extension("part");
    fs::write(&beside, text).unwrap();
    fs::File::options().write(true).open(&beside).unwrap().set_modified(SystemTime::now() - ago).unwrap();
    fs::rename(beside, path).unwrap();
}

#[test]
fn without_a_terminal_the_last_table_is_printed_once_the_file_grows_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.folded");
    let name = path.to_str().unwrap();
    write(&path, "main;early 1\n", Duration::ZERO);
    let child = Command::new(env!("CARGO_BIN_EXE_plop-view"))
        .args(["top", "--watch", name])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A file counts as growing for some seconds after it was written to; this one is older than that.
    write(&path, "main;early 1\nmain;late 2\n", Duration::from_secs(60));
    let text = stdout(&child.wait_with_output().unwrap());
    assert_eq!(text, stdout(&plop_view(&["top", name])));
    assert_eq!(text.matches("in all").count(), 1, "{text}");
    let newest = stdout(&plop_view(&["top", "--watch", folder.path().to_str().unwrap()]));
    assert_eq!(newest, text);
}

#[test]
fn only_files_and_folders_can_be_watched() {
    assert_eq!(
        refusal(&["top", "--watch", "-"]),
        "plop-view: standard input: only a file or a folder can be watched\n"
    );
    assert_eq!(refusal(&["top", "--watch", "/nowhere"]), "plop-view: /nowhere: no such file or directory\n");
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let said = format!("plop-view: {name}: no profile lies there yet\n");
    assert_eq!(refusal(&["top", "--watch", name]), said);
}

/// What a terminal of 12 rows and so many columns is sent from the start of a watch to Ctrl-C, which comes once `until` has
/// been drawn; `None`, and a remark, if there is no such terminal to be had.
fn on_a_terminal(path: &Path, columns: usize, environment: &[(&str, &str)], until: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_plop-view");
    let command = format!("stty rows 12 cols {columns}; exec '{program}' top --watch '{}'", path.display());
    let started = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut terminal) = started else {
        eprintln!("skipped: there is no script on this machine (Debian: bsdutils)");
        return None;
    };
    let (mut keys, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (mut sent, mut piece) = (Vec::new(), [0; 4096]);
    let mut asked = false;
    loop {
        let read = screen.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        sent.extend_from_slice(&piece[..read]);
        if !asked && String::from_utf8_lossy(&sent).contains(until) {
            asked = true;
            keys.write_all(b"\x03").unwrap();
        }
    }
    assert!(terminal.wait().unwrap().success());
    Some(String::from_utf8(sent).unwrap())
}

const STACKS: &str =
    "main;parse;lex 75\nmain;parse 20\nmain;a_function_with_a_name_that_is_longer_than_any_terminal_is_wide 5\n";

#[test]
fn on_a_terminal_the_table_has_bars_fits_the_window_and_leaves_it_clean() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.folded");
    write(&path, STACKS, Duration::from_secs(60));
    let Some(sent) = on_a_terminal(&path, 90, &[], "Ctrl-C ends") else { return };
    let (_, drawn) = sent.split_once("\x1b[?1049h\x1b[?25l").expect("the other screen is opened");
    let (drawn, after) = drawn.split_once("\x1b[?25h\x1b[?1049l").expect("and left, with the cursor back");
    let plain = console::strip_ansi_codes(drawn).replace('\r', "");
    let lines: Vec<&str> = plain.lines().collect();
    assert_eq!(lines[0], "live.folded  samples: 100 in all, grows no more; Ctrl-C ends");
    assert!(lines[2].contains("75  75.00% ██████████████") && lines[2].ends_with(" lex"), "{plain}");
    assert!(lines.iter().all(|line| console::measure_text_width(line) <= 90), "{plain}");
    assert!(lines[4].ends_with('…'), "{plain}");
    assert!(drawn.contains("\x1b[36m"), "bars are coloured");
    let table = stdout(&plop_view(&["top", path.to_str().unwrap()]));
    assert_eq!(after.replace("\r\n", "\n").trim_start_matches("^C"), table);
}

#[test]
fn no_color_is_honoured_and_a_narrow_terminal_gets_shares_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.folded");
    write(&path, STACKS, Duration::from_secs(60));
    let Some(sent) = on_a_terminal(&path, 40, &[("NO_COLOR", "1")], "lex") else { return };
    assert!(!sent.contains("\x1b[36m") && !sent.contains("\x1b[1m"), "{sent:?}");
    let plain = console::strip_ansi_codes(&sent).into_owned();
    assert!(plain.contains(" 75.00%  75.00%  lex"), "{plain}");
}
