//! The calling-context tree: all stacks of a profile, merged from their roots. A stack is a node; its callers are the
//! nodes above it; each node but the root is a call edge in its context. Knows nothing of values.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::LocationId;

/// A stack: the number of its leaf's node in a profile's [`Stacks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackId(pub u32);

impl StackId {
    /// The empty stack, root of the tree.
    pub const EMPTY: StackId = StackId(0);
}

/// One node: a location as called from one chain of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StackNode {
    /// The caller's node. Its number is always smaller than this node's own.
    pub parent: StackId,
    /// The place in the code.
    pub location: LocationId,
}

/// All stacks of a profile as one tree.
#[derive(Debug, Clone)]
pub struct Stacks {
    /// Node 0 is the empty stack and stands for no location.
    nodes: Vec<StackNode>,
    /// By node, the first that it called; 0 if it called none.
    first: Vec<StackId>,
    /// The other ones. Most of a tree is chains, so that few nodes stand here, and what a chain grows by lies side by side.
    index: HashTable<StackId>,
}

impl Default for Stacks {
    fn default() -> Self {
        let root = StackNode { parent: StackId::EMPTY, location: LocationId(u32::MAX) };
        Stacks { nodes: vec![root], first: vec![StackId::EMPTY], index: HashTable::new() }
    }
}

impl Stacks {
    /// The stack whose locations these are, leaf first, as profile.proto orders them.
    ///
    /// # Panics
    /// When the tree holds 2³² nodes.
    pub fn intern<I>(&mut self, leaf_first: I) -> StackId
    where
        I: IntoIterator<Item = LocationId, IntoIter: DoubleEndedIterator>,
    {
        leaf_first.into_iter().rev().fold(StackId::EMPTY, |caller, location| self.push(caller, location))
    }

    /// The stack that `caller` becomes when `location` is called from it.
    ///
    /// # Panics
    /// When the tree holds 2³² nodes.
    pub fn push(&mut self, caller: StackId, location: LocationId) -> StackId {
        let node = StackNode { parent: caller, location };
        let Stacks { nodes, first, index } = self;
        let id = StackId(u32::try_from(nodes.len()).expect("a profile holds fewer than 2^32 stack nodes"));
        let only = first[caller.0 as usize];
        if only == StackId::EMPTY {
            first[caller.0 as usize] = id;
        } else if nodes[only.0 as usize].location == location {
            return only;
        } else {
            let hash = FxBuildHasher.hash_one(node);
            if let Some(&id) = index.find(hash, |&id| nodes[id.0 as usize] == node) {
                return id;
            }
            // The node itself is not there yet, but only nodes that are in the table are hashed again.
            index.insert_unique(hash, id, |&id| FxBuildHasher.hash_one(nodes[id.0 as usize]));
        }
        nodes.push(node);
        first.push(StackId::EMPTY);
        id
    }

    /// The stack that [`Stacks::push`] would give, if the tree holds it already.
    pub fn find(&self, caller: StackId, location: LocationId) -> Option<StackId> {
        let only = self.first[caller.0 as usize];
        if only == StackId::EMPTY || self.nodes[only.0 as usize].location == location {
            return Some(only).filter(|only| *only != StackId::EMPTY);
        }
        let node = StackNode { parent: caller, location };
        let hash = FxBuildHasher.hash_one(node);
        self.index.find(hash, |&id| self.nodes[id.0 as usize] == node).copied()
    }

    /// The stack's locations from the leaf to the root.
    pub fn leaf_first(&self, stack: StackId) -> impl Iterator<Item = LocationId> {
        let mut at = stack;
        std::iter::from_fn(move || {
            if at == StackId::EMPTY {
                return None;
            }
            let node = self.nodes[at.0 as usize];
            at = node.parent;
            Some(node.location)
        })
    }

    /// All nodes, callers before callees; the first is the root, which stands for no location.
    pub fn nodes(&self) -> &[StackNode] {
        &self.nodes
    }

    /// How many bytes of memory the tree holds.
    pub fn memory_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<StackNode>()
            + self.first.capacity() * size_of::<StackId>()
            + self.index.capacity() * (size_of::<StackId>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_with_the_same_callers_share_their_nodes() {
        let [main, parse, lex] = [0, 1, 2].map(LocationId);
        let mut stacks = Stacks::default();
        let deep = stacks.intern([lex, parse, main]);
        let shallow = stacks.intern([parse, main]);
        assert_eq!(stacks.nodes().len(), 4, "the root and three locations");
        assert_eq!(stacks.nodes()[deep.0 as usize].parent, shallow);
        assert_eq!(stacks.leaf_first(deep).collect::<Vec<_>>(), [lex, parse, main]);
        assert_eq!(stacks.leaf_first(StackId::EMPTY).count(), 0);
        assert_eq!(stacks.find(shallow, lex), Some(deep));
        assert_eq!(stacks.find(deep, lex), None);
    }

    #[test]
    fn each_callee_of_a_node_is_one_node_however_many_there_are() {
        let mut stacks = Stacks::default();
        let callees: Vec<StackId> = (0..1000).map(|number| stacks.push(StackId::EMPTY, LocationId(number))).collect();
        for (number, &callee) in (0..).zip(&callees) {
            assert_eq!(stacks.push(StackId::EMPTY, LocationId(number)), callee);
            assert_eq!(stacks.find(StackId::EMPTY, LocationId(number)), Some(callee));
            assert_eq!(stacks.find(callee, LocationId(number)), None, "it calls nothing");
        }
        assert_eq!(stacks.find(StackId::EMPTY, LocationId(1000)), None);
        assert_eq!(stacks.nodes().len(), 1001);
    }
}
