//! A part of the picture as layers of vertices: items, and dummies where an edge crosses a rank, so that each step goes from
//! one layer to the next. Knows ranks, not positions.

/// One connected part.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    /// For each of its first vertices the item; the vertices that follow are dummies.
    pub(super) items: Vec<usize>,
    /// By layer its vertices, in order.
    pub(super) layers: Vec<Vec<usize>>,
    /// By vertex: neighbours in the layer before, with how strongly the edge pulls.
    pub(super) before: Vec<Vec<(usize, f64)>>,
    /// Likewise in the layer behind.
    pub(super) behind: Vec<Vec<(usize, f64)>>,
    /// By vertex, its layer.
    pub(super) layer_of: Vec<usize>,
    /// For each edge that was given, by its number: its dummies in the order of the ranks.
    pub(super) chains: Vec<(usize, Vec<usize>)>,
    /// Those edges, between vertices.
    pub(super) edges: Vec<Along>,
    /// By layer, whether it is but a further column of the one before; empty where none is.
    pub(super) continues: Vec<bool>,
}

/// An edge along the ranks: number, lower item, higher item, pull.
pub(super) type Along = (usize, usize, usize, f64);

/// The connected parts, the one with the most items first, each ranked from 0.
pub(super) fn parts(items: &[usize], ranks: &[usize], edges: &[Along]) -> Vec<Layers> {
    let mut part_of: Vec<usize> = (0..ranks.len()).collect();
    fn find(part_of: &mut [usize], mut item: usize) -> usize {
        while part_of[item] != item {
            part_of[item] = part_of[part_of[item]];
            item = part_of[item];
        }
        item
    }
    for &(_, low, high, _) in edges {
        let (a, b) = (find(&mut part_of, low), find(&mut part_of, high));
        part_of[a.max(b)] = a.min(b);
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); ranks.len()];
    for &item in items {
        members[find(&mut part_of, item)].push(item);
    }
    let mut parts: Vec<(usize, Vec<usize>)> =
        members.into_iter().enumerate().filter(|(_, members)| !members.is_empty()).collect();
    parts.sort_by_key(|(root, members)| (std::cmp::Reverse(members.len()), *root));
    let mut place = vec![(0, 0); ranks.len()];
    let mut layers: Vec<Layers> = Vec::new();
    for (number, (_, members)) in parts.into_iter().enumerate() {
        members.iter().enumerate().for_each(|(vertex, &item)| place[item] = (number, vertex));
        let first = members.iter().map(|&item| ranks[item]).min().unwrap_or(0);
        let from_first: Vec<usize> = members.iter().map(|&item| ranks[item] - first).collect();
        layers.push(Layers::of(members, &from_first));
    }
    for &(number, low, high, pull) in edges {
        let part = place[low].0;
        layers[part].connect(number, place[low].1, place[high].1, pull);
    }
    layers
}

impl Layers {
    /// Items, each in the layer given beside it, without any edge.
    pub(super) fn of(items: Vec<usize>, layer_of: &[usize]) -> Self {
        let mut part = Layers::default();
        for &layer in layer_of {
            part.vertex(layer);
        }
        part.items = items;
        part
    }

    fn vertex(&mut self, layer: usize) -> usize {
        let vertex = self.layer_of.len();
        if self.layers.len() <= layer {
            self.layers.resize(layer + 1, Vec::new());
        }
        self.layers[layer].push(vertex);
        self.layer_of.push(layer);
        self.before.push(Vec::new());
        self.behind.push(Vec::new());
        vertex
    }

    pub(super) fn connect(&mut self, number: usize, low: usize, high: usize, pull: f64) {
        let inner: Vec<usize> = (self.layer_of[low] + 1..self.layer_of[high]).map(|layer| self.vertex(layer)).collect();
        let ends: Vec<usize> = std::iter::once(low).chain(inner.iter().copied()).chain([high]).collect();
        for step in ends.windows(2) {
            // Straight lanes read best: inner steps pull harder (Gansner et al., "A Technique for Drawing Directed Graphs").
            let dummies = step.iter().filter(|&&vertex| vertex >= self.items.len()).count();
            let pull = pull * [1.0, 2.0, 8.0][dummies];
            self.behind[step[0]].push((step[1], pull));
            self.before[step[1]].push((step[0], pull));
        }
        self.chains.push((number, inner));
        self.edges.push((number, low, high, pull));
    }

    /// Whether the vertex is a dummy.
    pub(super) fn is_dummy(&self, vertex: usize) -> bool {
        vertex >= self.items.len()
    }
}
