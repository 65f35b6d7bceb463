//! Trees that JSON holds as nodes with `children`: read into a flat list, callers first, as they are met, since a tree can be
//! deeper than the program's own stack has room for.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::source::parse_deep;

/// A node without what lies below it.
pub(super) trait Node: Default + Send {
    /// Takes the value of a member, which must be read or passed over.
    fn member<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error>;
}

/// All nodes of a tree in preorder, each with its caller's number.
pub(super) fn read<T: Node>(json: &str) -> Result<Vec<(T, Option<usize>)>, String> {
    parse_deep(json, |deserializer| {
        let mut nodes = Vec::new();
        One(&mut nodes, None).deserialize(deserializer)?;
        Ok(nodes)
    })
}

type Nodes<T> = Vec<(T, Option<usize>)>;

/// One node and all below it.
struct One<'a, T>(&'a mut Nodes<T>, Option<usize>);

impl<'de, T: Node> DeserializeSeed<'de> for One<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Node> Visitor<'de> for One<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node of a tree")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let One(nodes, caller) = self;
        let at = nodes.len();
        nodes.push((T::default(), caller));
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "children" => map.next_value_seed(Several(nodes, at, PhantomData))?,
                key => nodes[at].0.member(key, &mut map)?,
            }
        }
        Ok(())
    }
}

/// The nodes below one.
struct Several<'a, T>(&'a mut Nodes<T>, usize, PhantomData<T>);

impl<'de, T: Node> DeserializeSeed<'de> for Several<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Node> Visitor<'de> for Several<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the nodes below one")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(One(self.0, Some(self.1)))?.is_some() {}
        Ok(())
    }
}
