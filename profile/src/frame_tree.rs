//! The frame tree: a profile's stacks as chains of functions, inlined ones included, with addresses and lines merged
//! away. Everything that is shown is computed on it; what it holds is structure, not values.

use std::hash::BuildHasher;
use std::sync::OnceLock;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::{FunctionId, LabelSetId, MappingId, Profile, StackId, StackNode};

/// What a frame shows: a function, or an address that has no name, known by the file it is mapped from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frame {
    /// A function.
    Function(FunctionId),
    /// Code without a name.
    Unnamed(Option<MappingId>),
}

/// One node: a frame as called from one chain of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameNode {
    /// The caller's node, whose number is always smaller than this node's own; 0 is the root.
    pub parent: u32,
    /// Which frame: a number in [`FrameTree::frames`].
    pub frame: u32,
}

/// A tree of frames in preorder: a node's descendants follow it without a gap.
#[derive(Debug, Clone, Default)]
pub struct FrameTree {
    /// The distinct frames.
    pub frames: Vec<Frame>,
    /// The nodes in preorder. Node 0 is the root, which stands for no frame.
    pub nodes: Vec<FrameNode>,
    /// For each stack of the profile, by its number, the node of its leaf.
    pub node_of_stack: Vec<u32>,
    shape: OnceLock<Shape>,
}

/// What follows from a tree's nodes alone, whatever their values: made once, when it is first asked for.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// By node, the number after its last descendant's.
    pub ends: Vec<u32>,
    /// By node, how many callers it has up to the root; the root has 0.
    pub depths: Vec<u32>,
    /// By node, the number of the call from its caller's frame to its own: [`Shape::NO_CALL`] for outermost frames.
    pub call_of: Vec<u32>,
    /// The calls, caller and callee by frame number, in the order of their first appearance.
    pub calls: Vec<(u32, u32)>,
    /// By node, whether its frame stands nowhere above it: only then its total counts for the frame, or recursion would count
    /// twice.
    pub is_first_of_frame: Vec<bool>,
    /// By node, whether the call that leads to it leads to none above it, likewise.
    pub is_first_of_call: Vec<bool>,
}

impl Shape {
    /// No call leads to an outermost frame.
    pub const NO_CALL: u32 = u32::MAX;

    fn of(nodes: &[FrameNode], frames: usize) -> Self {
        let mut shape = Shape {
            ends: (1..=nodes.len() as u32).collect(),
            depths: vec![0; nodes.len()],
            call_of: vec![Shape::NO_CALL; nodes.len()],
            calls: Vec::new(),
            is_first_of_frame: vec![false; nodes.len()],
            is_first_of_call: vec![false; nodes.len()],
        };
        for at in (1..nodes.len()).rev() {
            let (end, parent) = (shape.ends[at], nodes[at].parent as usize);
            shape.ends[parent] = end.max(shape.ends[parent]);
        }
        let mut numbers: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        // By frame and by call, the node from which on it is not open: the end of the subtree that it was first met at.
        let (mut frame_open_to, mut call_open_to) = (vec![0_u32; frames], Vec::new());
        for (at, node) in nodes.iter().enumerate().skip(1) {
            shape.depths[at] = shape.depths[node.parent as usize] + 1;
            let is_first = |open_to: &mut u32| {
                let is_first = *open_to <= at as u32;
                if is_first {
                    *open_to = shape.ends[at];
                }
                is_first
            };
            shape.is_first_of_frame[at] = is_first(&mut frame_open_to[node.frame as usize]);
            if node.parent != 0 {
                let call = (nodes[node.parent as usize].frame, node.frame);
                let number = *numbers.entry(call).or_insert_with(|| {
                    shape.calls.push(call);
                    call_open_to.push(0);
                    shape.calls.len() as u32 - 1
                });
                shape.call_of[at] = number;
                shape.is_first_of_call[at] = is_first(&mut call_open_to[number as usize]);
            }
        }
        shape
    }
}

