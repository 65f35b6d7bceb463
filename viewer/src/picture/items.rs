//! The items of a picture: admitted functions, and folds of all the others by module, crate or "other". Knows nothing of
//! positions.

use std::collections::{BTreeMap, BTreeSet};

use plop_profile::{CallGraph, Weighed};
use rustc_hash::FxHashMap;

use super::admit::by_score;
use super::color::{OTHER, hash};
use super::elide;
use super::reduce::{Grouping, Place, Reduced, reduce};
use super::{ColorBy, Settings, Source};
use crate::names::family;

/// From what share of the total on a module, or a crate, is folded by itself.
const MODULE_SHARE: f64 = 0.01;
const CRATE_SHARE: f64 = 0.005;

/// Up to so many items pass-throughs are elided; a bigger picture is looked at in parts, where they are context.
const FEW_ITEMS: usize = 300;

/// How many members become items of their own when a fold is opened.
const OPENED_MEMBERS: usize = 12;

/// What several functions are folded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Folded<'a> {
    Module(&'a str),
    Crate(&'a str),
    Other,
}

impl Folded<'_> {
    /// The fold's id: of what it folds, so that it stays the same whatever its members.
    pub(super) fn id(self) -> u64 {
        match self {
            Folded::Module(name) => hash(&["fold of a module", name]),
            Folded::Crate(name) => hash(&["fold of a crate", name]),
            Folded::Other => hash(&["fold of all other functions"]),
        }
    }

    pub(super) fn name(self) -> String {
        match self {
            Folded::Module(name) | Folded::Crate(name) => name.to_owned(),
            Folded::Other => "other".to_owned(),
        }
    }
}

/// A module or a crate that is closed: drawn as one fold, whatever its functions have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The module of that name.
    Module(String),
    /// The crate of that name.
    Crate(String),
}

/// By function: the fold that it is closed in, a crate's before a module's.
fn closed<'a>(source: Source<'a>, settings: &Settings) -> Vec<Option<Folded<'a>>> {
    let has = |closed: Closed| settings.close.contains(&closed);
    let mut known: FxHashMap<(&str, &str), Option<Folded<'a>>> = FxHashMap::default();
    let fold = |function: &'a crate::Function| {
        *known.entry((&function.krate, &function.module)).or_insert_with(|| {
            if has(Closed::Crate(function.krate.clone())) {
                Some(Folded::Crate(&function.krate))
            } else if has(Closed::Module(function.module.clone())) {
                Some(Folded::Module(&function.module))
            } else {
                None
            }
        })
    };
    match settings.close.is_empty() {
        true => vec![None; source.functions.len()],
        false => source.functions.iter().map(fold).collect(),
    }
}

/// What an item stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stands<'a> {
    /// A frame, by its number.
    Function(u32),
    /// So many functions.
    Fold { of: Folded<'a>, members: usize, first: u32 },
}

impl<'a> Stands<'a> {
    pub(super) fn id(self, source: Source<'_>) -> u64 {
        match self {
            Stands::Function(frame) => source.functions[frame as usize].id,
            Stands::Fold { of, .. } => of.id(),
        }
    }

    /// The name of its group.
    fn group(self, source: Source<'a>, color: ColorBy) -> &'a str {
        let name = match self {
            Stands::Function(frame) => color.group_of(&source.functions[frame as usize]),
            Stands::Fold { of: Folded::Module(_), first, .. } if color == ColorBy::Crate => {
                &source.functions[first as usize].krate
            }
            Stands::Fold { of: Folded::Module(module), .. } if color == ColorBy::Module => module,
            Stands::Fold { of: Folded::Crate(krate), .. } if color == ColorBy::Crate => krate,
            Stands::Fold { .. } => "",
        };
        if name.is_empty() { OTHER } else { name }
    }
}

/// The names of the groups, in order, and which group each item is in.
fn groups<'a>(source: Source<'a>, list: &[Stands<'a>], color: ColorBy) -> (Vec<&'a str>, Grouping) {
    let names: BTreeSet<&str> = list.iter().map(|stands| stands.group(source, color)).collect();
    let numbers: FxHashMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let of = list.iter().map(|stands| numbers[stands.group(source, color)]).collect();
    let groups = names.len();
    (names.into_iter().collect(), Grouping { of, groups })
}

/// The items and the tree reduced to them.
#[derive(Debug)]
pub(super) struct Items<'a> {
    pub(super) list: Vec<Stands<'a>>,
    pub(super) reduced: Reduced,
    /// The names of their groups, and which each item is in.
    pub(super) groups: Vec<&'a str>,
    pub(super) grouping: Grouping,
    /// Functions that have samples, drawn or not.
    pub(super) functions: usize,
    /// Where the samples of each frame go, and those without any.
    pub(super) places: Vec<Place>,
    pub(super) frameless: Option<u32>,
}

