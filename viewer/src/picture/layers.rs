//! Ranks and order: which column an item stands in, so that calls point forward, and where in it, so that few edges cross.
//! After Sugiyama's method (<https://en.wikipedia.org/wiki/Layered_graph_drawing>). Knows no sizes and no coordinates.

/// A graph to lay out: edges with weights, between items numbered from 0.
pub(super) struct Edges<'a> {
    pub(super) count: usize,
    /// From, to, weight.
    pub(super) edges: &'a [(usize, usize, i64)],
}

/// The ranks of items, and which edges run against them.
#[derive(Debug, Clone)]
pub(super) struct Ranks {
    pub(super) rank: Vec<usize>,
    pub(super) backward: Vec<bool>,
}

/// Above so many items, what is quadratic is left out.
pub(super) const MANY: usize = 400;

impl Ranks {
    /// Breaks cycles at their lightest edges, ranks by the longest path, then moves what can be nearer to its callees.
    pub(super) fn new(graph: &Edges<'_>) -> Self {
        let mut by_weight: Vec<usize> = (0..graph.edges.len()).collect();
        by_weight
            .sort_by_key(|&edge| (std::cmp::Reverse(graph.edges[edge].2), graph.edges[edge].0, graph.edges[edge].1));
        let backward =
            if graph.count <= MANY { heaviest_first(graph, &by_weight) } else { depth_first(graph, &by_weight) };
        let forward: Vec<(usize, usize)> = graph
            .edges
            .iter()
            .zip(&backward)
            .filter(|(_, backward)| !**backward)
            .map(|(&(from, to, _), _)| (from, to))
            .collect();
        let order = topological(graph.count, &forward);
        let mut callees = vec![Vec::new(); graph.count];
        let mut callers = vec![Vec::new(); graph.count];
        for &(from, to) in &forward {
            callees[from].push(to);
            callers[to].push(from);
        }
        let mut rank = vec![0; graph.count];
        for &item in &order {
            for &callee in &callees[item] {
                rank[callee] = rank[callee].max(rank[item] + 1);
            }
        }
        // An item that nobody ahead of it holds back moves up to its callees.
        for &item in order.iter().rev() {
            let nearest = callees[item].iter().map(|&callee| rank[callee] - 1).min();
            if let Some(nearest) = nearest
                && callers[item].is_empty()
            {
                rank[item] = nearest;
            }
        }
        Ranks { rank, backward }
    }

    pub(super) fn columns(&self) -> usize {
        self.rank.iter().max().map_or(0, |last| last + 1)
    }
}

/// Adds edges heaviest first; one that would close a cycle runs backward.
fn heaviest_first(graph: &Edges<'_>, by_weight: &[usize]) -> Vec<bool> {
    let mut callees: Vec<Vec<usize>> = vec![Vec::new(); graph.count];
    let mut backward = vec![false; graph.edges.len()];
    let mut seen = vec![usize::MAX; graph.count];
    for (turn, &edge) in by_weight.iter().enumerate() {
        let (from, to, _) = graph.edges[edge];
        let mut open = vec![to];
        let mut closes = from == to;
        while let Some(item) = open.pop() {
            if item == from {
                closes = true;
                break;
            }
            if seen[item] != turn {
                seen[item] = turn;
                open.extend(&callees[item]);
            }
        }
        backward[edge] = closes;
        if !closes {
            callees[from].push(to);
        }
    }
    backward
}

/// Walks depth first, heaviest edges first; an edge to an item that is still open runs backward.
fn depth_first(graph: &Edges<'_>, by_weight: &[usize]) -> Vec<bool> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); graph.count];
    let mut has_caller = vec![false; graph.count];
    for &edge in by_weight {
        let (from, to, _) = graph.edges[edge];
        out[from].push(edge);
        has_caller[to] |= from != to;
    }
    let mut backward = vec![false; graph.edges.len()];
    let mut state = vec![0_u8; graph.count];
    let starts = (0..graph.count).filter(|&item| !has_caller[item]).chain(0..graph.count);
    for start in starts {
        if state[start] != 0 {
            continue;
        }
        let mut path = vec![(start, 0)];
        state[start] = 1;
        while let Some((item, next)) = path.last_mut() {
            let Some(&edge) = out[*item].get(*next) else {
                state[*item] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            let to = graph.edges[edge].1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    path.push((to, 0));
                }
                1 => backward[edge] = true,
                _ => {}
            }
        }
    }
    backward
}

