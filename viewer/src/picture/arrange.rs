//! Where the items lie: components in columns, packed into the window, and the strip below. Knows no stacks.

use std::f64::consts::PI;

use super::layers::{Layers, Ranks};
use super::plan::Plan;
use super::{Direction, EdgeKind, Settings, place};

/// The share of the window that the circles cover together.
const COVERED: f64 = 0.10;
/// The least and the greatest radius, in pixels.
const LEAST_RADIUS: f64 = 4.5;
const GREATEST_RADIUS: f64 = 60.0;
/// What a label below a circle needs, and what it may take to either side.
const LABEL_HEIGHT: f64 = 17.0;
const LABEL_HALF_WIDTH: f64 = 62.0;
/// The least distance between two columns.
const COLUMN: f64 = 104.0;
/// How far the picture may be stretched along an axis to fill the window.
const STRETCH: f64 = 2.4;
const MARGIN: f64 = 64.0;
/// What a label beside a circle of the strip needs.
const STRIP_LABEL: f64 = 158.0;

/// An item's place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) radius: f64,
}

/// The whole picture's places.
#[derive(Debug, Clone)]
pub(super) struct Arranged {
    pub(super) spots: Vec<Spot>,
    /// For each of the plan's edges, its inner points.
    pub(super) bends: Vec<Vec<[f64; 2]>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Lays the plan out: first along the ranks (`along`) and across them (`across`), then turned as the direction asks.
pub(super) fn arrange(plan: &Plan, settings: &Settings) -> Arranged {
    let radii = radii(plan, settings);
    let down = settings.direction == Direction::Down;
    let (window_along, window_across) =
        if down { (settings.height, settings.width) } else { (settings.width, settings.height) };
    let strip_height = strip_rows(plan, &radii, settings.width).last().map_or(0.0, |row| row.bottom + MARGIN / 2.0);
    let (room_along, room_across) = match down {
        true => ((window_along - strip_height - 2.0 * MARGIN).max(200.0), window_across - 2.0 * MARGIN),
        false => {
            (window_along - 2.0 * MARGIN - LABEL_HALF_WIDTH, (window_across - strip_height - 2.0 * MARGIN).max(200.0))
        }
    };
    let mut parts: Vec<Part> = components(plan).iter().map(|items| Part::new(plan, items, &radii, down)).collect();
    let (length, breadth) = pack(&mut parts, room_along);

    let stretch = |room: f64, used: f64| if used > 0.0 { (room / used).clamp(1.0, STRETCH) } else { 1.0 };
    let (along_by, across_by) = (stretch(room_along, length), stretch(room_across, breadth));
    let centre = |room: f64, used: f64| ((room - used) / 2.0).max(0.0);
    let (along_from, across_from) = (centre(room_along, length * along_by), centre(room_across, breadth * across_by));
    let turn = |along: f64, across: f64| {
        let along = MARGIN + along_from + along * along_by;
        let across = MARGIN + across_from + across * across_by;
        if down { [across, along] } else { [along, across] }
    };

    let mut spots: Vec<Spot> = radii.iter().map(|&radius| Spot { radius, ..Spot::default() }).collect();
    let mut bends = vec![Vec::new(); plan.edges.len()];
    for part in &parts {
        for (&item, &(along, across)) in part.items.iter().zip(&part.points) {
            let [x, y] = turn(part.along + along, part.across + across);
            (spots[item].x, spots[item].y) = (x, y);
        }
        for (edge, points) in &part.bends {
            bends[*edge] =
                points.iter().map(|&(along, across)| turn(part.along + along, part.across + across)).collect();
        }
    }
    let used_along = room_along.max(length * along_by) + 2.0 * MARGIN + if down { 0.0 } else { LABEL_HALF_WIDTH };
    let used_across = room_across.max(breadth * across_by) + 2.0 * MARGIN;
    let (width, graph_height) = if down { (used_across, used_along) } else { (used_along, used_across) };
    let mut height = graph_height;
    for row in strip_rows(plan, &radii, width) {
        for (item, x) in row.items {
            (spots[item].x, spots[item].y) = (x, graph_height - MARGIN / 2.0 + row.middle);
        }
        height = graph_height + row.bottom;
    }
    Arranged { spots, bends, width, height }
}

/// Area in proportion to self, for all items alike; those with little or none get the least radius.
fn radii(plan: &Plan, settings: &Settings) -> Vec<f64> {
    let values = plan.reduced.graph.self_values.iter().map(|value| value.unsigned_abs() as f64);
    let sum: f64 = values.clone().sum();
    let largest = values.clone().fold(0.0, f64::max);
    if sum <= 0.0 {
        return vec![LEAST_RADIUS; plan.reduced.items.len()];
    }
    let by_area = (COVERED * settings.width * settings.height / (PI * sum)).sqrt();
    let scale = by_area.min(GREATEST_RADIUS / largest.sqrt());
    values.map(|value| (scale * value.sqrt()).max(LEAST_RADIUS)).collect()
}

/// The items that drawn edges join, those outside the strip only; the largest first, by what their items have.
fn components(plan: &Plan) -> Vec<Vec<usize>> {
    let count = plan.reduced.items.len();
    let mut head: Vec<usize> = (0..count).collect();
    fn find(head: &mut [usize], item: usize) -> usize {
        let mut at = item;
        while head[at] != at {
            head[at] = head[head[at]];
            at = head[at];
        }
        at
    }
    for edge in plan.edges.iter().filter(|edge| matches!(edge.kind, EdgeKind::Line | EdgeKind::Back)) {
        let (from, to) = (find(&mut head, edge.from), find(&mut head, edge.to));
        head[from.max(to)] = from.min(to);
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for item in (0..count).filter(|&item| !plan.strip[item]) {
        members[find(&mut head, item)].push(item);
    }
    let mut components: Vec<Vec<usize>> = members.into_iter().filter(|items| !items.is_empty()).collect();
    let weight = |items: &[usize]| items.iter().map(|&item| plan.reduced.graph.self_values[item]).sum::<i64>();
    components.sort_by_key(|items| (std::cmp::Reverse(items.len()), std::cmp::Reverse(weight(items)), items[0]));
    components
}

/// A component, laid out from 0, 0 on.
struct Part {
    items: Vec<usize>,
    /// For each item: along and across the ranks.
    points: Vec<(f64, f64)>,
    /// For each edge of the plan that has bends: their points.
    bends: Vec<(usize, Vec<(f64, f64)>)>,
    length: f64,
    breadth: f64,
    /// Where it is put.
    along: f64,
    across: f64,
}

impl Part {
    fn new(plan: &Plan, items: &[usize], radii: &[f64], down: bool) -> Part {
        let mut local = vec![usize::MAX; plan.reduced.items.len()];
        items.iter().enumerate().for_each(|(at, &item)| local[item] = at);
        let first = items.iter().map(|&item| plan.ranks.rank[item]).min().unwrap_or(0);
        let rank: Vec<usize> = items.iter().map(|&item| plan.ranks.rank[item] - first).collect();
        let lines: Vec<usize> = (0..plan.edges.len())
            .filter(|&at| plan.edges[at].kind == EdgeKind::Line && local[plan.edges[at].from] != usize::MAX)
            .collect();
        let edges: Vec<(usize, usize, i64)> = lines
            .iter()
            .map(|&at| (local[plan.edges[at].from], local[plan.edges[at].to], plan.edges[at].weight))
            .collect();
        let ranks = Ranks { rank, backward: Vec::new() };
        let mut layers = Layers::new(&ranks, items.len(), &edges);
        layers.order();
        let extent = |&item: &usize| {
            if down { radii[item].max(LABEL_HALF_WIDTH) } else { radii[item] + LABEL_HEIGHT / 2.0 + 3.0 }
        };
        let across = place::heights(&layers, &items.iter().map(extent).collect::<Vec<_>>());
        let along = columns(&layers, items, radii);
        let mut column_of = vec![0; layers.before.len()];
        for (column, nodes) in layers.columns.iter().enumerate() {
            nodes.iter().for_each(|&node| column_of[node] = column);
        }
        let point = |node: usize| (along[column_of[node]], across[node]);
        let bends = lines.iter().zip(&layers.bends).filter(|(_, bends)| !bends.is_empty());
        Part {
            points: (0..items.len()).map(point).collect(),
            bends: bends.map(|(&edge, bends)| (edge, bends.iter().map(|&node| point(node)).collect())).collect(),
            length: along.last().copied().unwrap_or(0.0) + if items.len() == 1 { 2.0 * LABEL_HALF_WIDTH } else { 0.0 },
            breadth: across.iter().copied().fold(0.0, f64::max) + LABEL_HEIGHT,
            items: items.to_vec(),
            along: 0.0,
            across: 0.0,
        }
    }
}

/// How far along each column lies: no nearer than its circles and the next one's allow.
fn columns(layers: &Layers, items: &[usize], radii: &[f64]) -> Vec<f64> {
    let widest = |column: &Vec<usize>| {
        column.iter().filter_map(|&node| items.get(node)).map(|&item| radii[item]).fold(0.0, f64::max)
    };
    let mut along = Vec::with_capacity(layers.columns.len());
    let (mut at, mut before) = (0.0, None);
    for column in &layers.columns {
        let widest = widest(column);
        if let Some(before) = before {
            at += COLUMN.max(before + widest + 34.0);
        }
        along.push(at);
        before = Some(widest);
    }
    along
}

/// Puts the parts on shelves, the largest first, and says how long and broad the whole is.
fn pack(parts: &mut [Part], room: f64) -> (f64, f64) {
    let longest = parts.iter().map(|part| part.length).fold(0.0, f64::max);
    let shelf_length = longest.max(room);
    let (mut along, mut across, mut shelf_breadth, mut length) = (0.0, 0.0, 0.0_f64, 0.0_f64);
    for part in parts.iter_mut() {
        if along > 0.0 && along + part.length > shelf_length {
            (along, across, shelf_breadth) = (0.0, across + shelf_breadth + LABEL_HEIGHT, 0.0);
        }
        (part.along, part.across) = (along, across);
        length = length.max(along + part.length);
        along += part.length + 2.0 * LABEL_HALF_WIDTH;
        shelf_breadth = shelf_breadth.max(part.breadth);
    }
    (length, across + shelf_breadth)
}

/// A row of the strip: its items with where each lies, and how far down its middle and its bottom are.
struct Row {
    items: Vec<(usize, f64)>,
    middle: f64,
    bottom: f64,
}

fn strip_rows(plan: &Plan, radii: &[f64], width: f64) -> Vec<Row> {
    let mut items: Vec<usize> = (0..plan.strip.len()).filter(|&item| plan.strip[item]).collect();
    items.sort_by_key(|&item| (std::cmp::Reverse(plan.reduced.graph.self_values[item]), item));
    let mut rows: Vec<Row> = Vec::new();
    let (mut at, mut top, mut tallest) = (MARGIN / 2.0, 0.0, 0.0_f64);
    let mut row = Vec::new();
    for item in items {
        let cell = 2.0 * radii[item] + STRIP_LABEL;
        if at + cell > width && !row.is_empty() {
            rows.push(Row {
                items: std::mem::take(&mut row),
                middle: top + tallest,
                bottom: top + 2.0 * tallest + 10.0,
            });
            (at, top, tallest) = (MARGIN / 2.0, top + 2.0 * tallest + 10.0, 0.0);
        }
        row.push((item, at + radii[item]));
        at += cell;
        tallest = tallest.max(radii[item]).max(9.0);
    }
    if !row.is_empty() {
        rows.push(Row { items: row, middle: top + tallest, bottom: top + 2.0 * tallest + 10.0 });
    }
    rows
}
