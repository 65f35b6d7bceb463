//! The call graph: stacks merged by function, with self, total and call edges. The one place where they are summed.
//!
//! A function that stands several times in a sample's stack counts once for that sample, in its total and on each of its
//! edges; otherwise recursion would weigh more than the time it took.

use crate::frame_tree::Shape;
use crate::{Frame, FrameTree, Piece, Profile, Weighed};

/// An edge of a [`CallGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The caller: a number in [`FrameTree::frames`].
    pub caller: u32,
    /// The callee, likewise.
    pub callee: u32,
    /// What the samples weigh in whose stack the caller calls the callee.
    pub weight: i64,
}

/// Self and total of every frame and the weight of every edge, for one choice of values.
#[derive(Debug, Clone, Default)]
pub struct CallGraph {
    /// The sum of all self values.
    pub total: i64,
    /// By frame number: what the samples weigh that have the frame as leaf.
    pub self_values: Vec<i64>,
    /// By frame number: what the samples weigh in whose stack the frame stands.
    pub totals: Vec<i64>,
    /// The edges, in the order of their first appearance in the tree.
    pub edges: Vec<Edge>,
}

impl CallGraph {
    /// Sums a tree, given the self value of each of its nodes.
    pub fn new(tree: &FrameTree, node_self: &[i64]) -> Self {
        CallGraph::of(&Weighed::new(tree, node_self))
    }

    /// Sums a tree.
    ///
    /// One pass: a node's total counts for its frame (and for its edge) unless the same frame (edge) stands above it, which
    /// the tree's shape says. Subtrees without any value are passed over.
    pub fn of(weighed: &Weighed<'_>) -> Self {
        let shape = weighed.tree.shape();
        let mut pieces = weighed.walk(|piece| CallGraph::of_piece(weighed, shape, piece)).into_iter();
        let mut graph = pieces.next().unwrap_or_default();
        for other in pieces {
            add_all(&mut graph.self_values, &other.self_values);
            add_all(&mut graph.totals, &other.totals);
            for (edge, other) in graph.edges.iter_mut().zip(&other.edges) {
                edge.weight = edge.weight.saturating_add(other.weight);
            }
        }
        graph
    }

    fn of_piece(weighed: &Weighed<'_>, shape: &Shape, piece: &Piece<'_>) -> Self {
        let Weighed { tree, own, totals, .. } = weighed;
        let mut graph = CallGraph {
            total: weighed.total(),
            self_values: vec![0; tree.frames.len()],
            totals: vec![0; tree.frames.len()],
            edges: shape.calls.iter().map(|&(caller, callee)| Edge { caller, callee, weight: 0 }).collect(),
        };
        for at in piece.live() {
            let (frame, own, total) = (tree.nodes[at].frame as usize, own[at], totals[at]);
            graph.self_values[frame] = graph.self_values[frame].saturating_add(own);
            if shape.is_first_of_frame[at] {
                graph.totals[frame] = graph.totals[frame].saturating_add(total);
            }
            if shape.is_first_of_call[at] {
                let weight = &mut graph.edges[shape.call_of[at] as usize].weight;
                *weight = weight.saturating_add(total);
            }
        }
        graph
    }
}

fn add_all(sums: &mut [i64], others: &[i64]) {
    sums.iter_mut().zip(others).for_each(|(sum, other)| *sum = sum.saturating_add(*other));
}

/// A call edge with all its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEdge {
    /// Who calls.
    pub caller: Frame,
    /// Who is called.
    pub callee: Frame,
    /// What the samples weigh in whose stack the one calls the other: one value for each of the profile's sample types.
    pub values: Box<[i64]>,
}

impl Profile {
    /// The call edges between functions, heaviest first by the default sample type; recursion counts once per sample.
    pub fn call_edges(&self) -> Vec<CallEdge> {
        let tree = FrameTree::new(self);
        let graphs: Vec<CallGraph> = (0..self.sample_types.len())
            .map(|sample_type| CallGraph::new(&tree, &tree.self_values(self, sample_type, |_| true)))
            .collect();
        let edge_count = graphs.first().map_or(0, |graph| graph.edges.len());
        let frame = |number: u32| tree.frames[number as usize];
        let mut edges: Vec<CallEdge> = (0..edge_count)
            .map(|at| CallEdge {
                caller: frame(graphs[0].edges[at].caller),
                callee: frame(graphs[0].edges[at].callee),
                values: graphs.iter().map(|graph| graph.edges[at].weight).collect(),
            })
            .collect();
        edges.sort_by_key(|edge| std::cmp::Reverse(edge.values[self.default_sample_type]));
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelSetId, LocationId};

