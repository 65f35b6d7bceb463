//! Stacks for profiles that have none. Callgrind and Python's cProfile count, for each function, what it cost itself, and for
//! each pair of caller and callee what the calls cost; which callers of callers a cost came from is not in the file.
//!
//! Costs flow from callers to callees, and each function's inflow is its own cost and its outflow. So the flow is taken
//! apart into stacks that keep all of it: every function's own cost to the unit, and, as far as the file agrees with itself,
//! every total and every edge. Where a function has several callers, each is charged its share of every callee, as gprof and
//! speedscope do, until what is to be shared becomes small; what is small goes one way whole, so that there are never many
//! more stacks than edges.
//!
//! Where functions call one another in a circle, what enters it follows the heaviest calls first, round and round, until it
//! has used up what they cost; so the outermost of a program, `exec` in Python, keeps its total though imports call it again.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;

/// What a reader of such stacks has to know.
pub(super) const CAUTION: &str = "the file counts what functions and calls cost and has no stacks: self, totals and edges are \
                                  its own, longer chains of callers are estimates";

/// What is shared out among all callees: at least this part of the whole.
const SHARED_FROM: i64 = 4096;
/// How many shares may be made; some ten times what a large program needs.
const SHARES: usize = 500_000;
/// How many steps all costs together may take on their ways; what is left stands without its callers.
const STEPS: usize = 10_000_000;
/// How many calls within one circle a stack may hold.
const ROUNDS: u32 = 200;
/// How large tables of shortest ways may become; beyond it circles are crossed directly.
const WAYS: usize = 4_000_000;

/// The costs of one kind.
pub(super) struct CallCosts<'a> {
    /// The functions' locations.
    pub(super) functions: &'a [LocationId],
    /// What each costs itself.
    pub(super) own: &'a [i64],
    /// Caller, callee, and what the calls cost, in an order that is the same at each run.
    pub(super) calls: &'a [(u32, u32, i64)],
}

/// Where a cost can go from a function: to itself, or to a callee.
#[derive(Clone, Copy)]
struct Sink {
    /// The function that has it.
    of: u32,
    /// `None` for its own cost.
    callee: Option<u32>,
    /// Whether the callee is in the same circle.
    inner: bool,
    left: i64,
}

/// Some sinks, the largest first.
#[derive(Default)]
struct Sinks {
    list: Vec<u32>,
    left: i64,
    /// The first with anything left.
    next: usize,
}

/// A cost on its way.
struct Visit {
    function: u32,
    cost: i64,
    caller: StackId,
    /// How many calls within the circle lie behind it.
    rounds: u32,
}

impl CallCosts<'_> {
    /// Adds stacks with these costs as one of a profile's sample types.
    pub(super) fn add_to(&self, profile: &mut Profile, sample_type: usize) {
        let mut flow = Flow::new(self, profile, sample_type);
        for (function, cost) in flow.entries() {
            flow.run(Visit { function, cost, caller: StackId::EMPTY, rounds: 0 });
        }
        flow.rest();
    }
}

struct Flow<'a> {
    costs: &'a CallCosts<'a>,
    profile: &'a mut Profile,
    values: Vec<i64>,
    sample_type: usize,
    group_of: Vec<u32>,
    sinks: Vec<Sink>,
    /// By function: all its sinks.
    of_function: Vec<Sinks>,
    /// By circle: the sinks of its functions that lie outside, and their own costs; empty for a function by itself.
    of_circle: Vec<Sinks>,
    /// Within circles: who calls whom.
    inner: FxHashMap<u32, Vec<u32>>,
    /// For each function where a circle was entered: each other one's caller on the shortest way.
    ways: FxHashMap<u32, FxHashMap<u32, u32>>,
    ways_size: usize,
    /// What direct recursion costs; of it, as much as there is own cost is shown.
    recursion: Vec<i64>,
    shared_from: i64,
    shares: usize,
    steps: usize,
}

