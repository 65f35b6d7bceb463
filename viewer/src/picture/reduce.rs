//! The exact reduction of a frame tree to the items of a picture: what is hidden between two items makes their edge
//! longer, and a sample whose leaf is hidden counts for a fold below its nearest visible caller. One pass, and recursion
//! counts once, as in [`CallGraph`]. Knows nothing of positions.

use plop_profile::{CallGraph, Edge, FrameTree};
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
    node: u32,
    item: u32,
    edge: Option<u32>,
}

struct Sums {
    reduced: Reduced,
    numbers: Numbers,
    open_items: Vec<u32>,
    open_edges: Vec<u32>,
}

impl Sums {
    fn edge(&mut self, caller: u32, callee: u32, passed_over: u32) -> u32 {
        let Reduced { graph, elided } = &mut self.reduced;
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

    /// Adds what an item has: once for all that is open above.
    fn add(&mut self, item: u32, own: i64, total: i64) {
        let (item, graph) = (item as usize, &mut self.reduced.graph);
        graph.self_values[item] = graph.self_values[item].saturating_add(own);
        if self.open_items[item] == 0 {
            graph.totals[item] = graph.totals[item].saturating_add(total);
        }
    }

    fn add_to_edge(&mut self, edge: u32, total: i64) {
        if self.open_edges[edge as usize] == 0 {
            let weight = &mut self.reduced.graph.edges[edge as usize].weight;
            *weight = weight.saturating_add(total);
        }
    }
}

/// Reduces a tree, given the place of each of its frames, to `items` items. Samples without any frame, whose value stands at
/// the root, go to the fold `frameless`.
pub(super) fn reduce(
    tree: &FrameTree,
    node_self: &[i64],
    places: &[Place],
    items: usize,
    frameless: Option<u32>,
) -> Reduced {
    let (shape, live, totals) = (tree.shape(), tree.live(node_self), tree.totals(node_self));
    let total = totals.first().copied().unwrap_or(0);
    let graph = CallGraph { total, self_values: vec![0; items], totals: vec![0; items], edges: Vec::new() };
    let mut sums = Sums {
        reduced: Reduced { graph, elided: Vec::new() },
        numbers: Numbers::new(items),
        open_items: vec![0; items],
        open_edges: Vec::new(),
    };
    if let (Some(fold), Some(&value)) = (frameless, node_self.first()) {
        sums.add(fold, value, value);
    }
    let mut path: Vec<Open> = Vec::new();
    let mut at = 1;
    while at < tree.nodes.len() {
        if !live[at] {
            at = shape.ends[at] as usize;
            continue;
        }
        while let Some(above) = path.last()
            && shape.ends[above.node as usize] as usize <= at
        {
            sums.open_items[above.item as usize] -= 1;
            if let Some(edge) = above.edge {
                sums.open_edges[edge as usize] -= 1;
            }
            path.pop();
        }
        let caller = path.last().map(|above| (above.item, shape.depths[at] - shape.depths[above.node as usize] - 1));
        match places[tree.nodes[at].frame as usize] {
            Place::Item(item) => {
                sums.add(item, node_self[at], totals[at]);
                let edge = caller.map(|(caller, passed_over)| sums.edge(caller, item, passed_over));
                if let Some(edge) = edge {
                    sums.add_to_edge(edge, totals[at]);
                    sums.open_edges[edge as usize] += 1;
                }
                sums.open_items[item as usize] += 1;
                path.push(Open { node: at as u32, item, edge });
            }
            Place::Fold(fold) if node_self[at] != 0 => {
                sums.add(fold, node_self[at], node_self[at]);
                if let Some((caller, passed_over)) = caller {
                    let edge = sums.edge(caller, fold, passed_over);
                    sums.add_to_edge(edge, node_self[at]);
                }
            }
            Place::Fold(_) => {}
        }
        at += 1;
    }
    sums.reduced
}
