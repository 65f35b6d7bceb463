//! What would tangle the rest if it were drawn among it: callees that many share, such as an allocator, and folds that many
//! call. They go to a strip of their own, their edges become marks at the callers; light edges are drawn on demand only.

use plop_profile::CallGraph;

use super::EdgeKind;
use super::rank::rank;

/// From how many callers on an item may be a hub.
const CALLERS: usize = 4;

/// Below what share of the total an edge against the ranks becomes a mark, and any other is drawn on demand.
const LIGHT_BACK: f64 = 0.03;
const LIGHT: f64 = 0.005;

/// By item, whether it lies in the strip.
pub(super) fn hubs(graph: &CallGraph, is_fold: &[bool]) -> Vec<bool> {
    let items = graph.totals.len();
    let (mut callers, mut into, mut heaviest) = (vec![0_usize; items], vec![0_i64; items], vec![0_i64; items]);
    for edge in graph.edges.iter().filter(|edge| edge.caller != edge.callee) {
        let callee = edge.callee as usize;
        callers[callee] += 1;
        into[callee] += edge.weight;
        heaviest[callee] = edge.weight.max(heaviest[callee]);
    }
    let shared = |item: usize| {
        let spread =
            |least: usize, share: f64| callers[item] >= least && heaviest[item] as f64 <= share * into[item] as f64;
        let leafy = 10 * graph.self_values[item] >= 7 * graph.totals[item];
        // A fold without any caller has no place among the ranks either.
        if is_fold[item] { spread(3, 0.6) || callers[item] == 0 } else { spread(CALLERS, 0.5) && leafy }
    };
    (0..items).map(shared).collect()
}

/// The kind of each edge and the rank of each item; those of the strip have rank 0.
pub(super) fn kinds(graph: &CallGraph, strip: &[bool]) -> (Vec<EdgeKind>, Vec<usize>) {
    let drawn = |edge: &plop_profile::Edge| edge.caller != edge.callee && !strip[edge.callee as usize];
    // A hub may call something itself; its edges out of the strip are drawn on demand.
    let ranked: Vec<usize> = (0..graph.edges.len())
        .filter(|&edge| drawn(&graph.edges[edge]) && !strip[graph.edges[edge].caller as usize])
        .collect();
    let calls: Vec<_> = ranked
        .iter()
        .map(|&edge| &graph.edges[edge])
        .map(|edge| (edge.caller as usize, edge.callee as usize, edge.weight))
        .collect();
    let ranks = rank(strip.len(), &calls);

    let mut kinds: Vec<EdgeKind> =
        graph.edges.iter().map(|edge| if drawn(edge) { EdgeKind::Faint } else { EdgeKind::Pip }).collect();
    let share = |weight: i64| weight as f64 / (graph.total as f64).max(1.0);
    let mut heaviest: Vec<Option<usize>> = vec![None; strip.len()];
    for (&edge, &back) in ranked.iter().zip(&ranks.back) {
        let weight = graph.edges[edge].weight;
        kinds[edge] = match back {
            true if share(weight) < LIGHT_BACK => EdgeKind::Pip,
            true => EdgeKind::Back,
            false if share(weight) < LIGHT => EdgeKind::Faint,
            false => EdgeKind::Line,
        };
        let best = &mut heaviest[graph.edges[edge].callee as usize];
        if !back && best.is_none_or(|best| graph.edges[best].weight < weight) {
            *best = Some(edge);
        }
    }
    for edge in heaviest.into_iter().flatten() {
        kinds[edge] = EdgeKind::Line;
    }
    (kinds, ranks.ranks)
}
