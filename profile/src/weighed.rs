//! A frame tree with the values of one choice of samples: summed up the tree once, and walked in pieces by as many threads
//! as there are processors.

use std::ops::Range;

use crate::{FrameNode, FrameTree};

/// Fewer nodes than this are walked sooner than a thread is started.
const PIECE_NODES: usize = 1 << 16;
/// More threads would wait for memory.
const MOST_PIECES: usize = 8;

/// A tree and what each of its nodes has.
#[derive(Debug)]
pub struct Weighed<'a> {
    /// The tree.
    pub tree: &'a FrameTree,
    /// By node, its self value.
    pub own: &'a [i64],
    /// By node, its own value and all its descendants'.
    pub totals: Vec<i64>,
    /// By node, whether it or any of its descendants has a value.
    live: Vec<bool>,
    pieces: usize,
}

/// A part of a tree's nodes, one behind the other, with the way to the first of them.
#[derive(Debug)]
pub struct Piece<'a> {
    weighed: &'a Weighed<'a>,
    /// The callers of the first node, outermost first, as far as they are live. They count in the pieces before.
    pub above: Vec<usize>,
    nodes: Range<usize>,
}

impl<'a> Weighed<'a> {
    /// Sums up a tree, given the self value of each of its nodes.
    pub fn new(tree: &'a FrameTree, own: &'a [i64]) -> Self {
        let most = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_PIECES);
        Weighed::with_pieces(tree, own, tree.nodes.len().div_ceil(PIECE_NODES).clamp(1, most))
    }

    /// The same, summed and walked in so many pieces, whatever its size and the machine's.
    pub fn with_pieces(tree: &'a FrameTree, own: &'a [i64], pieces: usize) -> Self {
        let mut weighed =
            Weighed { tree, own, totals: vec![0; own.len()], live: vec![false; own.len()], pieces: pieces.max(1) };
        if let Some(&root) = own.first() {
            (weighed.totals[0], weighed.live[0]) = (root, root != 0);
            weighed.sum_up();
        }
        weighed
    }

    fn sum_up(&mut self) {
        let (nodes, own, length) = (&self.tree.nodes, self.own, self.piece_length());
        let parts = self.totals[1..].chunks_mut(length).zip(self.live[1..].chunks_mut(length));
        let parts = (1..).step_by(length).zip(parts);
        let to_callers = at_once(parts, |(start, (totals, live))| sum_part(nodes, own, start, totals, live));
        for to_callers in to_callers {
            self.carry_up(to_callers);
        }
    }

    /// Adds what a piece has to its callers in the pieces before and, on the way up, to theirs.
    fn carry_up(&mut self, mut to_callers: Vec<(usize, i64)>) {
        let (mut carried, mut above) = (0_i64, to_callers.last().map(|&(caller, _)| caller));
        while let Some(at) = above {
            if let Some((_, value)) = to_callers.pop_if(|&mut (caller, _)| caller == at) {
                carried = carried.saturating_add(value);
            }
            self.totals[at] = self.totals[at].saturating_add(carried);
            self.live[at] = true;
            above = (at != 0).then(|| self.tree.nodes[at].parent as usize);
        }
    }

    /// How many nodes a piece has. The root, which stands for no frame, is in none.
    fn piece_length(&self) -> usize {
        (self.tree.nodes.len().max(2) - 1).div_ceil(self.pieces)
    }

    /// What all nodes have together.
    pub fn total(&self) -> i64 {
        self.totals.first().copied().unwrap_or(0)
    }

    /// What `walk` makes of each piece of the tree, first to last; the pieces are walked at the same time.
    pub fn walk<T: Send>(&self, walk: impl Fn(&Piece<'_>) -> T + Sync) -> Vec<T> {
        let (nodes, length) = (self.tree.nodes.len(), self.piece_length());
        let piece =
            |start: usize| Piece { weighed: self, above: self.above(start), nodes: start..(start + length).min(nodes) };
        at_once((1..nodes.max(2)).step_by(length).map(piece), |piece| walk(&piece))
    }

    fn above(&self, node: usize) -> Vec<usize> {
        let parent = |&node: &usize| self.tree.nodes.get(node).map(|node| node.parent as usize);
        let callers = std::iter::successors(parent(&node), parent).take_while(|&caller| caller != 0);
        let mut above: Vec<usize> = callers.filter(|&caller| self.live[caller]).collect();
        above.reverse();
        above
    }
}

