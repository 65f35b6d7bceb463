//! What it takes to walk a stack without frame pointers: for each place in the process's code, where the caller's registers are.
//! Read from call frame information outside the handler, looked up inside it. Knows nothing of signals or stacks.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::disallowed_methods))]
mod cache;
mod cfi;
mod common;
pub(crate) mod loaded;
#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::disallowed_methods))]
pub(crate) mod rule;
#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::disallowed_methods))]
mod table;

use cache::Cache;
use loaded::Object;
use rule::{Packed, Rule};
use table::{Table, Third};

/// A stretch of code that a file was mapped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) limit: u64,
    pub(crate) file_offset: u64,
    pub(crate) path: PathBuf,
    pub(crate) build_id: Vec<u8>,
}

/// One loaded file's code, and how to walk out of it.
struct Module {
    object: Object,
    table: Table,
}

/// A stretch of code that one module owns; what the handler searches.
struct Range {
    start: usize,
    limit: usize,
    module: Arc<Module>,
}

/// Everything about what is loaded at one time. Never changed once it is made, but for the cache.
pub(crate) struct Tables {
    changes: (u64, u64),
    /// In order, without overlap.
    ranges: Vec<Range>,
    /// Where code lies, roughly.
    spans: Spans,
    /// Of these tables alone: what was found in other ones may not hold any more.
    cache: Cache,
    mappings: Vec<Mapping>,
}

/// The program and its libraries lie in two regions far apart: from the first code of each to the last. Enough to tell a word
/// that may be a return address from most others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spans {
    lower: (usize, usize),
    upper: (usize, usize),
}

impl Spans {
    /// Cuts sorted ranges in two at the widest gap between them.
    fn around(ranges: &[(usize, usize)]) -> Spans {
        let (Some(&(first, _)), Some(&(_, last))) = (ranges.first(), ranges.last()) else { return Spans::default() };
        let gaps = ranges.windows(2).map(|pair| (pair[1].0.saturating_sub(pair[0].1), pair[0].1, pair[1].0));
        let (_, end, begin) = gaps.max().unwrap_or((0, last, last));
        Spans { lower: (first, end - first), upper: (begin, last - begin) }
    }

    /// Whether code may lie there.
    ///
    /// # Signal safety
    /// Runs in the handler.
    #[inline]
    pub(crate) fn hold(&self, address: usize) -> bool {
        let inside = |(start, length): (usize, usize)| address.wrapping_sub(start) < length;
        inside(self.lower) | inside(self.upper)
    }
}

impl Tables {
    /// Tables for what is loaded now, or `None` if that is what `previous` was made for. What both have is shared.
    pub(crate) fn build(previous: Option<&Tables>) -> Option<Tables> {
        let changes = loaded::changes();
        if previous.is_some_and(|previous| previous.changes == changes) {
            return None;
        }
        let known = |object: &Object| {
            let ranges = &previous?.ranges;
            Some(&ranges.iter().find(|range| range.module.object == *object)?.module)
        };
        let mut ranges = Vec::new();
        let mut mappings = Vec::new();
        for (object, section) in loaded::objects(|object| known(object).is_some()) {
            let module = match known(&object) {
                Some(module) => Arc::clone(module),
                None => {
                    let table = section.map(|section| cfi::read(&section, object.base)).unwrap_or_default();
                    Arc::new(Module { object, table })
                }
            };
            for mapping in &module.object.code {
                let (start, limit) = (mapping.start as usize, mapping.limit as usize);
                ranges.push(Range { start, limit, module: Arc::clone(&module) });
                mappings.push(mapping.clone());
            }
        }
        ranges.sort_by_key(|range| range.start);
        mappings.sort_by_key(|mapping| mapping.start);
        let spans = Spans::around(&ranges.iter().map(|range| (range.start, range.limit)).collect::<Vec<_>>());
        Some(Tables { changes, ranges, spans, cache: Cache::new(), mappings })
    }

    /// The code that is mapped, in order.
    pub(crate) fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// How many bytes of memory the tables hold.
    pub(crate) fn memory_bytes(&self) -> usize {
        let mut last: Option<&Arc<Module>> = None;
        let mut bytes = Cache::memory_bytes()
            + self.ranges.capacity() * size_of::<Range>()
            + self.mappings.capacity() * size_of::<Mapping>();
        for range in &self.ranges {
            if last.is_none_or(|last| !Arc::ptr_eq(last, &range.module)) {
                bytes += range.module.table.memory_bytes();
            }
            last = Some(&range.module);
        }
        bytes
    }

