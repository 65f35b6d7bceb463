//! The order of the vertices within each layer, for few crossings: sweeps by barycentre and median from several starts, with
//! neighbours transposed where that helps, after Gansner et al., "A Technique for Drawing Directed Graphs". Knows no
//! positions.

use super::layers::Layers;
use super::random::Random;

/// Few starts, each of a few sweeps over all edges: what they miss, `reinsert` finds.
const STARTS: usize = 3;
const SWEEPS: usize = 8;
const MANY_VERTICES: usize = 600;
/// Sifting has settled long before.
const SIFTS: usize = 12;

/// Orders every layer of a part.
pub(super) fn order(part: &mut Layers) {
    let starts = if part.layer_of.len() > MANY_VERTICES { 2 } else { STARTS };
    let mut best: Option<(usize, Vec<Vec<usize>>)> = None;
    let mut random = Random::new(1);
    for start in 0..starts {
        let mut work = Work::new(part, start, &mut random);
        for sweep in 0..SWEEPS {
            work.sweep(part, sweep % 2 == 0, (sweep / 2 + start) % 2 == 0);
            work.transpose(part);
            let crossings = work.crossings(part);
            if best.as_ref().is_none_or(|(least, _)| crossings < *least) {
                best = Some((crossings, work.layers.clone()));
            }
            if crossings == 0 {
                break;
            }
        }
        if best.as_ref().is_some_and(|(least, _)| *least == 0) {
            break;
        }
    }
    if let Some((_, layers)) = best {
        let mut work = Work { layers, at: vec![0; part.layer_of.len()] };
        (0..work.layers.len()).for_each(|layer| work.number(layer));
        (0..SIFTS).take_while(|_| work.sift(part)).count();
        part.layers = work.layers;
    }
}

/// Of an order and its mirror image, which cross alike, takes the one nearer to the items' numbers: so a few more items don't
/// turn a picture upside down.
pub(super) fn turn(part: &mut Layers) {
    let items = part.items.len() as f64;
    let agreement: f64 = (part.layers.iter())
        .flat_map(|layer| {
            let middle = layer.len() as f64 / 2.0 - 0.5;
            let placed = layer.iter().enumerate().filter(|(_, vertex)| **vertex < part.items.len());
            placed.map(move |(place, &vertex)| (place as f64 - middle) * (vertex as f64 - items / 2.0))
        })
        .sum();
    if agreement < 0.0 {
        part.layers.iter_mut().for_each(|layer| layer.reverse());
    }
}

struct Work {
    layers: Vec<Vec<usize>>,
    /// By vertex its place in its layer.
    at: Vec<usize>,
}

impl Work {
    fn new(part: &Layers, start: usize, random: &mut Random) -> Self {
        let mut work = Work { layers: part.layers.clone(), at: vec![0; part.layer_of.len()] };
        if start == 0 {
            work.layers = depth_first(part);
        } else {
            work.layers.iter_mut().for_each(|layer| random.shuffle(layer));
        }
        (0..work.layers.len()).for_each(|layer| work.number(layer));
        work
    }

    fn number(&mut self, layer: usize) {
        for (place, &vertex) in self.layers[layer].iter().enumerate() {
            self.at[vertex] = place;
        }
    }

    fn sweep(&mut self, part: &Layers, forward: bool, by_median: bool) {
        let count = self.layers.len();
        for step in 1..count {
            let layer = if forward { step } else { count - 1 - step };
            let neighbours = if forward { &part.before } else { &part.behind };
            let mut wanted: Vec<(f64, usize, usize)> = self.layers[layer]
                .iter()
                .enumerate()
                .map(|(place, &vertex)| {
                    (self.middle(&neighbours[vertex], by_median).unwrap_or(place as f64), place, vertex)
                })
                .collect();
            wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            self.layers[layer] = wanted.into_iter().map(|(_, _, vertex)| vertex).collect();
            self.number(layer);
        }
    }

    fn middle(&self, neighbours: &[(usize, f64)], by_median: bool) -> Option<f64> {
        if neighbours.is_empty() {
            return None;
        }
        if by_median {
            let mut places: Vec<usize> = neighbours.iter().map(|&(vertex, _)| self.at[vertex]).collect();
            places.sort_unstable();
            let half = places.len() / 2;
            return Some(match places.len() % 2 {
                0 => (places[half - 1] + places[half]) as f64 / 2.0,
                _ => places[half] as f64,
            });
        }
        let sum: usize = neighbours.iter().map(|&(vertex, _)| self.at[vertex]).sum();
        Some(sum as f64 / neighbours.len() as f64)
    }

    /// Swaps neighbours as long as that takes crossings away.
    fn transpose(&mut self, part: &Layers) {
        for _ in 0..8 {
            let mut better = false;
            for layer in 0..self.layers.len() {
                for place in 1..self.layers[layer].len() {
                    let (first, second) = (self.layers[layer][place - 1], self.layers[layer][place]);
                    let cost = |one: usize, other: usize| {
                        self.inverted(&part.before[one], &part.before[other])
                            + self.inverted(&part.behind[one], &part.behind[other])
                    };
                    if cost(second, first) < cost(first, second) {
                        self.layers[layer].swap(place - 1, place);
                        (self.at[first], self.at[second]) = (place, place - 1);
                        better = true;
                    }
                }
            }
            if !better {
                return;
            }
        }
    }

