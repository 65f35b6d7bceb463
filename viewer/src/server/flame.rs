//! `api/flame` and `api/sandwich`: flame graphs of a whole view, and around one function.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use plop_profile::{CallGraph, Edge};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use super::answer::{Answer, Shown, as_json, with_view};
use super::compare::Measured;
use super::query::Query;
use super::reply::Refusal;
use super::{State, compare};
use crate::compare::{Both, Scale, Sides};
use crate::filter::Viewed;
use crate::flame::{Cut, Flame, Of, Shape, Stacks, Weight, value_id};
use crate::function::Function;
use crate::picture::{self, ColorBy, EdgeSides};

/// The narrowest box that is sent, in CSS pixels.
const NARROWEST: f64 = 0.5;

/// Values of a label are numbered from here on; no profile has so many functions.
const VALUES: usize = 1 << 31;

/// What boxes stand for, each once.
#[derive(Serialize)]
pub(super) struct Meaning {
    /// Its number: the same as long as the profile only grows, so that an answer differs little from the one before.
    at: usize,
    id: String,
    name: String,
    label: String,
    #[serde(rename = "crate")]
    krate: String,
    file: String,
    color: u8,
}

/// A box: depth, number of what it stands for, total, self, 1 if most of it was inlined into its caller, and what has become
/// of it where two profiles are compared.
#[derive(Serialize)]
pub(super) struct Line(u32, usize, i64, i64, u8, #[serde(skip_serializing_if = "Option::is_none")] Option<f64>);

/// The meanings of the boxes of one answer.
struct Meanings<'a> {
    functions: &'a [Function],
    colors: Vec<u8>,
    known: FxHashSet<Of>,
    list: Vec<Meaning>,
}

impl<'a> Meanings<'a> {
    fn of(viewed: &Viewed<'a>, color: ColorBy) -> Self {
        let colors = picture::colors(viewed.functions, color);
        Meanings { functions: viewed.functions, colors, known: FxHashSet::default(), list: Vec::new() }
    }

    fn number(&mut self, of: Of, values: &[String]) -> usize {
        let Meanings { functions, colors, known, list } = self;
        let at = match of {
            Of::Frame(frame) => frame as usize,
            Of::Value(value) => VALUES + value as usize,
        };
        if known.insert(of) {
            list.push(match of {
                Of::Frame(frame) => Meaning::of(at, &functions[frame as usize], colors[frame as usize]),
                Of::Value(value) => Meaning::of_value(at, &values[value as usize]),
            });
        }
        at
    }

    fn lines(&mut self, flame: &Flame, scale: Scale) -> Vec<Line> {
        let line = flame.boxes.iter().map(|of| {
            let delta = of.sides.map(|sides| picture::delta(&sides, scale));
            Line(of.depth, self.number(of.of, &flame.values), of.total, of.self_value, u8::from(of.inlined), delta)
        });
        line.collect()
    }
}

impl Meaning {
    fn of(at: usize, function: &Function, color: u8) -> Self {
        Meaning {
            at,
            id: format!("{:016x}", function.id),
            name: function.name.clone(),
            label: function.label.clone(),
            krate: function.krate.clone(),
            file: function.file.clone(),
            color,
        }
    }

    fn of_value(at: usize, value: &str) -> Self {
        let (name, label) = (value.to_owned(), value.to_owned());
        let (krate, file) = (String::new(), String::new());
        Meaning { at, id: format!("{:016x}", value_id(value)), name, label, krate, file, color: 255 }
    }
}

#[derive(Serialize)]
pub(super) struct Group {
    name: String,
    color: u8,
    #[serde(rename = "self")]
    self_value: i64,
}

/// What shares a colour, the heaviest first.
fn groups<W: Weight>(viewed: &Viewed<'_>, stacks: &Stacks<'_, W>, color: ColorBy) -> Vec<Group> {
    let colors = picture::colors(viewed.functions, color);
    let mut sums: FxHashMap<&str, (u8, i64)> = FxHashMap::default();
    for ((function, &color_of), own) in viewed.functions.iter().zip(&colors).zip(stacks.self_values()) {
        let Some(own) = own else { continue };
        let sum = &mut sums.entry(color.group_of(function)).or_insert((color_of, 0)).1;
        *sum = sum.saturating_add(own);
    }
    let mut groups: Vec<_> = sums
        .into_iter()
        .map(|(name, (color, self_value))| Group { name: name.to_owned(), color, self_value })
        .collect();
    groups.sort_by(|left, right| right.self_value.cmp(&left.self_value).then_with(|| left.name.cmp(&right.name)));
    groups
}

#[derive(Serialize)]
pub(super) struct FlameAnswer {
    total: i64,
    zoomed: usize,
    groups: Vec<Group>,
    functions: Vec<Meaning>,
    boxes: Vec<Line>,
}

/// `api/flame/{id}`.
pub(super) async fn flame(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let shape = match &*query.by {
        "" if query.inverted => Shape::Callers,
        "" => Shape::Callees,
        _ if query.inverted => {
            return Err(Refusal(StatusCode::BAD_REQUEST, "by: goes with tree=callees only".to_owned()));
        }
        by => Shape::By(by.strip_prefix("label:").unwrap_or(by).to_owned()),
    };
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, move |both, query| Ok(of_both(both, &shape, query)));
        return as_json(answer.await?);
    }
    let answer = with_view(shared, id, query, move |entry, viewed, query| {
        Ok(Shown::new(entry, viewed, of_view(viewed, &shape, query)))
    });
    as_json(answer.await?)
}

