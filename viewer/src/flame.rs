//! Flame graphs: the stacks of a view merged from the outside in, from the inside out, or around one function, cut to the
//! boxes that are wide enough to be seen. Knows no HTTP and no files.
//!
//! Around a function, its outermost frame counts in each stack: so every sample counts once, whatever the recursion, and what
//! lies inside the function calls itself again below.

use std::collections::BTreeMap;

use plop_profile::FrameTree;
use rustc_hash::FxHashMap;

use crate::compare::{Both, Scale, Sides};
use crate::filter::Viewed;
use crate::function::{Function, hash};

/// Which stacks are merged, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// From the outermost frames to their callees, each in what called it.
    Callees,
    /// From the leaves to their callers.
    Callers,
    /// From the values of a label to the outermost frames of their samples.
    By(String),
    /// From a function, by its id, to what it calls.
    CalleesOf(u64),
    /// From a function to what calls it.
    CallersOf(u64),
}

/// What is to be seen of a flame graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Cut {
    /// The boxes from the first level down to the one that fills the width, by their ids; none for all.
    pub zoom: Vec<u64>,
    /// The share of that width which a box must have.
    pub least: f64,
}

/// So many boxes are shown at most; beyond, the least share grows.
const MOST_BOXES: usize = 30_000;

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Of {
    /// A function, by its frame's number.
    Frame(u32),
    /// A value of the label, by its number in [`Flame::values`].
    Value(u32),
}

/// One box. Those in it follow, widest first; what is left of its width is its own, or too narrow to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlameBox {
    /// How many boxes it lies in.
    pub depth: u32,
    /// What it stands for.
    pub of: Of,
    /// What the samples weigh that it is made of.
    pub total: i64,
    /// What those of them weigh whose stacks end here.
    pub self_value: i64,
    /// Whether most of it was inlined into its caller.
    pub inlined: bool,
    /// What it weighs on either side, as measured, where two profiles are compared.
    pub sides: Option<Sides<i64>>,
}

/// A flame graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flame {
    /// The width of all first boxes.
    pub total: i64,
    /// The boxes, each before those in it.
    pub boxes: Vec<FlameBox>,
    /// The values of the label, if that is the first level.
    pub values: Vec<String>,
    /// How many steps of the wanted zoom were found.
    pub zoomed: usize,
}

/// The id of a label's value, as a box.
pub fn value_id(value: &str) -> u64 {
    hash(&[value])
}

/// What stacks weigh: a value of one profile, or that of two together with what either has of it.
pub trait Weight: Copy + Default {
    /// Which of a sample's values it is.
    type Measure: Copy;
    /// The self value of each of so many nodes, of samples with the nodes where they end.
    fn own<'v>(measure: Self::Measure, nodes: usize, samples: impl Iterator<Item = (usize, &'v [i64])>) -> Vec<Self>;
    /// Both together.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// What decides about widths.
    fn whole(self) -> i64;
    /// What either side has, as measured.
    fn sides(self) -> Option<Sides<i64>>;
}

impl Weight for i64 {
    type Measure = usize;

    fn own<'v>(sample_type: usize, nodes: usize, samples: impl Iterator<Item = (usize, &'v [i64])>) -> Vec<i64> {
        let mut own = vec![0_i64; nodes];
        samples.for_each(|(node, values)| own[node] = own[node].saturating_add(values[sample_type]));
        own
    }

    fn plus(self, other: i64) -> i64 {
        self.saturating_add(other)
    }

    fn whole(self) -> i64 {
        self
    }

    fn sides(self) -> Option<Sides<i64>> {
        None
    }
}

/// What stacks of two profiles weigh.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfBoth {
    /// Both together, before's in units of after.
    together: i64,
    sides: Sides<i64>,
}

impl Weight for OfBoth {
    type Measure = (Sides<usize>, Scale);

    fn own<'v>(
        (columns, scale): Self::Measure,
        nodes: usize,
        samples: impl Iterator<Item = (usize, &'v [i64])>,
    ) -> Vec<OfBoth> {
        let mut own = Sides { before: vec![0_i64; nodes], after: vec![0_i64; nodes] };
        for (node, values) in samples {
            own.before[node] = own.before[node].saturating_add(values[columns.before]);
            own.after[node] = own.after[node].saturating_add(values[columns.after]);
        }
        let scaled = scale.spread(&own.before);
        let of = |at: usize| {
            let sides = own.map(|values| values[at]);
            OfBoth { together: sides.after.saturating_add(scaled[at]), sides }
        };
        (0..nodes).map(of).collect()
    }