/// The root's frame number: none.
const NO_FRAME: u32 = u32::MAX;

impl FrameTree {
    /// The tree of all stacks of a profile.
    pub fn new(profile: &Profile) -> Self {
        let mut frames = Frames::default();
        // The frames of each location, outermost caller first, flat with the end of each.
        let (mut flat, mut ends) = (Vec::new(), Vec::with_capacity(profile.locations.len()));
        for location in &profile.locations {
            if location.lines.is_empty() {
                flat.push(frames.intern(Frame::Unnamed(location.mapping)));
            }
            flat.extend(location.lines.iter().rev().map(|line| frames.intern(Frame::Function(line.function))));
            ends.push(flat.len());
        }
        let frames_of = |location: usize| &flat[if location == 0 { 0 } else { ends[location - 1] }..ends[location]];

        let stack_nodes = profile.stacks.nodes();
        // Where each location is a frame of its own, as in formats without addresses, the stacks' tree is the frames' already.
        if flat.len() == profile.locations.len() && frames.list.len() == flat.len() {
            let node = |stack: &StackNode| match stack.location.0 as usize {
                location if location < flat.len() => FrameNode { parent: stack.parent.0, frame: flat[location] },
                _ => FrameNode { parent: 0, frame: NO_FRAME },
            };
            let nodes: Vec<FrameNode> = stack_nodes.iter().map(node).collect();
            let (nodes, node_of_stack) = preorder(&nodes);
            return FrameTree { frames: frames.list, nodes, node_of_stack, shape: OnceLock::new() };
        }
        let mut builder = Builder::with_capacity(stack_nodes.len());
        let mut node_of_stack = vec![0; stack_nodes.len()];
        for (at, stack) in stack_nodes.iter().enumerate().skip(1) {
            let caller = node_of_stack[stack.parent.0 as usize];
            let called = frames_of(stack.location.0 as usize).iter();
            node_of_stack[at] = called.fold(caller, |parent, &frame| builder.push(parent, frame));
        }
        let (nodes, new_place) = preorder(&builder.nodes);
        node_of_stack.iter_mut().for_each(|node| *node = new_place[*node as usize]);
        FrameTree { frames: frames.list, nodes, node_of_stack, shape: OnceLock::new() }
    }

    /// The tree of these nodes, which name their callers by number: callers before callees, the root first, no two children
    /// of a node with the same frame. Gives the tree, in preorder, and the new number of each node.
    ///
    /// # Panics
    /// When a node's caller does not come before it.
    pub fn from_nodes(frames: Vec<Frame>, nodes: &[FrameNode]) -> (FrameTree, Vec<u32>) {
        let (nodes, places) = preorder(nodes);
        (FrameTree { frames, nodes, node_of_stack: Vec::new(), shape: OnceLock::new() }, places)
    }

    /// The self value of every node: one sample type summed over the samples whose labels are kept.
    ///
    /// # Panics
    /// When the profile is not the one that the tree was made of, or has no such sample type.
    pub fn self_values(&self, profile: &Profile, sample_type: usize, keep: impl Fn(LabelSetId) -> bool) -> Vec<i64> {
        let mut values = vec![0_i64; self.nodes.len()];
        let kept: Vec<bool> = profile.label_sets.iter().map(|(id, _)| keep(id)).collect();
        for sample in profile.samples.iter().filter(|sample| kept[sample.labels.0 as usize]) {
            let value = &mut values[self.leaf(sample.stack)];
            *value = value.saturating_add(sample.values[sample_type]);
        }
        values
    }

    /// The node of a stack's leaf.
    pub fn leaf(&self, stack: StackId) -> usize {
        self.node_of_stack[stack.0 as usize] as usize
    }

    /// What follows from the nodes alone. It is made at the first call, so the nodes must stay as they are after it.
    pub fn shape(&self) -> &Shape {
        self.shape.get_or_init(|| Shape::of(&self.nodes, self.frames.len()))
    }

