//! A frame tree with the values of one choice of samples: summed up the tree once, and walked in pieces by as many threads
//! as there are processors.

use std::ops::Range;

use crate::FrameTree;

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
        let mut totals = own.to_vec();
        let mut live: Vec<bool> = own.iter().map(|&value| value != 0).collect();
        for at in (1..tree.nodes.len()).rev() {
            if live[at] {
                let parent = tree.nodes[at].parent as usize;
                totals[parent] = totals[parent].saturating_add(totals[at]);
                live[parent] = true;
            }
        }
        let most = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_PIECES);
        let pieces = tree.nodes.len().div_ceil(PIECE_NODES).clamp(1, most);
        Weighed { tree, own, totals, live, pieces }
    }

    /// The same, walked in so many pieces, whatever its size and the machine's.
    pub fn in_pieces(self, pieces: usize) -> Self {
        Weighed { pieces: pieces.max(1), ..self }
    }

    /// What all nodes have together.
    pub fn total(&self) -> i64 {
        self.totals.first().copied().unwrap_or(0)
    }

    /// What `walk` makes of each piece of the tree, first to last; the pieces are walked at the same time.
    pub fn walk<T: Send>(&self, walk: impl Fn(&Piece<'_>) -> T + Sync) -> Vec<T> {
        let (nodes, pieces) = (self.tree.nodes.len(), self.pieces);
        // The root stands for no frame.
        let length = nodes.saturating_sub(1).div_ceil(pieces);
        let piece = |number: usize| {
            let start = (1 + number * length).min(nodes.max(1));
            let end = (start + length).min(nodes.max(1));
            Piece { weighed: self, above: self.above(start), nodes: start..end }
        };
        let walk = &walk;
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..pieces).map(piece).map(|piece| scope.spawn(move || walk(&piece))).collect();
            let mut found = vec![walk(&piece(0))];
            let joined = others.into_iter().map(|other| other.join());
            found.extend(joined.map(|made| made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
            found
        })
    }

    fn above(&self, node: usize) -> Vec<usize> {
        let parent = |&node: &usize| self.tree.nodes.get(node).map(|node| node.parent as usize);
        let callers = std::iter::successors(parent(&node), parent).take_while(|&caller| caller != 0);
        let mut above: Vec<usize> = callers.filter(|&caller| self.live[caller]).collect();
        above.reverse();
        above
    }
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
        assert_eq!(Weighed::new(&tree, &own).totals, [7, 3, 2, 0, 2, 0, 4]);
        for pieces in 1..=8 {
            let weighed = Weighed::new(&tree, &own).in_pieces(pieces);
            let found = weighed.walk(|piece| (piece.above.clone(), piece.live().collect::<Vec<_>>()));
            assert_eq!(found.iter().flat_map(|(_, nodes)| nodes).collect::<Vec<_>>(), [&1, &2, &4, &6], "{pieces}");
            let ways = found.iter().filter_map(|(above, nodes)| Some((*nodes.first()?, above.clone())));
            for (first, above) in ways.filter(|(first, _)| *first == 4) {
                assert!(above == [1, 2], "{first}: {above:?}");
            }
        }
    }
}
