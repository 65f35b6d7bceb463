//! Where ranked items lie in the window: along the axis of the ranks by their rank, across it near to their callers and
//! callees, in the order that crosses least. Works in (along, across); knows no samples.

use super::isotonic::nearest;
use super::lanes::level;
use super::layers::Layers;
use super::size::{LABEL_HEIGHT, Size};

/// How far an axis is stretched at most to fill the window; and so far apart columns may come however few they are.
const STRETCH: f64 = 2.4;
const FARTHEST: f64 = 300.0;
/// The same between columns of one layer, which are to read as one.
const STRETCH_OF_ONE: f64 = 1.4;
/// The distance that an edge's lane keeps from its neighbours.
pub(super) const LANE: f64 = 5.0;
const GAP: f64 = 4.0;
const MARGIN: f64 = 16.0;
/// How often overlaps are looked for at most.
const TURNS: usize = 200;

/// The room for the ranked part of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    /// Its extent from the first rank to the last.
    pub(super) along: f64,
    /// Its extent across the ranks.
    pub(super) across: f64,
    /// Whether callees lie below their callers, rather than to the right.
    pub(super) down: bool,
}

/// Where everything lies, as (along, across).
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// By item; those that are in no part stay at 0.
    pub(super) spots: Vec<[f64; 2]>,
    /// By item its column, counted from 0.
    pub(super) columns: Vec<usize>,
    /// The edges' inner points, by the edge's number.
    pub(super) bends: Vec<(usize, Vec<[f64; 2]>)>,
}

/// The room around an item in (along, across): before and behind on each axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    along: [f64; 2],
    pub(super) across: [f64; 2],
    /// What is drawn: the circle and the label, each by its (along, across) limits from the item's place.
    boxes: [[[f64; 2]; 2]; 2],
}

impl Area {
    /// What an item takes of the extent across the ranks.
    pub(super) fn needed(&self, size: &Size) -> f64 {
        self.room(size).across.iter().sum::<f64>() + GAP
    }

    fn room(&self, size: &Size) -> Room {
        let (vertical, horizontal) = (size.heights(), size.widths());
        let circle = [[-size.radius - 3.0, size.radius + 3.0]; 2];
        let half = size.label / 2.0 + 2.0;
        let label = match size.beside {
            _ if size.is_inside() => circle,
            true => [[circle[0][1], horizontal[1]], [-LABEL_HEIGHT / 2.0, LABEL_HEIGHT / 2.0]],
            false => [[-half, half], [circle[1][1] - 2.0, vertical[1]]],
        };
        let turned = |[x, y]: [[f64; 2]; 2]| if self.down { [y, x] } else { [x, y] };
        let (along, across) = if self.down { (vertical, horizontal) } else { (horizontal, vertical) };
        Room { along, across, boxes: [turned(circle), turned(label)] }
    }
}

/// Places ordered parts, given the size of each item.
pub(super) fn place(parts: &[Layers], sizes: &[Size], area: Area) -> Placed {
    let rooms: Vec<Room> = sizes.iter().map(|size| area.room(size)).collect();
    let columns = parts.iter().map(|part| part.layers.len()).max().unwrap_or(0);
    let mut skyline = vec![0.0_f64; columns];
    let mut found = Vec::new();
    for part in parts {
        let mut across = settle(part, &rooms);
        let first = fit_in(part, &mut across, &rooms, &mut skyline);
        found.push((first, across));
    }
    let extent = skyline.iter().copied().fold(1.0, f64::max);
    let stretch = ((area.across - 2.0 * MARGIN) / extent).min(STRETCH);
    let start = (area.across - extent * stretch) / 2.0;
    let stops = stops(parts, &found.iter().map(|(first, _)| *first).collect::<Vec<_>>(), columns, &rooms, area);

    let mut spots: Vec<Vec<[f64; 2]>> = Vec::with_capacity(parts.len());
    let mut filled: Vec<Vec<Vertex>> = vec![Vec::new(); columns];
    for (number, (part, (first, across))) in parts.iter().zip(&found).enumerate() {
        let place = |vertex: usize| [stops[first + part.layer_of[vertex]], start + across[vertex] * stretch];
        spots.push((0..across.len()).map(place).collect());
        for (vertex, layer) in part.layer_of.iter().enumerate() {
            let item = part.items.get(vertex).copied();
            let room = item.map_or(DUMMY, |item| rooms[item]);
            filled[first + layer].push(Vertex { part: number, vertex, item, room });
        }
    }
    for column in &mut filled {
        column.sort_by(|a, b| spots[a.part][a.vertex][1].total_cmp(&spots[b.part][b.vertex][1]));
    }
    keep_apart(&mut spots, &filled, area);
    level(&mut spots, parts, &filled, area.across);

    let mut placed = Placed { spots: vec![[0.0; 2]; sizes.len()], columns: vec![0; sizes.len()], bends: Vec::new() };
    for ((part, (first, _)), spots) in parts.iter().zip(&found).zip(&spots) {
        for (vertex, &item) in part.items.iter().enumerate() {
            placed.spots[item] = spots[vertex];
            placed.columns[item] = first + part.layer_of[vertex];
        }
        let points = |inner: &Vec<usize>| inner.iter().map(|&vertex| spots[vertex]).collect();
        placed.bends.extend(part.chains.iter().map(|(number, inner)| (*number, points(inner))));
    }
    placed
}

