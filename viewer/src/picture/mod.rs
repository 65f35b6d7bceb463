//! What the graph view shows, and where: which functions are items of their own, which are folded or passed over, their
//! ranks, order and seed positions. Deterministic; the same for the page and for an SVG. Knows no HTTP and no files.

use plop_profile::FrameTree;
use serde::Serialize;

use crate::compare::{Scale, Sides};
use crate::function::Function;

mod admit;
mod assemble;
mod collide;
mod color;
mod columns;
mod elide;
mod force;
mod hubs;
mod isotonic;
mod items;
mod lanes;
mod layers;
mod net;
mod order;
mod place;
mod quadtree;
mod random;
mod rank;
mod reduce;
mod reinsert;
mod seed;
mod sides;
mod size;
mod split;
mod spread;
mod strip;
#[cfg(test)]
mod tests;

pub use items::Closed;
pub(crate) use sides::delta;

/// The picture of a source: the same for the same source and settings.
pub fn picture(source: Source<'_>, settings: &Settings) -> Picture {
    assemble::assemble(source, settings, &items::items(source, settings))
}

/// The picture of two profiles on one tree, with what each item and edge has on either side. The source's values are those of
/// both together; `node_self` are those of each side, before as measured, and `scale` makes them comparable.
pub fn compared(source: Source<'_>, settings: &Settings, node_self: &Sides<Vec<i64>>, scale: Scale) -> Picture {
    let items = items::items(source, settings);
    let mut picture = assemble::assemble(source, settings, &items);
    sides::tell(&mut picture, source, &items, node_self, scale);
    picture
}

/// How the samples of one item, by its id, split over the edges of the picture of the same source and settings; `None` if
/// the picture has no such item.
pub fn split(source: Source<'_>, settings: &Settings, item: u64) -> Option<Split> {
    let items = items::items(source, settings);
    let number = items.list.iter().position(|stands| stands.id(source) == item)?;
    Some(split::split(source, &items, number as u32))
}

/// The colour of each function, an index into the page's palette, or 255 for grey: the one that its group has in a picture.
pub(crate) fn colors(functions: &[Function], by: ColorBy) -> Vec<u8> {
    let colors = color::colors(functions, by);
    functions.iter().map(|function| colors.get(by.group_of(function)).copied().unwrap_or(color::GREY)).collect()
}

/// What a picture is made of: a filtered frame tree with the self value of each node, and what is known of each frame.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The tree after all filters and merges.
    pub tree: &'a FrameTree,
    /// The self value of each of its nodes.
    pub node_self: &'a [i64],
    /// For each of the tree's frames, by its number, the function.
    pub functions: &'a [Function],
}

/// How to draw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many items to admit.
    pub items: usize,
    /// Where callees lie.
    pub direction: Direction,
    /// The window, in CSS pixels.
    pub width: f64,
    /// Likewise.
    pub height: f64,
    /// What colours stand for.
    pub color: ColorBy,
    /// Folds that are open in place, by their ids.
    pub open: Vec<u64>,
    /// Modules and crates that are closed in place.
    pub close: Vec<Closed>,
    /// Functions, by name, whose instances are open in place: the heaviest of them are items.
    pub instances: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let (direction, color) = (Direction::Right, ColorBy::Crate);
        let (open, close, instances) = (Vec::new(), Vec::new(), Vec::new());
        Settings { items: 90, direction, width: 1600.0, height: 1000.0, color, open, close, instances }
    }
}

/// Where callees lie, seen from their callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the right.
    Right,
    /// Below.
    Down,
    /// Wherever the forces put them.
    Free,
}

/// What an item's group, and so its colour, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorBy {
    /// Its crate.
    Crate,
    /// Its module.
    Module,
    /// Its file.
    File,
}

impl ColorBy {
    /// The group of a function.
    pub(crate) fn group_of(self, function: &Function) -> &str {
        match self {
            ColorBy::Crate => &function.krate,
            ColorBy::Module => &function.module,
            ColorBy::File => &function.file,
        }
    }
}

/// The picture: `api/picture` in `API.md` describes each part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field, for the page's authors too")]
pub struct Picture {
    pub total: i64,
    pub functions: usize,
    pub shown: Part,
    pub folded: Part,
    pub direction: Direction,
    pub width: f64,
    pub height: f64,
    pub groups: Vec<Group>,
    pub items: Vec<Item>,
    #[serde(serialize_with = "columns::columns")]
    pub edges: Vec<Edge>,
}

/// A part of all functions, and what they have of the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct Part {
    pub functions: usize,
    #[serde(rename = "self")]
    pub self_value: i64,
}

/// What shares a colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct Group {
    pub name: String,
    pub color: u8,
    #[serde(rename = "self")]
    pub self_value: i64,
    pub total: i64,
}

/// A circle.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct Item {
    /// As 16 hexadecimal digits, since JavaScript's numbers can't hold it.
    #[serde(serialize_with = "hex")]
    pub id: u64,
    pub kind: ItemKind,
    pub name: String,
    pub label: String,
    pub group: usize,
    pub file: String,
    #[serde(rename = "crate")]
    pub krate: String,
    pub module: String,
    #[serde(rename = "self")]
    pub self_value: i64,
    pub total: i64,
    pub members: usize,
    #[serde(skip_serializing_if = "is_one")]
    pub instances: usize,
    pub rank: usize,
    pub x: f64,
    pub y: f64,
    pub radius: f64,
    pub strip: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    #[serde(flatten)]
    pub sides: Option<ItemSides>,
}

/// What an item has on either side, in a picture of two profiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct ItemSides {
    pub delta: f64,
    pub before: Measures,
    pub after: Measures,
}

/// Self and total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct Measures {
    #[serde(rename = "self")]
    pub self_value: i64,
    pub total: i64,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// One function.
    Function,
    /// Several that are drawn as one.
    Fold,
}

/// An arrow.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub weight: i64,
    pub elided: usize,
    pub kind: EdgeKind,
    pub bends: Vec<[f64; 2]>,
    pub sides: Option<EdgeSides>,
}

/// What an edge weighs on either side, in a picture of two profiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct EdgeSides {
    pub delta: f64,
    pub before: i64,
    pub after: i64,
}

/// How an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// Along the ranks.
    Line,
    /// Against them.
    Back,
    /// As a mark at its caller.
    Pip,
    /// Under the pointer only.
    Faint,
}

/// How one item's samples split over a picture's edges: `api/item` in `API.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Split {
    /// What the samples weigh in whose stack the item stands.
    pub total: i64,
    /// The number of an edge and what those samples weigh on it; edges without any are left out.
    pub edges: Vec<(usize, i64)>,
}

fn is_one(instances: &usize) -> bool {
    *instances <= 1
}

fn hex<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{id:016x}"))
}
