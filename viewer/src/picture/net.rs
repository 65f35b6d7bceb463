//! An ordered part that can be changed: items and edges are taken out, and put in where they cross the fewest others. Each edge's
//! way is found by dynamic programming over the places between the vertices of each layer. Knows no positions.

use super::layers::Layers;

/// What is weighed against each other; a crossing, or what is as bad.
const CROSSING: i32 = 1000;
/// An edge that is one layer longer.
const LENGTH: i32 = 300;
/// A layer that needs one pixel more than the window has.
const CROWDED: i32 = 12;
/// An edge that runs from one end of a layer to the other end of the next: of likes, the straight one is taken.
const SLANT: usize = 100;

/// So many layers an item may stand from its nearest caller, or callee, if it has none on the other side.
const FARTHEST: usize = 2;

const OUT: usize = usize::MAX;

/// A part and the state that it is in. Layers hold items and dummies; an edge's dummies hang together as a list.
#[derive(Clone)]
pub(super) struct Net<'a> {
    part: &'a Layers,
    /// By item its edges, as places in the part's list.
    edges_of: &'a [Vec<usize>],
    /// By item how much room it takes across the layers.
    rooms: &'a [f64],
    /// How much room there is.
    available: f64,
    layers: Vec<Vec<usize>>,
    /// By vertex its layer, and its place in it; `OUT` for what is taken out.
    layer_of: Vec<usize>,
    at: Vec<usize>,
    /// By dummy the vertex behind it on its edge.
    next: Vec<usize>,
    /// By edge the vertex behind its low end; `OUT` for one that is taken out.
    first: Vec<usize>,
    /// Dummies of edges that were taken out.
    free: Vec<usize>,
    gaps: Vec<Gap>,
    /// By layer how much room its items take.
    used: Vec<f64>,
    crossings: i32,
    length: usize,
}

/// The places that a vertex of a layer takes: from the first up to, not including, the second. One that comes in between two
/// others takes none.
type Span = (usize, usize);

/// How many edges run from the first places of one layer to the first places of the next; empty where it must be counted anew.
#[derive(Clone, Default)]
struct Gap {
    sums: Vec<u16>,
    width: usize,
}

impl Gap {
    fn up_to(&self, place: usize, next: usize) -> i32 {
        i32::from(self.sums[place * self.width + next])
    }

    /// How many edges one would cross that led from the one span to the other.
    fn crossed(&self, from: Span, to: Span) -> i32 {
        let (last, last_next) = (self.sums.len() / self.width - 1, self.width - 1);
        let above = self.up_to(from.0, last_next) - self.up_to(from.0, to.1);
        above + self.up_to(last, to.0) - self.up_to(from.1, to.0)
    }

    /// What it costs to come to each place between vertices of the next layer, given what it costs to come to those of the first;
    /// or, `against` the edges, to come to those of the first from those of the next. Loops without branches: most of the time
    /// that an order takes is spent here.
    fn pass(&self, costs: &[i32], against: bool) -> Vec<i32> {
        let (here, there) = (self.sums.len() / self.width - 1, self.width - 1);
        let ends: Vec<i32> = (0..=there).map(|next| CROSSING * self.up_to(here, next)).collect();
        let slants: Vec<i32> = (0..=there).map(|next| slanted((next, next), there)).collect();
        let mut found = vec![i32::MAX; if against { here + 1 } else { there + 1 }];
        for (place, sums) in self.sums.chunks_exact(self.width).enumerate() {
            let (starts, slant) = (CROSSING * i32::from(sums[there]), slanted((place, place), here));
            let ways = sums.iter().zip(ends.iter().zip(&slants));
            let ways =
                ways.map(|(&sum, (end, other))| starts + end - 2 * CROSSING * i32::from(sum) + (slant - other).abs());
            if against {
                let ways = ways.zip(costs).map(|(way, cost)| way + cost);
                found[place] = ways.fold(i32::MAX, i32::min);
            } else {
                found.iter_mut().zip(ways).for_each(|(found, way)| *found = (way + costs[place]).min(*found));
            }
        }
        found
    }
}

/// A span's middle as a part of its layer.
fn slanted(span: Span, length: usize) -> i32 {
    ((span.0 + span.1) * SLANT / (2 * length.max(1))) as i32
}

