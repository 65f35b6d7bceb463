//! The tree of items: every stack with its hidden functions taken out, exactly. So self, total and edges of functions and
//! folds alike are what the samples say, recursion counted once, and nothing is lost: a hidden leaf's samples belong to the
//! fold below its nearest visible caller.

use plop_profile::{CallGraph, Frame, FrameNode, FrameTree};
use rustc_hash::FxHashMap;

use super::Source;

/// What an item stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stands {
    /// The function of one frame.
    Function(u32),
    /// Hidden functions.
    Fold(Fold),
}

/// Hidden functions that are drawn as one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fold {
    pub(super) id: u64,
    pub(super) name: String,
    /// Empty for `other`.
    pub(super) krate: String,
    pub(super) module: String,
    pub(super) members: usize,
}

/// The items and their tree.
#[derive(Debug, Clone)]
pub(super) struct Reduced {
    pub(super) items: Vec<Stands>,
    /// A tree whose frames are the items.
    pub(super) tree: FrameTree,
    /// The self value of each of its nodes.
    pub(super) node_self: Vec<i64>,
    pub(super) graph: CallGraph,
    /// For each frame of the source, the item that its hidden samples belong to, if it is hidden and has any.
    pub(super) fold_of: Vec<Option<u32>>,
    /// For each edge of the graph, how many functions are hidden on it, at most.
    pub(super) elided: Vec<usize>,
}

/// A module needs this share of all for a fold of its own, a crate that; the rest is `other`.
const MODULE_SHARE: f64 = 0.01;
const CRATE_SHARE: f64 = 0.005;

/// Which fold each hidden frame belongs to.
struct Folding {
    folds: Vec<Fold>,
    fold_of: Vec<u32>,
}

impl Folding {
    fn new(source: &Source<'_>, visible: &[Option<u32>], full: &CallGraph) -> Self {
        let hidden = |frame: &usize| visible[*frame].is_none() && full.self_values[*frame] != 0;
        let all = full.total.unsigned_abs() as f64;
        let large = |sums: &FxHashMap<&str, i64>, name: &str, share: f64| {
            !name.is_empty() && sums.get(name).is_some_and(|sum| sum.unsigned_abs() as f64 >= share * all)
        };
        let mut modules: FxHashMap<&str, i64> = FxHashMap::default();
        for frame in (0..visible.len()).filter(hidden) {
            *modules.entry(&source.functions[frame].module).or_default() += full.self_values[frame];
        }
        let mut crates: FxHashMap<&str, i64> = FxHashMap::default();
        for frame in (0..visible.len()).filter(hidden) {
            if !large(&modules, &source.functions[frame].module, MODULE_SHARE) {
                *crates.entry(&source.functions[frame].krate).or_default() += full.self_values[frame];
            }
        }
        let mut folds: Vec<Fold> = Vec::new();
        let mut known: FxHashMap<u64, u32> = FxHashMap::default();
        let mut fold_of = vec![u32::MAX; visible.len()];
        let mut belongs = |fold: Fold| {
            let at = *known.entry(fold.id).or_insert_with(|| {
                folds.push(fold);
                folds.len() as u32 - 1
            });
            folds[at as usize].members += 1;
            at
        };
        for frame in (0..visible.len()).filter(hidden) {
            let function = &source.functions[frame];
            let fold = if large(&modules, &function.module, MODULE_SHARE) {
                let (krate, module) = (function.krate.clone(), function.module.clone());
                Fold { id: hash("module", &module), name: module.clone(), krate, module, members: 0 }
            } else if large(&crates, &function.krate, CRATE_SHARE) {
                let krate = function.krate.clone();
                Fold { id: hash("crate", &krate), name: krate.clone(), module: krate.clone(), krate, members: 0 }
            } else {
                other()
            };
            fold_of[frame] = belongs(fold);
        }
        Folding { folds, fold_of }
    }