    fn plus(self, other: OfBoth) -> OfBoth {
        let (before, after) = (self.sides.before.plus(other.sides.before), self.sides.after.plus(other.sides.after));
        OfBoth { together: self.together.plus(other.together), sides: Sides { before, after } }
    }

    fn whole(self) -> i64 {
        self.together
    }

    fn sides(self) -> Option<Sides<i64>> {
        Some(self.sides)
    }
}

/// A view with its sums, from which several flame graphs can be made.
#[derive(Debug)]
pub struct Stacks<'a, W: Weight = i64> {
    viewed: &'a Viewed<'a>,
    tree: &'a FrameTree,
    measure: W::Measure,
    /// By node: how many nodes its subtree has.
    sizes: Vec<u32>,
    inlined: Vec<bool>,
    sums: Sums<W>,
}

/// Self and total of every node.
#[derive(Debug)]
struct Sums<W> {
    own: Vec<W>,
    totals: Vec<W>,
}

impl<W: Weight> Sums<W> {
    fn of(tree: &FrameTree, own: Vec<W>) -> Self {
        let mut totals = own.clone();
        for (at, node) in tree.nodes.iter().enumerate().skip(1).rev() {
            totals[node.parent as usize] = totals[node.parent as usize].plus(totals[at]);
        }
        Sums { own, totals }
    }
}

/// Stacks on their way: where they are, and what they weigh.
type Group<W> = Vec<(u32, W)>;

/// What a group's stacks weigh.
fn sum<W: Weight>(weights: impl Iterator<Item = W>) -> W {
    weights.fold(W::default(), W::plus)
}

/// The way from a box to those in it.
#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl<'a> Stacks<'a> {
    /// The stacks of a view, by the sample type that is looked at.
    pub fn of(viewed: &'a Viewed<'a>) -> Self {
        Stacks::measured(viewed, viewed.sample_type)
    }
}

impl<'a> Stacks<'a, OfBoth> {
    /// The stacks of two profiles.
    pub fn of_both(both: &'a Both<'_>) -> Self {
        Stacks::measured(&both.viewed, (both.columns(), both.scale))
    }
}

impl<'a, W: Weight> Stacks<'a, W> {
    fn measured(viewed: &'a Viewed<'a>, measure: W::Measure) -> Self {
        let tree = &*viewed.tree;
        let mut sizes = vec![1_u32; tree.nodes.len()];
        for at in (1..tree.nodes.len()).rev() {
            sizes[tree.nodes[at].parent as usize] += sizes[at];
        }
        let samples = viewed.samples().map(|sample| (tree.leaf(sample.stack), sample.values));
        let sums = Sums::of(tree, W::own(measure, tree.nodes.len(), samples));
        Stacks { viewed, tree, measure, sizes, inlined: viewed.inlined_nodes(), sums }
    }

    /// What all samples of the view weigh.
    pub fn total(&self) -> i64 {
        self.sums.totals.first().map_or(0, |total| total.whole())
    }

    /// By frame: what the samples weigh that end there; `None` if no sample passes through it.
    pub fn self_values(&self) -> Vec<Option<i64>> {
        let mut values = vec![None; self.tree.frames.len()];
        for (at, node) in self.tree.nodes.iter().enumerate().skip(1) {
            if self.sums.totals[at].whole() != 0 {
                let value: &mut i64 = values[node.frame as usize].get_or_insert(0);
                *value = value.saturating_add(self.sums.own[at].whole());
            }
        }
        values
    }

    /// The flame graph.
    pub fn flame(&self, shape: &Shape, cut: &Cut) -> Flame {
        let mut cut = cut.clone();
        loop {
            let flame = self.flame_cut(shape, &cut);
            if flame.boxes.len() <= MOST_BOXES {
                return flame;
            }
            cut.least *= 2.0;
        }
    }

