//! Puts a picture together: items, their sizes and places, edges with their kinds and bends, groups.

use plop_profile::CallGraph;
use rustc_hash::FxHashMap;

use super::items::{Folded, Items, Stands};
use super::layers::parts;
use super::place::{Area, place};
use super::size::{Size, radii};
use super::{Direction, Edge, EdgeKind, Group, Item, ItemKind, Part, Picture, Settings, Source};
use super::{collide, color, force, hubs, order, strip};

/// Beyond so many items no order of ranks can be read; forces place them.
const FEW_ITEMS: usize = 300;

/// Room at the top of the window for what the page writes there.
const TOP: f64 = 12.0;

/// The picture of a source with these items.
pub(super) fn assemble(source: Source<'_>, settings: &Settings, items: &Items<'_>) -> Picture {
    let Items { list, reduced, functions, .. } = items;
    let graph = &reduced.graph;
    let described: Vec<Described> = list.iter().map(|stands| describe(source, stands)).collect();
    let radii = radii(&graph.self_values, settings.width, settings.height);
    let sizes: Vec<Size> =
        radii.iter().zip(&described).map(|(&radius, described)| Size::new(radius, &described.label)).collect();
    let is_fold: Vec<bool> = list.iter().map(|stands| matches!(stands, Stands::Fold { .. })).collect();
    let in_strip = match settings.direction {
        Direction::Free => vec![false; list.len()],
        Direction::Right | Direction::Down => hubs::hubs(graph, &is_fold),
    };
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
        let (rank, radius, strip, group) =
            (seed.columns[number], to_tenth(sizes[number].radius), in_strip[number], group_of[number]);
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

/// A tenth of a pixel is more than can be seen, and half the bytes.
fn to_tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

struct Seed {
    spots: Vec<[f64; 2]>,
    columns: Vec<usize>,
    bends: Vec<(usize, Vec<[f64; 2]>)>,
}

fn seed(
    settings: &Settings,
    graph: &CallGraph,
    kinds: &[EdgeKind],
    ranks: &[usize],
    in_strip: &[bool],
    sizes: &[Size],
) -> Seed {
    let stripped: Vec<usize> = (0..sizes.len()).filter(|&item| in_strip[item]).collect();
    let strip_sizes: Vec<Size> = stripped.iter().map(|&item| sizes[item]).collect();
    let (strip_spots, mut strip_height) = strip::strip(&strip_sizes, settings.width);
    // However small the window, the ranks keep half of it.
    strip_height = strip_height.min(settings.height / 2.0);
    let height = settings.height - strip_height - TOP;
    let drawn: Vec<usize> = (0..sizes.len()).filter(|&item| !in_strip[item]).collect();

    let mut seed = if settings.direction == Direction::Free || drawn.len() > FEW_ITEMS {
        forced(settings, graph, ranks, &drawn, sizes, height)
    } else {
        ranked(settings, graph, kinds, ranks, &drawn, sizes, height)
    };
    for spot in &mut seed.spots {
        spot[1] += TOP;
    }
    for bend in seed.bends.iter_mut().flat_map(|(_, bends)| bends) {
        bend[1] += TOP;
    }
    for (&item, [x, y]) in stripped.iter().zip(strip_spots) {
        let bottom = settings.height - sizes[item].radius;
        seed.spots[item] = [x, (settings.height - strip_height + y).min(bottom)];
    }
    seed
}

/// The seed by ranks, orders and isotonic places.
fn ranked(
    settings: &Settings,
    graph: &CallGraph,
    kinds: &[EdgeKind],
    ranks: &[usize],
    drawn: &[usize],
    sizes: &[Size],
    height: f64,
) -> Seed {
    let mut along = Vec::new();
    let mut reversed = vec![false; graph.edges.len()];
    for (number, edge) in graph.edges.iter().enumerate() {
        let (from, to) = (edge.caller as usize, edge.callee as usize);
        if !matches!(kinds[number], EdgeKind::Line | EdgeKind::Back) || ranks[from] == ranks[to] {
            continue;
        }
        reversed[number] = ranks[from] > ranks[to];
        let (low, high) = if reversed[number] { (to, from) } else { (from, to) };
        let share = (edge.weight.max(0) as f64 / graph.total.max(1) as f64).sqrt();
        let pull = if kinds[number] == EdgeKind::Back { 0.1 * share } else { 0.1 + share };
        along.push((number, low, high, pull));
    }
    let mut parts = parts(drawn, ranks, &along);
    parts.iter_mut().for_each(order::order);
    let down = settings.direction == Direction::Down;
    let area = match down {
        false => Area { along: settings.width, across: height, down },
        true => Area { along: height, across: settings.width, down },
    };
    let mut placed = place(&parts, sizes, area);
    let to_window = |[along, across]: [f64; 2]| if down { [across, along] } else { [along, across] };
    for (number, bends) in &mut placed.bends {
        bends.iter_mut().for_each(|bend| *bend = to_window(*bend));
        if reversed[*number] {
            bends.reverse();
        }
    }
    let mut spots: Vec<[f64; 2]> = placed.spots.into_iter().map(to_window).collect();
    // Labels had their turn; what is still crowded at least keeps its circles apart.
    let mut circles: Vec<[f64; 2]> = drawn.iter().map(|&item| spots[item]).collect();
    let radii: Vec<f64> = drawn.iter().map(|&item| sizes[item].radius + 3.0).collect();
    collide::keep_apart(&mut circles, &radii, settings.width, height);
    drawn.iter().zip(circles).for_each(|(&item, spot)| spots[item] = spot);
    Seed { spots, columns: placed.columns, bends: placed.bends }
}

/// The seed by forces.
fn forced(
    settings: &Settings,
    graph: &CallGraph,
    ranks: &[usize],
    drawn: &[usize],
    sizes: &[Size],
    height: f64,
) -> Seed {
    let mut place_of = vec![usize::MAX; sizes.len()];
    drawn.iter().enumerate().for_each(|(place, &item)| place_of[item] = place);
    let links: Vec<_> = (graph.edges.iter())
        .map(|edge| (place_of[edge.caller as usize], place_of[edge.callee as usize], edge.weight))
        .filter(|&(from, to, _)| from != to && from != usize::MAX && to != usize::MAX)
        .collect();
    // Few items have room for rings and labels between them.
    let around = if drawn.len() > FEW_ITEMS { 0.0 } else { 8.0 };
    let radii: Vec<f64> = drawn.iter().map(|&item| sizes[item].radius + around).collect();
    let drawn_ranks: Vec<usize> = drawn.iter().map(|&item| ranks[item]).collect();
    let axis = match settings.direction {
        Direction::Free => None,
        Direction::Right => Some(force::Axis { index: 0, ranks: &drawn_ranks }),
        Direction::Down => Some(force::Axis { index: 1, ranks: &drawn_ranks }),
    };
    let found = force::force(&radii, &links, axis, settings.width, height);
    let mut spots = vec![[0.0; 2]; sizes.len()];
    drawn.iter().zip(found).for_each(|(&item, spot)| spots[item] = spot);
    Seed { spots, columns: ranks.to_vec(), bends: Vec::new() }
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
