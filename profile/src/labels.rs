//! Labels: what a sample was taken under, besides its stack (thread, tid, the user's own keys). Interned as sets, since
//! most samples share one of a few.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::StringId;

/// One label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Its key, `thread` for instance.
    pub key: StringId,
    /// Its value.
    pub value: LabelValue,
}

/// A label's value: a text, or a number with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelValue {
    /// A text.
    Text(StringId),
    /// A number and its unit, which may be empty.
    Number(i64, StringId),
}

/// Number of a set of labels in a profile's [`LabelSets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSetId(pub u32);

impl LabelSetId {
    /// No labels.
    pub const EMPTY: LabelSetId = LabelSetId(0);
}

/// All sets of labels that a profile's samples carry.
#[derive(Debug, Clone)]
pub struct LabelSets {
    sets: Vec<Box<[Label]>>,
    index: HashTable<LabelSetId>,
}

impl Default for LabelSets {
    fn default() -> Self {
        let mut sets = LabelSets { sets: Vec::new(), index: HashTable::new() };
        sets.intern(&[]);
        sets
    }
}

impl LabelSets {
    /// The number of this set; the order of the labels counts.
    ///
    /// # Panics
    /// When there are 2³² sets.
    pub fn intern(&mut self, labels: &[Label]) -> LabelSetId {
        let LabelSets { sets, index } = self;
        let hash = FxBuildHasher.hash_one(labels);
        if let Some(&id) = index.find(hash, |&id| *sets[id.0 as usize] == *labels) {
            return id;
        }
        let id = LabelSetId(u32::try_from(sets.len()).expect("a profile holds fewer than 2^32 label sets"));
        sets.push(labels.into());
        index.insert_unique(hash, id, |&id| FxBuildHasher.hash_one(&*sets[id.0 as usize]));
        id
    }

    /// The labels of a set.
    ///
    /// # Panics
    /// When `id` is of another profile.
    pub fn get(&self, id: LabelSetId) -> &[Label] {
        &self.sets[id.0 as usize]
    }

    /// All sets with their numbers, the empty one first.
    pub fn iter(&self) -> impl Iterator<Item = (LabelSetId, &[Label])> {
        self.sets.iter().enumerate().map(|(at, set)| (LabelSetId(at as u32), &**set))
    }

    /// How many sets there are, the empty one included.
    #[expect(clippy::len_without_is_empty, reason = "there is always the empty set")]
    pub fn len(&self) -> usize {
        self.sets.len()
    }
}