impl<'a> Flow<'a> {
    fn new(costs: &'a CallCosts<'a>, profile: &'a mut Profile, sample_type: usize) -> Self {
        let count = costs.functions.len();
        let group_of = circles(count, costs.calls);
        let mut sizes = vec![0_u32; group_of.iter().max().map_or(0, |most| *most as usize + 1)];
        group_of.iter().for_each(|&group| sizes[group as usize] += 1);
        let mut inner: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut recursion = vec![0; count];
        let own =
            costs.own.iter().enumerate().map(|(of, &left)| Sink { of: of as u32, callee: None, inner: false, left });
        let mut sinks: Vec<Sink> = own.collect();
        for &(of, callee, left) in costs.calls {
            if of == callee {
                recursion[of as usize] = left;
                continue;
            }
            let is_inner = group_of[of as usize] == group_of[callee as usize];
            if is_inner && left > 0 {
                inner.entry(of).or_default().push(callee);
            }
            sinks.push(Sink { of, callee: Some(callee), inner: is_inner, left });
        }
        sinks.retain(|sink| sink.left > 0);
        sinks.sort_by_key(|sink| std::cmp::Reverse(sink.left));
        let mut of_function: Vec<Sinks> = Vec::new();
        of_function.resize_with(count, Sinks::default);
        let mut of_circle: Vec<Sinks> = Vec::new();
        of_circle.resize_with(sizes.len(), Sinks::default);
        for (number, sink) in sinks.iter().enumerate() {
            let group = group_of[sink.of as usize] as usize;
            let in_circle = sizes[group] > 1 && !sink.inner;
            for of in [Some(&mut of_function[sink.of as usize]), in_circle.then(|| &mut of_circle[group])] {
                let Some(of) = of else { continue };
                of.list.push(number as u32);
                of.left = of.left.saturating_add(sink.left);
            }
        }
        let sum = costs.own.iter().fold(0_i64, |sum, own| sum.saturating_add((*own).max(0)));
        let values = vec![0; profile.sample_types.len()];
        Flow {
            costs,
            profile,
            values,
            sample_type,
            group_of,
            sinks,
            of_function,
            of_circle,
            inner,
            ways: FxHashMap::default(),
            ways_size: 0,
            recursion,
            shared_from: sum / SHARED_FROM,
            shares: SHARES,
            steps: STEPS,
        }
    }

    /// Where cost comes in from outside: what a function, or a circle of them, gives out and no call brings; into a circle at
    /// the function to which calls bring least of what it gives out.
    fn entries(&self) -> Vec<(u32, i64)> {
        let mut lacks = vec![0_i64; self.group_of.len()];
        let mut missing = vec![0_i64; self.of_circle.len()];
        for sink in &self.sinks {
            let of = self.group_of[sink.of as usize] as usize;
            lacks[sink.of as usize] = lacks[sink.of as usize].saturating_add(sink.left);
            if let Some(callee) = sink.callee {
                lacks[callee as usize] = lacks[callee as usize].saturating_sub(sink.left);
                let to = self.group_of[callee as usize] as usize;
                if !sink.inner {
                    missing[of] = missing[of].saturating_add(sink.left);
                    missing[to] = missing[to].saturating_sub(sink.left);
                }
            } else {
                missing[of] = missing[of].saturating_add(sink.left);
            }
        }
        let mut best: Vec<Option<u32>> = vec![None; missing.len()];
        for (function, &group) in self.group_of.iter().enumerate() {
            let best = &mut best[group as usize];
            if best.is_none_or(|best| lacks[best as usize] < lacks[function]) {
                *best = Some(function as u32);
            }
        }
        let entries = best.into_iter().zip(missing).filter(|(_, missing)| *missing > 0);
        entries.filter_map(|(function, missing)| Some((function?, missing))).collect()
    }

