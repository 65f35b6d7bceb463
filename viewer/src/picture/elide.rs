//! Pass-throughs: functions that one caller calls to call one callee. Left out, a chain of them becomes one dashed edge,
//! and a deep profile fits its window. Knows nothing of positions.

use plop_profile::CallGraph;

use super::admit::heaviest_edges;
use super::hubs::ranking;
use super::rank::rank;
use super::reduce::{Place, Reduced, reduce};

/// What share of a function's total its heaviest caller and callee must have, mildest first; above 1, none is elided.
const SHARES: [f64; 7] = [2.0, 0.95, 0.9, 0.85, 0.78, 0.7, 0.6];

/// How many ranks a picture holds well: at 1,600 px each then has some 120, the width of a label.
const RANKS: usize = 13;

/// Of candidates (numbers of `reduced`'s items, best first), those to show: `count` at most, as many pass-throughs left out
/// as it takes to make the picture shallow.
pub(super) fn choose(reduced: &Reduced, candidates: usize, count: usize) -> Vec<usize> {
    let mut best: Option<(usize, Vec<usize>)> = None;
    for share in SHARES {
        let passing = pass_throughs(&reduced.graph, share);
        let shown: Vec<usize> = (0..candidates).filter(|&item| !passing[item]).take(count).collect();
        let depth = depth(reduced, candidates, &shown);
        if best.as_ref().is_none_or(|(least, _)| depth < *least) {
            best = Some((depth, shown));
        }
        if depth <= RANKS {
            break;
        }
    }
    best.map(|(_, shown)| shown).unwrap_or_default()
}

fn pass_throughs(graph: &CallGraph, share: f64) -> Vec<bool> {
    let (into, out) = heaviest_edges(graph);
    let passes = |item: usize| {
        let needed = share * graph.totals[item] as f64;
        let little = (graph.self_values[item] as f64) < 0.01 * graph.total as f64;
        little && into[item] as f64 >= needed && out[item] as f64 >= needed
    };
    (0..graph.totals.len()).map(passes).collect()
}

/// How many ranks the picture of these items has, its folds left aside.
fn depth(reduced: &Reduced, candidates: usize, shown: &[usize]) -> usize {
    let sink = shown.len() as u32;
    let mut places = vec![Place::Fold(sink); candidates + 1];
    for (number, &item) in shown.iter().enumerate() {
        places[item] = Place::Item(number as u32);
    }
    let graph = reduce(&reduced.tree, &reduced.node_self, &places, shown.len() + 1, None).graph;
    let edges: Vec<_> = ranking(&graph, |edge| edge.callee != sink && edge.caller != edge.callee)
        .into_iter()
        .map(|edge| &graph.edges[edge])
        .map(|edge| (edge.caller as usize, edge.callee as usize, edge.weight))
        .collect();
    rank(shown.len(), &edges).ranks.iter().max().map_or(0, |&rank| rank + 1)
}