fn topological(count: usize, forward: &[(usize, usize)]) -> Vec<usize> {
    let mut waiting = vec![0; count];
    let mut callees = vec![Vec::new(); count];
    for &(from, to) in forward {
        waiting[to] += 1;
        callees[from].push(to);
    }
    let mut order: Vec<usize> = (0..count).filter(|&item| waiting[item] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for &callee in &callees[order[at]] {
            waiting[callee] -= 1;
            if waiting[callee] == 0 {
                order.push(callee);
            }
        }
        at += 1;
    }
    order
}

/// Columns of nodes in order: items, and a bend for each column that an edge crosses.
#[derive(Debug, Clone)]
pub(super) struct Layers {
    /// For each column, its nodes from the top.
    pub(super) columns: Vec<Vec<usize>>,
    /// For each node, its neighbours one column before and one after, each with the weight of the edge.
    pub(super) before: Vec<Vec<(usize, i64)>>,
    pub(super) after: Vec<Vec<(usize, i64)>>,
    /// For each edge, its bends' nodes, from its caller on.
    pub(super) bends: Vec<Vec<usize>>,
}

impl Layers {
    /// Nodes 0 to `count` are the items; `edges` are those that run along the ranks, each between different columns.
    pub(super) fn new(ranks: &Ranks, count: usize, edges: &[(usize, usize, i64)]) -> Self {
        let mut columns = vec![Vec::new(); ranks.columns()];
        for item in 0..count {
            columns[ranks.rank[item]].push(item);
        }
        let mut layers =
            Layers { columns, before: vec![Vec::new(); count], after: vec![Vec::new(); count], bends: Vec::new() };
        for &(from, to, weight) in edges {
            // Where there are too many, long edges run straight: their bends would outnumber the items.
            let crossed = if count <= MANY { ranks.rank[from] + 1..ranks.rank[to] } else { 0..0 };
            let mut previous = from;
            let mut bends = Vec::new();
            for column in crossed {
                let bend = layers.before.len();
                layers.before.push(Vec::new());
                layers.after.push(Vec::new());
                layers.columns[column].push(bend);
                layers.join(previous, bend, weight);
                bends.push(bend);
                previous = bend;
            }
            layers.join(previous, to, weight);
            layers.bends.push(bends);
        }
        layers
    }

    fn join(&mut self, from: usize, to: usize, weight: i64) {
        self.after[from].push((to, weight));
        self.before[to].push((from, weight));
    }

    /// Orders the columns so that few edges cross: sweeps of barycentres and medians from several starts, with neighbours
    /// swapped where that helps; the best result stays.
    pub(super) fn order(&mut self) {
        let many = self.before.len() > 4 * MANY;
        let (starts, sweeps) = if many { (1, 8) } else { (10, 24) };
        let mut best: Option<(usize, Vec<Vec<usize>>)> = None;
        let initial = self.columns.clone();
        let mut numbers = 0x9e37_79b9_7f4a_7c15_u64;
        for start in 0..starts {
            self.columns.clone_from(&initial);
            if start > 0 {
                for column in &mut self.columns {
                    for at in (1..column.len()).rev() {
                        numbers = numbers.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        column.swap(at, (numbers >> 33) as usize % (at + 1));
                    }
                }
            }
            for sweep in 0..sweeps {
                self.sweep(sweep % 2 == 0, sweep % 4 < 2);
                if many {
                    continue;
                }
                self.transpose();
                let crossings = self.crossings();
                if best.as_ref().is_none_or(|(fewest, _)| crossings < *fewest) {
                    best = Some((crossings, self.columns.clone()));
                }
            }
        }
        if let Some((_, columns)) = best {
            self.columns = columns;
        }
    }

    fn positions(&self) -> Vec<usize> {
        let mut position = vec![0; self.before.len()];
        for column in &self.columns {
            column.iter().enumerate().for_each(|(at, &node)| position[node] = at);
        }
        position
    }

