//! Pass-throughs: functions that one caller calls to call one callee. Left out, a chain of them becomes one dashed edge,
//! and a deep profile fits its window. Knows nothing of positions.

use plop_profile::CallGraph;

use super::admit::heaviest_edges;
use super::hubs::ranking;
use super::rank::{Call, Ranks, rank};

/// What share of a function's total its heaviest caller and callee must have, mildest first; above 1, none is elided.
const SHARES: [f64; 7] = [2.0, 0.95, 0.9, 0.85, 0.78, 0.7, 0.6];

/// What has at least this share of the total itself is no pass-through.
const PASSING: f64 = 0.01;

/// Up to this share, calls may point back: recursion has to, and in a picture of few items it tangles nothing.
const BACKWARD: f64 = 0.04;
const FEW_ITEMS: usize = 30;
/// What has less than this share itself may be left out for that, and so many items at most.
const RECURRING: f64 = 0.03;
const RECURSIONS: usize = 12;

/// How many ranks a picture holds well: at 1,600 px each then has some 120, the width of a label.
const RANKS: usize = 13;

/// Of candidates (numbers of the graph's frames, best first), those to show: `count` at most, as many pass-throughs left out
/// as it takes to make the picture shallow and to have its calls point forward.
pub(super) fn choose(graph: &CallGraph, candidates: usize, count: usize) -> Vec<usize> {
    let mut best: Option<(usize, Vec<bool>)> = None;
    for share in SHARES {
        let passing = pass_throughs(graph, share);
        let depth = Contracted::new(graph, candidates, &shown(&passing, candidates, count)).depth();
        if best.as_ref().is_none_or(|(least, _)| depth < *least) {
            best = Some((depth, passing));
        }
        if depth <= RANKS {
            break;
        }
    }
    let Some((_, mut left_out)) = best else { return Vec::new() };
    for _ in 0..RECURSIONS {
        let shown = shown(&left_out, candidates, count);
        match Contracted::new(graph, candidates, &shown).closes_recursion(graph, &shown) {
            Some(item) => left_out[item] = true,
            None => break,
        }
    }
    shown(&left_out, candidates, count)
}

fn shown(left_out: &[bool], candidates: usize, count: usize) -> Vec<usize> {
    (0..candidates).filter(|&item| !left_out[item]).take(count).collect()
}

fn pass_throughs(graph: &CallGraph, share: f64) -> Vec<bool> {
    let (into, out) = heaviest_edges(graph);
    let passes = |item: usize| {
        let needed = share * graph.totals[item] as f64;
        let little = (graph.self_values[item] as f64) < PASSING * graph.total as f64;
        little && into[item] as f64 >= needed && out[item] as f64 >= needed
    };
    (0..graph.totals.len()).map(passes).collect()
}

/// The calls between shown items, past those that are left out, folds left aside. A call past an item weighs as much as can be
/// of what comes in and goes out: near enough to choose by, and known without another pass over the tree.
struct Contracted {
    items: usize,
    total: i64,
    /// Caller and callee by their place among the shown.
    calls: Vec<Call>,
}

impl Contracted {
    fn new(graph: &CallGraph, candidates: usize, shown: &[usize]) -> Self {
        let mut weights = vec![0_i64; candidates * candidates];
        for edge in graph.edges.iter().filter(|edge| edge.caller != edge.callee) {
            let (caller, callee) = (edge.caller as usize, edge.callee as usize);
            if caller < candidates && callee < candidates {
                weights[caller * candidates + callee] = edge.weight;
            }
        }
        let mut hidden = vec![true; candidates];
        shown.iter().for_each(|&item| hidden[item] = false);
        for item in (0..candidates).filter(|&item| hidden[item]) {
            let total = graph.totals[item].max(1) as f64;
            let callees: Vec<(usize, i64)> = (0..candidates)
                .map(|callee| (callee, weights[item * candidates + callee]))
                .filter(|&(_, weight)| weight > 0)
                .collect();
            for caller in 0..candidates {
                let into = std::mem::take(&mut weights[caller * candidates + item]);
                for &(callee, out) in callees.iter().filter(|(callee, _)| into > 0 && *callee != caller) {
                    let weight = &mut weights[caller * candidates + callee];
                    let most = graph.totals[caller].min(graph.totals[callee]);
                    *weight = weight.saturating_add((into as f64 * out as f64 / total) as i64).min(most);
                }
            }
            weights[item * candidates..(item + 1) * candidates].fill(0);
        }
        let pairs = shown.iter().enumerate().flat_map(|caller| shown.iter().enumerate().map(move |to| (caller, to)));
        let calls = pairs
            .map(|((from, &caller), (to, &callee))| (from, to, weights[caller * candidates + callee]))
            .filter(|&(_, _, weight)| weight > 0)
            .collect();
        Contracted { items: shown.len(), total: graph.total, calls }
    }

    fn ranked(&self) -> (Vec<Call>, Ranks) {
        let kept = ranking(self.items, self.total, &self.calls);
        let calls: Vec<Call> = kept.into_iter().map(|call| self.calls[call]).collect();
        let ranks = rank(self.items, &calls);
        (calls, ranks)
    }

    /// How many ranks the picture has.
    fn depth(&self) -> usize {
        self.ranked().1.ranks.iter().max().map_or(0, |&rank| rank + 1)
    }

    /// If too much points back: an item with little of its own that closes the heaviest recursion. Without it the rest of the
    /// recursion calls itself, or is shorter.
    fn closes_recursion(&self, graph: &CallGraph, shown: &[usize]) -> Option<usize> {
        let (calls, ranks) = self.ranked();
        let all: i64 = calls.iter().map(|call| call.2).sum();
        let mut back: Vec<Call> =
            calls.iter().zip(&ranks.back).filter(|(_, back)| **back).map(|(&call, _)| call).collect();
        if shown.len() <= FEW_ITEMS || back.iter().map(|call| call.2).sum::<i64>() as f64 <= BACKWARD * all as f64 {
            return None;
        }
        back.sort_by_key(|&(from, to, weight)| (std::cmp::Reverse(weight), from, to));
        let own = |&item: &usize| graph.self_values[shown[item]];
        let light = |&(from, to, _): &Call| {
            [from, to].into_iter().filter(|item| (own(item) as f64) < RECURRING * graph.total as f64).min_by_key(own)
        };
        back.iter().find_map(light).map(|item| shown[item])
    }
}
