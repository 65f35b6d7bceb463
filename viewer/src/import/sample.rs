//! What `sample` prints on macOS: a tree of functions, each with how often it was found on a thread's stack.
//!
//! A line below "Call graph:" is drawn as a branch (`+ ! : |`), then count, function, file in parentheses, offset and address:
//! `    +   64 read  (in libsystem_kernel.dylib) + 10  [0x7fff73905ef2]`. Where the count begins says how deep it is. What a
//! function has beyond its callees it has itself.

use plop_profile::{LabelSetId, Profile, StackId};

use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "macOS sample";

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.bytes.starts_with(b"Analysis of sampling ") {
        return Ok(None);
    }
    read(source.text()).map(Some).map_err(malformed(FORMAT))
}

/// A function that is open: where its line's count stands, its stack, and what no callee has taken of it yet.
struct Open {
    column: usize,
    stack: StackId,
    left: i64,
}

fn read(text: &str) -> Result<Profile, String> {
    let mut profile = Profile::new([("samples", "count")]);
    let mut open: Vec<Open> = Vec::new();
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| *line != "Call graph:");
    lines.next().ok_or("has no call graph")?;
    for (at, line) in lines.take_while(|(_, line)| !line.trim().is_empty()) {
        let failed = |reason: &str| format!("line {}: {reason}", at + 1);
        let Line { column, count, name, file } = Line::parse(line).ok_or_else(|| failed("no count and function"))?;
        while open.last().is_some_and(|above| above.column >= column) {
            close(&mut open, &mut profile);
        }
        let caller = open.last_mut();
        let left = caller.as_ref().map_or(count, |caller| caller.left);
        if count > left {
            return Err(failed("has more than what called it has left"));
        }
        let above = caller.map_or(StackId::EMPTY, |caller| {
            caller.left -= count;
            caller.stack
        });
        let location = profile.named_location(name, file);
        open.push(Open { column, stack: profile.stacks.push(above, location), left: count });
    }
    while !open.is_empty() {
        close(&mut open, &mut profile);
    }
    if profile.samples.is_empty() { Err("has an empty call graph".to_owned()) } else { Ok(profile) }
}

fn close(open: &mut Vec<Open>, profile: &mut Profile) {
    if let Some(Open { stack, left, .. }) = open.pop().filter(|open| open.left > 0) {
        profile.samples.add(stack, LabelSetId::EMPTY, &[left]);
    }
}

struct Line<'a> {
    column: usize,
    count: i64,
    name: &'a str,
    file: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let column = line.find(|sign: char| sign.is_ascii_digit())?;
        if !line[..column].chars().all(|sign| " +!:|".contains(sign)) {
            return None;
        }
        let (count, what) = line[column..].split_once(' ')?;
        // A thread has no file, and a queue behind its number.
        let (name, rest) = what.split_once("  ").unwrap_or((what, ""));
        let file =
            rest.trim_start().strip_prefix("(in ").and_then(|rest| rest.split_once(')')).map_or("", |(file, _)| file);
        (!name.is_empty()).then_some(Line { column, count: count.parse().ok()?, name, file })
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    const HEAD: &str =
        "Analysis of sampling busy (pid 7) every 1 millisecond\nProcess:         busy [7]\n----\n\nCall graph:\n";

    #[test]
    fn a_function_has_itself_what_its_callees_leave() {
        let tree = "    8 Thread_15   DispatchQueue_1: com.apple.main-thread  (serial)\n\
            \x20   + 8 start  (in libdyld.dylib) + 1  [0x7fff737cf3d5]\n\
            \x20   +   5 parse  (in busy) + 4  [0x10384b550]\n\
            \x20   +   ! 2 memcpy  (in libc) + 4  [0x10384b551]\n\
            \x20   +   1 idle  (in busy) + 4  [0x10384b550]\n\
            \x20   3 Thread_16\n\n\
            Total number in stack (recursive counted multiple, when >=5):\n        5       parse\n";
        let profile = open(&format!("{HEAD}{tree}"));
        assert_eq!(
            stacks(&profile),
            [
                "memcpy<parse<start<Thread_15 2",
                "parse<start<Thread_15 3",
                "idle<start<Thread_15 1",
                "start<Thread_15 2",
                "Thread_16 3"
            ]
        );
        assert_eq!(&profile.strings[profile.functions[1].file], "libdyld.dylib");
    }

    #[test]
    fn a_broken_tree_says_where() {
        assert_eq!(refusal("Analysis of sampling busy (pid 7)\n"), "broken macOS sample: has no call graph");
        assert_eq!(refusal(HEAD), "broken macOS sample: has an empty call graph");
        let refused = refusal(&format!("{HEAD}    8 Thread_15\n    + many start\n"));
        assert_eq!(refused, "broken macOS sample: line 7: no count and function");
        let refused = refusal(&format!("{HEAD}    8 Thread_15\n    + 9 start\n"));
        assert_eq!(refused, "broken macOS sample: line 7: has more than what called it has left");
    }
}