/// What lies in a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vertex {
    pub(super) part: usize,
    pub(super) vertex: usize,
    /// None for a dummy.
    item: Option<usize>,
    pub(super) room: Room,
}

const DUMMY: Room = Room { along: [0.0; 2], across: [LANE; 2], boxes: [[[0.0; 2]; 2]; 2] };

fn extent(part: &Layers, vertex: usize, rooms: &[Room]) -> [f64; 2] {
    if part.is_dummy(vertex) { [LANE; 2] } else { rooms[part.items[vertex]].across }
}

/// The vertices' places across the ranks: each wants to be in the middle of its neighbours, by how strongly they pull.
fn settle(part: &Layers, rooms: &[Room]) -> Vec<f64> {
    let between = |pair: &[usize]| {
        let apart = extent(part, pair[0], rooms)[1] + extent(part, pair[1], rooms)[0];
        let both_items = !part.is_dummy(pair[0]) && !part.is_dummy(pair[1]);
        if both_items { apart + GAP } else { apart }
    };
    let distances: Vec<Vec<f64>> =
        part.layers.iter().map(|layer| std::iter::once(0.0).chain(layer.windows(2).map(between)).collect()).collect();
    let mut across = vec![0.0; part.layer_of.len()];
    for (layer, distances) in part.layers.iter().zip(&distances) {
        let mut at = -distances.iter().sum::<f64>() / 2.0;
        for (&vertex, distance) in layer.iter().zip(distances) {
            at += distance;
            across[vertex] = at;
        }
    }
    let count = part.layers.len();
    for sweep in 0..48 {
        for step in 0..count {
            let layer = if sweep % 2 == 0 { step } else { count - 1 - step };
            let vertices = &part.layers[layer];
            let (mut wanted, mut weights) = (Vec::with_capacity(vertices.len()), Vec::with_capacity(vertices.len()));
            for &vertex in vertices {
                let (mut sum, mut weight) = (0.0, 0.0);
                // Late sweeps look both ways; early ones only where the sweep comes from, to carry far.
                let both = sweep >= 16;
                let forward = sweep % 2 == 0;
                for (neighbours, looked) in
                    [(&part.before[vertex], both || forward), (&part.behind[vertex], both || !forward)]
                {
                    for &(neighbour, pull) in neighbours.iter().filter(|_| looked) {
                        sum += pull * across[neighbour];
                        weight += pull;
                    }
                }
                wanted.push(if weight > 0.0 { sum / weight } else { across[vertex] });
                weights.push(if weight > 0.0 { weight } else { 0.01 });
            }
            let nearest = nearest(&wanted, &weights, &distances[layer]);
            vertices.iter().zip(nearest).for_each(|(&vertex, place)| across[vertex] = place);
        }
    }
    across
}

