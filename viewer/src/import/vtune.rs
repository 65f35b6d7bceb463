//! What `vtune -report top-down -format csv` prints of CPU time: a tree, indented, each function with what it has itself.
//! inferno folds it.

use inferno::collapse::{Collapse, vtune};
use plop_profile::{LabelSetId, Profile};

use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "VTune CSV";

/// The line above the tree, and how many may come before it.
const HEADER: &str = "Function Stack,CPU Time:Self,Module";
const JUDGED: usize = 400;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() || !source.text().lines().take(JUDGED).any(|line| line.starts_with(HEADER)) {
        return Ok(None);
    }
    read(source.text()).map(Some).map_err(malformed(FORMAT))
}

fn read(text: &str) -> Result<Profile, String> {
    let mut folded = Vec::new();
    let read = vtune::Folder::default().collapse(text.as_bytes(), &mut folded);
    read.map_err(|error| error.to_string().replace('\n', " "))?;
    let mut profile = Profile::new([("cpu", "milliseconds")]);
    for line in String::from_utf8_lossy(&folded).lines() {
        let Some((stack, milliseconds)) = line.rsplit_once(' ') else { continue };
        let milliseconds = milliseconds.parse().map_err(|_| format!("{milliseconds} ms are too many"))?;
        let frames = stack.rsplit(';').map(|frame| frame.split_once('`').unwrap_or(("", frame)));
        let locations: Vec<_> = frames.map(|(module, name)| profile.named_location(name, module)).collect();
        let stack = profile.stacks.intern(locations);
        profile.samples.add(stack, LabelSetId::EMPTY, &[milliseconds]);
    }
    if profile.samples.is_empty() { Err("no function has any time".to_owned()) } else { Ok(profile) }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    #[test]
    fn a_tree_has_seconds_and_modules() {
        let text = "Function Stack,CPU Time:Self,Module\nTotal,0.0,[Unknown]\n main,0.25,busy.exe\n  \"Vec<u8, A>::push\",1.5,busy.exe\n";
        let profile = open(text);
        let mut stacks = stacks(&profile);
        stacks.sort();
        assert_eq!(stacks, ["Vec<u8, A>::push<main<Total 1500", "main<Total 250"]);
        assert_eq!(&profile.strings[profile.functions[0].file], "busy.exe");
        let refused = refusal("Function Stack,CPU Time:Self,Module\nTotal,0.0,[Unknown]\n");
        assert_eq!(refused, "broken VTune CSV: no function has any time");
        let refused = refusal("Function Stack,CPU Time:Self,Module\nTotal,much,[Unknown]\n");
        assert_eq!(refused, "broken VTune CSV: Invalid `CPU Time:Self` field: much");
    }
}