impl<'a> Net<'a> {
    /// An ordered part, with what room its items take and how much there is.
    pub(super) fn new(part: &'a Layers, edges_of: &'a [Vec<usize>], rooms: &'a [f64], available: f64) -> Self {
        let vertices = part.layer_of.len();
        let mut net = Net {
            part,
            edges_of,
            rooms,
            available,
            layers: part.layers.clone(),
            layer_of: part.layer_of.clone(),
            at: vec![0; vertices],
            next: vec![OUT; vertices],
            first: vec![OUT; part.edges.len()],
            free: Vec::new(),
            gaps: vec![Gap::default(); part.layers.len()],
            used: vec![0.0; part.layers.len()],
            crossings: 0,
            length: 0,
        };
        (0..net.layers.len()).for_each(|layer| net.number(layer));
        for (&layer, room) in part.layer_of.iter().zip(rooms) {
            net.used[layer] += room;
        }
        for (edge, (_, inner)) in part.chains.iter().enumerate() {
            net.lay(edge, inner);
        }
        net
    }

    pub(super) fn cost(&self) -> i32 {
        let crowded: i32 = (0..self.layers.len()).map(|layer| self.crowded(layer, 0.0)).sum();
        CROSSING * self.crossings + LENGTH * self.length as i32 + crowded
    }

    #[cfg(test)]
    pub(super) fn crossings(&self) -> i32 {
        self.crossings
    }

    fn crowded(&self, layer: usize, more: f64) -> i32 {
        (f64::from(CROWDED) * (self.used[layer] + more - self.available).max(0.0)) as i32
    }

    /// Renumbers a layer in which something has changed.
    fn number(&mut self, layer: usize) {
        for (place, &vertex) in self.layers[layer].iter().enumerate() {
            self.at[vertex] = place;
        }
        self.gaps[layer].sums.clear();
        if layer > 0 {
            self.gaps[layer - 1].sums.clear();
        }
    }

    fn put(&mut self, vertex: usize, layer: usize, place: usize) {
        self.layers[layer].insert(place, vertex);
        self.layer_of[vertex] = layer;
        self.number(layer);
        self.used[layer] += self.rooms.get(vertex).unwrap_or(&0.0);
    }

    fn take(&mut self, vertex: usize) {
        let layer = std::mem::replace(&mut self.layer_of[vertex], OUT);
        self.layers[layer].remove(self.at[vertex]);
        self.number(layer);
        self.used[layer] -= self.rooms.get(vertex).unwrap_or(&0.0);
    }

    fn is_out(&self, vertex: usize) -> bool {
        self.layer_of[vertex] == OUT
    }

    fn span(&self, vertex: usize) -> Span {
        (self.at[vertex], self.at[vertex] + 1)
    }

    /// The vertices of an edge, from its low end to its high one.
    fn way(&self, edge: usize) -> impl Iterator<Item = usize> {
        let (_, low, high, _) = self.part.edges[edge];
        let behind = move |&vertex: &usize| match vertex {
            _ if vertex == high => None,
            _ if vertex == low => Some(self.first[edge]),
            _ => Some(self.next[vertex]),
        };
        std::iter::successors(Some(low), behind)
    }

    /// Counts the gap behind a layer, unless that has been done.
    fn count(&mut self, layer: usize) {
        if !self.gaps[layer].sums.is_empty() {
            return;
        }
        let (layers, width) = (&self.layers, self.layers[layer + 1].len() + 1);
        let mut sums = std::mem::take(&mut self.gaps[layer].sums);
        sums.resize((layers[layer].len() + 1) * width, 0);
        for (place, &vertex) in layers[layer].iter().enumerate() {
            let row = (place + 1) * width;
            if vertex >= self.rooms.len() {
                if self.next[vertex] != OUT {
                    sums[row + self.at[self.next[vertex]] + 1] += 1;
                }
                continue;
            }
            for &edge in &self.edges_of[vertex] {
                if self.part.edges[edge].1 == vertex && self.first[edge] != OUT {
                    sums[row + self.at[self.first[edge]] + 1] += 1;
                }
            }
        }
        for row in 1..=layers[layer].len() {
            let (before, after) = sums.split_at_mut(row * width);
            let mut sum = 0;
            for (count, above) in after[..width].iter_mut().zip(&before[(row - 1) * width..]) {
                sum += *count;
                *count = sum + above;
            }
        }
        self.gaps[layer] = Gap { sums, width };
    }