/// Finds the first column where a part lies nearest to the window's edge, above what lies there already, and moves it there.
fn fit_in(part: &Layers, across: &mut [f64], rooms: &[Room], skyline: &mut [f64]) -> usize {
    let profile: Vec<[f64; 2]> = part
        .layers
        .iter()
        .map(|layer| {
            layer.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &vertex| {
                let [before, behind] = extent(part, vertex, rooms);
                [low.min(across[vertex] - before), high.max(across[vertex] + behind)]
            })
        })
        .collect();
    let height = |first: usize| {
        let shift = |(layer, [low, _]): (usize, &[f64; 2])| {
            // Labels reach into the columns beside.
            let column = first + layer;
            let beside = &skyline[column.saturating_sub(1)..(column + 2).min(skyline.len())];
            beside.iter().copied().fold(0.0, f64::max) - low
        };
        profile.iter().enumerate().map(shift).fold(f64::NEG_INFINITY, f64::max)
    };
    let firsts = 0..=skyline.len() - part.layers.len();
    let (shift, first) =
        firsts.map(|first| (height(first), first)).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0));
    across.iter_mut().for_each(|place| *place += shift);
    for (layer, [_, high]) in profile.iter().enumerate() {
        let top = &mut skyline[first + layer];
        *top = top.max(high + shift + 2.0 * GAP);
    }
    first
}

/// For each column its place along the window.
fn stops(parts: &[Layers], firsts: &[usize], columns: usize, rooms: &[Room], area: Area) -> Vec<f64> {
    let (mut reach, mut counts) = (vec![[0.0_f64; 2]; columns], vec![0.0; columns]);
    let (mut greatest, mut needed) = (vec![[0.0_f64; 2]; columns], vec![0.0; columns]);
    let mut circles = vec![0.0_f64; columns];
    for (part, first) in parts.iter().zip(firsts) {
        for (vertex, &item) in part.items.iter().enumerate() {
            let column = first + part.layer_of[vertex];
            counts[column] += 1.0;
            needed[column] += rooms[item].across.iter().sum::<f64>();
            circles[column] = circles[column].max(rooms[item].boxes[0][0][1]);
            for side in 0..2 {
                reach[column][side] += rooms[item].along[side];
                greatest[column][side] = greatest[column][side].max(rooms[item].along[side]);
            }
        }
    }
    for (reach, count) in reach.iter_mut().zip(&counts) {
        reach.iter_mut().for_each(|side| *side /= f64::max(*count, 1.0));
    }
    // Where a column has room across, the labels of two columns can pass each other; a crowded one needs its width.
    let crowd = |column: usize| (0.3 + needed[column] / area.across).min(1.0);
    let gap = |column: usize| {
        let labels = (reach[column - 1][1] + reach[column][0]) * crowd(column - 1).max(crowd(column));
        // An arrow between the greatest circles has its length.
        labels.max(circles[column - 1] + circles[column]) + 24.0
    };
    let gaps: Vec<f64> = (1..columns).map(gap).collect();
    // The outermost columns' labels stay inside.
    let [start, end] = match columns {
        0 => [0.0; 2],
        _ => [greatest[0][0] + MARGIN, greatest[columns - 1][1] + MARGIN],
    };
    // Columns of one layer stay near each other, so that they read as one.
    let continues = |column: usize| {
        let layer = |(part, first): (&Layers, &usize)| part.continues.get(column.checked_sub(*first)?).copied();
        parts.iter().zip(firsts).filter_map(layer).any(|continues| continues)
    };
    let sum = |continued: bool| -> f64 {
        gaps.iter().zip(1..).filter(|(_, column)| continues(*column) == continued).map(|(gap, _)| gap).sum()
    };
    let (kept, natural) = (sum(true), sum(false));
    let available = (area.along - start - end).max(0.0);
    let farthest = FARTHEST * (1..columns).filter(|&column| !continues(column)).count() as f64 / natural.max(1.0);
    let stretch = match available / (kept + natural) {
        stretch if stretch <= STRETCH_OF_ONE => stretch,
        _ if natural > 0.0 => ((available - STRETCH_OF_ONE * kept) / natural).min(STRETCH.max(farthest)),
        _ => STRETCH_OF_ONE,
    };
    let stretched =
        |column: usize| gaps[column - 1] * if continues(column) { stretch.min(STRETCH_OF_ONE) } else { stretch };
    let needed: f64 = (1..columns).map(stretched).sum();
    let mut at = start + (available - needed).max(0.0) / 2.0;
    (0..columns)
        .map(|column| {
            at += if column == 0 { 0.0 } else { stretched(column) };
            at
        })
        .collect()
}