    fn profile(stacks: &[(&[&str], i64)]) -> Profile {
        let mut profile = Profile::new([("samples", "count")]);
        for (leaf_first, value) in stacks {
            let locations: Vec<LocationId> = leaf_first.iter().map(|name| profile.named_location(name, "")).collect();
            let stack = profile.stacks.intern(locations);
            profile.samples.add(stack, LabelSetId::EMPTY, &[*value]);
        }
        profile
    }

    fn named_edges(profile: &Profile) -> Vec<(String, String, i64)> {
        let name = |frame| profile.frame_name(frame).into_owned();
        profile.call_edges().iter().map(|edge| (name(edge.caller), name(edge.callee), edge.values[0])).collect()
    }

    #[test]
    fn recursion_counts_once_per_sample() {
        let profile = profile(&[(&["f", "f", "f", "main"], 10)]);
        let tree = FrameTree::new(&profile);
        let graph = CallGraph::new(&tree, &tree.self_values(&profile, 0, |_| true));
        assert_eq!(graph.total, 10);
        assert!(graph.totals.iter().all(|&total| total == 10), "{:?}", graph.totals);
        let edge = |caller: &str, callee: &str| (caller.to_owned(), callee.to_owned(), 10);
        let mut edges = named_edges(&profile);
        edges.sort();
        assert_eq!(edges, [edge("f", "f"), edge("main", "f")]);
    }

    #[test]
    fn mutual_recursion_counts_each_edge_once() {
        let profile = profile(&[(&["g", "f", "g", "f", "main"], 4), (&["f", "main"], 1)]);
        let mut edges = named_edges(&profile);
        edges.sort();
        let edge = |caller: &str, callee: &str, weight| (caller.to_owned(), callee.to_owned(), weight);
        assert_eq!(edges, [edge("f", "g", 4), edge("g", "f", 4), edge("main", "f", 5)]);
    }

    /// The definition, by sets of names for each stack, against the one-pass sums.
    #[test]
    fn sums_agree_with_their_definition_on_random_stacks() {
        let names = ["a", "b", "c", "d", "e"];
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % below
        };
        let stacks: Vec<(Vec<&str>, i64)> = (0..300)
            .map(|_| {
                let depth = 1 + random(12);
                ((0..depth).map(|_| names[random(5) as usize]).collect(), 1 + random(9) as i64)
            })
            .collect();
        let borrowed: Vec<(&[&str], i64)> = stacks.iter().map(|(stack, value)| (stack.as_slice(), *value)).collect();
        let profile = profile(&borrowed);
        let tree = FrameTree::new(&profile);
        let own = tree.self_values(&profile, 0, |_| true);
        let graph = CallGraph::new(&tree, &own);
        for pieces in [2, 3, 7, 100] {
            let other = CallGraph::of(&Weighed::with_pieces(&tree, &own, pieces));
            assert_eq!((&graph.self_values, &graph.totals), (&other.self_values, &other.totals), "{pieces} pieces");
            assert_eq!(graph.edges, other.edges, "{pieces} pieces");
        }
        for (number, &frame) in tree.frames.iter().enumerate() {
            let name = profile.frame_name(frame);
            let weigh = |has: &dyn Fn(&[&str]) -> bool| -> i64 {
                stacks.iter().filter(|(stack, _)| has(stack)).map(|(_, value)| value).sum()
            };
            assert_eq!(graph.self_values[number], weigh(&|stack| stack[0] == name));
            assert_eq!(graph.totals[number], weigh(&|stack| stack.contains(&&*name)));
        }
        for edge in &graph.edges {
            let caller = profile.frame_name(tree.frames[edge.caller as usize]);
            let callee = profile.frame_name(tree.frames[edge.callee as usize]);
            let calls = |stack: &[&str]| stack.windows(2).any(|pair| pair[0] == callee && pair[1] == caller);
            let expected: i64 = stacks.iter().filter(|(stack, _)| calls(stack)).map(|(_, value)| value).sum();
            assert_eq!(edge.weight, expected, "{caller} -> {callee}");
        }
    }
}
