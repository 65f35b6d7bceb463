//! The exact reduction of a frame tree to the items of a picture: what is hidden between two items makes their edge
//! longer, and a sample whose leaf is hidden counts for a fold below its nearest visible caller. One pass, and recursion
//! counts once, as in [`CallGraph`]. Knows nothing of positions.

use plop_profile::{CallGraph, Edge, Piece, Shape, Weighed};
use rustc_hash::FxHashMap;

/// Where the samples of a frame go. Both numbers are of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The frame is drawn as this item.
    Item(u32),
    /// The frame is hidden; what it has itself goes to this fold.
    Fold(u32),
}

/// The sums of a tree over items.
#[derive(Debug, Clone)]
pub(super) struct Reduced {
    /// Frame numbers are item numbers; the edges are in the order of their first appearance.
    pub(super) graph: CallGraph,
    /// By edge of the graph, the most frames that it passes over.
    pub(super) elided: Vec<u32>,
    /// By group of items, what the samples weigh in whose stack one of them stands.
    pub(super) group_totals: Vec<i64>,
}

/// Which group each item is in.
#[derive(Debug, Clone)]
pub(super) struct Grouping {
    pub(super) of: Vec<u32>,
    pub(super) groups: usize,
}

impl Grouping {
    /// All in one.
    pub(super) fn none(items: usize) -> Self {
        Grouping { of: vec![0; items], groups: 1 }
    }
}

/// Up to so many items the edges are found by a table of all pairs, which takes 4 MB then.
const TABLE_ITEMS: usize = 1024;

/// The numbers of edges by their ends.
enum Numbers {
    Table { items: usize, numbers: Vec<u32> },
    Map(FxHashMap<(u32, u32), u32>),
}

impl Numbers {
    fn new(items: usize) -> Self {
        match items <= TABLE_ITEMS {
            true => Numbers::Table { items, numbers: vec![u32::MAX; items * items] },
            false => Numbers::Map(FxHashMap::default()),
        }
    }

    /// The number of an edge, `next` if it is new.
    fn of(&mut self, caller: u32, callee: u32, next: u32) -> u32 {
        let number = match self {
            Numbers::Table { items, numbers } => &mut numbers[caller as usize * *items + callee as usize],
            Numbers::Map(map) => map.entry((caller, callee)).or_insert(u32::MAX),
        };
        if *number == u32::MAX {
            *number = next;
        }
        *number
    }
}

/// A visible node on the way from the root.
struct Open {
    end: usize,
    depth: u32,
    item: u32,
    edge: Option<u32>,
}

struct Sums<'a> {
    grouping: &'a Grouping,
    reduced: Reduced,
    numbers: Numbers,
    open_items: Vec<u32>,
    open_groups: Vec<u32>,
    open_edges: Vec<u32>,
    path: Vec<Open>,
}

impl<'a> Sums<'a> {
    fn new(grouping: &'a Grouping, total: i64) -> Self {
        let items = grouping.of.len();
        let graph = CallGraph { total, self_values: vec![0; items], totals: vec![0; items], edges: Vec::new() };
        Sums {
            grouping,
            reduced: Reduced { graph, elided: Vec::new(), group_totals: vec![0; grouping.groups] },
            numbers: Numbers::new(items),
            open_items: vec![0; items],
            open_groups: vec![0; grouping.groups],
            open_edges: Vec::new(),
            path: Vec::new(),
        }
    }

    fn edge(&mut self, caller: u32, callee: u32, passed_over: u32) -> u32 {
        let Reduced { graph, elided, .. } = &mut self.reduced;
        let number = self.numbers.of(caller, callee, graph.edges.len() as u32);
        if number as usize == graph.edges.len() {
            graph.edges.push(Edge { caller, callee, weight: 0 });
            elided.push(0);
            self.open_edges.push(0);
        }
        let most = &mut elided[number as usize];
        *most = passed_over.max(*most);
        number
    }

    /// The edge from the nearest visible caller of a node at that depth.
    fn edge_to(&mut self, item: u32, depth: u32) -> Option<u32> {
        let &Open { item: caller, depth: above, .. } = self.path.last()?;
        Some(self.edge(caller, item, depth - above - 1))
    }

    /// Adds what an item has: once for all that is open above.
    fn add(&mut self, item: u32, own: i64, total: i64) {
        let (item, Reduced { graph, group_totals, .. }) = (item as usize, &mut self.reduced);
        graph.self_values[item] = graph.self_values[item].saturating_add(own);
        if self.open_items[item] == 0 {
            graph.totals[item] = graph.totals[item].saturating_add(total);
        }
        let group = self.grouping.of[item] as usize;
        if self.open_groups[group] == 0 {
            group_totals[group] = group_totals[group].saturating_add(total);
        }
    }

    fn add_to_edge(&mut self, edge: u32, total: i64) {
        if self.open_edges[edge as usize] == 0 {
            let weight = &mut self.reduced.graph.edges[edge as usize].weight;
            *weight = weight.saturating_add(total);
        }
    }

    /// From here to the end of a node's subtree its item, that one's group, and the edge that leads to it, count no more.
    fn enter(&mut self, open: Open) {
        self.open_items[open.item as usize] += 1;
        self.open_groups[self.grouping.of[open.item as usize] as usize] += 1;
        if let Some(edge) = open.edge {
            self.open_edges[edge as usize] += 1;
        }
        self.path.push(open);
    }

