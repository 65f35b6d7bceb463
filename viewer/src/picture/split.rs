//! How one item's samples split over a picture's edges.

use plop_profile::Weighed;
use rustc_hash::FxHashMap;

use super::items::Items;
use super::reduce::{Grouping, Place, reduce};
use super::{Source, Split};

/// The weight of the samples in whose stack `item` stands, by edge of the picture.
pub(super) fn split(source: Source<'_>, items: &Items<'_>, item: u32) -> Split {
    let Items { list, places, frameless, reduced, .. } = items;
    let (nodes, shape) = (&source.tree.nodes, source.tree.shape());
    let mut kept = vec![0; nodes.len()];
    if *frameless == Some(item) {
        kept[0] = source.node_self[0];
    }
    let mut at = 1;
    while at < nodes.len() {
        match places[nodes[at].frame as usize] {
            // All that is called from here has the item in its stack.
            Place::Item(here) if here == item => {
                let below = at..shape.ends[at] as usize;
                kept[below.clone()].copy_from_slice(&source.node_self[below.clone()]);
                at = below.end;
                continue;
            }
            Place::Fold(here) if here == item => kept[at] = source.node_self[at],
            _ => {}
        }
        at += 1;
    }
    let grouping = Grouping::none(list.len());
    let graph = reduce(&Weighed::new(source.tree, &kept), places, &grouping, *frameless).graph;
    let numbers: FxHashMap<(u32, u32), usize> =
        reduced.graph.edges.iter().enumerate().map(|(number, edge)| ((edge.caller, edge.callee), number)).collect();
    let weights = graph.edges.iter().map(|edge| (numbers[&(edge.caller, edge.callee)], edge.weight));
    let mut edges: Vec<(usize, i64)> = weights.filter(|(_, weight)| *weight != 0).collect();
    edges.sort_unstable();
    Split { total: graph.total, edges }
}