    fn flame_cut(&self, shape: &Shape, cut: &Cut) -> Flame {
        let mut grown = Grown { stacks: self, cut, flame: Flame::default(), least: 1, done: false };
        match shape {
            Shape::Callees => {
                grown.flame.total = self.total();
                let boxes = self.step(&[(0, self.sums.totals[0])], Way::In, &self.sums);
                grown.grow(boxes, 0, Way::In, &self.sums);
            }
            Shape::Callers => {
                let leaves = self.sums.own.iter().enumerate().skip(1).filter(|(_, own)| own.whole() > 0);
                let leaves: Group<W> = leaves.map(|(node, &own)| (node as u32, own)).collect();
                grown.flame.total = leaves.iter().map(|leaf| leaf.1.whole()).sum();
                let boxes = self.by_frame(leaves);
                grown.grow(boxes, 0, Way::Out, &self.sums);
            }
            Shape::CalleesOf(item) | Shape::CallersOf(item) => {
                let way = if matches!(shape, Shape::CalleesOf(_)) { Way::In } else { Way::Out };
                let outermost = self.outermost(*item);
                grown.flame.total = outermost.iter().map(|node| node.1.whole()).sum();
                let boxes = self.by_frame(outermost);
                grown.grow(boxes, 0, way, &self.sums);
            }
            Shape::By(key) => self.by_label(key, &mut grown),
        }
        grown.flame
    }

    /// The flame graph of each value of a label, side by side, the heaviest first.
    fn by_label(&self, key: &str, grown: &mut Grown<'_, 'a, W>) {
        let mut samples: BTreeMap<String, Vec<(usize, &[i64])>> = BTreeMap::new();
        let mut values: FxHashMap<_, String> = FxHashMap::default();
        for sample in self.viewed.samples() {
            let value = values
                .entry(sample.labels)
                .or_insert_with(|| self.viewed.opened.label(sample.labels, key).unwrap_or_else(|| format!("no {key}")));
            let leaf = (self.tree.leaf(sample.stack), sample.values);
            match samples.get_mut(value.as_str()) {
                Some(leaves) => leaves.push(leaf),
                None => _ = samples.insert(value.clone(), vec![leaf]),
            }
        }
        let sums = |leaves: &[(usize, &[i64])]| {
            Sums::of(self.tree, W::own(self.measure, self.tree.nodes.len(), leaves.iter().copied()))
        };
        let mut parts: Vec<_> =
            samples.into_iter().map(|(value, leaves)| (value, sums(&leaves).totals[0], leaves)).collect();
        parts.sort_by_key(|(_, weight, _)| std::cmp::Reverse(weight.whole()));
        grown.flame.total = parts.iter().map(|(_, weight, _)| weight.whole()).sum();
        let zoomed = parts.iter().position(|(value, ..)| grown.cut.zoom.first() == Some(&value_id(value)));
        if let Some(at) = zoomed {
            parts = vec![parts.swap_remove(at)];
            grown.flame.zoomed = 1;
        }
        grown.set_least(parts.iter().map(|(_, weight, _)| weight.whole()).sum());
        for (value, weight, leaves) in parts {
            if weight.whole() < grown.least {
                break;
            }
            // Summed anew: one label at a time is all that has to be held.
            let sums = sums(&leaves);
            let of = Of::Value(grown.flame.values.len() as u32);
            grown.flame.values.push(value);
            grown.flame.boxes.push(FlameBox {
                depth: 0,
                of,
                total: weight.whole(),
                self_value: sums.own[0].whole(),
                inlined: false,
                sides: weight.sides(),
            });
            let boxes = self.step(&[(0, weight)], Way::In, &sums);
            grown.grow(boxes, 1, Way::In, &sums);
        }
    }

    /// The nodes of a function that have no other of it above them.
    fn outermost(&self, item: u64) -> Group<W> {
        let mut found = Group::new();
        let mut at = 1;
        while at < self.tree.nodes.len() {
            if self.viewed.functions[self.tree.nodes[at].frame as usize].id == item {
                found.push((at as u32, self.sums.totals[at]));
                at += self.sizes[at] as usize;
            } else {
                at += 1;
            }
        }
        found
    }

    /// Stacks by the frame where they are, the heaviest first.
    fn by_frame(&self, mut stacks: Group<W>) -> Vec<(u32, W, Group<W>)> {
        let frame = |node: u32| self.tree.nodes[node as usize].frame;
        stacks.sort_unstable_by_key(|&(node, _)| (frame(node), node));
        let groups = stacks.chunk_by(|left, right| frame(left.0) == frame(right.0));
        let mut groups: Vec<_> = groups
            .map(|group| {
                // Stacks that meet go on as one.
                let mut met: Group<W> = Vec::with_capacity(group.len());
                for &(node, weight) in group {
                    match met.last_mut() {
                        Some(last) if last.0 == node => last.1 = last.1.plus(weight),
                        _ => met.push((node, weight)),
                    }
                }
                (frame(group[0].0), sum(group.iter().map(|stack| stack.1)), met)
            })
            .collect();
        let name = |frame: u32| &self.viewed.functions[frame as usize].name;
        groups
            .sort_by(|left, right| right.1.whole().cmp(&left.1.whole()).then_with(|| name(left.0).cmp(name(right.0))));
        groups
    }

