//! What has changed from one answer to the next, as VCDIFF (RFC 3284): where in the old text the parts of the new one stand, and
//! what comes between them.
//!
//! A second later a live profile's answer has the same items with other numbers, and some rows have changed places. So where two
//! texts begin to differ, a number is passed over in both first; only if they still differ then, a block of the old text is
//! looked for in what follows. Both ways every byte is looked at a bounded number of times.

use rustc_hash::FxHashMap;

/// What is looked for elsewhere is so long, and begins at every so manieth byte of the old text: one such block has at least half
/// of an item's id, which no other item has.
const BLOCK: usize = 16;
const STRIDE: usize = 8;

/// Shorter parts that both texts have are put in with what is new around them: to say where they stand takes as much.
const LEAST: usize = 6;

/// Where nothing was the same for so long, other things stand in the two texts, though it may be numbers with commas between them
/// in both. With half as much and with twice as much the differences of a busy server's views are some 5 % longer.
const LOST: usize = 12;

/// A part of the old text that stands in the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    /// Where it is in the old text.
    from: usize,
    /// Where it is in the new one.
    to: usize,
    length: usize,
}

/// What makes `new` of `old`.
pub(super) fn delta(old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut window = Window::default();
    let mut written = 0;
    for part in parts(old, new) {
        window.add(&new[written..part.to]);
        window.copy(part);
        written = part.to + part.length;
    }
    window.add(&new[written..]);
    window.file(old.len(), new.len())
}

/// The parts of the old text in the new one, by their places in that.
fn parts(old: &[u8], new: &[u8]) -> Vec<Part> {
    let blocks = blocks(old);
    let mut parts: Vec<Part> = Vec::new();
    // Up to where the new text is described.
    let mut described = 0;
    // What stands at these places may be the same.
    let (mut from, mut to) = (0, 0);
    loop {
        let length = shared(&old[from..], &new[to..]);
        if length >= LEAST {
            // The same digits may end a number that has changed.
            let before = old[..from].iter().rev().zip(new[described..to].iter().rev());
            let before = before.take_while(|(old, new)| old == new).count();
            parts.push(Part { from: from - before, to: to - before, length: length + before });
            described = to + length;
        }
        (from, to) = (from + length, to + length);
        let behind = (from + digits(&old[from..]), to + digits(&new[to..]));
        let is_lost = to - described > LOST;
        if !is_lost && behind != (from, to) && behind.0 < old.len() && old.get(behind.0) == new.get(behind.1) {
            (from, to) = behind;
            continue;
        }
        let found = new[to..].windows(BLOCK).enumerate().find_map(|(at, block)| Some((*blocks.get(block)?, to + at)));
        match found {
            Some((known, at)) => (from, to) = (known as usize, at),
            None => return parts,
        }
    }
}

/// Where blocks of a text stand, the first of those that are the same.
fn blocks(text: &[u8]) -> FxHashMap<&[u8], u32> {
    let mut blocks = FxHashMap::with_capacity_and_hasher(text.len() / STRIDE, Default::default());
    for (number, block) in text.windows(BLOCK).step_by(STRIDE).enumerate() {
        // An answer of more than 4 GiB is none.
        let Ok(at) = u32::try_from(number * STRIDE) else { break };
        blocks.entry(block).or_insert(at);
    }
    blocks
}

/// How far two texts are the same.
fn shared(old: &[u8], new: &[u8]) -> usize {
    const WORD: usize = 8;
    let words = old.chunks_exact(WORD).zip(new.chunks_exact(WORD));
    let at = WORD * words.take_while(|(old, new)| old == new).count();
    at + old[at..].iter().zip(&new[at..]).take_while(|(old, new)| old == new).count()
}

/// How far a number goes on.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'e' | b'E' | b'+')).count()
}

/// The three sections of the one window that a file has, and the addresses that a decoder has seen last.
#[derive(Default)]
struct Window {
    added: Vec<u8>,
    instructions: Vec<u8>,
    addresses: Vec<u8>,
    near: [usize; 4],
    next_near: usize,
}

/// The first bytes of a file, of this version, without secondary compression or a code table of its own.
const HEAD: [u8; 5] = [0xd6, 0xc3, 0xc4, 0, 0];
/// The window has a part of the source: all of it.
const OF_SOURCE: u8 = 1;
/// Where instructions stand in the default code table (RFC 3284, section 5.6): without a size in them, and with the least.
const ADD: u8 = 1;
const COPY: u8 = 19;
/// So many instructions copy by each mode of address; the first has no size in it, the next this one.
const COPIES: u8 = 16;
const LEAST_SIZE: usize = 4;
/// Addresses beyond one of the last four follow as modes the absolute ones, and those before here.
const NEAR: u8 = 2;

impl Window {
    fn add(&mut self, bytes: &[u8]) {
        match bytes.len() {
            0 => return,
            few @ 1..=17 => self.instructions.push(ADD + few as u8),
            many => {
                self.instructions.push(ADD);
                number(&mut self.instructions, many);
            }
        }
        self.added.extend_from_slice(bytes);
    }

    fn copy(&mut self, Part { from, length, .. }: Part) {
        let near = (NEAR..).zip(self.near).filter_map(|(mode, near)| Some((mode, from.checked_sub(near)?)));
        let (mode, address) = near.min_by_key(|&(_, beyond)| beyond).unwrap_or((0, from));
        let (mode, address) = if address < from { (mode, address) } else { (0, from) };
        number(&mut self.addresses, address);
        self.near[self.next_near] = from;
        self.next_near = (self.next_near + 1) % self.near.len();
        let instruction = COPY + COPIES * mode;
        match length.checked_sub(LEAST_SIZE) {
            Some(more) if more < usize::from(COPIES) - 1 => self.instructions.push(instruction + 1 + more as u8),
            _ => {
                self.instructions.push(instruction);
                number(&mut self.instructions, length);
            }
        }
    }

