//! The rules of one module, flat and sorted, so that a look-up is two or three loads from two cache lines: what a handler pays
//! for is not instructions but lines that are not in the cache.

use rustc_hash::FxHashMap;

use super::rule::{Packed, Rule};

/// Where the caller's third register is: a slot of eight bytes, counted downwards from 16 below the CFA; 0 where it is still in
/// its register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Third(u8);

impl Third {
    const KEPT: Third = Third(0);

    /// For a register saved so far from the CFA; as good as kept if that is out of reach.
    #[cfg_attr(not(test), expect(clippy::arithmetic_side_effects, reason = "runs on the collector's thread"))]
    pub(crate) fn saved_at(offset: i64) -> Third {
        let slot =
            offset.checked_neg().filter(|below| below % 8 == 0).and_then(|below| u8::try_from(below / 8 - 1).ok());
        Third(slot.unwrap_or(0))
    }

    /// How far below the CFA it is; `None` if it is still in its register.
    ///
    /// # Signal safety
    /// Runs in the handler.
    pub(crate) fn below(self) -> Option<usize> {
        (self.0 != 0).then(|| usize::from(self.0).wrapping_mul(8).wrapping_add(8))
    }
}

/// A module's rules: each holds from its place to the next one's. Places are counted from the module's base.
///
/// ```text
///  code      │ block 0 │ block 1 │ block 2 │ …      of 2^block_bits bytes each
///  before      0         3         3         7      how many rows begin before the block
///  rows        r0 r1 r2  ·         r3 r4 r5 r6      place's low 16 bits above, packed rule below
///  thirds      t0 t1 t2  ·         t3 t4 t5 t6      read only where rbx is needed
/// ```
///
/// A block without rows goes on under the rule of the last row before it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    block_bits: u32,
    before: Vec<u32>,
    rows: Vec<u32>,
    thirds: Vec<Third>,
    unusual: Vec<Rule>,
}

/// The low bits of a place, which stand above the rule in a row.
const PLACE_BITS: u32 = 16;
/// The smallest block: 256 bytes of code hold some five to ten rows, which is half a cache line.
const SMALLEST_BLOCK_BITS: u32 = 8;

/// Gathers the rules of a module.
#[derive(Debug, Default)]
pub(crate) struct TableBuilder {
    /// One number each, so that they sort fast and take little room: place, whether code begins there, third register, rule.
    found: Vec<u64>,
    /// Where in it functions begin.
    functions: Vec<usize>,
    unusual: Vec<Rule>,
    /// How many there were before the last function.
    unusual_before: usize,
    numbers: FxHashMap<Rule, Packed>,
}

#[cfg_attr(
    not(test),
    expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "runs on the collector's thread")
)]
impl TableBuilder {
    /// From `place` on, `rule` holds. If that is what the function's last one says, too, it only goes on.
    pub(crate) fn begin(&mut self, place: u32, rule: Rule, third: Third) {
        let packed = Packed::new(rule).unwrap_or_else(|| self.in_full(rule));
        let of_function = self.functions.last().map_or(&[][..], |&first| &self.found[first..]);
        let row = row(place, true, packed, third);
        if of_function.last().is_none_or(|&last| last as u32 != row as u32) {
            self.found.push(row);
        }
    }

    /// From `place` on, nothing is known, unless something else begins there.
    pub(crate) fn end(&mut self, place: u32) {
        self.found.push(row(place, false, Packed::UNKNOWN, Third::KEPT));
    }

    /// What is said from now on is of another function.
    pub(crate) fn next_function(&mut self) {
        self.functions.push(self.found.len());
        self.unusual_before = self.unusual.len();
    }

    /// Forgets what was said of the function.
    pub(crate) fn again(&mut self) {
        self.found.truncate(self.functions.last().copied().unwrap_or(0));
        for rule in self.unusual.drain(self.unusual_before..) {
            self.numbers.remove(&rule);
        }
    }

