//! The lines that `perf script` prints: those that begin a sample, and those that are a frame of one.

/// The line that begins a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) command: &'a str,
    pub(super) thread: &'a str,
    pub(super) period: Option<i64>,
    pub(super) event: &'a str,
    /// What comes behind the event: an address with its symbol where no stacks were recorded, branches, data.
    pub(super) rest: &'a str,
}

impl<'a> Header<'a> {
    /// `command 1234/5678 [001] 12.345678: 1000 cycles:u: …`; process, processor and period may be missing, and the command may
    /// hold spaces.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let is_time = |word: &str| {
            word.strip_suffix(':').is_some_and(|time| {
                time.contains('.') && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            })
        };
        let Some(time) = line.split_ascii_whitespace().find(|word| is_time(word)) else {
            return Header::without_time(line);
        };
        let time_at = time.as_ptr() as usize - line.as_ptr() as usize;
        let (command, thread) = command(&line[..time_at])?;
        let after = line[time_at + time.len()..].trim_start();
        let (first, rest) = word(after);
        let (period, event) = if is_digits(first) { (Some(first.parse().ok()?), rest) } else { (None, after) };
        let (event, rest) = word(event);
        Some(Header { command, thread, period, event: event.trim_end_matches(':'), rest })
    }

    /// `command 1234 cycles:`, or with a period before the event.
    fn without_time(line: &'a str) -> Option<Self> {
        let (before, event) = line.trim_end().rsplit_once(char::is_whitespace)?;
        let event = event.strip_suffix(':')?.trim_end_matches(':');
        // A last number is the period if there is a thread before it.
        let (rest, last) = before.trim_end().rsplit_once(char::is_whitespace)?;
        let with_period = is_digits(last).then(|| command(rest)).flatten();
        let (period, (command, thread)) = match with_period {
            Some(found) => (last.parse().ok(), found),
            None => (None, command(before)?),
        };
        (!event.is_empty()).then_some(Header { command, thread, period, event, rest: "" })
    }
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first word of a text, and what comes behind it.
fn word(text: &str) -> (&str, &str) {
    text.split_once(|sign: char| sign.is_ascii_whitespace())
        .map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

/// The command and the thread: `command 1234/5678`, with a processor (`[001]`) and its flags (`d..2.`) behind it or not.
fn command(text: &str) -> Option<(&str, &str)> {
    let mut rest = text.trim_end();
    for _ in 0..3 {
        let (before, last) = rest.rsplit_once(|sign: char| sign.is_ascii_whitespace())?;
        let mut ids = last.split('/');
        if ids.all(is_digits) {
            let thread = last.rsplit('/').next()?;
            let command = before.trim();
            return (!command.is_empty()).then_some((command, thread));
        }
        rest = before.trim_end();
    }
    None
}

/// `7f31 symbol+0x1f (/lib/libc.so)`: a frame's symbol, without its offset, and the file that it lies in.
pub(super) fn frame(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let address = line.bytes().take_while(u8::is_ascii_hexdigit).count();
    // perf puts a space behind the address, Android's simpleperf a tab.
    if address == 0 || !matches!(line.as_bytes().get(address), Some(b' ' | b'\t')) {
        return None;
    }
    let rest = line[address..].trim();
    // The file is the last thing in parentheses; both it and the symbol may hold parentheses and spaces.
    let end = memchr::memrchr(b')', rest.as_bytes())?;
    let inner = &rest[..end];
    let parted = inner.strip_suffix(" (deleted)").unwrap_or(inner);
    let open = match parted.rfind(" (") {
        Some(open) => open,
        None if parted.starts_with('(') => 0,
        None => return None,
    };
    let (symbol, file) = (inner[..open].trim(), inner[open..].trim_start().trim_start_matches('('));
    let symbol = match symbol.rsplit_once("+0x") {
        Some((name, offset)) if offset.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => symbol,
    };
    Some((symbol, file))
}

/// The functions of a symbol in which inlined calls were found, outermost first: `caller->inlined->leaf`.
pub(super) fn inlined(symbol: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(symbol);
    std::iter::from_fn(move || {
        let text = rest?;
        // The arrow of an operator or of a pointer to a member calls nothing.
        let calls = |at: &(usize, &str)| at.0 > 0 && !text[..at.0].ends_with("operator") && at.0 + 2 < text.len();
        match text.match_indices("->").find(calls) {
            Some((at, arrow)) => {
                rest = Some(&text[at + arrow.len()..]);
                Some(&text[..at])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_sample_is_read_in_all_its_forms() {
        let header = |command, thread, period, event, rest| Some(Header { command, thread, period, event, rest });
        for (line, expected) in [
            ("iperf 27409/28744 [000] 441995.133575: cpu-clock: ", header("iperf", "28744", None, "cpu-clock", "")),
            (
                "spshell 31714 451945.594655:   22145531 cycles: ",
                header("spshell", "31714", Some(22_145_531), "cycles", ""),
            ),
            ("Web Content  10 [001] 1.5:  7 cycles:u:", header("Web Content", "10", Some(7), "cycles:u", "")),
            ("func_ab 15294 cpu-clock: ", header("func_ab", "15294", None, "cpu-clock", "")),
            ("java 15294 99 cycles:u:", header("java", "15294", Some(99), "cycles:u", "")),
            (
                "  false 39654 [002] d..2. 19115.489713:  1 cycles:u:  9b29 [unknown] ([unknown])",
                header("false", "39654", Some(1), "cycles:u", "9b29 [unknown] ([unknown])"),
            ),
            (":-1 -1 [000] 1.5: 7 cycles:", None),
            ("main;a;b 3", None),
        ] {
            assert_eq!(Header::parse(line), expected, "{line}");
        }
    }

    #[test]
    fn frames_lose_their_offset_and_keep_their_parentheses() {
        assert_eq!(frame("\t  643 _Z4betav+0x1f (/opt/simple)"), Some(("_Z4betav", "/opt/simple")));
        assert_eq!(
            frame("        b3ce\tLock::unlock() (/system/libc.so)"),
            Some(("Lock::unlock()", "/system/libc.so"))
        );
        assert_eq!(frame(" ffff call(int) const (/lib/my lib.so)"), Some(("call(int) const", "/lib/my lib.so")));
        assert_eq!(frame("\t 6ce2 [unknown] ([unknown])"), Some(("[unknown]", "[unknown]")));
        assert_eq!(frame("\t 6ce2 f+0x1 (/lib/old.so (deleted))"), Some(("f", "/lib/old.so (deleted)")));
        assert_eq!(frame("\tnot a frame"), None);
    }

    #[test]
    fn inlined_calls_are_taken_apart() {
        assert_eq!(inlined("a->b->c").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(inlined("It::operator->() const").collect::<Vec<_>>(), ["It::operator->() const"]);
        assert_eq!(inlined("f->It::operator->").collect::<Vec<_>>(), ["f", "It::operator->"]);
    }
}
