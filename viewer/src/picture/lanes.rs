//! Lanes: an edge that passes several columns runs level through as many of them as can be, and bends where something is in its
//! way only. Works in (along, across).

use super::layers::Layers;
use super::place::{LANE, Vertex};

/// So often each lane is looked at: where one has moved away, another finds a straighter way.
const PASSES: usize = 3;

/// Levels the lanes of placed parts, given by column what lies in it, in order, and the extent across the ranks.
pub(super) fn level(spots: &mut [Vec<[f64; 2]>], parts: &[Layers], columns: &[Vec<Vertex>], extent: f64) {
    let mut at: Vec<Vec<(usize, usize)>> = parts.iter().map(|part| vec![(0, 0); part.layer_of.len()]).collect();
    for (column, vertices) in columns.iter().enumerate() {
        for (place, vertex) in vertices.iter().enumerate() {
            at[vertex.part][vertex.vertex] = (column, place);
        }
    }
    let mut lanes: Vec<(usize, usize)> = parts
        .iter()
        .enumerate()
        .flat_map(|(number, part)| (0..part.chains.len()).map(move |edge| (number, edge)))
        .filter(|&(part, edge)| !parts[part].chains[edge].1.is_empty())
        .collect();
    // Heavy edges have the first choice.
    lanes.sort_by(|a, b| parts[b.0].edges[b.1].3.total_cmp(&parts[a.0].edges[a.1].3));
    for _ in 0..PASSES {
        for &(part, edge) in &lanes {
            let (_, low, high, _) = parts[part].edges[edge];
            let inner = &parts[part].chains[edge].1;
            let free: Vec<[f64; 2]> = inner
                .iter()
                .map(|&vertex| {
                    let (column, place) = at[part][vertex];
                    free(spots, &columns[column], place, extent)
                })
                .collect();
            let [start, end] = [low, high].map(|item| spots[part][item][1]);
            let wanted: Vec<f64> = inner.iter().map(|&vertex| spots[part][vertex][1]).collect();
            for (&vertex, place) in inner.iter().zip(straightened(&free, &wanted, start, end)) {
                spots[part][vertex][1] = place;
            }
        }
    }
}

/// From where to where a vertex can move across the ranks without coming too near to its neighbours.
fn free(spots: &[Vec<[f64; 2]>], column: &[Vertex], place: usize, extent: f64) -> [f64; 2] {
    let across = |vertex: &Vertex| spots[vertex.part][vertex.vertex][1];
    let here = across(&column[place]);
    let low = match place.checked_sub(1) {
        Some(before) => across(&column[before]) + column[before].room.across[1] + LANE,
        None => LANE,
    };
    let high = column.get(place + 1).map_or(extent - LANE, |behind| across(behind) - behind.room.across[0] - LANE);
    // Where it is crowded, it is too near already.
    [low.min(here), high.max(here)]
}

/// A way through what is free in each column, in as few level stretches as can be: at the height of an end, if that is free, else
/// as near as can be to the stretch before.
fn straightened(free: &[[f64; 2]], wanted: &[f64], start: f64, end: f64) -> Vec<f64> {
    let mut way: Vec<f64> = Vec::with_capacity(free.len());
    while way.len() < free.len() {
        let first = way.len();
        let [mut low, mut high] = free[first];
        let mut until = first + 1;
        while until < free.len() && low.max(free[until][0]) <= high.min(free[until][1]) {
            (low, high) = (low.max(free[until][0]), high.min(free[until][1]));
            until += 1;
        }
        let is_free = |place: f64| low <= place && place <= high;
        let middle = wanted[first..until].iter().sum::<f64>() / (until - first) as f64;
        let place = match way.last() {
            None if is_free(start) => start,
            _ if until == free.len() && is_free(end) => end,
            Some(&before) => before.clamp(low, high),
            None => middle.clamp(low, high),
        };
        way.resize(until, place);
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_lane_runs_level_with_its_caller_or_else_its_callee() {
        let free = [[0.0, 50.0], [10.0, 60.0], [20.0, 90.0]];
        assert_eq!(straightened(&free, &[5.0, 15.0, 40.0], 30.0, 80.0), [30.0; 3]);
        assert_eq!(straightened(&free, &[5.0, 15.0, 40.0], 70.0, 40.0), [40.0; 3]);
    }

    #[test]
    fn a_lane_bends_once_around_what_is_in_its_way() {
        let free = [[0.0, 20.0], [0.0, 30.0], [40.0, 90.0], [35.0, 60.0]];
        assert_eq!(straightened(&free, &[4.0, 8.0, 70.0, 40.0], 99.0, 99.0), [6.0, 6.0, 40.0, 40.0]);
    }
}
