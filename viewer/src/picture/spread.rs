//! Crowded layers: one whose items need more room than the window has becomes several columns, in which items that follow each
//! other in the order take turns. So those of one caller stay beside each other, and no edge crosses another for it. Knows no
//! positions.

use super::layers::Layers;

/// Into so many columns a layer is spread at most.
const MOST: usize = 4;
/// What a lane takes of a crowded column: there, lanes give way before items do.
const LANE: f64 = 4.0;

/// The room across the layers: what each item takes, by its vertex, and how much there is; and how many columns are to be had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) rooms: &'a [f64],
    pub(super) across: f64,
    pub(super) columns: usize,
}

/// Spreads the crowded layers of an ordered part, the most crowded first if there are not columns enough.
pub(super) fn spread(part: &mut Layers, window: Window<'_>) {
    let mut at = vec![0; part.layer_of.len()];
    for layer in &part.layers {
        layer.iter().enumerate().for_each(|(place, &vertex)| at[vertex] = place);
    }
    let mut dealt: Vec<Dealt> = part.layers.iter().map(|layer| deal(part, layer, window, 1)).collect();
    let mut spare = window.columns.saturating_sub(part.layers.len());
    while spare > 0 {
        let crowded =
            (0..dealt.len()).filter(|&layer| dealt[layer].used > window.across && dealt[layer].columns < MOST);
        let Some(layer) = crowded.max_by(|&a, &b| dealt[a].used.total_cmp(&dealt[b].used)) else { break };
        dealt[layer] = deal(part, &part.layers[layer], window, dealt[layer].columns + 1);
        spare -= 1;
    }
    if dealt.iter().any(|dealt| dealt.columns > 1) {
        *part = parted(part, &at, &dealt);
    }
}

/// A layer dealt out to columns.
struct Dealt {
    columns: usize,
    /// By place in the layer, the column; of a dummy it says nothing.
    column: Vec<usize>,
    /// What the fullest column takes of the room.
    used: f64,
}

/// Deals the items of a layer out, one after the other, each to the column that is the least full then. In the columns before it
/// the edges from its callers need lanes, in those behind it those to its callees; where columns are equally full, who calls
/// none comes first.
fn deal(part: &Layers, layer: &[usize], window: Window<'_>, columns: usize) -> Dealt {
    let mut used = vec![0.0_f64; columns];
    let mut column = vec![0; layer.len()];
    for (place, &vertex) in layer.iter().enumerate() {
        if part.is_dummy(vertex) {
            used.iter_mut().for_each(|used| *used += LANE);
            continue;
        }
        let (into, out) = (part.before[vertex].len() as f64, part.behind[vertex].len() as f64);
        let taken = |column: usize, chosen: usize| match column.cmp(&chosen) {
            std::cmp::Ordering::Less => LANE * into,
            std::cmp::Ordering::Equal => window.rooms[vertex],
            std::cmp::Ordering::Greater => LANE * out,
        };
        let fullness = |&chosen: &usize| used[chosen] + taken(chosen, chosen);
        let first_best = (0..columns).min_by(|a, b| fullness(a).total_cmp(&fullness(b))).unwrap_or(0);
        let last_best = (0..columns).rev().min_by(|a, b| fullness(a).total_cmp(&fullness(b))).unwrap_or(0);
        let chosen = if out > 0.0 { last_best } else { first_best };
        column[place] = chosen;
        used.iter_mut().enumerate().for_each(|(column, used)| *used += taken(column, chosen));
    }
    Dealt { columns, column, used: used.into_iter().fold(0.0, f64::max) }
}

/// The part with the columns as layers of their own.
fn parted(part: &Layers, at: &[usize], dealt: &[Dealt]) -> Layers {
    let items = part.items.len();
    let firsts: Vec<usize> = dealt
        .iter()
        .scan(0, |next, dealt| {
            *next += dealt.columns;
            Some(*next - dealt.columns)
        })
        .collect();
    let column_of = |item: usize| firsts[part.layer_of[item]] + dealt[part.layer_of[item]].column[at[item]];
    let layer_of: Vec<usize> = (0..items).map(column_of).collect();
    let mut wider = Layers::of(part.items.clone(), &layer_of);
    // Everything keeps the order of its layer; beside an item that lies in another column run its edges, in the order of their
    // other ends.
    let mut places: Vec<(usize, usize)> = at[..items].iter().map(|&place| (place, 0)).collect();
    for (&(number, low, high, pull), (_, inner)) in part.edges.iter().zip(&part.chains) {
        wider.connect(number, low, high, pull);
        let way: Vec<usize> = std::iter::once(low).chain(inner.iter().copied()).chain([high]).collect();
        for (step, &vertex) in way.iter().enumerate() {
            let layer = part.layer_of[vertex];
            let columns = firsts[layer]..firsts[layer] + dealt[layer].columns;
            let (passed, other) = match vertex {
                _ if vertex == low => (column_of(low) + 1..columns.end, way[1]),
                _ if vertex == high => (columns.start..column_of(high), way[step - 1]),
                _ => (columns, vertex),
            };
            places.extend(passed.map(|_| (at[vertex], at[other])));
        }
    }
    wider.layers.resize(dealt.iter().map(|dealt| dealt.columns).sum(), Vec::new());
    wider.layers.iter_mut().for_each(|layer| layer.sort_by_key(|&vertex| places[vertex]));
    wider.continues = dealt.iter().flat_map(|dealt| (0..dealt.columns).map(|column| column > 0)).collect();
    wider
}

#[cfg(test)]
mod tests {
    use super::super::layers::parts;
    use super::*;

    fn caller_of_thirty() -> Layers {
        let edges: Vec<_> = (1..31).map(|callee| (callee, 0, callee, 1.0)).collect();
        let ranks: Vec<usize> = (0..31).map(|item| usize::from(item > 0)).collect();
        parts(&(0..31).collect::<Vec<_>>(), &ranks, &edges).swap_remove(0)
    }

    fn items(part: &Layers, layer: &[usize]) -> Vec<usize> {
        layer.iter().copied().filter(|&vertex| !part.is_dummy(vertex)).collect()
    }

    #[test]
    fn callees_of_more_than_the_window_holds_take_turns_in_columns_that_hold_them() {
        let mut part = caller_of_thirty();
        spread(&mut part, Window { rooms: &[40.0; 31], across: 500.0, columns: 9 });
        assert_eq!(part.continues, [false, false, true, true]);
        for layer in &part.layers {
            let items = items(&part, layer);
            assert!(40 * items.len() <= 500, "{:?}", part.layers);
            assert!(items.is_sorted_by(|a, b| a < b), "the order is kept: {:?}", part.layers);
            // Lanes fill the columns too, so that one may miss a turn, but never two rounds.
            assert!(items.windows(2).all(|pair| pair[1] - pair[0] < 2 * 3), "{:?}", part.layers);
        }
        for (&(_, low, high, _), (_, inner)) in part.edges.iter().zip(&part.chains) {
            assert_eq!(inner.len(), part.layer_of[high] - part.layer_of[low] - 1);
        }
    }

    #[test]
    fn where_there_is_no_room_for_more_columns_a_layer_stays_crowded() {
        let mut part = caller_of_thirty();
        spread(&mut part, Window { rooms: &[40.0; 31], across: 500.0, columns: 3 });
        assert_eq!(part.layers.len(), 3);
    }
}