    /// The total of every node, its own value and all its descendants', from the self values.
    pub fn totals(&self, self_values: &[i64]) -> Vec<i64> {
        let mut totals = self_values.to_vec();
        for at in (1..self.nodes.len()).rev() {
            let parent = self.nodes[at].parent as usize;
            totals[parent] = totals[parent].saturating_add(totals[at]);
        }
        totals
    }

    /// The tree with other frames: `frame_of` says for each node, callers first, which of the new frames it shows, or `None`
    /// to take it out and leave its value and its callees to its caller. It is told the node's number and what its caller
    /// shows in the new tree, which is `None` for an outermost node.
    pub fn reframed(
        &self,
        frames: Vec<Frame>,
        mut frame_of: impl FnMut(usize, Option<u32>) -> Option<u32>,
    ) -> FrameTree {
        let mut builder = Builder::with_capacity(self.nodes.len());
        let mut moved = vec![0_u32; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().skip(1) {
            let parent = moved[node.parent as usize];
            let caller = builder.nodes[parent as usize].frame;
            let frame = frame_of(at, (caller != NO_FRAME).then_some(caller));
            moved[at] = frame.map_or(parent, |frame| builder.push(parent, frame));
        }
        let (nodes, new_place) = preorder(&builder.nodes);
        let node_of_stack = self.node_of_stack.iter().map(|&node| new_place[moved[node as usize] as usize]).collect();
        FrameTree { frames, nodes, node_of_stack, shape: OnceLock::new() }
    }
}

#[derive(Default)]
struct Frames {
    list: Vec<Frame>,
    index: HashTable<u32>,
}

impl Frames {
    fn intern(&mut self, frame: Frame) -> u32 {
        let Frames { list, index } = self;
        let hash = FxBuildHasher.hash_one(frame);
        *index
            .entry(hash, |&at| list[at as usize] == frame, |&at| FxBuildHasher.hash_one(list[at as usize]))
            .or_insert_with(|| {
                list.push(frame);
                list.len() as u32 - 1
            })
            .get()
    }
}

struct Builder {
    nodes: Vec<FrameNode>,
    /// By node, the first that it called; 0 if it called none. The others are in the index, as in [`crate::Stacks`].
    first: Vec<u32>,
    index: HashTable<u32>,
}

impl Builder {
    fn with_capacity(nodes: usize) -> Self {
        let mut list = Vec::with_capacity(nodes);
        list.push(FrameNode { parent: 0, frame: NO_FRAME });
        let mut first = Vec::with_capacity(nodes);
        first.push(0);
        Builder { nodes: list, first, index: HashTable::new() }
    }