/// Chooses the items and reduces the source to them.
pub(super) fn items<'a>(source: Source<'a>, settings: &Settings) -> Items<'a> {
    let weighed = Weighed::new(source.tree, source.node_self);
    let graph = CallGraph::of(&weighed);
    let closed = closed(source, settings);
    let mut candidates = by_score(&graph, settings.items);
    candidates.retain(|&frame| closed[frame as usize].is_none());
    let mut shown = vec![false; graph.totals.len()];
    for frame in admitted(&weighed, settings, &candidates) {
        shown[frame as usize] = true;
    }
    let opened: Vec<u32> = opened(source, &graph, &shown, &closed, &settings.open);
    opened.iter().for_each(|&frame| shown[frame as usize] = true);
    for name in &settings.instances {
        instances(source, &graph, &closed, name).for_each(|frame| shown[frame as usize] = true);
    }
    // A fold with a single member that counts says less than the member.
    for members in folds(source, &graph, &shown, &closed).into_values() {
        if closed[members[0] as usize].is_some() {
            continue;
        }
        let mut with_self = members.iter().filter(|&&frame| graph.self_values[frame as usize] != 0);
        if let (Some(&only), None) = (with_self.next(), with_self.next()) {
            shown[only as usize] = true;
        }
    }

    let frames = (0..graph.totals.len() as u32).filter(|&frame| shown[frame as usize]);
    let mut list: Vec<Stands> = frames.map(Stands::Function).collect();
    let mut places = vec![Place::Fold(0); graph.totals.len()];
    for (number, stands) in list.iter().enumerate() {
        let Stands::Function(frame) = stands else { continue };
        places[*frame as usize] = Place::Item(number as u32);
    }
    for (of, members) in folds(source, &graph, &shown, &closed) {
        if members.iter().all(|&frame| graph.self_values[frame as usize] == 0) {
            continue; // Nothing to draw: no sample ends there, so no sample is lost.
        }
        for &frame in &members {
            places[frame as usize] = Place::Fold(list.len() as u32);
        }
        list.push(Stands::Fold { of, members: members.len(), first: members[0] });
    }
    // Filters can take all of a sample's frames out; its value is left at the root.
    let frameless = source.node_self.first().is_some_and(|&value| value != 0).then(|| {
        let other = |stands: &Stands| matches!(stands, Stands::Fold { of: Folded::Other, .. });
        list.iter().position(other).unwrap_or_else(|| {
            list.push(Stands::Fold { of: Folded::Other, members: 0, first: 0 });
            list.len() - 1
        }) as u32
    });
    let (groups, grouping) = groups(source, &list, settings.color);
    let reduced = reduce(&weighed, &places, &grouping, frameless);
    let functions = graph.totals.iter().filter(|&&total| total != 0).count();
    Items { list, reduced, groups, grouping, functions, places, frameless }
}

