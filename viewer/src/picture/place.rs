//! Where ranked items lie in the window: along the axis of the ranks by their rank, across it near to their callers and
//! callees, in the order that crosses least. Works in (along, across); knows no samples.

use super::isotonic::nearest;
use super::layers::Layers;
use super::size::Size;

/// How far an axis is stretched at most to fill the window.
const STRETCH: f64 = 2.4;
/// The distance that an edge's lane keeps from its neighbours.
const LANE: f64 = 7.0;
const GAP: f64 = 4.0;
const MARGIN: f64 = 16.0;

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
struct Room {
    along: [f64; 2],
    across: [f64; 2],
}

impl Area {
    fn room(&self, size: &Size) -> Room {
        let (above, below) = size.heights();
        let (vertical, horizontal) = ([above, below], [size.half_width(); 2]);
        if self.down {
            Room { along: vertical, across: horizontal }
        } else {
            Room { along: horizontal, across: vertical }
        }
    }
}

/// Places ordered parts, given the size of each item.
pub(super) fn place(parts: &[Layers], sizes: &[Size], area: Area) -> Placed {
    let rooms: Vec<Room> = sizes.iter().map(|size| area.room(size)).collect();
    let columns = parts.iter().map(|part| part.layers.len()).max().unwrap_or(0);
    let mut lanes = vec![1; columns];
    let mut skyline = vec![0.0_f64; columns];
    let mut found = Vec::new();
    for part in parts {
        let part_lanes: Vec<usize> =
            part.layers.iter().map(|layer| lanes_of(part, layer, &rooms, area.across)).collect();
        let mut across = settle(part, &rooms, &part_lanes);
        let first = fit_in(part, &mut across, &rooms, &mut skyline);
        part_lanes
            .iter()
            .enumerate()
            .for_each(|(layer, &count)| lanes[first + layer] = count.max(lanes[first + layer]));
        found.push((first, part_lanes, across));
    }
    let extent = skyline.iter().copied().fold(1.0, f64::max);
    let stretch = ((area.across - 2.0 * MARGIN) / extent).min(STRETCH);
    let start = (area.across - extent * stretch) / 2.0;
    let stops = stops(parts, &found.iter().map(|(first, ..)| *first).collect::<Vec<_>>(), &lanes, &rooms, area);

    let mut placed = Placed { spots: vec![[0.0; 2]; sizes.len()], columns: vec![0; sizes.len()], bends: Vec::new() };
    for (part, (first, part_lanes, across)) in parts.iter().zip(&found) {
        let mut spots = vec![[0.0; 2]; across.len()];
        for (layer, vertices) in part.layers.iter().enumerate() {
            let mut turn = 0;
            for &vertex in vertices {
                let (middle, width) = stops[first + layer];
                let lane = if part.is_dummy(vertex) { 0.0 } else { lane_offset(turn, part_lanes[layer]) };
                turn += usize::from(!part.is_dummy(vertex));
                spots[vertex] = [middle + lane * width, start + across[vertex] * stretch];
            }
        }
        for (vertex, &item) in part.items.iter().enumerate() {
            placed.spots[item] = spots[vertex];
            placed.columns[item] = first + part.layer_of[vertex];
        }
        let points = |inner: &Vec<usize>| inner.iter().map(|&vertex| spots[vertex]).collect();
        placed.bends.extend(part.chains.iter().map(|(number, inner)| (*number, points(inner))));
    }
    let drawn: Vec<usize> = parts.iter().flat_map(|part| part.items.iter().copied()).collect();
    keep_apart(&mut placed.spots, &drawn, &rooms, area);
    placed
}

/// How many sub-columns a layer needs so that its items fit across the window.
fn lanes_of(part: &Layers, layer: &[usize], rooms: &[Room], available: f64) -> usize {
    let needed: f64 = layer.iter().map(|&vertex| extent(part, vertex, rooms).iter().sum::<f64>() + GAP).sum();
    (needed / (available - 2.0 * MARGIN).max(1.0)).ceil().clamp(1.0, 4.0) as usize
}

/// Items of a crowded layer take turns on its sub-columns: from -0.5 to 0.5, 0 if there is one.
fn lane_offset(turn: usize, lanes: usize) -> f64 {
    if lanes < 2 { 0.0 } else { (turn % lanes) as f64 / (lanes - 1) as f64 - 0.5 }
}

fn extent(part: &Layers, vertex: usize, rooms: &[Room]) -> [f64; 2] {
    if part.is_dummy(vertex) { [LANE; 2] } else { rooms[part.items[vertex]].across }
}