/// The flame graph of a view.
pub(super) fn of_view(viewed: &Viewed<'_>, shape: &Shape, query: &Query) -> FlameAnswer {
    of_stacks(viewed, &Stacks::of(viewed), shape, query, Scale::ONE)
}

/// The flame graph of two profiles, as wide as both together.
pub(super) fn of_both(both: &Both<'_>, shape: &Shape, query: &Query) -> FlameAnswer {
    of_stacks(&both.viewed, &Stacks::of_both(both), shape, query, both.scale)
}

fn of_stacks<W: Weight>(
    viewed: &Viewed<'_>,
    stacks: &Stacks<'_, W>,
    shape: &Shape,
    query: &Query,
    scale: Scale,
) -> FlameAnswer {
    let cut = Cut { zoom: query.zoom.clone(), least: NARROWEST / query.settings.width };
    let flame = stacks.flame(shape, &cut);
    let mut meanings = Meanings::of(viewed, query.settings.color);
    let boxes = meanings.lines(&flame, scale);
    let groups = groups(viewed, stacks, query.settings.color);
    FlameAnswer { total: stacks.total(), zoomed: flame.zoomed, groups, functions: meanings.list, boxes }
}

#[derive(Serialize)]
struct Neighbour {
    function: usize,
    weight: i64,
    #[serde(flatten)]
    sides: Option<EdgeSides>,
}

#[derive(Serialize)]
struct SandwichAnswer {
    total: i64,
    function: usize,
    #[serde(rename = "self")]
    self_value: i64,
    function_total: i64,
    #[serde(flatten)]
    sides: Option<Measured>,
    callers: Vec<Neighbour>,
    callees: Vec<Neighbour>,
    functions: Vec<Meaning>,
    up: Vec<Line>,
    down: Vec<Line>,
}

/// `api/sandwich/{id}`.
pub(super) async fn sandwich(shared: State, Path(id): Path<String>, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref())?;
    let item = query.wanted_item()?;
    if let Some(base) = query.base() {
        let answer = compare::with_both(shared, id, query, base, move |both, query| {
            sandwich_of(&both.viewed, &Stacks::of_both(both), query, item, Some(both))
        });
        return as_json(answer.await?);
    }
    let answer = with_view(shared, id, query, move |entry, viewed, query| {
        let answer = sandwich_of(viewed, &Stacks::of(viewed), query, item, None)?;
        Ok(Shown::new(entry, viewed, answer))
    });
    as_json(answer.await?)
}

fn sandwich_of<W: Weight>(
    viewed: &Viewed<'_>,
    stacks: &Stacks<'_, W>,
    query: &Query,
    item: u64,
    both: Option<&Both<'_>>,
) -> Result<SandwichAnswer, Refusal> {
    let frame = viewed.frame_with(item).ok_or_else(|| Refusal::no_function(item))?;
    let cut = Cut { zoom: Vec::new(), least: NARROWEST / query.settings.width };
    let (up, down) = (stacks.flame(&Shape::CallersOf(item), &cut), stacks.flame(&Shape::CalleesOf(item), &cut));
    let graph = match both {
        None => viewed.call_graph(),
        Some(both) => CallGraph::new(&viewed.tree, &both.together()),
    };
    let graphs = both.map(|both| (both, both.graphs()));
    let mut meanings = Meanings::of(viewed, query.settings.color);
    let function = meanings.number(Of::Frame(frame), &[]);
    let mut neighbours = |mine: fn(&Edge) -> u32, other: fn(&Edge) -> u32| {
        let edges = graph.edges.iter().enumerate().filter(|(_, edge)| mine(edge) == frame && edge.weight != 0);
        let mut found: Vec<_> = edges
            .map(|(at, edge)| {
                let other = other(edge);
                let sides = graphs.as_ref().map(|(both, graphs)| {
                    // The edges of all graphs are in the same order, that of the tree.
                    let raw = graphs.map(|graph| graph.edges[at].weight);
                    let Sides { before, after } = both.scaled(&raw);
                    EdgeSides { delta: picture::delta(&raw, both.scale), before, after }
                });
                Neighbour { function: meanings.number(Of::Frame(other), &[]), weight: edge.weight, sides }
            })
            .collect();
        found.sort_by_key(|neighbour| std::cmp::Reverse(neighbour.weight));
        found
    };
    let callers = neighbours(|edge| edge.callee, |edge| edge.caller);
    let callees = neighbours(|edge| edge.caller, |edge| edge.callee);
    let scale = both.map_or(Scale::ONE, |both| both.scale);
    let (up, down) = (meanings.lines(&up, scale), meanings.lines(&down, scale));
    let at = frame as usize;
    Ok(SandwichAnswer {
        total: graph.total,
        function,
        self_value: graph.self_values[at],
        function_total: graph.totals[at],
        sides: graphs.as_ref().map(|(both, graphs)| {
            Measured::new(both, &graphs.map(|graph| graph.self_values[at]), &graphs.map(|graph| graph.totals[at]))
        }),
        callers,
        callees,
        functions: meanings.list,
        up,
        down,
    })
}