    /// The fold for samples that belong to no function.
    fn nowhere(&mut self) -> u32 {
        let found = self.folds.iter().position(|fold| fold.krate.is_empty());
        found.unwrap_or_else(|| {
            self.folds.push(other());
            self.folds.len() - 1
        }) as u32
    }
}

fn other() -> Fold {
    Fold { id: hash("other", ""), name: "other".to_owned(), ..Fold::default() }
}

/// FNV-1a, as the ids of functions.
fn hash(kind: &str, name: &str) -> u64 {
    let bytes = kind.bytes().chain([0]).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The tree in which only the visible frames stand, each of which has an item number, numbered from 0.
pub(super) fn reduce(source: &Source<'_>, visible: &[Option<u32>], full: &CallGraph) -> Reduced {
    let mut folding = Folding::new(source, visible, full);
    let shown = visible.iter().flatten().count() as u32;
    let mut nodes = vec![FrameNode { parent: 0, frame: u32::MAX }];
    let mut node_self = vec![0_i64];
    let mut index: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let mut hidden_between: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    // For each node of the source: its nearest visible caller or itself, and how many hidden ones are between.
    let mut place = vec![(0_u32, 0_u32); source.tree.nodes.len()];
    for (at, node) in source.tree.nodes.iter().enumerate() {
        let (above, run) = place[node.parent as usize];
        let own = source.node_self[at];
        let mut child = |nodes: &mut Vec<FrameNode>, node_self: &mut Vec<i64>, parent: u32, item: u32| {
            *index.entry((parent, item)).or_insert_with(|| {
                nodes.push(FrameNode { parent, frame: item });
                node_self.push(0);
                nodes.len() as u32 - 1
            })
        };
        let holder = match (at, visible.get(node.frame as usize).copied().flatten()) {
            (0, _) if own == 0 => continue,
            (0, _) => {
                let fold = shown + folding.nowhere();
                child(&mut nodes, &mut node_self, 0, fold)
            }
            (_, Some(item)) => {
                let own_node = child(&mut nodes, &mut node_self, above, item);
                if above != 0 && run > 0 {
                    let between = hidden_between.entry((nodes[above as usize].frame, item)).or_default();
                    *between = (*between).max(run);
                }
                place[at] = (own_node, 0);
                own_node
            }
            (_, None) => {
                place[at] = (above, run + 1);
                if own == 0 {
                    continue;
                }
                let fold = shown + folding.fold_of[node.frame as usize];
                child(&mut nodes, &mut node_self, above, fold)
            }
        };
        node_self[holder as usize] += own;
    }
    let mut items: Vec<Stands> = vec![Stands::Function(0); shown as usize];
    for (frame, item) in visible.iter().enumerate() {
        if let Some(item) = item {
            items[*item as usize] = Stands::Function(frame as u32);
        }
    }
    let fold_of = folding.fold_of.iter().map(|fold| (*fold != u32::MAX).then(|| shown + fold)).collect();
    items.extend(folding.folds.into_iter().map(Stands::Fold));
    let (tree, places) = FrameTree::from_nodes(vec![Frame::Unnamed(None); items.len()], &nodes);
    let mut ordered = vec![0; node_self.len()];
    for (value, place) in node_self.iter().zip(&places) {
        ordered[*place as usize] = *value;
    }
    let graph = CallGraph::new(&tree, &ordered);
    let elided =
        graph.edges.iter().map(|edge| hidden_between.get(&(edge.caller, edge.callee)).map_or(0, |run| *run as usize));
    let elided = elided.collect();
    Reduced { items, tree, node_self: ordered, graph, fold_of, elided }
}

impl Reduced {
    /// The self value of each node, of the samples in whose stack the item stands.
    pub(super) fn node_self_with(&self, item: u32) -> Vec<i64> {
        let mut with = vec![false; self.tree.nodes.len()];
        for (at, node) in self.tree.nodes.iter().enumerate().skip(1) {
            with[at] = with[node.parent as usize] || node.frame == item;
        }
        self.node_self.iter().zip(with).map(|(value, with)| if with { *value } else { 0 }).collect()
    }
}