    /// Sorts each column by where its neighbours in the one before it stand (the one after it, if not `forward`).
    fn sweep(&mut self, forward: bool, by_mean: bool) {
        let mut position = self.positions();
        let count = self.columns.len();
        for step in 1..count {
            let at = if forward { step } else { count - 1 - step };
            let neighbours = if forward { &self.before } else { &self.after };
            let key = |node: usize| -> f64 {
                let mut places: Vec<usize> = neighbours[node].iter().map(|&(other, _)| position[other]).collect();
                if places.is_empty() {
                    return position[node] as f64;
                }
                places.sort_unstable();
                if by_mean {
                    places.iter().sum::<usize>() as f64 / places.len() as f64
                } else {
                    (places[(places.len() - 1) / 2] + places[places.len() / 2]) as f64 / 2.0
                }
            };
            let mut keyed: Vec<(f64, usize)> = self.columns[at].iter().map(|&node| (key(node), node)).collect();
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
            self.columns[at] = keyed.into_iter().map(|(_, node)| node).collect();
            self.columns[at].iter().enumerate().for_each(|(place, &node)| position[node] = place);
        }
    }

    /// Swaps neighbours in a column wherever that takes crossings away.
    fn transpose(&mut self) {
        let mut position = self.positions();
        for _ in 0..4 {
            let mut better = false;
            for column in &mut self.columns {
                for at in 1..column.len() {
                    let (upper, lower) = (column[at - 1], column[at]);
                    let crossed = |left: usize, right: usize| {
                        [&self.before, &self.after]
                            .into_iter()
                            .map(|side| pairs_crossed(&side[left], &side[right], &position))
                            .sum::<usize>()
                    };
                    if crossed(upper, lower) > crossed(lower, upper) {
                        column.swap(at - 1, at);
                        (position[upper], position[lower]) = (position[lower], position[upper]);
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
    }

    /// How many pairs of edges cross.
    pub(super) fn crossings(&self) -> usize {
        let position = self.positions();
        let mut sum = 0;
        for column in &self.columns {
            let ends: Vec<usize> = column
                .iter()
                .flat_map(|&node| {
                    let mut ends: Vec<usize> = self.after[node].iter().map(|&(other, _)| position[other]).collect();
                    ends.sort_unstable();
                    ends
                })
                .collect();
            sum += (1..ends.len())
                .map(|at| ends[..at].iter().filter(|&&earlier| earlier > ends[at]).count())
                .sum::<usize>();
        }
        sum
    }
}

/// How many pairs of edges cross if the first node stands above the second.
fn pairs_crossed(above: &[(usize, i64)], below: &[(usize, i64)], position: &[usize]) -> usize {
    above.iter().map(|&(left, _)| below.iter().filter(|&&(right, _)| position[right] < position[left]).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_break_at_their_lightest_edge() {
        let edges = [(0, 1, 10), (1, 2, 8), (2, 0, 1)];
        let ranks = Ranks::new(&Edges { count: 3, edges: &edges });
        assert_eq!(ranks.rank, [0, 1, 2]);
        assert_eq!(ranks.backward, [false, false, true]);
    }

    #[test]
    fn a_caller_stands_next_to_the_callee_that_it_has() {
        let edges = [(0, 1, 10), (1, 2, 8), (3, 2, 1)];
        let ranks = Ranks::new(&Edges { count: 4, edges: &edges });
        assert_eq!(ranks.rank, [0, 1, 2, 1]);
    }

    #[test]
    fn ordering_undoes_crossings() {
        // Two columns, joined upside down.
        let edges: Vec<_> = (0..6).map(|at| (at, 11 - at, 1)).collect();
        let ranks = Ranks::new(&Edges { count: 12, edges: &edges });
        let mut layers = Layers::new(&ranks, 12, &edges);
        assert_eq!(layers.crossings(), 15);
        layers.order();
        assert_eq!(layers.crossings(), 0);
    }

    #[test]
    fn an_edge_over_several_columns_gets_a_bend_in_each() {
        let edges = [(0, 1, 1), (1, 2, 1), (2, 3, 1), (0, 3, 1)];
        let ranks = Ranks::new(&Edges { count: 4, edges: &edges });
        let layers = Layers::new(&ranks, 4, &edges);
        assert_eq!(layers.bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 2]);
    }
}
