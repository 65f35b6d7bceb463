//! What the tests of the command share: running it, and a small profile.

use std::path::Path;
use std::process::{Command, Output};

use plop_profile::{LabelSetId, Profile};

pub(crate) fn plop_view(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plop-view")).args(arguments).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command prints when it fails.
pub(crate) fn refusal(arguments: &[&str]) -> String {
    let output = plop_view(arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = stderr(&output);
    assert!(!text.contains("panicked") && output.stdout.is_empty(), "{text}");
    text
}

#[allow(dead_code, reason = "not every test file needs it")]
/// main calls parse (7) and lex (3), which calls itself.
pub(crate) fn busy(folder: &Path) -> String {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    let [main, parse, lex] = ["app::main", "app::parse", "app::lex"].map(|name| profile.named_location(name, "app.rs"));
    for (stack, samples) in [(vec![parse, main], 7), (vec![lex, lex, main], 3)] {
        let stack = profile.stacks.intern(stack);
        profile.samples.add(stack, LabelSetId::EMPTY, &[samples, samples * 10_000_000]);
    }
    let path = folder.join("busy.pb.gz");
    profile.save(&path).unwrap();
    path.to_str().unwrap().to_owned()
}