    fn file(self, old_length: usize, new_length: usize) -> Vec<u8> {
        let sections = [self.added, self.instructions, self.addresses];
        let mut encoding = Vec::new();
        number(&mut encoding, new_length);
        encoding.push(0);
        sections.iter().for_each(|section| number(&mut encoding, section.len()));
        let mut file = HEAD.to_vec();
        file.push(OF_SOURCE);
        number(&mut file, old_length);
        number(&mut file, 0);
        number(&mut file, encoding.len() + sections.iter().map(Vec::len).sum::<usize>());
        file.extend(encoding);
        sections.into_iter().for_each(|section| file.extend(section));
        file
    }
}

/// Seven bits a byte, the highest first; all but the last have the eighth.
fn number(bytes: &mut Vec<u8>, value: usize) {
    let groups = (usize::BITS - value.leading_zeros()).div_ceil(7).max(1);
    let group = |at: u32| (value >> (7 * at)) as u8 & 0x7f;
    bytes.extend((1..groups).rev().map(|at| 0x80 | group(at)));
    bytes.push(group(0));
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Cursor;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;

    /// What an independent decoder makes of a difference.
    fn applied(old: &[u8], delta: &[u8]) -> Vec<u8> {
        let mut new = Vec::new();
        vcdiff_decoder::apply_patch(&mut Cursor::new(delta), Some(&mut Cursor::new(old)), &mut new).unwrap();
        new
    }

    /// The same at each run, as different as random ones.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % bound
        }

        /// A table as an answer has it, with names of every width.
        fn table(&mut self, rows: usize) -> Vec<(String, usize)> {
            let name = |at: usize| {
                let id = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                format!("{id:016x}\",\"name\":\"{}::<é€🦀>", ["tokio", "größe", "日本", "a"][at % 4])
            };
            (0..rows).map(|at| (name(at), self.below(1000) * 10_000_000)).collect()
        }
    }

    fn text(table: &[(String, usize)]) -> String {
        let mut text = String::from("{\"functions\":[");
        for (name, value) in table {
            write!(text, "{{\"id\":\"{name}\",\"self\":{value},\"total\":{}}},", value * 3).unwrap();
        }
        text + "]}"
    }

    #[test]
    fn whatever_two_texts_are_the_one_becomes_the_other() {
        let random = &mut Random(1);
        let mut cases = vec![(Vec::new(), b"new".to_vec()), (b"same".to_vec(), b"same".to_vec())];
        for round in 0..300 {
            // Few different bytes, so that much is the same by chance.
            let bytes = |random: &mut Random| -> Vec<u8> {
                let (length, kinds) = (1 + random.below(400), 1 + random.below(4));
                (0..length).map(|_| b"1,{\xf0"[random.below(kinds)]).collect()
            };
            cases.push((bytes(random), bytes(random)));
            let mut table = random.table(1 + round % 60);
            let old = text(&table);
            for _ in 0..random.below(30) {
                let (one, other) = (random.below(table.len()), random.below(table.len()));
                match random.below(4) {
                    0 => table.swap(one, other),
                    1 => table[one].1 += 10_000_000 * random.below(3),
                    2 => table.insert(one, (format!("new {other} é"), 1)),
                    _ if table.len() > 1 => drop(table.remove(one)),
                    _ => {}
                }
            }
            cases.push((old.into_bytes(), text(&table).into_bytes()));
        }
        for (old, new) in cases {
            let delta = delta(&old, &new);
            let shown = || (String::from_utf8_lossy(&old).into_owned(), String::from_utf8_lossy(&new).into_owned());
            assert!(applied(&old, &delta) == new, "{:?}", shown());
            // What says how long each part is, beside the text itself.
            assert!(delta.len() <= new.len() + 32, "{} bytes: {:?}", delta.len(), shown());
        }
    }

    #[test]
    fn numbers_that_change_and_rows_that_move_cost_a_few_bytes_each() {
        let mut table = Random(2).table(1000);
        let old = text(&table);
        for row in (0..1000).step_by(10) {
            table[row].1 += 10_000_000;
        }
        // Two numbers in each of a hundred rows: digits, and three bytes or so to say how far the text goes on as it was.
        let length = delta(old.as_bytes(), text(&table).as_bytes()).len();
        assert!(length < 200 * 8, "{length} bytes for 200 numbers");
        let old = text(&table);
        (0..1000).step_by(50).for_each(|row| table.swap(row, row + 25));
        let length = delta(old.as_bytes(), text(&table).as_bytes()).len();
        assert!(length < 40 * 30, "{length} bytes for 40 rows");
    }

    /// The page's tests read the same file. `PLOP_BLESS=1` writes it anew.
    #[test]
    fn what_the_pages_tests_read_is_what_is_written() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/tests/deltas.json");
        let mut cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in &mut cases {
            let side = |name: &str| case[name].as_str().unwrap_or_else(|| panic!("{case}")).to_owned();
            let written = STANDARD.encode(delta(side("old").as_bytes(), side("new").as_bytes()));
            if std::env::var_os("PLOP_BLESS").is_some() {
                case["delta"] = json!(written);
            }
            assert_eq!(case["delta"], written, "{case}");
        }
        if std::env::var_os("PLOP_BLESS").is_some() {
            std::fs::write(path, format!("{:#}\n", json!(cases))).unwrap();
        }
    }
}