    /// How many others an edge crosses.
    pub(super) fn crossed(&mut self, edge: usize) -> i32 {
        let way: Vec<usize> = self.way(edge).collect();
        let mut crossed = 0;
        for step in way.windows(2) {
            let layer = self.layer_of[step[0]];
            self.count(layer);
            crossed += self.gaps[layer].crossed(self.span(step[0]), self.span(step[1]));
        }
        crossed
    }

    /// Puts an edge in along dummies that have their places.
    fn lay(&mut self, edge: usize, inner: &[usize]) {
        let (_, low, high, _) = self.part.edges[edge];
        self.first[edge] = inner.first().copied().unwrap_or(high);
        for (place, &dummy) in inner.iter().enumerate() {
            self.next[dummy] = inner.get(place + 1).copied().unwrap_or(high);
        }
        for layer in self.layer_of[low]..self.layer_of[high] {
            self.gaps[layer].sums.clear();
        }
        self.crossings += self.crossed(edge);
        self.length += self.layer_of[high] - self.layer_of[low];
    }

    fn take_edge(&mut self, edge: usize) {
        let (_, low, high, _) = self.part.edges[edge];
        self.crossings -= self.crossed(edge);
        self.length -= self.layer_of[high] - self.layer_of[low];
        let way: Vec<usize> = self.way(edge).collect();
        self.first[edge] = OUT;
        self.gaps[self.layer_of[low]].sums.clear();
        for &dummy in &way[1..way.len() - 1] {
            self.take(dummy);
            self.next[dummy] = OUT;
            self.free.push(dummy);
        }
    }

    /// Takes an item out, with its edges.
    pub(super) fn take_item(&mut self, item: usize) {
        for &edge in &self.edges_of[item] {
            if self.first[edge] != OUT {
                self.take_edge(edge);
            }
        }
        self.take(item);
    }

    /// What it costs to come from a vertex to each place of the layers from the next one up to the given one.
    fn reach(&mut self, from: usize, until: usize) -> Vec<Vec<i32>> {
        let (start, span) = (self.layer_of[from], self.span(from));
        let mut found: Vec<Vec<i32>> = Vec::with_capacity(start.abs_diff(until));
        let mut layer = start;
        while layer != until {
            let against = until < layer;
            let next = if against { layer - 1 } else { layer + 1 };
            self.count(layer.min(next));
            let gap = &self.gaps[layer.min(next)];
            let (here, there) = (self.layers[layer].len(), self.layers[next].len());
            let first = |slot: usize| {
                let to = (slot, slot);
                let crossed = if against { gap.crossed(to, span) } else { gap.crossed(span, to) };
                CROSSING * crossed + (slanted(span, here) - slanted(to, there)).abs()
            };
            let costs = match found.last() {
                None => (0..=there).map(first).collect(),
                Some(costs) => gap.pass(costs, against),
            };
            found.push(costs);
            layer = next;
        }
        found
    }

    /// Puts an edge in where it crosses the fewest others.
    fn route(&mut self, edge: usize) {
        let (_, low, high, _) = self.part.edges[edge];
        let (first, last) = (self.layer_of[low], self.layer_of[high]);
        let costs = self.reach(low, last - 1);
        self.count(last - 1);
        let mut places = vec![0; costs.len()];
        let mut target = self.span(high);
        for (step, costs) in costs.iter().enumerate().rev() {
            let layer = first + 1 + step;
            let (here, there) = (self.layers[layer].len(), self.layers[layer + 1].len());
            let cost = |&place: &usize| {
                let slant = (slanted((place, place), here) - slanted(target, there)).abs();
                costs[place] + CROSSING * self.gaps[layer].crossed((place, place), target) + slant
            };
            places[step] = (0..costs.len()).min_by_key(cost).unwrap_or(0);
            target = (places[step], places[step]);
        }
        let mut inner = Vec::with_capacity(places.len());
        for (step, place) in places.into_iter().enumerate() {
            let dummy = self.free.pop().unwrap_or_else(|| {
                self.layer_of.push(OUT);
                self.at.push(0);
                self.next.push(OUT);
                self.at.len() - 1
            });
            self.put(dummy, first + 1 + step, place);
            inner.push(dummy);
        }
        self.lay(edge, &inner);
    }