/// The frames to show, before any fold is opened.
fn admitted(weighed: &Weighed<'_>, settings: &Settings, candidates: &[u32]) -> Vec<u32> {
    if settings.items > FEW_ITEMS {
        return candidates.iter().take(settings.items).copied().collect();
    }
    // Elided functions shall not cost others their place, so more are looked at than fit.
    let looked_at = &candidates[..candidates.len().min(settings.items * 8 / 5 + 4)];
    let sink = looked_at.len() as u32;
    let mut places = vec![Place::Fold(sink); weighed.tree.frames.len()];
    for (number, &frame) in looked_at.iter().enumerate() {
        places[frame as usize] = Place::Item(number as u32);
    }
    let graph = reduce(weighed, &places, &Grouping::none(looked_at.len() + 1), None).graph;
    let chosen = elide::choose(&graph, looked_at.len(), settings.items);
    chosen.into_iter().map(|candidate| looked_at[candidate]).collect()
}

/// The heaviest members of the folds that are open.
fn opened<'a>(
    source: Source<'a>,
    graph: &CallGraph,
    shown: &[bool],
    closed: &[Option<Folded<'a>>],
    open: &[u64],
) -> Vec<u32> {
    if open.is_empty() {
        return Vec::new();
    }
    let mut opened = Vec::new();
    let folds = folds(source, graph, shown, closed).into_iter();
    for (_, mut members) in folds.filter(|(of, _)| open.contains(&of.id())) {
        members.retain(|&frame| closed[frame as usize].is_none());
        members.sort_by_key(|&frame| (std::cmp::Reverse(graph.self_values[frame as usize]), frame));
        opened.extend(members.into_iter().take(OPENED_MEMBERS));
    }
    opened
}

/// The heaviest instances of a function.
fn instances<'a>(
    source: Source<'a>,
    graph: &'a CallGraph,
    closed: &[Option<Folded<'a>>],
    name: &str,
) -> impl Iterator<Item = u32> {
    let is_one = |&frame: &u32| {
        let at = frame as usize;
        graph.totals[at] != 0 && closed[at].is_none() && family(&source.functions[at].name) == name
    };
    let mut found: Vec<u32> = (0..graph.totals.len() as u32).filter(is_one).collect();
    found.sort_by_key(|&frame| (std::cmp::Reverse(graph.totals[frame as usize]), frame));
    found.into_iter().take(OPENED_MEMBERS)
}

/// All functions that are not shown and have samples, each in the fold that it is closed in or else in the smallest one that
/// weighs enough.
fn folds<'a>(
    source: Source<'a>,
    graph: &CallGraph,
    shown: &[bool],
    closed: &[Option<Folded<'a>>],
) -> BTreeMap<Folded<'a>, Vec<u32>> {
    let functions: &'a [crate::Function] = source.functions;
    let mut folds: FxHashMap<Folded, Vec<u32>> = FxHashMap::default();
    let mut hidden: Vec<u32> = Vec::new();
    for frame in 0..graph.totals.len() as u32 {
        if shown[frame as usize] || graph.totals[frame as usize] == 0 {
            continue;
        }
        match closed[frame as usize] {
            Some(of) => folds.entry(of).or_default().push(frame),
            None => hidden.push(frame),
        }
    }
    let (mut modules, mut crates): (FxHashMap<&str, i64>, FxHashMap<&str, i64>) = Default::default();
    for &frame in &hidden {
        *modules.entry(&functions[frame as usize].module).or_default() += graph.self_values[frame as usize];
    }
    let enough = |value: i64, share: f64| value as f64 >= share * graph.total as f64;
    let by_module = |frame: u32| {
        let module = functions[frame as usize].module.as_str();
        // A crate's outermost module is the crate itself.
        (!module.is_empty() && module != functions[frame as usize].krate && enough(modules[module], MODULE_SHARE))
            .then_some(module)
    };
    for &frame in hidden.iter().filter(|&&frame| by_module(frame).is_none()) {
        *crates.entry(&functions[frame as usize].krate).or_default() += graph.self_values[frame as usize];
    }
    for &frame in &hidden {
        let krate = functions[frame as usize].krate.as_str();
        let of = match by_module(frame) {
            Some(module) => Folded::Module(module),
            None if !krate.is_empty() && enough(crates[krate], CRATE_SHARE) => Folded::Crate(krate),
            None => Folded::Other,
        };
        folds.entry(of).or_default().push(frame);
    }
    folds.into_iter().collect()
}