    /// Leaves all nodes that end before this one.
    fn leave(&mut self, at: usize) {
        while let Some(above) = self.path.last()
            && above.end <= at
        {
            self.open_items[above.item as usize] -= 1;
            self.open_groups[self.grouping.of[above.item as usize] as usize] -= 1;
            if let Some(edge) = above.edge {
                self.open_edges[edge as usize] -= 1;
            }
            self.path.pop();
        }
    }

    fn walk(&mut self, weighed: &Weighed<'_>, shape: &Shape, places: &[Place], piece: &Piece<'_>) {
        let place = |at: usize| places[weighed.tree.nodes[at].frame as usize];
        let open = |at: usize, item: u32, edge: Option<u32>| Open {
            end: shape.ends[at] as usize,
            depth: shape.depths[at],
            item,
            edge,
        };
        for &at in &piece.above {
            if let Place::Item(item) = place(at) {
                let edge = self.edge_to(item, shape.depths[at]);
                self.enter(open(at, item, edge));
            }
        }
        for at in piece.live() {
            self.leave(at);
            let own = weighed.own[at];
            match place(at) {
                Place::Item(item) => {
                    self.add(item, own, weighed.totals[at]);
                    let edge = self.edge_to(item, shape.depths[at]);
                    if let Some(edge) = edge {
                        self.add_to_edge(edge, weighed.totals[at]);
                    }
                    self.enter(open(at, item, edge));
                }
                Place::Fold(fold) if own != 0 => {
                    self.add(fold, own, own);
                    if let Some(edge) = self.edge_to(fold, shape.depths[at]) {
                        self.add_to_edge(edge, own);
                    }
                }
                Place::Fold(_) => {}
            }
        }
    }

    /// Adds what was summed of other nodes, none of them open here.
    fn merge(&mut self, other: &Reduced) {
        for (item, (&own, &total)) in other.graph.self_values.iter().zip(&other.graph.totals).enumerate() {
            let graph = &mut self.reduced.graph;
            graph.self_values[item] = graph.self_values[item].saturating_add(own);
            graph.totals[item] = graph.totals[item].saturating_add(total);
        }
        for (sum, &total) in self.reduced.group_totals.iter_mut().zip(&other.group_totals) {
            *sum = sum.saturating_add(total);
        }
        for (edge, &passed_over) in other.graph.edges.iter().zip(&other.elided) {
            let number = self.edge(edge.caller, edge.callee, passed_over) as usize;
            let weight = &mut self.reduced.graph.edges[number].weight;
            *weight = weight.saturating_add(edge.weight);
        }
    }
}

/// Reduces a tree, given the place of each of its frames, to the items of a grouping. Samples without any frame, whose value
/// stands at the root, go to the fold `frameless`.
pub(super) fn reduce(weighed: &Weighed<'_>, places: &[Place], grouping: &Grouping, frameless: Option<u32>) -> Reduced {
    let shape = weighed.tree.shape();
    let pieces = weighed.walk(|piece| {
        let mut sums = Sums::new(grouping, weighed.total());
        sums.walk(weighed, shape, places, piece);
        sums.reduced
    });
    let mut sums = Sums::new(grouping, weighed.total());
    if let (Some(fold), Some(&value)) = (frameless, weighed.own.first()) {
        sums.add(fold, value, value);
    }
    pieces.iter().for_each(|piece| sums.merge(piece));
    sums.reduced
}

#[cfg(test)]
mod tests {
    use super::*;
    use plop_profile::{Frame, FrameNode, FrameTree, FunctionId};

    #[test]
    fn a_tree_reduced_in_pieces_is_the_tree_reduced_whole() {
        let mut random = super::super::random::Random::new(3);
        let mut below = |most: usize| (random.fraction() * most as f64) as usize;
        let mut nodes = vec![FrameNode { parent: 0, frame: u32::MAX }];
        while nodes.len() < 400 {
            let node = FrameNode { parent: below(nodes.len()) as u32, frame: below(12) as u32 };
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        let frames = (0..12).map(|frame| Frame::Function(FunctionId(frame))).collect();
        let (tree, _) = FrameTree::from_nodes(frames, &nodes);
        let own: Vec<i64> = (0..400).map(|_| (below(9) as i64 - 5).max(0)).collect();
        let place = |frame: u32| if frame < 7 { Place::Item(frame) } else { Place::Fold(7 + frame % 2) };
        let places: Vec<Place> = (0..12).map(place).collect();
        let grouping = Grouping { of: (0..9).map(|item| item % 4).collect(), groups: 4 };
        let reduced = |pieces| reduce(&Weighed::with_pieces(&tree, &own, pieces), &places, &grouping, Some(8));
        let whole = reduced(1);
        for pieces in [2, 3, 5, 50] {
            let Reduced { graph, elided, group_totals } = reduced(pieces);
            assert_eq!(group_totals, whole.group_totals, "{pieces} pieces");
            assert_eq!((&graph.self_values, &graph.totals), (&whole.graph.self_values, &whole.graph.totals));
            assert_eq!((&graph.edges, &elided), (&whole.graph.edges, &whole.elided), "{pieces} pieces");
        }
        // Groups count as items would that stood in their members' place.
        let in_group = |place: &Place| match *place {
            Place::Item(item) => Place::Item(item % 4),
            Place::Fold(item) => Place::Fold(item % 4),
        };
        let in_groups: Vec<Place> = places.iter().map(in_group).collect();
        let of_groups = reduce(&Weighed::new(&tree, &own), &in_groups, &Grouping::none(4), Some(0));
        assert_eq!(whole.group_totals, of_groups.graph.totals);
    }
}
