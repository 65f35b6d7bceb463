//! The samples: what was counted on each stack under each set of labels.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::{LabelSetId, StackId};

/// One row: a stack under a set of labels, and what was measured there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Where.
    pub stack: StackId,
    /// Under which labels.
    pub labels: LabelSetId,
    /// One value for each of the profile's sample types.
    pub values: &'a [i64],
}

/// All samples of a profile; those of the same stack and labels are one row.
#[derive(Debug, Clone)]
pub struct Samples {
    width: usize,
    keys: Vec<(StackId, LabelSetId)>,
    /// `width` values a row.
    values: Vec<i64>,
    index: HashTable<u32>,
}

impl Samples {
    /// No samples yet, of `width` values each.
    pub fn new(width: usize) -> Self {
        Samples { width, keys: Vec::new(), values: Vec::new(), index: HashTable::new() }
    }

    /// Adds `values` to what the stack has under these labels (saturating), and gives the row's number.
    ///
    /// # Panics
    /// When there is not one value for each sample type, or there are 2³² rows.
    pub fn add(&mut self, stack: StackId, labels: LabelSetId, values: &[i64]) -> usize {
        assert_eq!(values.len(), self.width, "a sample has one value for each sample type");
        let Samples { keys, index, .. } = self;
        let key = (stack, labels);
        let hash = FxBuildHasher.hash_one(key);
        if let Some(&row) = index.find(hash, |&row| keys[row as usize] == key) {
            let row = row as usize;
            let old = &mut self.values[row * self.width..(row + 1) * self.width];
            old.iter_mut().zip(values).for_each(|(old, new)| *old = old.saturating_add(*new));
            return row;
        }
        let row = u32::try_from(keys.len()).expect("a profile holds fewer than 2^32 samples");
        keys.push(key);
        self.values.extend_from_slice(values);
        index.insert_unique(hash, row, |&row| FxBuildHasher.hash_one(keys[row as usize]));
        row as usize
    }

    /// Keeps these of each row's values only, by their numbers.
    pub(crate) fn keep(&mut self, kept: &[usize]) {
        let rows = self.values.chunks(self.width.max(1));
        self.values = rows.flat_map(|row| kept.iter().map(|&of| row[of])).collect();
        self.width = kept.len();
    }

    /// The number of the row of that stack under these labels, if there is one.
    pub fn find(&self, stack: StackId, labels: LabelSetId) -> Option<usize> {
        let key = (stack, labels);
        let hash = FxBuildHasher.hash_one(key);
        self.index.find(hash, |&row| self.keys[row as usize] == key).map(|&row| row as usize)
    }

    /// The row with that number.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, row: usize) -> Sample<'_> {
        let (stack, labels) = self.keys[row];
        Sample { stack, labels, values: &self.values[row * self.width..(row + 1) * self.width] }
    }

    /// All rows, in the order in which they were first added.
    pub fn iter(&self) -> impl Iterator<Item = Sample<'_>> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// How many values a sample has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many bytes of memory the samples hold.
    pub fn memory_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<(StackId, LabelSetId)>()
            + self.values.capacity() * size_of::<i64>()
            + self.index.capacity() * (size_of::<u32>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_stack_add_up_and_labels_keep_them_apart() {
        let mut samples = Samples::new(2);
        let (stack, labelled) = (StackId(3), LabelSetId(1));
        samples.add(stack, LabelSetId::EMPTY, &[1, 10]);
        samples.add(stack, labelled, &[5, 50]);
        samples.add(stack, LabelSetId::EMPTY, &[2, 20]);
        assert_eq!(samples.len(), 2);
        assert_eq!(samples.get(0).values, [3, 30]);
        assert_eq!(samples.get(1).values, [5, 50]);
        assert_eq!(samples.find(stack, labelled), Some(1));
        assert_eq!(samples.find(StackId(4), labelled), None);
    }
}
