//! Pages of counted stacks: Go's goroutine and threadcreate, thread pages, and contention of C++ and Go.

use std::sync::LazyLock;

use regex::Regex;

use super::{Addresses, Read, addresses, is_remark, maps};

static COUNTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\A(\S+) profile: total \d+\z").expect("a regex"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\A(\d+) @((?: 0x[0-9a-f]+)+)\z").expect("a regex"));
static THREADS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"--- threadz \d+ ---").expect("a regex"));
static THREAD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"--- Thread ([[:xdigit:]]+) \(name: (.*)/(\d+)\) stack: ---").expect("a regex"));
static CONTENTION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\d+) *(\d+) @([ x0-9a-f]*)").expect("a regex"));

/// The lines from the first that is no remark on, with their numbers.
fn after_remarks<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
    let numbered = lines.iter().enumerate().map(|(at, line)| (at + 1, *line));
    numbered.skip_while(|(_, line)| is_remark(line))
}

/// The lines of the memory map.
fn map<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    lines.iter().skip_while(|line| !maps::begins(line)).skip(1).copied().collect()
}

/// `goroutine profile: total 7`, then `3 @ 0x1 0x2` for each stack.
pub(super) fn read_counts(lines: &[&str]) -> Read {
    let mut rest = after_remarks(lines);
    let Some(found) = rest.next().and_then(|(_, line)| COUNTS.captures(line)) else { return Ok(None) };
    let mut read = Addresses::new([(&found[1], "count")]);
    read.profile.set_period(&found[1], "count", 1);
    for (number, line) in rest.filter(|(_, line)| !is_remark(line)) {
        if line.starts_with("---") {
            break;
        }
        let found = COUNT.captures(line).ok_or_else(|| format!("line {number}: no count of a stack"))?;
        let count = found[1].parse().map_err(|_| format!("line {number}: {} is no count", &found[1]))?;
        let stack = addresses(&found[2]).map_err(|reason| format!("line {number}: {reason}"))?;
        read.add(stack.into_iter().map(|address| address.wrapping_sub(1)).collect(), vec![count], None);
    }
    Ok(Some(read.finish(&map(lines), lines)))
}

/// A stack for each thread, of one address a line or several.
pub(super) fn read_threads(lines: &[&str]) -> Read {
    let mut rest = after_remarks(lines).peekable();
    let Some(&(_, first)) = rest.peek() else { return Ok(None) };
    if THREADS.is_match(first) {
        rest.next();
        while rest.next_if(|(_, line)| !maps::begins(line) && !line.starts_with('-')).is_some() {}
    } else if !THREAD.is_match(first) {
        return Ok(None);
    }
    let mut read = Addresses::new([("thread", "count")]);
    read.profile.set_period("thread", "count", 1);
    while let Some((number, line)) = rest.next() {
        if maps::begins(line) || line.starts_with("---- no stack trace for") {
            break;
        }
        if !THREAD.is_match(line) {
            return Err(format!("line {number}: no thread begins"));
        }
        let (mut stack, mut same) = (Vec::new(), false);
        while let Some((number, line)) = rest.next_if(|(_, line)| !line.trim().starts_with("---")) {
            if line.contains("same as previous thread") {
                same = true;
            } else {
                stack.extend(addresses(line).map_err(|reason| format!("line {number}: {reason}"))?);
            }
        }
        match read.samples.last_mut() {
            Some((_, values, _)) if same || stack.is_empty() => values[0] += 1,
            None if same || stack.is_empty() => {}
            _ => {
                let inside = |(at, address): (usize, u64)| address.wrapping_sub(u64::from(at > 0));
                read.add(stack.into_iter().enumerate().map(inside).collect(), vec![1], None);
            }
        }
    }
    read.drop_doubled_leaves();
    Ok(Some(read.finish(&map(lines), lines)))
}

/// `4000 3 @ 0x1 0x2`: time waited and how often, sampled.
pub(super) fn read_contention(lines: &[&str]) -> Read {
    let begins = ["--- contentionz ", "--- mutex:", "--- contention:"];
    if !lines.first().is_some_and(|line| begins.iter().any(|begin| line.starts_with(begin))) {
        return Ok(None);
    }
    let mut read = Addresses::new([("contentions", "count"), ("delay", "nanoseconds")]);
    let (mut period, mut cycles_per_second) = (1, 0);
    let mut rest = lines.iter().enumerate().skip(1).peekable();
    while let Some((_, line)) =
        rest.next_if(|(_, line)| is_remark(line) || !line.trim().starts_with("---") && line.contains('='))
    {
        if is_remark(line) {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let Ok(value) = value.trim().parse::<i64>() else { return Ok(None) };
        match key.trim() {
            "cycles/second" => cycles_per_second = value,
            "sampling period" => period = value,
            "ms since reset" => read.profile.duration_nanos = value.saturating_mul(1_000_000),
            "discarded samples" => {}
            // `format` and `resolution` make it a page of Java.
            _ => return Ok(None),
        }
    }
    read.profile.set_period("contentions", "count", period);
    for (number, line) in rest {
        if line.trim().starts_with("---") {
            break;
        }
        if is_remark(line) {
            continue;
        }
        let Some(found) = CONTENTION.captures(line.trim()) else { return Ok(None) };
        let failed = |reason: String| format!("line {}: {reason}", number + 1);
        let value = |at: usize| found[at].parse::<i64>().map_err(|_| failed(format!("{} is no number", &found[at])));
        let (mut delay, mut count) = (value(1)?, value(2)?);
        if period > 0 {
            if cycles_per_second > 0 {
                delay = (delay as f64 * period as f64 / (cycles_per_second as f64 / 1e9)) as i64;
            }
            count = count.saturating_mul(period);
        }
        let stack = addresses(&found[3]).map_err(failed)?;
        read.add(stack.into_iter().map(|address| address.wrapping_sub(1)).collect(), vec![count, delay], None);
    }
    Ok(Some(read.finish(&map(lines), lines)))
}