    /// Moves each vertex to the place in its layer where its edges cross the fewest others, all else left as it is (Matuszewski,
    /// Schönfeld and Molitor, "Using Sifting for k-Layer Straightline Crossing Minimization"); whether any has moved.
    fn sift(&mut self, part: &Layers) -> bool {
        let mut better = false;
        for vertex in 0..part.layer_of.len() {
            let layer = part.layer_of[vertex];
            let others: Vec<usize> = self.layers[layer].iter().copied().filter(|&other| other != vertex).collect();
            let cost = |one: usize, other: usize| {
                (self.inverted(&part.before[one], &part.before[other])
                    + self.inverted(&part.behind[one], &part.behind[other])) as isize
            };
            // Crossings by place, those of the first taken as 0.
            let mut crossings = 0;
            let costs: Vec<isize> = std::iter::once(0)
                .chain(others.iter().map(|&other| {
                    crossings += cost(other, vertex) - cost(vertex, other);
                    crossings
                }))
                .collect();
            let now = self.at[vertex];
            let best = (0..costs.len()).min_by_key(|&place| (costs[place], place.abs_diff(now))).unwrap_or(now);
            if costs[best] < costs[now] {
                self.layers[layer] = others;
                self.layers[layer].insert(best, vertex);
                self.number(layer);
                better = true;
            }
        }
        better
    }

    /// How many edges of the first vertex cross one of the second's, the first lying before it.
    fn inverted(&self, first: &[(usize, f64)], second: &[(usize, f64)]) -> usize {
        let crossed = |place: usize| second.iter().filter(|(vertex, _)| self.at[*vertex] < place).count();
        first.iter().map(|&(vertex, _)| crossed(self.at[vertex])).sum()
    }

    fn crossings(&self, part: &Layers) -> usize {
        self.layers.windows(2).map(|pair| self.crossings_between(part, &pair[0], pair[1].len())).sum()
    }

    /// Counts inversions with a Fenwick tree over the places of the second layer.
    fn crossings_between(&self, part: &Layers, first: &[usize], second: usize) -> usize {
        let mut tree = vec![0_usize; second + 1];
        let (mut crossings, mut entered) = (0, 0);
        let mut ends: Vec<usize> = Vec::new();
        for &vertex in first {
            ends.clear();
            ends.extend(part.behind[vertex].iter().map(|&(behind, _)| self.at[behind]));
            for &end in &ends {
                let mut at = end + 1;
                let mut not_beyond = 0;
                while at > 0 {
                    not_beyond += tree[at];
                    at &= at - 1;
                }
                crossings += entered - not_beyond;
            }
            for &end in &ends {
                let mut at = end + 1;
                while at <= second {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
            entered += ends.len();
        }
        crossings
    }
}

/// Each layer in the order of a depth-first walk, which leaves a tree without crossings.
fn depth_first(part: &Layers) -> Vec<Vec<usize>> {
    let mut layers = vec![Vec::new(); part.layers.len()];
    let mut seen = vec![false; part.layer_of.len()];
    let starts = part.layers.iter().flatten().copied().filter(|&vertex| part.before[vertex].is_empty());
    for start in starts {
        let mut stack = vec![start];
        while let Some(vertex) = stack.pop() {
            if std::mem::replace(&mut seen[vertex], true) {
                continue;
            }
            layers[part.layer_of[vertex]].push(vertex);
            stack.extend(part.behind[vertex].iter().rev().map(|&(behind, _)| behind));
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::super::layers::parts;
    use super::*;

    fn crossings(part: &Layers) -> usize {
        let mut work = Work { layers: part.layers.clone(), at: vec![0; part.layer_of.len()] };
        (0..work.layers.len()).for_each(|layer| work.number(layer));
        work.crossings(part)
    }

    #[test]
    fn a_shuffled_tree_is_ordered_without_crossings() {
        // A caller of three, each of three, and so on; the numbers of the items say nothing of the tree.
        let mut numbers: Vec<usize> = (0..40).collect();
        Random::new(5).shuffle(&mut numbers);
        let mut ranks = vec![0; 40];
        let edges: Vec<_> = (1..40).map(|child| (child, numbers[(child - 1) / 3], numbers[child], 1.0)).collect();
        for &(_, caller, callee, _) in &edges {
            ranks[callee] = ranks[caller] + 1;
        }
        let mut parts = parts(&(0..40).collect::<Vec<_>>(), &ranks, &edges);
        assert!(crossings(&parts[0]) > 50);
        order(&mut parts[0]);
        assert_eq!(crossings(&parts[0]), 0);
    }

    #[test]
    fn sweeps_take_a_third_of_the_crossings_of_a_depth_first_order_away() {
        let mut random = Random::new(9);
        let ranks: Vec<usize> = (0..80).map(|item| item / 10).collect();
        let mut edges = Vec::new();
        for item in 0..70 {
            // Mostly calls nearby, now and then one two ranks down.
            let near = (item + 10).min(79);
            edges.push((edges.len(), item, near, 1.0));
            let rank = ranks[item] + 1 + usize::from(random.fraction() < 0.2);
            let far = (rank * 10 + (random.fraction() * 10.0) as usize).min(79);
            if ranks[far] > ranks[item] && far != near {
                edges.push((edges.len(), item, far, 1.0));
            }
        }
        let mut part = parts(&(0..80).collect::<Vec<_>>(), &ranks, &edges).swap_remove(0);
        let mut plain = part.clone();
        plain.layers = depth_first(&plain);
        order(&mut part);
        let (ordered, plain) = (crossings(&part), crossings(&plain));
        assert!(3 * ordered < 2 * plain, "{ordered} of {plain}");
    }
}
