//! The plan of a picture: its items and edges, and how each is to be drawn. Knows no coordinates.

use plop_profile::CallGraph;

use super::admit::{Candidates, PASS_ON};
use super::layers::{Edges, MANY, Ranks};
use super::reduce::{Reduced, Stands, reduce};
use super::{EdgeKind, Settings, Source};

/// A picture with more columns than this is too long for its window; then more of what only passes on is left out.
const COLUMNS: usize = 13;
/// How many of a fold's members become items when it is opened.
const OPENED: usize = 12;
/// A shared callee has so many callers, none of which has more than half of it, and does most of its work itself.
const HUB_CALLERS: usize = 4;
const HUB_HEAVIEST: f64 = 0.5;
const HUB_OWN: f64 = 0.6;
/// A fold with so many callers is drawn like a shared callee.
const FOLD_CALLERS: usize = 3;
/// Below this share of all, an edge against the ranks is but a mark.
const BACK_SHARE: f64 = 0.03;
/// Below this share of all, an edge is drawn on demand only, unless it is its callee's heaviest.
const FAINT_SHARE: f64 = 0.005;

/// An edge of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    /// Its number in the reduced graph.
    pub(super) number: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) weight: i64,
    pub(super) kind: EdgeKind,
}

/// What the picture shows.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) reduced: Reduced,
    /// How many functions the source has that have any samples.
    pub(super) present: usize,
    /// Which items lie in the strip of shared callees.
    pub(super) strip: Vec<bool>,
    pub(super) edges: Vec<Planned>,
    pub(super) ranks: Ranks,
}

impl Plan {
    pub(super) fn new(source: &Source<'_>, settings: &Settings) -> Plan {
        let full = CallGraph::new(source.tree, source.node_self);
        let candidates = Candidates::new(source, &full, settings);
        // Large views show everything that they can.
        let strictest = if settings.items > MANY { 0 } else { PASS_ON.len() - 1 };
        let mut strictness = 0;
        loop {
            let plan = Plan::at(source, settings, &full, &candidates, strictness);
            if strictness == strictest || plan.ranks.columns() <= COLUMNS {
                return plan;
            }
            strictness += 1;
        }
    }

    fn at(
        source: &Source<'_>,
        settings: &Settings,
        full: &CallGraph,
        candidates: &Candidates,
        strictness: usize,
    ) -> Plan {
        let mut visible: Vec<Option<u32>> = vec![None; source.functions.len()];
        let mut count = 0;
        let mut show = |visible: &mut Vec<Option<u32>>, frame: u32| {
            let item = &mut visible[frame as usize];
            if item.is_none() {
                *item = Some(count);
                count += 1;
            }
        };
        candidates.admit(strictness, settings.items).for_each(|frame| show(&mut visible, frame));
        let mut reduced = reduce(source, &visible, full);
        let opened = members(source, full, &reduced, &settings.open);
        if !opened.is_empty() {
            opened.into_iter().for_each(|frame| show(&mut visible, frame));
            reduced = reduce(source, &visible, full);
        }
        let strip = strip(&reduced);
        let (edges, ranks) = edges(&reduced, &strip);
        let present = full.totals.iter().filter(|total| **total != 0).count();
        Plan { reduced, present, strip, edges, ranks }
    }
}

/// The largest members of the folds that are open.
fn members(source: &Source<'_>, full: &CallGraph, reduced: &Reduced, open: &[u64]) -> Vec<u32> {
    let mut shown = Vec::new();
    for (item, stands) in reduced.items.iter().enumerate() {
        let Stands::Fold(fold) = stands else { continue };
        if !open.contains(&fold.id) {
            continue;
        }
        let belongs = |frame: &u32| reduced.fold_of[*frame as usize] == Some(item as u32);
        let mut members: Vec<u32> = (0..source.functions.len() as u32).filter(belongs).collect();
        members.sort_by_key(|&frame| {
            (std::cmp::Reverse(full.self_values[frame as usize]), source.functions[frame as usize].id)
        });
        shown.extend(members.into_iter().take(OPENED));
    }
    shown
}

/// Which items are called from so many places that arrows to them would tangle the rest.
fn strip(reduced: &Reduced) -> Vec<bool> {
    let graph = &reduced.graph;
    let mut callers = vec![0_usize; reduced.items.len()];
    let mut heaviest = vec![0_i64; reduced.items.len()];
    for edge in graph.edges.iter().filter(|edge| edge.caller != edge.callee && edge.weight != 0) {
        callers[edge.callee as usize] += 1;
        let heaviest = &mut heaviest[edge.callee as usize];
        *heaviest = (*heaviest).max(edge.weight);
    }
    let lies = |(item, stands): (usize, &Stands)| match stands {
        Stands::Fold(_) => callers[item] >= FOLD_CALLERS,
        Stands::Function(_) => {
            let [own, total, into] =
                [graph.self_values[item], graph.totals[item], heaviest[item]].map(|value| value as f64);
            callers[item] >= HUB_CALLERS && into <= HUB_HEAVIEST * total && own >= HUB_OWN * total
        }
    };
    reduced.items.iter().enumerate().map(lies).collect()
}

fn edges(reduced: &Reduced, strip: &[bool]) -> (Vec<Planned>, Ranks) {
    let graph = &reduced.graph;
    let all = graph.total.unsigned_abs() as f64;
    let mut heaviest_in = vec![None; reduced.items.len()];
    for (number, edge) in
        graph.edges.iter().enumerate().filter(|(_, edge)| edge.caller != edge.callee && edge.weight != 0)
    {
        let best = &mut heaviest_in[edge.callee as usize];
        if best.is_none_or(|best: usize| graph.edges[best].weight < edge.weight) {
            *best = Some(number);
        }
    }
    let mut planned = Vec::new();
    for (number, edge) in graph.edges.iter().enumerate().filter(|(_, edge)| edge.weight != 0) {
        let (from, to) = (edge.caller as usize, edge.callee as usize);
        let light = (edge.weight.unsigned_abs() as f64) < FAINT_SHARE * all && heaviest_in[to] != Some(number);
        let kind = match (from == to, strip[to], strip[from] || light) {
            (true, ..) | (_, true, _) => EdgeKind::Pip,
            (.., true) => EdgeKind::Faint,
            _ => EdgeKind::Line,
        };
        planned.push(Planned { number, from, to, weight: edge.weight, kind });
    }
    let ranked: Vec<usize> = (0..planned.len()).filter(|&at| planned[at].kind == EdgeKind::Line).collect();
    let triples: Vec<_> = ranked.iter().map(|&at| (planned[at].from, planned[at].to, planned[at].weight)).collect();
    let ranks = Ranks::new(&Edges { count: reduced.items.len(), edges: &triples });
    for (&at, &backward) in ranked.iter().zip(&ranks.backward) {
        if backward {
            let edge = &mut planned[at];
            let light = (edge.weight.unsigned_abs() as f64) < BACK_SHARE * all;
            edge.kind = if light { EdgeKind::Pip } else { EdgeKind::Back };
        }
    }
    (planned, ranks)
}