/// The vertices' places across the ranks: each wants to be in the middle of its neighbours, by how strongly they pull.
fn settle(part: &Layers, rooms: &[Room], lanes: &[usize]) -> Vec<f64> {
    let distances: Vec<Vec<f64>> = part
        .layers
        .iter()
        .zip(lanes)
        .map(|(layer, &lanes)| {
            let between = |pair: &[usize]| {
                let apart = extent(part, pair[0], rooms)[1] + extent(part, pair[1], rooms)[0] + GAP;
                let both_items = !part.is_dummy(pair[0]) && !part.is_dummy(pair[1]);
                if both_items { apart / lanes as f64 } else { apart }
            };
            std::iter::once(0.0).chain(layer.windows(2).map(between)).collect()
        })
        .collect();
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

/// For each column its middle along the window and the width of its sub-columns.
fn stops(parts: &[Layers], firsts: &[usize], lanes: &[usize], rooms: &[Room], area: Area) -> Vec<(f64, f64)> {
    let columns = lanes.len();
    let (mut reach, mut counts) = (vec![[0.0_f64; 2]; columns], vec![0.0; columns]);
    let mut greatest = vec![[0.0_f64; 2]; columns];
    for (part, first) in parts.iter().zip(firsts) {
        for (vertex, &item) in part.items.iter().enumerate() {
            let column = first + part.layer_of[vertex];
            counts[column] += 1.0;
            for side in 0..2 {
                reach[column][side] += rooms[item].along[side];
                greatest[column][side] = greatest[column][side].max(rooms[item].along[side]);
            }
        }
    }
    for (reach, count) in reach.iter_mut().zip(&counts) {
        reach.iter_mut().for_each(|side| *side /= f64::max(*count, 1.0));
    }
    let own = |column: usize| 2.0 * reach[column][0].max(20.0) * (lanes[column] - 1) as f64;
    let gap = |column: usize| reach[column - 1][1] + reach[column][0] + 24.0 + (own(column - 1) + own(column)) / 2.0;
    let gaps: Vec<f64> = (1..columns).map(gap).collect();
    // The outermost columns' own sub-columns and labels stay inside.
    let [start, end] = match columns {
        0 => [0.0; 2],
        _ => [greatest[0][0] + own(0) / 2.0 + MARGIN, greatest[columns - 1][1] + own(columns - 1) / 2.0 + MARGIN],
    };
    let natural: f64 = gaps.iter().sum();
    let available = (area.along - start - end).max(0.0);
    let stretch = if natural > 0.0 { (available / natural).min(STRETCH) } else { 1.0 };
    let mut at = start + (available - natural * stretch).max(0.0) / 2.0;
    (0..columns)
        .map(|column| {
            at += if column == 0 { 0.0 } else { gaps[column - 1] * stretch };
            (at, own(column) * stretch.min(1.0))
        })
        .collect()
}

/// Pushes items whose circles or labels overlap apart across the ranks, and keeps all inside.
fn keep_apart(spots: &mut [[f64; 2]], drawn: &[usize], rooms: &[Room], area: Area) {
    for pass in 0..200 {
        let mut moved = false;
        for (place, &one) in drawn.iter().enumerate() {
            for &other in &drawn[place + 1..] {
                let (a, b) = if spots[one][1] <= spots[other][1] { (one, other) } else { (other, one) };
                let along = overlap(spots, rooms, a, b, 0);
                if along <= 0.0 {
                    continue;
                }
                let across = spots[a][1] + rooms[a].across[1] - (spots[b][1] - rooms[b].across[0]);
                if across <= 0.0 {
                    continue;
                }
                moved = true;
                // Late passes that still find overlaps give way along the ranks too, where that is the shorter way.
                if pass > 60 && along < across {
                    let (left, right) = if spots[a][0] <= spots[b][0] { (a, b) } else { (b, a) };
                    spots[left][0] -= 0.3 * along;
                    spots[right][0] += 0.3 * along;
                } else {
                    spots[a][1] -= 0.5 * across + 0.01;
                    spots[b][1] += 0.5 * across + 0.01;
                }
            }
        }
        for &item in drawn {
            for (axis, length) in [area.along, area.across].into_iter().enumerate() {
                let [before, behind] = if axis == 0 { rooms[item].along } else { rooms[item].across };
                spots[item][axis] = spots[item][axis].min(length - behind - 2.0).max(before + 2.0);
            }
        }
        if !moved {
            return;
        }
    }
}

fn overlap(spots: &[[f64; 2]], rooms: &[Room], one: usize, other: usize, axis: usize) -> f64 {
    let ends = |item: usize| {
        let [before, behind] = if axis == 0 { rooms[item].along } else { rooms[item].across };
        (spots[item][axis] - before, spots[item][axis] + behind)
    };
    let ((low, high), (other_low, other_high)) = (ends(one), ends(other));
    high.min(other_high) - low.max(other_low)
}