    /// What was found, in order. What is said of a function is in order already, so it is functions that are sorted, unless two
    /// things were said of the same code.
    fn sorted(&self) -> Vec<u64> {
        let ends = self.functions.iter().skip(1).copied().chain([self.found.len()]);
        let functions = self.functions.iter().zip(ends).map(|(&begin, end)| &self.found[begin..end]);
        let mut functions: Vec<&[u64]> = functions.filter(|function| !function.is_empty()).collect();
        functions.sort_unstable_by_key(|function| function[0]);
        let mut sorted = functions.concat();
        if !sorted.is_sorted() {
            sorted.sort_unstable();
        }
        sorted
    }

    fn in_full(&mut self, rule: Rule) -> Packed {
        *self.numbers.entry(rule).or_insert_with(|| {
            let packed = Packed::unusual(self.unusual.len());
            if packed != Packed::UNKNOWN {
                self.unusual.push(rule);
            }
            packed
        })
    }

    /// The table of what was gathered.
    pub(crate) fn build(self) -> Table {
        // Where one function ends as the next begins, the beginning comes later and holds.
        let mut found = self.sorted();
        let place = |found: u64| (found >> 32) as u32;
        let says = |found: u64| found as u32 & 0x00ff_ffff;
        let mut kept = 0;
        for at in 0..found.len() {
            let next = found[at];
            if kept > 0 && place(found[kept - 1]) == place(next) {
                kept -= 1;
            }
            if kept == 0 || says(found[kept - 1]) != says(next) {
                found[kept] = next;
                kept += 1;
            }
        }
        found.truncate(kept);
        let Some(last) = found.last().map(|&last| place(last)) else { return Table::default() };
        // No more blocks than rows, or a module with little code in much room would have a table that is mostly index.
        let blocks = |bits: u32| (last >> bits) as usize + 1;
        let fits = |bits: &u32| blocks(*bits) <= kept.max(16);
        let block_bits = (SMALLEST_BLOCK_BITS..PLACE_BITS).find(fits).unwrap_or(PLACE_BITS);
        let mut before = Vec::with_capacity(blocks(block_bits) + 1);
        let mut at = 0;
        for block in 0..blocks(block_bits) {
            while found.get(at).is_some_and(|&found| (place(found) >> block_bits) < block as u32) {
                at += 1;
            }
            before.push(at as u32);
        }
        before.push(kept as u32);
        Table {
            block_bits,
            before,
            rows: found.iter().map(|&found| place(found) << PLACE_BITS | (found as u32 & 0xffff)).collect(),
            thirds: if cfg!(target_arch = "x86_64") {
                found.iter().map(|&found| Third((found >> 16) as u8)).collect()
            } else {
                Vec::new()
            },
            unusual: self.unusual,
        }
    }
}

/// What [`TableBuilder::found`] has of one.
fn row(place: u32, begins: bool, Packed(rule): Packed, Third(third): Third) -> u64 {
    u64::from(place) << 32 | u64::from(begins) << 24 | u64::from(third) << 16 | u64::from(rule)
}

impl Table {
    /// The rule at a place.
    ///
    /// # Signal safety
    /// Runs in the handler: two loads from the index, then a pass over the rows of one block.
    pub(crate) fn rule(&self, place: usize) -> Packed {
        let row = self.row(place).and_then(|at| self.rows.get(at));
        row.map_or(Packed::UNKNOWN, |&row| Packed(row as u16))
    }

    /// Where the caller's third register is, at a place.
    ///
    /// # Signal safety
    /// As [`Table::rule`].
    pub(crate) fn third(&self, place: usize) -> Third {
        let third = self.row(place).and_then(|at| self.thirds.get(at));
        third.copied().unwrap_or_default()
    }

    /// The rule that is kept in full under that number.
    ///
    /// # Signal safety
    /// Runs in the handler.
    pub(crate) fn unusual(&self, number: u16) -> Rule {
        self.unusual.get(usize::from(number)).copied().unwrap_or(Rule::UNKNOWN)
    }

