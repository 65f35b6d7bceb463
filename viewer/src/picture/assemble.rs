//! Puts a picture together: items, their sizes and places, edges with their kinds and bends, groups.

use plop_profile::CallGraph;
use rustc_hash::FxHashMap;

use super::items::{Folded, Items, Stands};
use super::seed::seed;
use super::size::{Size, radii};
use super::strip::strip;
use super::{Direction, Edge, Group, Item, ItemKind, Part, Picture, Settings, Source, color, hubs};

/// So much of the window's height the strip takes, or the circles become smaller, step by step.
const STRIP: f64 = 0.3;
const SMALLER: [f64; 4] = [1.0, 0.85, 0.7, 0.55];

/// The picture of a source with these items.
pub(super) fn assemble(source: Source<'_>, settings: &Settings, items: &Items<'_>) -> Picture {
    let Items { list, reduced, functions, .. } = items;
    let graph = &reduced.graph;
    let described: Vec<Described> = list.iter().map(|stands| describe(source, stands)).collect();
    let is_fold: Vec<bool> = list.iter().map(|stands| matches!(stands, Stands::Fold { .. })).collect();
    let in_strip = match settings.direction {
        Direction::Free => vec![false; list.len()],
        Direction::Right | Direction::Down => hubs::hubs(graph, &is_fold),
    };
    let sizes = sizes(settings, &described, graph, &in_strip);
    let (kinds, ranks) = hubs::kinds(graph, &in_strip);
    let (groups, group_of) = groups(&color::colors(source.functions, settings.color), items);
    let seed = seed(settings, graph, &kinds, &ranks, &in_strip, &sizes);
    let mut items = Vec::with_capacity(list.len());
    for (number, (stands, described)) in list.iter().zip(described).enumerate() {
        let (kind, members, instances) = match stands {
            Stands::Function(frame) => (ItemKind::Function, 1, source.functions[*frame as usize].instances),
            Stands::Fold { members, .. } => (ItemKind::Fold, *members, 0),
        };
        let Described { id, name, label, krate, module, file } = described;
        let (self_value, total) = (graph.self_values[number], graph.totals[number]);
        let [x, y] = seed.spots[number].map(to_tenth);
        let (rank, radius, strip, beside, group) = (
            seed.columns[number],
            to_tenth(sizes[number].radius),
            in_strip[number],
            seed.beside[number],
            group_of[number],
        );
        let item = Item {
            id,
            kind,
            name,
            label,
            group,
            file,
            krate,
            module,
            self_value,
            total,
            members,
            instances,
            rank,
            x,
            y,
            radius,
            strip,
            beside,
            sides: None,
        };
        items.push(item);
    }
    let mut edges: Vec<Edge> = (graph.edges.iter().zip(&reduced.elided).zip(kinds))
        .map(|((edge, &elided), kind)| {
            let (from, to, weight) = (edge.caller as usize, edge.callee as usize, edge.weight);
            Edge { from, to, weight, elided: elided as usize, kind, bends: Vec::new(), sides: None }
        })
        .collect();
    for (number, bends) in seed.bends {
        edges[number].bends = bends.into_iter().map(|bend| bend.map(to_tenth)).collect();
    }
    let part = |kind: ItemKind| {
        let of_kind = || items.iter().filter(move |item| item.kind == kind);
        Part {
            functions: of_kind().map(|item| item.members).sum(),
            self_value: of_kind().map(|item| item.self_value).sum(),
        }
    };
    let (shown, mut folded) = (part(ItemKind::Function), part(ItemKind::Fold));
    folded.functions = *functions - shown.functions;
    Picture {
        total: graph.total,
        functions: *functions,
        shown,
        folded,
        direction: settings.direction,
        width: settings.width,
        height: settings.height,
        groups,
        items,
        edges,
    }
}

/// Circles and labels: as great as they may be, or smaller, all of them, if the strip would take too much of the window.
fn sizes(settings: &Settings, described: &[Described], graph: &CallGraph, in_strip: &[bool]) -> Vec<Size> {
    let Settings { width, height, .. } = *settings;
    let share = |own: i64| own as f64 / graph.total.max(1) as f64;
    let sizes = |part: &f64| -> Vec<Size> {
        let radii = radii(&graph.self_values, width, height, *part);
        (radii.into_iter().zip(described).zip(&graph.self_values))
            .map(|((radius, described), &own)| Size::new(radius, &described.label, share(own), width * height))
            .collect()
    };
    let is_low = |sizes: &Vec<Size>| {
        let stripped: Vec<Size> =
            sizes.iter().zip(in_strip).filter(|(_, in_strip)| **in_strip).map(|(size, _)| *size).collect();
        strip(&stripped, width).1 <= STRIP * height
    };
    SMALLER.iter().map(sizes).find(is_low).unwrap_or_else(|| sizes(&SMALLER[SMALLER.len() - 1]))
}

/// A tenth of a pixel is more than can be seen, and half the bytes.
fn to_tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

struct Described {
    id: u64,
    name: String,
    label: String,
    krate: String,
    module: String,
    file: String,
}

fn describe(source: Source<'_>, stands: &Stands<'_>) -> Described {
    match stands {
        Stands::Function(frame) => {
            let function = source.functions[*frame as usize].clone();
            let crate::Function { id, name, label, krate, module, file, instances: _ } = function;
            Described { id, name, label, krate, module, file }
        }
        Stands::Fold { of: folded, members, first } => {
            let first_krate = source.functions.get(*first as usize).map_or("", |first| first.krate.as_str());
            let (krate, module) = match *folded {
                Folded::Module(module) => (first_krate, module),
                Folded::Crate(krate) => (krate, ""),
                Folded::Other => ("", ""),
            };
            let (krate, module) = (krate.to_owned(), module.to_owned());
            let name = folded.name();
            let label = format!("{name} +{members}");
            Described { id: folded.id(), name, label, krate, module, file: String::new() }
        }
    }
}

/// The groups, heaviest first, and by item its group.
fn groups(colors: &FxHashMap<&str, u8>, items: &Items<'_>) -> (Vec<Group>, Vec<usize>) {
    let Items { reduced, groups, grouping, .. } = items;
    let mut self_values = vec![0_i64; groups.len()];
    for (&group, &own) in grouping.of.iter().zip(&reduced.graph.self_values) {
        self_values[group as usize] = self_values[group as usize].saturating_add(own);
    }
    let sums = self_values.into_iter().zip(&reduced.group_totals);
    let group = |(&name, (self_value, &total)): (&&str, (i64, &i64))| {
        let color = colors.get(name).copied().unwrap_or(color::GREY);
        Group { color, name: name.to_owned(), self_value, total }
    };
    let mut groups: Vec<(usize, Group)> = groups.iter().zip(sums).map(group).enumerate().collect();
    groups.sort_by(|(_, a), (_, b)| (b.self_value, b.total, &a.name).cmp(&(a.self_value, a.total, &b.name)));
    let mut new_number = vec![0; groups.len()];
    groups.iter().enumerate().for_each(|(new, (old, _))| new_number[*old] = new);
    let group_of = grouping.of.iter().map(|&group| new_number[group as usize]).collect();
    (groups.into_iter().map(|(_, group)| group).collect(), group_of)
}
