//! A call tree copied from Xcode's Instruments ("deep copy"): a line for each function, indented by its depth, with its total.
//!
//! Totals are rounded, so what callees have may exceed what their caller says; a function has itself what is left, if
//! anything is. Values are cut to whole numbers of their unit, as speedscope reads them.

use plop_profile::{LabelSetId, Profile, StackId};

use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Instruments deep copy";

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() {
        return Ok(None);
    }
    let mut lines = source.text().lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').map(str::trim).collect();
    let column = |names: &[&str]| header.iter().position(|name| names.contains(name));
    let (Some(name), Some(weight)) =
        (column(&["Symbol Name", "Symbol Names"]), column(&["Bytes Used", "Weight", "Running Time"]))
    else {
        return Ok(None);
    };
    let columns = Columns { name, weight, file: column(&["Source Path"]), of_bytes: header[weight] == "Bytes Used" };
    read(lines, &columns).map(Some).map_err(malformed(FORMAT))
}

struct Columns {
    name: usize,
    weight: usize,
    file: Option<usize>,
    of_bytes: bool,
}

/// A function that is open: where its time ends, and its stack.
struct Open {
    ends: i64,
    stack: StackId,
}

fn read<'a>(lines: impl Iterator<Item = &'a str>, columns: &Columns) -> Result<Profile, String> {
    let mut reader = Reader { unit: "", clock: 0, open: Vec::new(), profile: Profile::default() };
    let mut samples = Vec::new();
    // Newer versions indent the outermost function, too.
    let mut indent = None;
    for (at, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split('\t').collect();
        let Some(name) = cells.get(columns.name).filter(|name| !name.trim().is_empty()) else { continue };
        let depth = name.len() - name.trim_start().len();
        let depth = depth.saturating_sub(*indent.get_or_insert(depth));
        let failed = |reason: String| format!("line {}: {reason}", at + 2);
        if depth > reader.open.len() {
            return Err(failed(format!("is {depth} deep, below one that is {}", reader.open.len())));
        }
        while reader.open.len() > depth {
            samples.extend(reader.close());
        }
        let cell = cells.get(columns.weight).copied().unwrap_or_default();
        let (value, unit) = weight(cell, columns.of_bytes).ok_or_else(|| failed(format!("{cell:?} is no weight")))?;
        if !unit.is_empty() {
            reader.unit = unit;
        }
        let file = columns.file.and_then(|file| cells.get(file)).copied().unwrap_or_default();
        reader.enter(name.trim(), file.trim(), value);
    }
    while !reader.open.is_empty() {
        samples.extend(reader.close());
    }
    let kind = match reader.unit {
        "bytes" => "space",
        "cycles" => "cycles",
        _ => "time",
    };
    let unit = if reader.unit == "cycles" { "count" } else { reader.unit };
    let mut profile = reader.profile;
    let types = Profile::new([(kind, unit)]);
    profile.sample_types = vec![plop_profile::ValueType {
        kind: profile.strings.intern(kind),
        unit: profile.strings.intern(if unit.is_empty() { "milliseconds" } else { unit }),
    }];
    profile.samples = types.samples;
    for (stack, value) in samples.into_iter().filter(|(_, value)| *value != 0) {
        profile.samples.add(stack, LabelSetId::EMPTY, &[value]);
    }
    Ok(profile)
}

struct Reader {
    unit: &'static str,
    /// What all functions up to here have themselves.
    clock: i64,
    open: Vec<Open>,
    profile: Profile,
}

impl Reader {
    fn enter(&mut self, name: &str, file: &str, total: i64) {
        let location = self.profile.named_location(name, file);
        let caller = self.open.last().map_or(StackId::EMPTY, |open| open.stack);
        let stack = self.profile.stacks.push(caller, location);
        self.open.push(Open { ends: self.clock.saturating_add(total), stack });
    }

    /// Closes the innermost function; gives its stack and what it has itself.
    fn close(&mut self) -> Option<(StackId, i64)> {
        let open = self.open.pop()?;
        let own = open.ends.saturating_sub(self.clock).max(0);
        self.clock = self.clock.max(open.ends);
        Some((open.stack, own))
    }
}

/// `429.93 MB 100.0%`, `4.27 s 99.8%`, `96.00 Gc 100.0%`; the smallest units of each kind, and which it is.
fn weight(cell: &str, of_bytes: bool) -> Option<(i64, &'static str)> {
    let cell = cell.trim();
    if cell.is_empty() || cell == "-" {
        return Some((0, ""));
    }
    let digits = cell.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap_or(cell.len());
    let (number, rest) = cell.split_at(digits);
    let whole: i64 = number.split('.').next()?.parse().ok()?;
    let unit = rest.split_whitespace().next().unwrap_or_default();
    let (factor, unit) = match (of_bytes, unit) {
        (true, "Bytes" | "bytes" | "B") => (1, "bytes"),
        (true, "KB" | "KiB") => (1 << 10, "bytes"),
        (true, "MB" | "MiB") => (1 << 20, "bytes"),
        (true, "GB" | "GiB") => (1 << 30, "bytes"),
        (false, "ms") => (1, "milliseconds"),
        (false, "s") => (1000, "milliseconds"),
        (false, "min") => (60_000, "milliseconds"),
        (false, "cycles") => (1, "cycles"),
        (false, "Kc") => (1000, "cycles"),
        (false, "Mc") => (1_000_000, "cycles"),
        (false, "Gc") => (1_000_000_000, "cycles"),
        _ => return None,
    };
    Some((whole.saturating_mul(factor), unit))
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    #[test]
    fn functions_have_themselves_what_their_callees_leave() {
        let text = "Weight\tSelf Weight\t\tSymbol Name\n10.5 ms  100.0%\t0 s\t \tmain\n7.0 ms   70%\t3 ms\t \t parse\n\
            4.0 ms 40%\t4 ms\t \t  lex\n2.0 ms 20%\t2 ms\t \t print\n";
        assert_eq!(stacks(&open(text)), ["lex<parse<main 4", "parse<main 3", "print<main 2", "main 1"]);
        let indented = text
            .replace("\tmain", "\t  main")
            .replace("\t parse", "\t   parse")
            .replace("\t  lex", "\t    lex")
            .replace("\t print", "\t   print");
        assert_eq!(stacks(&open(&indented)), stacks(&open(text)));
    }

    #[test]
    fn a_line_that_fits_nowhere_is_named() {
        let head = "Bytes Used\tCount\t\tSymbol Name\n 2.00 KB 100.0%\t1\t \tmain\n";
        assert_eq!(stacks(&open(head)), ["main 2048"]);
        assert_eq!(
            refusal(&format!("{head}1 KB 1%\t1\t \t    f\n")),
            "broken Instruments deep copy: line 3: is 4 deep, below one that is 1"
        );
        assert!(refusal(&format!("{head}x\t1\t \t f\n")).ends_with(r#"line 3: "x" is no weight"#));
    }
}
