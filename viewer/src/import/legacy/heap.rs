//! Heap, growth and fragmentation pages: `heap profile: 1: 512 [ 2: 2048] @ heap_v2/524288`, then a line for each stack.

use std::sync::LazyLock;

use regex::Regex;

use super::{Addresses, Read, addresses, is_remark, maps, unsampled};

static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"heap profile: *(\d+): *(\d+) *\[ *(\d+): *(\d+) *\] *@ *(heap[_a-z0-9]*)/?(\d*)").expect("a regex")
});
static OTHER_HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"heap profile: *(\d+): *(\d+) *\[ *(\d+): *(\d+) *\] @ (growth|fragmentation)z?").expect("a regex")
});
static SAMPLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(-?\d+): *(-?\d+) *\[ *(\d+): *(\d+) *\] @([ x0-9a-f]*)").expect("a regex"));

/// How the page was sampled.
struct Sampling {
    /// The mean number of bytes between two samples; `None` if values are whole.
    rate: Option<i64>,
    period: i64,
    with_allocations: bool,
}

pub(super) fn read(lines: &[&str]) -> Read {
    let Some(sampling) = lines.first().and_then(|line| header(line)) else { return Ok(None) };
    let mut read = match sampling.with_allocations {
        // What is in use comes last, since pprof shows the last.
        true => Addresses::new([
            ("alloc_objects", "count"),
            ("alloc_space", "bytes"),
            ("inuse_objects", "count"),
            ("inuse_space", "bytes"),
        ]),
        false => Addresses::new([("objects", "count"), ("space", "bytes")]),
    };
    read.profile.set_period("space", "bytes", sampling.period);
    let mut rest = lines.iter().enumerate().skip(1);
    for (number, line) in rest.by_ref() {
        if maps::begins(line) {
            break;
        }
        if !is_remark(line) {
            sample(line, &sampling, &mut read).map_err(|reason| format!("line {}: {reason}", number + 1))?;
        }
    }
    let rest: Vec<&str> = rest.map(|(_, line)| *line).collect();
    Ok(Some(read.finish(&rest, lines)))
}

fn header(line: &str) -> Option<Sampling> {
    let Some(found) = HEADER.captures(line) else {
        return OTHER_HEADER.is_match(line).then_some(Sampling { rate: None, period: 1, with_allocations: false });
    };
    let differs = |all: usize, used: usize| found[all] != found[used] && &found[all] != "0";
    let with_allocations = differs(3, 1) || differs(4, 2);
    let period = if found[6].is_empty() { 0 } else { found[6].parse().ok()? };
    let (rate, period) = match &found[5] {
        "heapz_v2" | "heap_v2" => (Some(period), period),
        "heapprofile" => (None, 1),
        // Go writes twice its rate.
        "heap" => (Some(period / 2), period / 2),
        _ => return None,
    };
    Some(Sampling { rate, period, with_allocations })
}

fn sample(line: &str, sampling: &Sampling, read: &mut Addresses) -> Result<(), String> {
    let found = SAMPLE.captures(line.trim()).ok_or("no sample of a heap profile")?;
    let number = |at: usize| found[at].parse::<i64>().map_err(|_| format!("{} is no number", &found[at]));
    let (mut values, mut block_size) = (Vec::new(), 0);
    let columns: &[(usize, usize)] = if sampling.with_allocations { &[(3, 4), (1, 2)] } else { &[(1, 2)] };
    for &(count, size) in columns {
        let (count, size) = (number(count)?, number(size)?);
        if count == 0 && size != 0 {
            return Err(format!("{size} bytes in no objects"));
        }
        if count != 0 {
            block_size = size.wrapping_div(count);
        }
        let (count, size) = match sampling.rate {
            Some(rate) if count != 0 => unsampled(count, size, rate),
            _ => (count, size),
        };
        values.extend([count, size]);
    }
    let stack = addresses(&found[5])?.into_iter().map(|address| address.wrapping_sub(1)).collect();
    read.add(stack, values, Some(block_size));
    Ok(())
}