    fn run(&mut self, first: Visit) {
        let mut visits = vec![first];
        while let Some(visit) = visits.pop() {
            let Some(steps) = self.steps.checked_sub(1) else { return };
            self.steps = steps;
            let circle = self.group_of[visit.function as usize] as usize;
            let in_circle = !self.of_circle[circle].list.is_empty();
            let location = self.costs.functions[visit.function as usize];
            let stack = self.profile.stacks.push(visit.caller, location);
            let (mut parts, mut rest) = (Vec::new(), visit.cost);
            let rounds_left = visit.rounds < ROUNDS;
            if !in_circle {
                self.share(visit.function, &mut rest, &mut parts);
            }
            if rounds_left || !in_circle {
                rest = take(&mut self.of_function[visit.function as usize], &mut self.sinks, rest, &mut parts);
            }
            // What the calls from here don't take leaves the circle elsewhere.
            if in_circle {
                take(&mut self.of_circle[circle], &mut self.sinks, rest, &mut parts);
            }
            for (number, cost) in parts {
                let sink = self.sinks[number as usize];
                let stack = self.way(visit.function, sink.of, stack);
                let rounds = if sink.inner { visit.rounds + 1 } else { 0 };
                match sink.callee {
                    Some(function) => visits.push(Visit { function, cost, caller: stack, rounds }),
                    None => self.own(sink.of, cost, stack),
                }
            }
        }
    }

    /// Takes a large cost from all of a function's sinks, from each its share; what rounding leaves over is left.
    fn share(&mut self, function: u32, rest: &mut i64, parts: &mut Vec<(u32, i64)>) {
        let of = &mut self.of_function[function as usize];
        let (cost, all) = ((*rest).min(of.left), of.left);
        let count = of.list.len() - of.next;
        if cost < self.shared_from || cost <= 0 || count < 2 || self.shares < count {
            return;
        }
        self.shares -= count;
        for &number in &of.list[of.next..] {
            let sink = &mut self.sinks[number as usize];
            let part = (i128::from(cost) * i128::from(sink.left) / i128::from(all)) as i64;
            // Sums that saturated can make shares larger than what there is.
            let part = part.min(sink.left).min(*rest);
            if part > 0 {
                sink.left -= part;
                of.left -= part;
                *rest -= part;
                parts.push((number, part));
            }
        }
    }

    /// The stack at `to` when a circle was entered at `from`, whose stack this is.
    fn way(&mut self, from: u32, to: u32, stack: StackId) -> StackId {
        if from == to {
            return stack;
        }
        let mut way = vec![to];
        if let Some(callers) = self.ways_from(from) {
            while let Some(&caller) = way.last().and_then(|at| callers.get(at))
                && caller != from
            {
                way.push(caller);
            }
        }
        way.iter().rev().fold(stack, |stack, &at| self.profile.stacks.push(stack, self.costs.functions[at as usize]))
    }

    fn ways_from(&mut self, from: u32) -> Option<&FxHashMap<u32, u32>> {
        if !self.ways.contains_key(&from) {
            if self.ways_size > WAYS {
                return None;
            }
            let mut callers: FxHashMap<u32, u32> = FxHashMap::default();
            let mut reached = std::collections::VecDeque::from([from]);
            while let Some(at) = reached.pop_front() {
                for &callee in self.inner.get(&at).into_iter().flatten() {
                    if callee != from && !callers.contains_key(&callee) {
                        callers.insert(callee, at);
                        reached.push_back(callee);
                    }
                }
            }
            self.ways_size += callers.len();
            self.ways.insert(from, callers);
        }
        self.ways.get(&from)
    }

    fn own(&mut self, function: u32, cost: i64, stack: StackId) {
        let recursive = cost.min(self.recursion[function as usize]).max(0);
        if recursive > 0 {
            self.recursion[function as usize] -= recursive;
            let deeper = self.profile.stacks.push(stack, self.costs.functions[function as usize]);
            self.sample(deeper, recursive);
        }
        self.sample(stack, cost - recursive);
    }

