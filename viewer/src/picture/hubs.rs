//! What would tangle the rest if it were drawn among it: callees that many share, such as an allocator, and folds that many
//! call. They go to a strip of their own, their edges become marks at the callers; light edges are drawn on demand only.

use plop_profile::{CallGraph, Edge};

use super::EdgeKind;
use super::rank::{Call, rank};

/// From how many callers on an item may be a hub.
const CALLERS: usize = 4;

/// So many items the strip holds.
const STRIP: usize = 28;

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
    let mut hubs: Vec<usize> = (0..items).filter(|&item| shared(item)).collect();
    // Of a large picture's many, those that would tangle it most; the strip is no second picture.
    hubs.sort_by_key(|&item| (!is_fold[item] || callers[item] > 0, std::cmp::Reverse(graph.totals[item]), item));
    let mut in_strip = vec![false; items];
    hubs.into_iter().take(STRIP).for_each(|item| in_strip[item] = true);
    in_strip
}

/// The kind of each edge and the rank of each item; those of the strip have rank 0.
pub(super) fn kinds(graph: &CallGraph, strip: &[bool]) -> (Vec<EdgeKind>, Vec<usize>) {
    let drawn = |edge: &Edge| edge.caller != edge.callee && !strip[edge.callee as usize];
    // A hub may call something itself; its edges out of the strip are drawn on demand.
    let among_ranks = |edge: &Edge| drawn(edge) && !strip[edge.caller as usize];
    let among: Vec<usize> = (0..graph.edges.len()).filter(|&edge| among_ranks(&graph.edges[edge])).collect();
    let calls: Vec<Call> = (among.iter())
        .map(|&edge| &graph.edges[edge])
        .map(|edge| (edge.caller as usize, edge.callee as usize, edge.weight))
        .collect();
    let making = ranking(strip.len(), graph.total, &calls);
    let ranked: Vec<usize> = making.iter().map(|&call| among[call]).collect();
    let calls: Vec<Call> = making.into_iter().map(|call| calls[call]).collect();
    let ranks = rank(strip.len(), &calls);

    let against =
        |edge: &Edge| among_ranks(edge) && ranks.ranks[edge.caller as usize] >= ranks.ranks[edge.callee as usize];
    let unranked = |edge| if drawn(edge) && !against(edge) { EdgeKind::Faint } else { EdgeKind::Pip };
    let mut kinds: Vec<EdgeKind> = graph.edges.iter().map(unranked).collect();
    let share = |weight: i64| weight as f64 / (graph.total as f64).max(1.0);
    for (&edge, &back) in ranked.iter().zip(&ranks.back) {
        let weight = graph.edges[edge].weight;
        kinds[edge] = match back {
            true if share(weight) < LIGHT_BACK => EdgeKind::Pip,
            true => EdgeKind::Back,
            false => EdgeKind::Line,
        };
    }
    (kinds, ranks.ranks)
}

/// Of calls between so many items, those that make the ranks: all of some weight, and each item's heaviest one from a caller. A
/// light edge that is drawn on demand only shall not push its callee, and all below it, to the far end.
pub(super) fn ranking(items: usize, total: i64, calls: &[Call]) -> Vec<usize> {
    let mut heaviest: Vec<Option<usize>> = vec![None; items];
    for (number, &(_, callee, weight)) in calls.iter().enumerate() {
        let best = &mut heaviest[callee];
        if best.is_none_or(|best| calls[best].2 < weight) {
            *best = Some(number);
        }
    }
    let makes = |&number: &usize| {
        let (_, callee, weight) = calls[number];
        weight as f64 >= LIGHT * total as f64 || heaviest[callee] == Some(number)
    };
    (0..calls.len()).filter(makes).collect()
}
