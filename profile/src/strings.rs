//! The string table: each text once, by number. Knows nothing of what the texts mean.

use std::hash::BuildHasher;
use std::ops::Index;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Number of a text in a profile's [`Strings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StringId(pub u32);

impl StringId {
    /// The empty string, which every table holds first, as profile.proto asks.
    pub const EMPTY: StringId = StringId(0);

    /// Whether this is the empty string.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

/// Interned texts, laid end to end in one allocation.
#[derive(Debug, Clone)]
pub struct Strings {
    text: String,
    /// Where each text ends in `text`; it begins where the one before ended.
    ends: Vec<usize>,
    index: HashTable<StringId>,
}

impl Default for Strings {
    fn default() -> Self {
        let mut strings = Strings { text: String::new(), ends: Vec::new(), index: HashTable::new() };
        strings.intern("");
        strings
    }
}

impl Strings {
    /// The number of `text`, which is added if it is new.
    ///
    /// # Panics
    /// When the table holds 2³² texts.
    pub fn intern(&mut self, text: &str) -> StringId {
        let hash = hash(text);
        if let Some(&id) = self.index.find(hash, |&id| &self[id] == text) {
            return id;
        }
        let id = StringId(u32::try_from(self.ends.len()).expect("a profile holds fewer than 2^32 strings"));
        self.text.push_str(text);
        self.ends.push(self.text.len());
        let Strings { text, ends, index } = self;
        index.insert_unique(hash, id, |&id| hash_of(text, ends, id));
        id
    }

    /// The number of `text`, if the table holds it.
    pub fn find(&self, text: &str) -> Option<StringId> {
        self.index.find(hash(text), |&id| &self[id] == text).copied()
    }

    /// The text with that number, if there is one.
    pub fn get(&self, id: StringId) -> Option<&str> {
        slice(&self.text, &self.ends, id)
    }

    /// How many texts there are, the empty one included.
    #[expect(clippy::len_without_is_empty, reason = "the table is never empty: it always holds the empty string")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All texts, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| &self[StringId(at as u32)])
    }
}

impl Index<StringId> for Strings {
    type Output = str;

    /// # Panics
    /// When `id` is of another table.
    fn index(&self, id: StringId) -> &str {
        self.get(id).expect("a string id is used with the table that gave it out")
    }
}

fn slice<'a>(text: &'a str, ends: &[usize], id: StringId) -> Option<&'a str> {
    let at = id.0 as usize;
    let end = *ends.get(at)?;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    text.get(start..end)
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}

fn hash_of(text: &str, ends: &[usize], id: StringId) -> u64 {
    hash(slice(text, ends, id).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number_however_many_follow() {
        let mut strings = Strings::default();
        let ids: Vec<_> = (0..10_000).map(|n| strings.intern(&format!("function_{n}"))).collect();
        for (n, &id) in ids.iter().enumerate() {
            assert_eq!(&strings[id], format!("function_{n}"));
            assert_eq!(strings.intern(&format!("function_{n}")), id);
        }
        assert_eq!(strings.len(), 10_001);
        assert_eq!(strings.find("function_17"), Some(ids[17]));
        assert_eq!(strings.find("absent"), None);
    }

    #[test]
    fn the_empty_string_is_number_zero() {
        let mut strings = Strings::default();
        assert_eq!(strings.intern(""), StringId::EMPTY);
        assert_eq!(&strings[StringId::EMPTY], "");
    }
}
