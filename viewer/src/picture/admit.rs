//! Which functions are items of their own. Choosing by total alone would fill deep profiles with runtime frames that pass
//! everything on; so what counts is what a function does itself, and where calls part and meet.

use plop_profile::CallGraph;

use super::{Settings, Source};

/// The least total that a function needs, as a share of all, unless there is room for every one.
const LEAST_SHARE: f64 = 0.002;
/// A function with less than this share of its own does no work to speak of.
const WORKS_SHARE: f64 = 0.01;

/// How strictly functions that only pass on are left out, mildest first: the share of its total that must come in by one
/// edge and go out by one. `None` leaves none out.
pub(super) const PASS_ON: [Option<f64>; 5] = [None, Some(0.95), Some(0.9), Some(0.85), Some(0.78)];

/// What admission weighs, for each frame of a tree.
pub(super) struct Candidates {
    /// Frames in the order in which they are admitted, with whether each only passes on at every strictness.
    ranked: Vec<(u32, [bool; PASS_ON.len()])>,
}

impl Candidates {
    pub(super) fn new(source: &Source<'_>, graph: &CallGraph, settings: &Settings) -> Self {
        let count = source.functions.len();
        let (mut heaviest_in, mut heaviest_out) = (vec![0_i64; count], vec![0_i64; count]);
        for edge in graph.edges.iter().filter(|edge| edge.caller != edge.callee) {
            let (into, out) = (&mut heaviest_in[edge.callee as usize], &mut heaviest_out[edge.caller as usize]);
            (*into, *out) = ((*into).max(edge.weight), (*out).max(edge.weight));
        }
        let all = graph.total.unsigned_abs() as f64;
        let present = graph.totals.iter().filter(|total| **total != 0).count();
        let least = if present <= settings.items { 0.0 } else { LEAST_SHARE * all };
        let mut scored: Vec<(f64, u32, [bool; PASS_ON.len()])> = Vec::new();
        for frame in 0..count {
            let [own, total, into, out] =
                [graph.self_values[frame], graph.totals[frame], heaviest_in[frame], heaviest_out[frame]]
                    .map(|value| value as f64);
            if graph.totals[frame] == 0 || total < least {
                continue;
            }
            let parts = (total - out - own).max(0.0);
            let meets = (total - into).max(0.0);
            let score = 2.0 * own + 0.6 * parts + 0.6 * meets + 0.06 * total;
            let passes_on = PASS_ON.map(|share| {
                share.is_some_and(|share| into >= share * total && out >= share * total && own < WORKS_SHARE * all)
            });
            scored.push((score, frame as u32, passes_on));
        }
        let id = |frame: u32| source.functions[frame as usize].id;
        scored.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| id(left.1).cmp(&id(right.1))));
        Candidates { ranked: scored.into_iter().map(|(_, frame, passes_on)| (frame, passes_on)).collect() }
    }

    /// The frames admitted at one strictness, at most so many.
    pub(super) fn admit(&self, strictness: usize, items: usize) -> impl Iterator<Item = u32> {
        self.ranked.iter().filter(move |(_, passes_on)| !passes_on[strictness]).map(|(frame, _)| *frame).take(items)
    }
}
