//! Which functions are items of their own: those with self time, and those where costs part or come together. Knows
//! functions by their frame numbers only.

use plop_profile::CallGraph;

/// The functions worth an item, best first. A function's score is made of its self value, of what it hands to others than
/// its heaviest callee, and of what it gets from others than its heaviest caller; by total alone, deep profiles would fill
/// with the frames of their runtime.
pub(super) fn by_score(graph: &CallGraph, items: usize) -> Vec<u32> {
    let (heaviest_in, heaviest_out) = heaviest_edges(graph);
    // 0.2 % at 90 items, and less where more are asked for.
    let least = (graph.total as f64 * 0.18 / items.max(1) as f64).min(graph.total as f64 * 0.01);
    let mut scored: Vec<(f64, u32)> = (0..graph.totals.len())
        .filter(|&frame| graph.totals[frame] > 0 && graph.totals[frame] as f64 >= least)
        .map(|frame| {
            let (total, own) = (graph.totals[frame] as f64, graph.self_values[frame] as f64);
            let parting = (total - heaviest_out[frame] as f64 - own).max(0.0);
            let joining = (total - heaviest_in[frame] as f64).max(0.0);
            (2.0 * own + 0.6 * parting + 0.6 * joining + 0.06 * total, frame as u32)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().map(|(_, frame)| frame).collect()
}

/// By frame, the weight of the heaviest edge into it and out of it, direct recursion left aside.
pub(super) fn heaviest_edges(graph: &CallGraph) -> (Vec<i64>, Vec<i64>) {
    let (mut into, mut out) = (vec![0; graph.totals.len()], vec![0; graph.totals.len()]);
    for edge in graph.edges.iter().filter(|edge| edge.caller != edge.callee) {
        let (caller, callee) = (edge.caller as usize, edge.callee as usize);
        out[caller] = edge.weight.max(out[caller]);
        into[callee] = edge.weight.max(into[callee]);
    }
    (into, out)
}
