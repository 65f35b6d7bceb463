//! The exact reduction of a frame tree to the items of a picture: what is hidden between two items makes their edge
//! longer, and a sample whose leaf is hidden counts for a fold below its nearest visible caller. All sums are made on the
//! reduced tree by [`CallGraph`], so recursion counts once there as everywhere. Knows nothing of positions.

use plop_profile::{CallGraph, Frame, FrameNode, FrameTree};
use rustc_hash::FxHashMap;

/// Where the samples of a frame go. Both numbers are of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The frame is drawn as this item.
    Item(u32),
    /// The frame is hidden; what it has itself goes to this fold.
    Fold(u32),
}

/// A frame tree whose frames are items.
#[derive(Debug, Clone)]
pub(super) struct Reduced {
    pub(super) tree: FrameTree,
    pub(super) node_self: Vec<i64>,
    /// Its sums. Frame numbers are item numbers.
    pub(super) graph: CallGraph,
    /// By edge of the graph, the most frames that it passes over.
    pub(super) elided: Vec<u32>,
}

/// A node of the reduced tree while it grows, and the most frames between it and its parent.
struct Growing {
    nodes: Vec<FrameNode>,
    index: FxHashMap<(u32, u32), u32>,
    node_self: Vec<i64>,
    passed_over: Vec<u32>,
}

impl Growing {
    fn node(&mut self, parent: u32, item: u32, passed_over: u32) -> u32 {
        let next = self.nodes.len() as u32;
        let node = *self.index.entry((parent, item)).or_insert(next);
        if node == next {
            self.nodes.push(FrameNode { parent, frame: item });
            self.node_self.push(0);
            self.passed_over.push(passed_over);
        } else {
            let most = &mut self.passed_over[node as usize];
            *most = passed_over.max(*most);
        }
        node
    }
}

/// Reduces a tree, given the place of each of its frames, to one of `items` items. Samples without any frame, whose value
/// stands at the root, go to the fold `frameless`.
pub(super) fn reduce(
    tree: &FrameTree,
    node_self: &[i64],
    places: &[Place],
    items: usize,
    frameless: Option<u32>,
) -> Reduced {
    let live = live_nodes(tree, node_self);
    let root = FrameNode { parent: 0, frame: u32::MAX };
    let mut growing =
        Growing { nodes: vec![root], index: FxHashMap::default(), node_self: vec![0], passed_over: vec![0] };
    let at_root = frameless.map_or(0, |fold| growing.node(0, fold, 0));
    growing.node_self[at_root as usize] = node_self.first().copied().unwrap_or(0);
    // For each old node the new node of its nearest visible frame, itself included, and the hidden frames since.
    let mut spots = vec![(0_u32, 0_u32); tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().skip(1).filter(|(at, _)| live[*at]) {
        let (above, hidden) = spots[node.parent as usize];
        let own = match places[node.frame as usize] {
            Place::Item(item) => {
                let new = growing.node(above, item, hidden);
                spots[at] = (new, 0);
                new
            }
            Place::Fold(fold) => {
                spots[at] = (above, hidden + 1);
                if node_self[at] == 0 {
                    continue;
                }
                growing.node(above, fold, hidden)
            }
        };
        let value = &mut growing.node_self[own as usize];
        *value = value.saturating_add(node_self[at]);
    }
    growing.finish(items)
}

impl Growing {
    fn finish(self, items: usize) -> Reduced {
        let Growing { nodes, node_self, passed_over, .. } = self;
        let order = preorder(&nodes);
        let mut new_place = vec![0_u32; nodes.len()];
        for (place, &old) in order.iter().enumerate() {
            new_place[old as usize] = place as u32;
        }
        let moved = |old: u32| {
            let node = nodes[old as usize];
            FrameNode { parent: new_place[node.parent as usize], frame: node.frame }
        };
        let tree = FrameTree {
            frames: vec![Frame::Unnamed(None); items],
            nodes: order.iter().map(|&old| moved(old)).collect(),
            node_of_stack: Vec::new(),
        };
        let node_self: Vec<i64> = order.iter().map(|&old| node_self[old as usize]).collect();
        let graph = CallGraph::new(&tree, &node_self);
        let edge_numbers: FxHashMap<(u32, u32), usize> =
            graph.edges.iter().enumerate().map(|(number, edge)| ((edge.caller, edge.callee), number)).collect();
        let mut elided = vec![0; graph.edges.len()];
        for (node, &old) in tree.nodes.iter().zip(&order).skip(1).filter(|(node, _)| node.parent != 0) {
            let caller = tree.nodes[node.parent as usize].frame;
            let most: &mut u32 = &mut elided[edge_numbers[&(caller, node.frame)]];
            *most = passed_over[old as usize].max(*most);
        }
        Reduced { tree, node_self, graph, elided }
    }
}

/// Whether a node or any below it has a value: what filters have emptied makes neither items nor edges.
fn live_nodes(tree: &FrameTree, node_self: &[i64]) -> Vec<bool> {
    let mut live: Vec<bool> = node_self.iter().map(|&value| value != 0).collect();
    for at in (1..tree.nodes.len()).rev() {
        if live[at] {
            live[tree.nodes[at].parent as usize] = true;
        }
    }
    live
}

/// The nodes' numbers in preorder, siblings in their old order. Parents come before their children in `nodes`.
fn preorder(nodes: &[FrameNode]) -> Vec<u32> {
    let mut sizes = vec![1_u32; nodes.len()];
    for at in (1..nodes.len()).rev() {
        sizes[nodes[at].parent as usize] += sizes[at];
    }
    let (mut places, mut next_child) = (vec![0_u32; nodes.len()], vec![1_u32; nodes.len()]);
    let mut order = vec![0_u32; nodes.len()];
    for (at, node) in nodes.iter().enumerate().skip(1) {
        let parent = node.parent as usize;
        places[at] = places[parent] + next_child[parent];
        next_child[parent] += sizes[at];
        order[places[at] as usize] = at as u32;
    }
    order
}