/// Sums up a part of the nodes, from the `start`th on, among themselves. Gives what those have whose callers come before, by caller,
/// outermost first: since the nodes are in preorder, they are on the way from the root to the first of the part.
fn sum_part(
    nodes: &[FrameNode],
    own: &[i64],
    start: usize,
    totals: &mut [i64],
    live: &mut [bool],
) -> Vec<(usize, i64)> {
    let mut to_callers: Vec<(usize, i64)> = Vec::new();
    for at in (0..totals.len()).rev() {
        let value = own[start + at];
        totals[at] = totals[at].saturating_add(value);
        live[at] |= value != 0;
        if !live[at] {
            continue;
        }
        let (caller, total) = (nodes[start + at].parent as usize, totals[at]);
        if let Some(caller) = caller.checked_sub(start) {
            totals[caller] = totals[caller].saturating_add(total);
            live[caller] = true;
        } else if let Some((_, sum)) = to_callers.last_mut().filter(|(known, _)| *known == caller) {
            *sum = sum.saturating_add(total);
        } else {
            to_callers.push((caller, total));
        }
    }
    to_callers
}

/// What `make` makes of each part, in order; all but the first on threads of their own.
fn at_once<P: Send, T: Send>(parts: impl Iterator<Item = P>, make: impl Fn(P) -> T + Sync) -> Vec<T> {
    let (mut parts, make) = (parts, &make);
    let Some(first) = parts.next() else { return Vec::new() };
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || make(part))).collect();
        let mut made = vec![make(first)];
        let joined = others.into_iter().map(|other| other.join());
        made.extend(joined.map(|made| made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        made
    })
}

impl Piece<'_> {
    /// The nodes that have a value, or a descendant that has one, in preorder.
    pub fn live(&self) -> impl Iterator<Item = usize> {
        let (live, ends, end) = (&self.weighed.live, &self.weighed.tree.shape().ends, self.nodes.end);
        let mut at = self.nodes.start;
        std::iter::from_fn(move || {
            while at < end && !live[at] {
                at = ends[at] as usize;
            }
            at += 1;
            (at <= end).then_some(at - 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    #[test]
    fn pieces_hold_each_live_node_once_and_know_the_way_to_their_first() {
        let mut profile = Profile::new([("samples", "count")]);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| profile.named_location(name, ""));
        for stack in [vec![c, b, a], vec![d, b, a], vec![d, a], vec![a], vec![b]] {
            profile.stacks.intern(stack);
        }
        // a, b, c, d below b, d below a, b.
        let tree = FrameTree::new(&profile);
        let own = [0, 1, 0, 0, 2, 0, 4];
        for pieces in 1..=8 {
            let weighed = Weighed::with_pieces(&tree, &own, pieces);
            assert_eq!(weighed.totals, [7, 3, 2, 0, 2, 0, 4], "{pieces}");
            let found = weighed.walk(|piece| (piece.above.clone(), piece.live().collect::<Vec<_>>()));
            assert_eq!(found.iter().flat_map(|(_, nodes)| nodes).collect::<Vec<_>>(), [&1, &2, &4, &6], "{pieces}");
            let ways = found.iter().filter_map(|(above, nodes)| Some((*nodes.first()?, above.clone())));
            for (first, above) in ways.filter(|(first, _)| *first == 4) {
                assert!(above == [1, 2], "{first}: {above:?}");
            }
        }
    }
}