    /// The number of the row that holds at a place.
    ///
    /// # Signal safety
    /// As [`Table::rule`].
    #[inline]
    fn row(&self, place: usize) -> Option<usize> {
        let place = u32::try_from(place).ok()?;
        let block = (place >> self.block_bits) as usize;
        let Some(&[from, to]) = self.before.get(block..).and_then(|before| before.first_chunk()) else {
            // Beyond the last block the last row goes on, which says that nothing is known.
            return self.rows.len().checked_sub(1);
        };
        let rows = self.rows.get(from as usize..to as usize)?;
        // Within a block, which has no more bytes than a row's 16 bits can tell apart, the low bits are enough.
        let low = place << PLACE_BITS | 0xffff;
        let begun = rows.iter().take_while(|&&row| row <= low).count();
        (from as usize).wrapping_add(begun).checked_sub(1)
    }

    #[cfg_attr(not(test), expect(clippy::arithmetic_side_effects, reason = "runs on the collector's thread"))]
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of_val(&self.before[..])
            + size_of_val(&self.rows[..])
            + size_of_val(&self.thirds[..])
            + size_of_val(&self.unusual[..])
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::{Base, Register, Return, Saved};
    use super::*;

    fn rule(number: usize) -> Rule {
        // Every third one is unusual: no function's stack pointer moves by odd numbers.
        let offset = if number.is_multiple_of(3) { 16 * number as i32 + 1 } else { 16 * (number as i32 % 100) };
        let return_address = if cfg!(target_arch = "x86_64") { Return::At(-8) } else { Return::Register };
        Rule { base: Base::Register(Register::Stack), offset, return_address, frame_pointer: Saved::Not }
    }

    /// Looks up each place and those around it, against a search of all.
    fn check(places: &[u32]) {
        let mut builder = TableBuilder::default();
        builder.next_function();
        // The order in which they are found does not matter.
        for (number, &place) in places.iter().enumerate().rev() {
            builder.begin(place, rule(number), Third(number as u8));
            builder.end(place);
        }
        let last = places.last().map_or(0, |last| last + 5000);
        builder.end(last);
        let table = builder.build();
        for place in places.iter().flat_map(|&place| [place.saturating_sub(1), place, place + 1, place + 300]) {
            let holding = places.partition_point(|&begin| begin <= place).checked_sub(1).filter(|_| place < last);
            let expected = holding.map_or(Rule::UNKNOWN, rule);
            let packed = table.rule(place as usize);
            let found = match packed.shape() {
                super::super::rule::Shape::Unusual(number) => table.unusual(number),
                _ => expected,
            };
            assert_eq!(found, expected, "at {place}");
            if Packed::new(expected).is_some() {
                assert_eq!(Some(packed), Packed::new(expected), "at {place}");
            }
            if let (Some(holding), true) = (holding, cfg!(target_arch = "x86_64")) {
                assert_eq!(table.third(place as usize), Third(holding as u8), "at {place}");
            }
        }
        assert_eq!(table.rule(last as usize), Packed::UNKNOWN);
        assert_eq!(table.rule(usize::MAX), Packed::UNKNOWN);
    }

    #[test]
    fn a_block_holds_the_rule_that_a_search_of_all_finds() {
        check(&[3, 7, 255, 256, 257, 1024, 1030, 5000, 65_535, 65_536, 70_000, 70_001, 131_072]);
    }

    #[test]
    fn large_blocks_hold_the_same_rules_as_small_ones() {
        check(&[0, 1, 65_535, 65_536, 65_537, 0x7fff_0000, 0x7fff_ffff]);
        check(
            &(0..2000)
                .map(|n| n * n * 37 % (1 << 22))
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn an_empty_table_knows_nothing() {
        assert_eq!(Table::default().rule(9), Packed::UNKNOWN);
        assert_eq!(TableBuilder::default().build().rule(0), Packed::UNKNOWN);
    }
}
