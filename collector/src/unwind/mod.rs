//! What it takes to walk a stack without frame pointers: for each place in the process's code, where the caller's registers are.
//! Read from `.eh_frame` outside the handler, looked up inside it. Knows nothing of signals or stacks.

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) mod eh_frame;
pub(crate) mod loaded;

pub(crate) use eh_frame::{Base, Return, Rule};

use eh_frame::Rules;
use loaded::Object;

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
    rules: Rules,
}

/// A stretch of code that one module owns; what the handler searches.
struct Range {
    start: usize,
    limit: usize,
    module: Arc<Module>,
}

/// Everything about what is loaded at one time. Never changed once it is made.
pub(crate) struct Tables {
    changes: (u64, u64),
    /// In order, without overlap.
    ranges: Vec<Range>,
    mappings: Vec<Mapping>,
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
        for (object, eh_frame) in loaded::objects() {
            let module = match known(&object) {
                Some(module) => Arc::clone(module),
                None => {
                    let rules = eh_frame.map(|section| Rules::read(&section, object.base)).unwrap_or_default();
                    Arc::new(Module { object, rules })
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
        Some(Tables { changes, ranges, mappings })
    }

    /// The code that is mapped, in order.
    pub(crate) fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// How many bytes of memory the tables hold.
    pub(crate) fn memory_bytes(&self) -> usize {
        let mut last: Option<&Arc<Module>> = None;
        let mut bytes = self.ranges.capacity() * size_of::<Range>() + self.mappings.capacity() * size_of::<Mapping>();
        for range in &self.ranges {
            if last.is_none_or(|last| !Arc::ptr_eq(last, &range.module)) {
                bytes += range.module.rules.memory_bytes();
            }
            last = Some(&range.module);
        }
        bytes
    }

    /// How to walk out of the function at `address`: nothing if no file is mapped there, [`Base::Unknown`] if its file does not
    /// say.
    ///
    /// # Signal safety
    /// Runs in the handler: two binary searches.
    pub(crate) fn rule(&self, address: usize) -> Option<Rule> {
        let at = self.ranges.partition_point(|range| range.limit <= address);
        let range = self.ranges.get(at)?;
        if address < range.start {
            return None;
        }
        Some(range.module.rules.at(address.wrapping_sub(range.module.object.base)))
    }
}

#[cfg(test)]
mod tests {
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
        let rule = tables.rule(here).expect("it is mapped");
        // At its entry every function has its return address on top of the stack, or in the link register.
        assert_eq!(rule.base, Base::StackPointer);
        assert_eq!(rule.offset, if cfg!(target_arch = "x86_64") { 8 } else { 0 });
        assert!(tables.rule(64).is_none());
        assert!(tables.memory_bytes() > 10_000);
    }
}
