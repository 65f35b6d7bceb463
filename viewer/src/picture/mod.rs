//! What the graph view shows, and where: which functions are items of their own, which are folded or passed over, their
//! ranks, order and seed positions. Deterministic; the same for the page and for an SVG. Knows no HTTP and no files.

use plop_profile::FrameTree;
use serde::Serialize;

use crate::function::Function;

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
}

impl Default for Settings {
    fn default() -> Self {
        let (direction, color) = (Direction::Right, ColorBy::Crate);
        Settings { items: 90, direction, width: 1600.0, height: 1000.0, color, open: Vec::new() }
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
    pub rank: usize,
    pub x: f64,
    pub y: f64,
    pub radius: f64,
    pub strip: bool,
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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "API.md describes each field")]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub weight: i64,
    pub elided: usize,
    pub kind: EdgeKind,
    pub bends: Vec<[f64; 2]>,
}

/// How an edge is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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

fn hex<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{id:016x}"))
}
