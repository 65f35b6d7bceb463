//! How one item's samples split over a picture's edges.

use plop_profile::CallGraph;

use super::Split;
use super::reduce::Reduced;

/// The weight of the samples in whose stack `item` stands, by edge of the reduced graph.
pub(super) fn split(reduced: &Reduced, item: u32) -> Split {
    let mut below = vec![false; reduced.tree.nodes.len()];
    for (at, node) in reduced.tree.nodes.iter().enumerate().skip(1) {
        below[at] = node.frame == item || below[node.parent as usize];
    }
    let kept: Vec<i64> =
        reduced.node_self.iter().zip(&below).map(|(&value, &below)| if below { value } else { 0 }).collect();
    // The same tree, so the same edges under the same numbers.
    let graph = CallGraph::new(&reduced.tree, &kept);
    let weights = graph.edges.iter().map(|edge| edge.weight).enumerate();
    Split { total: graph.total, edges: weights.filter(|(_, weight)| *weight != 0).collect() }
}
