//! Pages of Java servers: stacks of numbers, and a list that says which function each number is.

use std::sync::LazyLock;

use plop_profile::{Function, LabelSetId, Line, Location, LocationId, Profile};
use regex::Regex;
use rustc_hash::FxHashMap;

use super::{Addresses, Read, addresses, labels, unsampled};

static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"([\w ]+)=([\w ]+)").expect("a regex"));
static SAMPLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" *(\d+) +(\d+) +@ +([ x0-9a-f]*)").expect("a regex"));
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*0x([[:xdigit:]]+)\s+(.*)\s*$").expect("a regex"));
static WITH_LINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(.*)\s+\((.+):(-?[[:digit:]]+)\)$").expect("a regex"));
static WITH_PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(.*)\s+\((.*)\)$").expect("a regex"));

/// Every how many bytes Java's heap pages sample.
const HEAP_RATE: i64 = 512 << 10;

pub(super) fn read(lines: &[&str]) -> Read {
    let of_heap = match lines.first().map(|line| line.trim()) {
        Some("--- heapz 1 ---") => true,
        Some("--- contentionz 1 ---") => false,
        _ => return Ok(None),
    };
    let mut unit = None;
    let mut period = 0;
    let mut duration = 0_i64;
    let mut rest = lines.iter().enumerate().skip(1).peekable();
    while let Some((_, line)) = rest.next_if(|(_, line)| line.trim().is_empty() || ATTRIBUTE.is_match(line)) {
        let Some(found) = ATTRIBUTE.captures(line) else { continue };
        let value = found[2].trim();
        let number = value.parse::<i64>();
        match (found[1].trim(), number) {
            ("format", _) if value == "java" => {}
            ("resolution", _) => unit = Some(value.to_owned()),
            ("sampling period", Ok(number)) if !of_heap => period = number,
            ("ms since reset", Ok(number)) if !of_heap => duration = number.saturating_mul(1_000_000),
            _ => return Ok(None),
        }
    }
    let Some(unit) = unit else { return Ok(None) };
    let mut read = match of_heap {
        true => Addresses::new([("inuse_objects", "count"), ("inuse_space", unit.as_str())]),
        false => Addresses::new([("contentions", "count"), ("delay", unit.as_str())]),
    };
    if period != 0 {
        read.profile.set_period("contentions", "count", period);
    }
    read.profile.duration_nanos = duration;
    while let Some((number, line)) = rest.next_if(|(_, line)| line.trim().is_empty() || SAMPLE.is_match(line)) {
        let Some(found) = SAMPLE.captures(line) else { continue };
        let failed = |reason: String| format!("line {}: {reason}", number + 1);
        let value = |at: usize| found[at].parse::<i64>().map_err(|_| failed(format!("{} is no number", &found[at])));
        let (size, count) = (value(1)?, value(2)?);
        let stack = addresses(&found[3]).map_err(failed)?;
        if of_heap {
            if count == 0 {
                return Err(failed("bytes in no objects".to_owned()));
            }
            let (objects, bytes) = unsampled(count, size, HEAP_RATE);
            read.add(stack, vec![objects, bytes], Some(size / count));
        } else {
            let factor = if period == 0 { 1 } else { period };
            read.add(stack, vec![count.saturating_mul(factor), size.saturating_mul(factor)], None);
        }
    }
    let rest: Vec<&str> = rest.map(|(_, line)| *line).collect();
    name(read, &rest).map(Some)
}

/// The profile with the functions that `lines` list.
pub(super) fn name(read: Addresses, lines: &[&str]) -> Result<Profile, String> {
    let Addresses { mut profile, samples } = read;
    let mut known: FxHashMap<u64, LocationId> = FxHashMap::default();
    // pprof knows a function by its name alone: its file is that of the first line that names it.
    let mut files: FxHashMap<String, String> = FxHashMap::default();
    for line in lines {
        let Some(found) = NUMBERED.captures(line.trim()) else { continue };
        let number = u64::from_str_radix(&found[1], 16).map_err(|_| format!("0x{} is no number", &found[1]))?;
        let (function, file, line) = place(found[2].trim());
        let file = files.entry(function.clone()).or_insert(file);
        let (name, file) = (profile.strings.intern(&function), profile.strings.intern(file));
        let function = profile.intern_function(Function { name, file, ..Function::default() });
        let lines = vec![Line { function, line }];
        known.insert(number, profile.push_location(Location { lines, ..Location::default() }));
    }
    for (numbers, values, block_size) in samples {
        let mut location = |number: u64| {
            *known
                .entry(number)
                .or_insert_with(|| profile.push_location(Location { address: number, ..Location::default() }))
        };
        let leaf_first: Vec<LocationId> = numbers.into_iter().map(&mut location).collect();
        let stack = profile.stacks.intern(leaf_first);
        let labels = if block_size.is_some() { labels(&mut profile, block_size) } else { LabelSetId::EMPTY };
        profile.samples.add(stack, labels, &values);
    }
    Ok(profile)
}

/// A function, its file and its line: `a.B.c (B.java:12)`, `read (/lib/libc.so)`, or a state of the machine such as `GC`.
fn place(text: &str) -> (String, String, i64) {
    if let Some(found) = WITH_LINE.captures(text) {
        return (found[1].to_owned(), found[2].to_owned(), found[3].parse::<i64>().unwrap_or(0).max(0));
    }
    if let Some(found) = WITH_PATH.captures(text) {
        let file = found[2].rsplit('/').next().unwrap_or_default().to_owned();
        return (found[1].to_owned(), file, 0);
    }
    let name = if text.contains("generated stub/JIT") { "STUB" } else { text };
    (name.to_owned(), String::new(), 0)
}
