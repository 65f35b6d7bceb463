//! Fewer crossings than orders alone allow: items are taken out of an ordered part and put back in whatever layer and place their
//! edges cross the fewest others, so that ranks and orders are found together (compare Bachmaier, Brunner and Gleißner, "Grid
//! Sifting: Leveling and Crossing Reduction"). Knows no positions.

use super::layers::Layers;
use super::net::Net;
use super::random::Random;

/// How often all items are put back at most.
const PASSES: usize = 5;
/// How often some that hang together are taken out at once, against what one alone can't undo, in a part of up to so many vertices;
/// less often in larger ones.
const KICKS: usize = 40;
const FEW_VERTICES: usize = 400;

/// Changes the layers and orders of a part, given by item how much room each takes across the layers, and how much there is.
pub(super) fn reinsert(part: &mut Layers, rooms: &[f64], available: f64) {
    if part.edges.is_empty() {
        return;
    }
    let edges_of = edges_of(part);
    let mut net = Net::new(part, &edges_of, rooms, available);
    let mut random = Random::new(3);
    let mut least = all(&mut net, &edges_of);
    let vertices = part.layer_of.len();
    let kicks =
        if vertices <= FEW_VERTICES { KICKS } else { KICKS * FEW_VERTICES * FEW_VERTICES / (vertices * vertices) };
    for _ in 0..kicks {
        let crossed: Vec<usize> = (0..part.edges.len()).filter(|&edge| net.crossed(edge) > 0).collect();
        if crossed.is_empty() {
            break;
        }
        let (_, low, high, _) = part.edges[crossed[random.below(crossed.len())]];
        let first = [low, high][random.below(2)];
        let other = |&edge: &usize| part.edges[edge].1 + part.edges[edge].2 - first;
        let mut together: Vec<usize> = edges_of[first].iter().map(other).collect();
        // Two that call each other hang together twice.
        together.sort_unstable();
        together.dedup();
        random.shuffle(&mut together);
        together.truncate(2 + random.below(5));
        together.push(first);
        let mut tried = net.clone();
        together.iter().for_each(|&item| tried.take_item(item));
        random.shuffle(&mut together);
        together.iter().for_each(|&item| tried.put_item(item));
        for _ in 0..2 {
            for &item in &together {
                tried.take_item(item);
                tried.put_item(item);
            }
        }
        if tried.cost() <= least {
            least = tried.cost();
            net = tried;
        }
    }
    all(&mut net, &edges_of);
    let done = net.into_layers();
    *part = done;
}

fn edges_of(part: &Layers) -> Vec<Vec<usize>> {
    let mut edges_of = vec![Vec::new(); part.items.len()];
    for (edge, &(_, low, high, _)) in part.edges.iter().enumerate() {
        edges_of[low].push(edge);
        edges_of[high].push(edge);
    }
    edges_of
}

/// Puts all items in anew, and then again those that are crossed, as long as that helps; gives the cost.
fn all(net: &mut Net<'_>, edges_of: &[Vec<usize>]) -> i32 {
    let mut best = net.clone();
    for pass in 0..PASSES {
        for (item, edges) in edges_of.iter().enumerate() {
            if pass == 0 || edges.iter().any(|&edge| net.crossed(edge) > 0) {
                net.take_item(item);
                net.put_item(item);
            }
        }
        if net.cost() >= best.cost() {
            break;
        }
        best.clone_from(net);
    }
    let cost = best.cost();
    *net = best;
    cost
}

#[cfg(test)]
mod tests {
    use super::super::layers::parts;
    use super::super::order::order;
    use super::*;

    fn crossings(part: &Layers) -> i32 {
        Net::new(part, &edges_of(part), &vec![1.0; part.items.len()], 1e6).crossings()
    }

    /// Eight layers of ten, calls mostly nearby, now and then two or three layers on.
    fn tangled() -> Layers {
        let mut random = Random::new(9);
        let ranks: Vec<usize> = (0..80).map(|item| item / 10).collect();
        let mut edges = Vec::new();
        for item in 0..70 {
            edges.push((edges.len(), item, item + 10, 1.0));
            let rank = item / 10 + 1 + random.below(3);
            let far = rank * 10 + random.below(10);
            if random.below(2) == 0 && far < 80 && far != item + 10 {
                edges.push((edges.len(), item, far, 1.0));
            }
        }
        parts(&(0..80).collect::<Vec<_>>(), &ranks, &edges).swap_remove(0)
    }

    #[test]
    fn layers_and_orders_found_together_cross_a_sixth_less_than_the_best_order_of_given_layers() {
        let mut part = tangled();
        order(&mut part);
        let ordered = crossings(&part);
        let rooms = vec![1.0; part.items.len()];
        reinsert(&mut part, &rooms, 1e6);
        let found = crossings(&part);
        assert!(6 * found <= 5 * ordered, "{found} of {ordered}");
        for (&(_, low, high, _), (_, inner)) in part.edges.iter().zip(&part.chains) {
            assert!(part.layer_of[low] < part.layer_of[high]);
            assert_eq!(inner.len(), part.layer_of[high] - part.layer_of[low] - 1);
        }
    }

    #[test]
    fn items_that_call_each_other_and_all_others_keep_their_edges_whatever_they_are() {
        let mut random = Random::new(11);
        for _ in 0..60 {
            let (layers, width) = (2 + random.below(5), 1 + random.below(5));
            let ranks: Vec<usize> = (0..layers * width).map(|item| item / width).collect();
            let mut edges = Vec::new();
            for _ in 0..ranks.len() * 2 {
                let (one, other) = (random.below(ranks.len()), random.below(ranks.len()));
                if ranks[one] < ranks[other] {
                    // There and back.
                    for _ in 0..1 + random.below(2) {
                        edges.push((edges.len(), one, other, 1.0));
                    }
                }
            }
            for mut part in parts(&(0..ranks.len()).collect::<Vec<_>>(), &ranks, &edges) {
                let rooms: Vec<f64> = part.items.iter().map(|_| 10.0 + random.below(60) as f64).collect();
                order(&mut part);
                reinsert(&mut part, &rooms, 120.0);
                assert_eq!(part.layers.iter().map(Vec::len).sum::<usize>(), part.layer_of.len());
                for (&(_, low, high, _), (_, inner)) in part.edges.iter().zip(&part.chains) {
                    assert!(part.layer_of[low] < part.layer_of[high]);
                    assert_eq!(inner.len(), part.layer_of[high] - part.layer_of[low] - 1);
                }
            }
        }
    }

    #[test]
    fn what_a_net_counts_while_it_changes_is_what_a_new_one_counts() {
        let mut part = tangled();
        order(&mut part);
        let (edges_of, rooms) = (edges_of(&part), vec![1.0; part.items.len()]);
        let mut net = Net::new(&part, &edges_of, &rooms, 1e6);
        for item in (0..80).step_by(3) {
            net.take_item(item);
            net.put_item(item);
        }
        let counted = net.crossings();
        assert_eq!(counted, crossings(&net.into_layers()));
    }
}