    fn sample(&mut self, stack: StackId, cost: i64) {
        if cost != 0 {
            self.values[self.sample_type] = cost;
            self.profile.samples.add(stack, LabelSetId::EMPTY, &self.values);
            self.values[self.sample_type] = 0;
        }
    }

    /// Own costs that no flow reached, since the file does not agree with itself, and negative ones.
    fn rest(mut self) {
        let mut left: Vec<i64> = self.costs.own.iter().map(|own| (*own).min(0)).collect();
        for sink in self.sinks.iter().filter(|sink| sink.callee.is_none()) {
            left[sink.of as usize] = sink.left;
        }
        for (function, cost) in left.into_iter().enumerate().filter(|(_, cost)| *cost != 0) {
            let stack = self.profile.stacks.push(StackId::EMPTY, self.costs.functions[function]);
            self.sample(stack, cost);
        }
    }
}

/// Takes a cost from the first sinks that have any; gives what is left of it.
fn take(of: &mut Sinks, sinks: &mut [Sink], mut rest: i64, parts: &mut Vec<(u32, i64)>) -> i64 {
    while rest > 0 && of.next < of.list.len() {
        let number = of.list[of.next];
        let sink = &mut sinks[number as usize];
        let part = rest.min(sink.left);
        sink.left -= part;
        of.left -= part;
        rest -= part;
        if part > 0 {
            parts.push((number, part));
        }
        if sink.left == 0 {
            of.next += 1;
        }
    }
    rest
}

/// Which functions call one another in a circle: the number of each one's circle. Tarjan's algorithm, with a stack of its own.
fn circles(count: usize, calls: &[(u32, u32, i64)]) -> Vec<u32> {
    let mut callees: Vec<Vec<u32>> = vec![Vec::new(); count];
    for &(caller, callee, cost) in calls {
        if cost > 0 {
            callees[caller as usize].push(callee);
        }
    }
    const NONE: u32 = u32::MAX;
    let (mut order, mut lowest, mut group_of) = (vec![NONE; count], vec![0_u32; count], vec![NONE; count]);
    let (mut open, mut path, mut met, mut groups) = (Vec::new(), Vec::new(), 0, 0);
    for first in 0..count {
        if order[first] != NONE {
            continue;
        }
        path.push((first, 0));
        while let Some(top) = path.last_mut() {
            let (at, next) = *top;
            if next == 0 && order[at] == NONE {
                (order[at], lowest[at]) = (met, met);
                met += 1;
                open.push(at);
            }
            if let Some(&callee) = callees[at].get(next) {
                top.1 += 1;
                let callee = callee as usize;
                if order[callee] == NONE {
                    path.push((callee, 0));
                } else if group_of[callee] == NONE {
                    lowest[at] = lowest[at].min(order[callee]);
                }
                continue;
            }
            path.pop();
            if let Some(&(caller, _)) = path.last() {
                lowest[caller] = lowest[caller].min(lowest[at]);
            }
            if lowest[at] == order[at] {
                while let Some(member) = open.pop() {
                    group_of[member] = groups;
                    if member == at {
                        break;
                    }
                }
                groups += 1;
            }
        }
    }
    group_of
}

#[cfg(test)]
mod tests {
    use super::*;
    use plop_profile::{CallGraph, Frame, FrameTree};

    type Edges = FxHashMap<(u32, u32), i64>;