    /// How to walk out of the function at `address`: [`Packed::NOWHERE`] if no file is mapped there, [`Packed::UNKNOWN`] if its
    /// file does not say.
    ///
    /// # Signal safety
    /// Runs in the handler: one load, or two searches.
    #[inline]
    pub(crate) fn rule(&self, address: usize) -> Packed {
        match self.cache.get(address) {
            Some(rule) => rule,
            None => self.search(address),
        }
    }

    /// # Signal safety
    /// Runs in the handler: a binary search among modules, then a look-up in one's table.
    #[inline(never)]
    fn search(&self, address: usize) -> Packed {
        let Some((table, place)) = self.table(address) else { return Packed::NOWHERE };
        let rule = table.rule(place);
        if rule.is_universal() {
            self.cache.put(address, rule);
        }
        rule
    }

    /// The rule that the module at `address` keeps in full under that number.
    ///
    /// # Signal safety
    /// Runs in the handler: a binary search.
    pub(crate) fn unusual(&self, address: usize, number: u16) -> Rule {
        self.table(address).map_or(Rule::UNKNOWN, |(table, _)| table.unusual(number))
    }

    /// How far below the CFA the caller's third register is, if it is not still in the register.
    ///
    /// # Signal safety
    /// Runs in the handler: as a look-up that does not find the cache filled.
    pub(crate) fn third(&self, address: usize) -> Option<usize> {
        self.table(address).map_or(Third::default(), |(table, place)| table.third(place)).below()
    }

    /// Whether there is code that says how to walk out of it.
    ///
    /// # Signal safety
    /// Runs in the handler.
    pub(crate) fn is_known_code(&self, address: usize) -> bool {
        !matches!(self.rule(address), Packed::UNKNOWN | Packed::NOWHERE)
    }

    /// Has the processor fetch what a look-up of the return address `word` reads first, if it may be one.
    ///
    /// # Signal safety
    /// Runs in the handler: nothing that can be seen changes.
    #[inline]
    pub(crate) fn prefetch(&self, word: usize) {
        if self.spans.hold(word) {
            self.cache.prefetch(word.wrapping_sub(1));
        }
    }

    /// The table of the module at `address`, and the place in it.
    ///
    /// # Signal safety
    /// Runs in the handler: a binary search.
    fn table(&self, address: usize) -> Option<(&Table, usize)> {
        let at = self.ranges.partition_point(|range| range.limit <= address);
        let range = self.ranges.get(at).filter(|range| range.start <= address)?;
        Some((&range.module.table, address.wrapping_sub(range.module.object.base)))
    }
}

#[cfg(test)]
mod tests {
    use super::rule::{Plain, Register, Shape};
    use super::*;

    #[test]
    fn tables_are_built_again_only_when_something_was_loaded() {
        let tables = Tables::build(None).expect("the first time there is always something");
        assert!(Tables::build(Some(&tables)).is_none());
    }

    #[test]
    fn this_function_lies_in_a_mapping_with_a_rule() {
        let tables = Tables::build(None).expect("the first time there is always something");
        let here = this_function_lies_in_a_mapping_with_a_rule as fn() as usize;
        assert!(tables.mappings().iter().any(|mapping| (mapping.start..mapping.limit).contains(&(here as u64))));
        // At its entry every function has its return address on top of the stack, or in the link register.
        let distance = if cfg!(target_arch = "x86_64") { 8 } else { 0 };
        let entry = Shape::Plain(Plain { base: Register::Stack, distance, slot: 0 });
        assert_eq!(tables.rule(here).shape(), entry);
        assert_eq!(tables.rule(here).shape(), entry, "and again from the cache");
        assert!(tables.spans.hold(here));
        // A terabyte on: programs and libraries are further apart.
        assert!(!tables.spans.hold(here + (1 << 40)), "between the program and its libraries there is no code");
        assert_eq!(tables.rule(64), Packed::NOWHERE);
        assert!(tables.memory_bytes() > 10_000);
    }

    #[test]
    fn spans_are_cut_at_the_widest_gap() {
        let spans = Spans::around(&[(100, 200), (250, 300), (9000, 9100), (9200, 9300)]);
        assert_eq!(spans, Spans { lower: (100, 200), upper: (9000, 300) });
        assert_eq!(Spans::around(&[(100, 200)]), Spans { lower: (100, 100), upper: (200, 0) });
        assert!(!Spans::default().hold(0));
    }
}
