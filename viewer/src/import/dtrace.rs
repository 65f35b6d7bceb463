//! What DTrace prints of stacks, `dtrace -n 'profile-997 { @[stack(), ustack()] = count(); }'`: below an empty line the frames,
//! leaf first, then how often. Read as stackcollapse.pl reads it; what stands before the frames, such as `execname`, is the
//! outermost one.

use plop_profile::{LabelSetId, LocationId, Profile};

use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "DTrace stacks";

/// How many lines are looked at for the first stack's count.
const JUDGED: usize = 400;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() || !has_stack(source.text()) {
        return Ok(None);
    }
    read(source.text()).map(Some).map_err(malformed(FORMAT))
}

/// What the lines below the header say.
enum Line<'a> {
    /// `` module`function+0x26 `` or an address.
    Frame {
        module: &'a str,
        name: &'a str,
    },
    Count(i64),
    Other(&'a str),
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let hex = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let frame = |module, name| Line::Frame { module, name };
        match line.split_once('`') {
            Some((module, name)) => match name.rsplit_once("+0x") {
                Some((name, offset)) if hex(offset) => frame(module, name),
                _ => frame(module, name),
            },
            None if line.strip_prefix("0x").is_some_and(hex) => frame("", line),
            None => line.parse().map_or(Line::Other(line), Line::Count),
        }
    }
}

/// The lines behind the header's empty one that are not empty, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, Line<'_>)> {
    let lines = text.lines().map(str::trim).enumerate().skip_while(|(_, line)| !line.is_empty());
    lines.filter(|(_, line)| !line.is_empty()).map(|(at, line)| (at + 1, Line::of(line)))
}

fn has_stack(text: &str) -> bool {
    let mut lines = lines(text).take(JUDGED).map(|(_, line)| line);
    let first = lines.by_ref().find(|line| !matches!(line, Line::Other(_)));
    let end = lines.find(|line| !matches!(line, Line::Frame { .. }));
    matches!((first, end), (Some(Line::Frame { .. }), Some(Line::Count(_))))
}

fn read(text: &str) -> Result<Profile, String> {
    let mut profile = Profile::new([("samples", "count")]);
    let (mut leaf_first, mut outermost): (Vec<LocationId>, Vec<LocationId>) = Default::default();
    for (at, line) in lines(text) {
        match line {
            Line::Frame { module, name } => leaf_first.push(profile.named_location(name, module)),
            Line::Other(name) => outermost.push(profile.named_location(name, "")),
            Line::Count(count) if count < 0 => return Err(format!("line {at}: {count} is no count")),
            Line::Count(count) => {
                let stack = profile.stacks.intern(leaf_first.drain(..).chain(outermost.drain(..).rev()));
                profile.samples.add(stack, LabelSetId::EMPTY, &[count]);
            }
        }
    }
    profile.torn = !leaf_first.is_empty();
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, stacks};

    #[test]
    fn stacks_stand_leaf_first_above_their_count() {
        let text = "CPU     ID                    FUNCTION:NAME\n  0  64091                        :tick-60s \n\n\n\
            \x20             unix`trap+0x1\n\n              libc.so.1`memcpy+0x26\n              busy`app::Vec<T+0x>::a\n\
            \x20             42\n\n  httpd\n              0x104d08831\n              busy`main+0x2\n                3\n";
        let profile = open(text);
        assert_eq!(stacks(&profile), ["trap<memcpy<app::Vec<T+0x>::a 42", "0x104d08831<main<httpd 3"]);
        assert_eq!(&profile.strings[profile.functions[1].file], "libc.so.1");
        assert!(!profile.torn);
        assert!(open(&text[..text.len() - 20]).torn);
    }
}