    /// The call graph of these costs: self and total of each function by number, and the edges.
    fn graph(own: &[i64], calls: &[(u32, u32, i64)]) -> (Vec<i64>, Vec<i64>, Edges, Profile) {
        let mut profile = Profile::new([("cost", "count")]);
        let functions: Vec<LocationId> =
            (0..own.len()).map(|at| profile.named_location(&format!("f{at}"), "")).collect();
        CallCosts { functions: &functions, own, calls }.add_to(&mut profile, 0);
        let tree = FrameTree::new(&profile);
        let graph = CallGraph::new(&tree, &tree.self_values(&profile, 0, |_| true));
        let number = |frame: usize| match tree.frames[frame] {
            Frame::Function(function) => function.0 as usize,
            Frame::Unnamed(_) => unreachable!("all are named"),
        };
        let (mut self_values, mut totals) = (vec![0; own.len()], vec![0; own.len()]);
        for at in 0..tree.frames.len() {
            self_values[number(at)] = graph.self_values[at];
            totals[number(at)] = graph.totals[at];
        }
        let edges = graph
            .edges
            .iter()
            .map(|edge| ((number(edge.caller as usize) as u32, number(edge.callee as usize) as u32), edge.weight));
        let edges = edges.collect();
        (self_values, totals, edges, profile)
    }

    #[test]
    fn a_flow_keeps_self_total_and_edges_to_the_unit() {
        let calls = [(0, 1, 400), (0, 2, 401), (1, 2, 300), (2, 3, 7)];
        let (own, total, edges, _) = graph(&[20, 100, 694, 7], &calls);
        assert_eq!(own, [20, 100, 694, 7]);
        assert_eq!(total, [821, 400, 701, 7]);
        assert_eq!(edges, calls.map(|(caller, callee, cost)| ((caller, callee), cost)).into_iter().collect());
    }

    #[test]
    fn callers_are_charged_their_share_of_every_callee() {
        // f2 costs 100, a quarter of it called by f0; so is a quarter of what it calls.
        let (_, _, _, profile) = graph(&[0, 0, 60, 40], &[(0, 2, 25), (1, 2, 75), (2, 3, 40)]);
        let values: Vec<i64> = profile.samples.iter().map(|sample| sample.values[0]).collect();
        assert_eq!(values.iter().sum::<i64>(), 100);
        assert!([15, 10, 45, 30].iter().all(|part| values.contains(part)), "{values:?}");
    }

    #[test]
    fn circles_and_recursion_count_once() {
        // main calls a, which calls b and is called by it; b calls itself, and leaf.
        let calls = [(0, 1, 90), (1, 2, 270), (2, 1, 200), (2, 2, 50), (2, 3, 30)];
        let (own, total, edges, _) = graph(&[10, 20, 40, 30], &calls);
        assert_eq!(own, [10, 20, 40, 30]);
        assert_eq!(total, [100, 90, 90, 30]);
        assert_eq!((edges[&(0, 1)], edges[&(1, 2)], edges[&(2, 3)]), (90, 90, 30));
        assert_eq!(edges.get(&(2, 2)), Some(&40), "as much recursion as there is own cost");
    }

    #[test]
    fn own_costs_stay_whole_where_a_file_does_not_agree_with_itself() {
        let (own, ..) = graph(&[5, -3, 70], &[(0, 1, 1), (1, 2, 500)]);
        assert_eq!(own, [5, -3, 70]);
    }

    #[test]
    fn many_ways_through_a_program_make_no_more_stacks_than_edges_by_much() {
        // 40 layers of 10 functions, each calling all of the next: 10⁴⁰ ways from the first to the last.
        let (layers, wide) = (40_u32, 10_u32);
        let count = layers * wide;
        let mut calls = Vec::new();
        for caller in 0..count - wide {
            let layer = caller / wide;
            calls.extend((0..wide).map(|at| (caller, (layer + 1) * wide + at, 1_000_000)));
        }
        let mut own = vec![0; count as usize];
        own[(count - wide) as usize..].fill(10_000_000);
        let (self_values, total, _, profile) = graph(&own, &calls);
        assert_eq!(self_values, own);
        assert!(total.iter().all(|&total| total == 10_000_000), "{total:?}");
        assert!(profile.samples.len() < 100_000, "{}", profile.samples.len());
    }
}