    fn push(&mut self, parent: u32, frame: u32) -> u32 {
        let node = FrameNode { parent, frame };
        let Builder { nodes, first, index } = self;
        let number = u32::try_from(nodes.len()).expect("a frame tree holds fewer than 2^32 nodes");
        let only = first[parent as usize];
        if only == 0 {
            first[parent as usize] = number;
        } else if nodes[only as usize].frame == frame {
            return only;
        } else {
            let hash = FxBuildHasher.hash_one(node);
            if let Some(&known) = index.find(hash, |&at| nodes[at as usize] == node) {
                return known;
            }
            index.insert_unique(hash, number, |&at| FxBuildHasher.hash_one(nodes[at as usize]));
        }
        nodes.push(node);
        first.push(0);
        number
    }
}

/// The same tree with its nodes in preorder, and the new place of each old node. Siblings keep their order.
fn preorder(nodes: &[FrameNode]) -> (Vec<FrameNode>, Vec<u32>) {
    // Sizes of the subtrees first; then each node's place follows from its parent's.
    let mut sizes = vec![1_u32; nodes.len()];
    for at in (1..nodes.len()).rev() {
        sizes[nodes[at].parent as usize] += sizes[at];
    }
    let mut places = vec![0_u32; nodes.len()];
    let mut next_child: Vec<u32> = vec![1; nodes.len()];
    let mut ordered = vec![FrameNode { parent: 0, frame: NO_FRAME }; nodes.len()];
    for (at, node) in nodes.iter().enumerate().skip(1) {
        let parent = node.parent as usize;
        assert!(parent < at, "a caller comes before its callees");
        places[at] = places[parent] + next_child[parent];
        next_child[parent] += sizes[at];
        ordered[places[at] as usize] = FrameNode { parent: places[parent], frame: node.frame };
    }
    (ordered, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Function, Line, Location};

    #[test]
    fn inlined_frames_become_nodes_of_their_own_under_their_caller() {
        let mut profile = Profile::new([("samples", "count")]);
        let main = profile.named_location("main", "");
        let [outer, inlined] = ["outer", "inlined"].map(|name| {
            let name = profile.strings.intern(name);
            profile.intern_function(Function { name, ..Function::default() })
        });
        let lines = vec![Line { function: inlined, line: 3 }, Line { function: outer, line: 9 }];
        let place = profile.push_location(Location { lines, address: 0x10, ..Location::default() });
        let stack = profile.stacks.intern([place, main]);

        let tree = FrameTree::new(&profile);
        let mut names = Vec::new();
        let mut at = tree.leaf(stack);
        while at != 0 {
            names.push(profile.frame_name(tree.frames[tree.nodes[at].frame as usize]).into_owned());
            at = tree.nodes[at].parent as usize;
        }
        assert_eq!(names, ["inlined", "outer", "main"]);
    }

    #[test]
    fn places_of_one_function_become_one_node_where_they_have_one_caller() {
        let mut profile = Profile::new([("samples", "count")]);
        let main = profile.named_location("main", "");
        let Line { function, .. } = profile.locations[main.0 as usize].lines[0];
        let place = |address| Location { address, lines: vec![Line { function, line: 1 }], ..Location::default() };
        let [first, second] = [1, 2].map(|address| profile.push_location(place(address)));
        let stacks = [first, second].map(|place| profile.stacks.intern([place]));
        let tree = FrameTree::new(&profile);
        assert_eq!((tree.nodes.len(), tree.frames.len()), (2, 1));
        assert_eq!(stacks.map(|stack| tree.leaf(stack)), [1, 1]);
    }

    #[test]
    fn nodes_come_in_preorder_whatever_the_order_of_the_stacks() {
        let mut profile = Profile::new([("samples", "count")]);
        let [a, b, c] = ["a", "b", "c"].map(|name| profile.named_location(name, ""));
        for stack in [vec![a], vec![b], vec![c, a], vec![c, b], vec![b, c, a]] {
            profile.stacks.intern(stack);
        }
        let tree = FrameTree::new(&profile);
        let names: Vec<_> = tree.nodes[1..]
            .iter()
            .map(|node| profile.frame_name(tree.frames[node.frame as usize]).into_owned())
            .collect();
        assert_eq!(names, ["a", "c", "b", "b", "c"]);
    }

    #[test]
    fn a_node_taken_out_leaves_its_callees_to_its_caller() {
        let mut profile = Profile::new([("samples", "count")]);
        let [a, b, c] = ["a", "b", "c"].map(|name| profile.named_location(name, ""));
        let stack = profile.stacks.intern([c, b, a]);
        let tree = FrameTree::new(&profile);
        let is_b = |frame: u32| profile.frame_name(tree.frames[frame as usize]) == "b";
        let mut callers = Vec::new();
        let shorter = tree.reframed(tree.frames.clone(), |at, caller| {
            callers.push(caller);
            let frame = tree.nodes[at].frame;
            (!is_b(frame)).then_some(frame)
        });
        assert_eq!(shorter.nodes.len(), 3);
        assert_eq!(shorter.nodes[shorter.leaf(stack)].parent, 1);
        assert_eq!(callers, [None, Some(0), Some(0)], "the caller of c is a, now that b is out");
    }
}
