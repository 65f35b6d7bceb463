//! The picture of two profiles: laid out on what both have together, each item and edge with what it has on either side.

use plop_profile::{CallGraph, Weighed};
use rustc_hash::FxHashMap;

use super::items::Items;
use super::reduce::{Grouping, reduce};
use super::{EdgeSides, ItemSides, Measures, Picture, Source};
use crate::compare::{Change, Scale, Sides};

/// What has become of something, from −1 (it is gone) to 1 (it is new): its growth as a part of the larger side; 0 if chance
/// alone could have made it.
pub(crate) fn delta(raw: &Sides<i64>, scale: Scale) -> f64 {
    match raw.change() {
        _ if scale.is_noise(raw) => 0.0,
        Change::New => 1.0,
        Change::Gone => -1.0,
        Change::Kept => {
            let (before, after) = (scale.of(raw.before) as f64, raw.after as f64);
            let larger = before.abs().max(after.abs());
            // What has samples on both sides is neither new nor gone, however little there is of it.
            if larger == 0.0 { 0.0 } else { ((after - before) / larger).clamp(-0.99, 0.99) }
        }
    }
}

/// A function that has less of its total itself is judged by its total: a few samples more or less say nothing.
const SELF_SHARE: i64 = 20;

/// Says on each of a picture's items and edges what it has on either side: the self values of the source's nodes, before as
/// measured.
pub(super) fn tell(
    picture: &mut Picture,
    source: Source<'_>,
    items: &Items<'_>,
    node_self: &Sides<Vec<i64>>,
    scale: Scale,
) {
    let graphs = node_self.map(|values| {
        let weighed = Weighed::new(source.tree, values);
        reduce(&weighed, &items.places, &Grouping::none(items.list.len()), items.frameless).graph
    });
    for (number, item) in picture.items.iter_mut().enumerate() {
        let own = graphs.map(|graph| graph.self_values[number]);
        let total = graphs.map(|graph| graph.totals[number]);
        let measures = |own, total| Measures { self_value: own, total };
        let by_self = total.change() == Change::Kept && SELF_SHARE * item.self_value >= item.total;
        item.sides = Some(ItemSides {
            delta: if by_self { delta(&own, scale).clamp(-0.99, 0.99) } else { delta(&total, scale) },
            before: measures(scale.of(own.before), scale.of(total.before)),
            after: measures(own.after, total.after),
        });
    }
    let weights = graphs.map(weights);
    for edge in &mut picture.edges {
        let key = (edge.from as u32, edge.to as u32);
        let weight = weights.map(|weights| weights.get(&key).copied().unwrap_or(0));
        let (before, after) = (scale.of(weight.before), weight.after);
        edge.sides = Some(EdgeSides { delta: delta(&weight, scale), before, after });
    }
}

fn weights(graph: &CallGraph) -> FxHashMap<(u32, u32), i64> {
    graph.edges.iter().map(|edge| ((edge.caller, edge.callee), edge.weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_a_part_of_the_larger_side_and_new_and_gone_are_its_ends() {
        let delta = |before, after| delta(&Sides { before, after }, Scale::ONE);
        assert_eq!((delta(0, 5), delta(5, 0), delta(0, 0)), (1.0, -1.0, 0.0));
        assert_eq!((delta(5, 10), delta(10, 5), delta(7, 7)), (0.5, -0.5, 0.0));
        assert!(delta(1, i64::MAX) < 1.0 && delta(i64::MAX, 1) > -1.0);
    }
}