    /// One frame further.
    fn step(&self, group: &[(u32, W)], way: Way, sums: &Sums<W>) -> Vec<(u32, W, Group<W>)> {
        let mut next = Group::new();
        for &(node, weight) in group {
            match way {
                Way::Out => {
                    let caller = self.tree.nodes[node as usize].parent;
                    if caller != 0 {
                        next.push((caller, weight));
                    }
                }
                Way::In => {
                    let end = node + self.sizes[node as usize];
                    let mut callee = node + 1;
                    while callee < end {
                        if sums.totals[callee as usize].whole() > 0 {
                            next.push((callee, sums.totals[callee as usize]));
                        }
                        callee += self.sizes[callee as usize];
                    }
                }
            }
        }
        self.by_frame(next)
    }
}

/// A flame graph while it grows.
struct Grown<'s, 'a, W: Weight> {
    stacks: &'s Stacks<'a, W>,
    cut: &'s Cut,
    flame: Flame,
    /// What a box must weigh, once the zoom is reached.
    least: i64,
    done: bool,
}

impl<W: Weight> Grown<'_, '_, W> {
    fn set_least(&mut self, width: i64) {
        self.least = ((width as f64 * self.cut.least).ceil() as i64).max(1);
    }

    /// Adds boxes and all in them. No recursion: stacks can be deep.
    fn grow(&mut self, boxes: Vec<(u32, W, Group<W>)>, depth: u32, way: Way, sums: &Sums<W>) {
        let width = boxes.iter().map(|of| of.1.whole()).sum();
        let boxes = self.zoomed(boxes, depth, width);
        let mut waiting: Vec<(u32, u32, W, Group<W>)> = Vec::new();
        let push = |waiting: &mut Vec<_>, boxes: Vec<(u32, W, Group<W>)>, depth: u32, least: i64| {
            let wide = boxes.into_iter().take_while(|of| of.1.whole() >= least);
            let first = waiting.len();
            waiting.extend(wide.map(|(frame, total, group)| (depth, frame, total, group)));
            waiting[first..].reverse();
        };
        push(&mut waiting, boxes, depth, self.least);
        while let Some((depth, frame, weight, group)) = waiting.pop() {
            let total = weight.whole();
            let inside = self.stacks.step(&group, way, sums);
            let ends = match way {
                Way::In => group.iter().map(|stack| sums.own[stack.0 as usize].whole()).sum(),
                Way::Out => total - inside.iter().map(|of| of.1.whole()).sum::<i64>(),
            };
            let inlined: i64 =
                group.iter().filter(|stack| self.stacks.inlined[stack.0 as usize]).map(|stack| stack.1.whole()).sum();
            let (of, inlined, sides) = (Of::Frame(frame), 2 * inlined > total, weight.sides());
            self.flame.boxes.push(FlameBox { depth, of, total, self_value: ends, inlined, sides });
            if self.flame.boxes.len() > MOST_BOXES {
                return;
            }
            let inside = self.zoomed(inside, depth + 1, total);
            push(&mut waiting, inside, depth + 1, self.least);
        }
    }

    /// On the way to the zoom, only the box that it names; its weight says how heavy others must be.
    fn zoomed(&mut self, mut boxes: Vec<(u32, W, Group<W>)>, depth: u32, width: i64) -> Vec<(u32, W, Group<W>)> {
        let depth = depth as usize;
        let functions: &[Function] = self.stacks.viewed.functions;
        if !self.done && self.flame.zoomed == depth {
            let wanted = self.cut.zoom.get(depth);
            let at = wanted.and_then(|id| boxes.iter().position(|of| functions[of.0 as usize].id == *id));
            if let Some(at) = at {
                self.flame.zoomed += 1;
                boxes = vec![boxes.swap_remove(at)];
                self.least = 1;
            } else {
                self.done = true;
                self.set_least(width);
            }
        }
        boxes
    }
}

#[cfg(test)]
mod tests;