    /// The first layer that is behind all callers of an item, of which some may be out themselves.
    fn least(&self, item: usize) -> usize {
        let behind = |caller: usize| 1 + if self.is_out(caller) { self.least(caller) } else { self.layer_of[caller] };
        let calls = self.edges_of[item].iter().map(|&edge| self.part.edges[edge]);
        calls.filter(|call| call.2 == item).map(|call| behind(call.1)).max().unwrap_or(0)
    }

    /// The last layer that is before all of its callees.
    fn most(&self, item: usize) -> usize {
        let before = |callee: usize| if self.is_out(callee) { self.most(callee) } else { self.layer_of[callee] } - 1;
        let calls = self.edges_of[item].iter().map(|&edge| self.part.edges[edge]);
        calls.filter(|call| call.1 == item).map(|call| before(call.2)).min().unwrap_or(self.layers.len() - 1)
    }

    /// Puts an item in, with its edges to others that are in, where it costs least.
    pub(super) fn put_item(&mut self, item: usize) {
        let (mut low, mut high) = (self.least(item), self.most(item));
        let ends: Vec<(usize, usize, bool)> = (self.edges_of[item].iter())
            .map(|&edge| (edge, self.part.edges[edge]))
            .map(|(edge, (_, low, high, _))| if low == item { (edge, high, false) } else { (edge, low, true) })
            .filter(|&(_, other, _)| !self.is_out(other))
            .collect();
        // Far from all others it would but lengthen their edges.
        if ends.iter().all(|end| end.2) {
            high = high.min(low + FARTHEST);
        } else if ends.iter().all(|end| !end.2) {
            low = low.max(high.saturating_sub(FARTHEST));
        }
        let mut costs: Vec<Vec<i32>> = (low..=high)
            .map(|layer| {
                vec![self.crowded(layer, self.rooms[item]) - self.crowded(layer, 0.0); self.layers[layer].len() + 1]
            })
            .collect();
        for &(_, other, calls) in &ends {
            let start = self.layer_of[other];
            let reached = self.reach(other, if calls { high } else { low });
            for (layer, costs) in (low..).zip(&mut costs) {
                let length = layer.abs_diff(start);
                costs
                    .iter_mut()
                    .zip(&reached[length - 1])
                    .for_each(|(cost, way)| *cost += way + LENGTH * length as i32);
            }
        }
        let places = (low..)
            .zip(&costs)
            .flat_map(|(layer, costs)| costs.iter().enumerate().map(move |(place, &cost)| (cost, layer, place)));
        let (_, layer, place) = places.min().unwrap_or((0, low, 0));
        self.put(item, layer, place);
        for (edge, ..) in ends {
            self.route(edge);
        }
    }

    /// What has come of it.
    pub(super) fn into_layers(self) -> Layers {
        let items = self.part.items.len();
        // Layers in which no item is left only lengthen edges.
        let mut layer = 0;
        let numbers: Vec<usize> = (self.layers.iter())
            .map(|vertices| {
                let number = layer;
                layer += usize::from(vertices.iter().any(|&vertex| vertex < items));
                number
            })
            .collect();
        let layer_of: Vec<usize> = self.layer_of[..items].iter().map(|&layer| numbers[layer]).collect();
        let mut part = Layers::of(self.part.items.clone(), &layer_of);
        let mut at: Vec<usize> = self.at[..items].to_vec();
        for (edge, &(number, low, high, pull)) in self.part.edges.iter().enumerate() {
            part.connect(number, low, high, pull);
            let has_items = |&vertex: &usize| self.layers[self.layer_of[vertex]].iter().any(|&other| other < items);
            let inner = self.way(edge).filter(|&vertex| vertex >= items).filter(has_items);
            at.extend(inner.map(|dummy| self.at[dummy]));
        }
        part.layers.iter_mut().for_each(|layer| layer.sort_by_key(|&vertex| at[vertex]));
        part
    }
}