/// Pushes items of different columns whose circles or labels overlap apart across the ranks, and lets each column keep its
/// order and distances, in turns.
fn keep_apart(spots: &mut [Vec<[f64; 2]>], columns: &[Vec<Vertex>], area: Area) {
    let items: Vec<(usize, Vertex)> = (columns.iter().enumerate())
        .flat_map(|(number, column)| column.iter().map(move |vertex| (number, *vertex)))
        .filter(|(_, vertex)| vertex.item.is_some())
        .collect();
    columns.iter().for_each(|column| keep_order(spots, column, area));
    for _ in 0..TURNS {
        let mut moved = false;
        for (place, &(column, one)) in items.iter().enumerate() {
            for &(other_column, other) in &items[place + 1..] {
                if column == other_column {
                    continue;
                }
                let (a, b) = (spots[one.part][one.vertex], spots[other.part][other.vertex]);
                let push = deepest(&one.room, a, &other.room, b);
                if push != 0.0 {
                    moved = true;
                    spots[one.part][one.vertex][1] -= 0.5 * push;
                    spots[other.part][other.vertex][1] += 0.5 * push;
                }
            }
        }
        columns.iter().for_each(|column| keep_order(spots, column, area));
        if !moved {
            return;
        }
    }
}

/// How far the second item must move away from the first across the ranks so that neither circles nor labels overlap; below
/// 0 for the other direction, 0 if none do.
fn deepest(one: &Room, [a, b]: [f64; 2], other: &Room, [c, d]: [f64; 2]) -> f64 {
    let mut deepest: f64 = 0.0;
    for first in &one.boxes {
        for second in &other.boxes {
            let along = (a + first[0][1]).min(c + second[0][1]) - (a + first[0][0]).max(c + second[0][0]);
            let (behind, before) = (b + first[1][1] - (d + second[1][0]), d + second[1][1] - (b + first[1][0]));
            if along > 0.0 && behind > 0.0 && before > 0.0 {
                let push = if behind <= before { behind + 0.1 } else { -before - 0.1 };
                deepest = if push.abs() > deepest.abs() { push } else { deepest };
            }
        }
    }
    deepest
}

/// Moves the vertices of a column as little as can be so that they keep their order, distances and the window's edges.
fn keep_order(spots: &mut [Vec<[f64; 2]>], vertices: &[Vertex], area: Area) {
    let (Some(first), Some(last)) = (vertices.first(), vertices.last()) else { return };
    let between = |pair: &[Vertex]| {
        let apart = pair[0].room.across[1] + pair[1].room.across[0];
        if pair.iter().all(|vertex| vertex.item.is_some()) { apart + GAP } else { apart }
    };
    let mut distances: Vec<f64> = std::iter::once(0.0).chain(vertices.windows(2).map(between)).collect();
    let (low, high) = (first.room.across[0] + 2.0, area.across - last.room.across[1] - 2.0);
    let needed: f64 = distances.iter().sum();
    if needed > high - low {
        // More than the window holds: first the lanes of edges give way, then all come equally too near.
        let lane = |pair: &[Vertex]| pair.iter().filter(|vertex| vertex.item.is_none()).count() as f64 * LANE;
        let all_lanes: f64 = vertices.windows(2).map(lane).sum();
        let given = if all_lanes > 0.0 { ((needed - (high - low)) / all_lanes).min(0.9) } else { 0.0 };
        distances[1..].iter_mut().zip(vertices.windows(2)).for_each(|(distance, pair)| *distance -= given * lane(pair));
        let squeeze = ((high - low) / (needed - given * all_lanes)).clamp(0.0, 1.0);
        distances.iter_mut().for_each(|distance| *distance *= squeeze);
    }
    let wanted: Vec<f64> = vertices.iter().map(|vertex| spots[vertex.part][vertex.vertex][1]).collect();
    let weights: Vec<f64> = vertices.iter().map(|vertex| if vertex.item.is_some() { 1.0 } else { 0.3 }).collect();
    let mut places = nearest(&wanted, &weights, &distances);
    let mut least = low;
    for (place, distance) in places.iter_mut().zip(&distances) {
        least += distance;
        *place = place.max(least);
        least = *place;
    }
    let mut most = high;
    for (at, place) in places.iter_mut().enumerate().rev() {
        *place = place.min(most);
        most = *place - distances[at];
    }
    vertices.iter().zip(places).for_each(|(vertex, place)| spots[vertex.part][vertex.vertex][1] = place);
}
