//! gperftools' binary CPU profiles: words of four or eight bytes in either order; a header, samples, then a memory map as text.

use super::{Addresses, Read, java};

/// How words are written.
#[derive(Clone, Copy)]
struct Words {
    bytes: usize,
    big_endian: bool,
}

impl Words {
    fn next(self, rest: &mut &[u8]) -> Option<u64> {
        let (word, tail) = rest.split_at_checked(self.bytes)?;
        *rest = tail;
        let put = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big_endian { word.iter().fold(0, put) } else { word.iter().rev().fold(0, put) })
    }
}

pub(super) fn read(bytes: &[u8]) -> Read {
    for (width, big_endian) in [(4, false), (4, true), (8, false), (8, true)] {
        let words = Words { bytes: width, big_endian };
        let mut rest = bytes;
        let mut header = [0; 5];
        if !header.iter_mut().all(|word| words.next(&mut rest).map(|value| *word = value).is_some()) {
            continue;
        }
        // Zero, three, the kind of program, microseconds between samples, zero.
        match header {
            [0, 3, kind @ (0 | 1), period, 0] if period > 0 => return samples(rest, words, period, kind == 1),
            _ => {}
        }
    }
    Ok(None)
}

fn samples(mut rest: &[u8], words: Words, period_us: u64, of_java: bool) -> Read {
    let period = (period_us as i64).saturating_mul(1000);
    let mut read = Addresses::new([("samples", "count"), ("cpu", "nanoseconds")]);
    read.profile.set_period("cpu", "nanoseconds", period);
    let mut number = 0;
    while !rest.is_empty() {
        let torn = || format!("ends in sample {number}");
        let count = words.next(&mut rest).ok_or_else(torn)?;
        let depth = words.next(&mut rest).ok_or_else(torn)?;
        if depth > (rest.len() / words.bytes) as u64 {
            return Err(format!("sample {number} has {depth} addresses, more than the file has left"));
        }
        let stack = (0..depth).map(|_| words.next(&mut rest).ok_or_else(torn)).collect::<Result<Vec<u64>, _>>()?;
        if count == 0 && stack == [0] {
            break;
        }
        // A return address lies behind its call; the leaf's is exact, and Java's are no addresses.
        let inside = |(at, address): (usize, &u64)| if at == 0 || of_java { *address } else { address.wrapping_sub(1) };
        let stack = stack.iter().enumerate().map(inside).collect();
        let count = count as i64;
        read.add(stack, vec![count, count.saturating_mul(period)], None);
        number += 1;
    }
    let text = String::from_utf8_lossy(rest);
    let lines: Vec<&str> = text.lines().collect();
    if of_java {
        return java::name(read, &lines).map(Some);
    }
    drop_handlers_frames(&mut read);
    read.drop_doubled_leaves();
    Ok(Some(read.finish(&lines, &[])))
}

/// Takes out up to two frames behind the leaf that all samples but one in 32 share: the signal handler's.
fn drop_handlers_frames(read: &mut Addresses) {
    let margin = read.samples.len() / 32;
    for _ in 0..2 {
        let mut seen: rustc_hash::FxHashMap<u64, usize> = rustc_hash::FxHashMap::default();
        for (stack, ..) in read.samples.iter().filter(|(stack, ..)| stack.len() > 1) {
            *seen.entry(stack[1]).or_default() += 1;
        }
        let shared = seen.into_iter().find(|(_, count)| *count >= read.samples.len() - margin);
        let Some((shared, _)) = shared else { return };
        for (stack, ..) in read.samples.iter_mut().filter(|(stack, ..)| stack.get(1) == Some(&shared)) {
            stack.remove(1);
        }
    }
}
