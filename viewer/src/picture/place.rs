//! Coordinates: columns of nodes in order become points, each as near to its neighbours' height as the others allow.

use super::layers::Layers;

/// How often coordinates are pulled towards the neighbours', forth and back.
const SWEEPS: usize = 16;
/// The least distance between the edges that pass one another, in pixels.
const LANE: f64 = 9.0;

/// The heights of all nodes, from 0 on.
///
/// `extent` is what an item needs above and below its centre; bends, the nodes beyond, need a lane.
pub(super) fn heights(layers: &Layers, extent: &[f64]) -> Vec<f64> {
    let need = |node: usize| extent.get(node).copied().unwrap_or(LANE / 2.0);
    let mut height = vec![0.0; layers.before.len()];
    for column in &layers.columns {
        let mut at = 0.0;
        for &node in column {
            at += need(node);
            height[node] = at;
            at += need(node);
        }
        // Columns start out centred on one another.
        column.iter().for_each(|&node| height[node] -= at / 2.0);
    }
    for sweep in 0..SWEEPS {
        let count = layers.columns.len();
        for step in 0..count {
            let column = &layers.columns[if sweep % 2 == 0 { step } else { count - 1 - step }];
            let wishes: Vec<(f64, f64)> = column
                .iter()
                .map(|&node| {
                    let neighbours = layers.before[node].iter().chain(&layers.after[node]);
                    let (mut sum, mut weights) = (0.0, 0.0);
                    for &(other, weight) in neighbours {
                        // Long edges are kept straight before others: bends pull more.
                        let straight = if node >= extent.len() || other >= extent.len() { 4.0 } else { 1.0 };
                        let weight = straight * (weight.unsigned_abs() as f64).sqrt().max(1e-9);
                        sum += weight * height[other];
                        weights += weight;
                    }
                    if weights > 0.0 { (sum / weights, weights) } else { (height[node], 1e-9) }
                })
                .collect();
            let needs: Vec<f64> = column.iter().map(|&node| need(node)).collect();
            for (&node, placed) in column.iter().zip(apart(&wishes, &needs)) {
                height[node] = placed;
            }
        }
    }
    let top = (0..height.len()).map(|node| height[node] - need(node)).fold(f64::INFINITY, f64::min);
    height.iter_mut().for_each(|height| *height -= top);
    height
}

/// The positions nearest to the wishes (each a place and its weight) that keep the order and leave every node its need on
/// both sides: isotonic regression by pooling adjacent violators.
fn apart(wishes: &[(f64, f64)], needs: &[f64]) -> Vec<f64> {
    // With the needs taken out, the order alone remains.
    let mut offset = 0.0;
    let offsets: Vec<f64> = needs
        .iter()
        .map(|need| {
            let centre = offset + need;
            offset = centre + need;
            centre
        })
        .collect();
    // Pools of nodes that share a position: its mean, its weight, its size.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (&(wish, weight), offset) in wishes.iter().zip(&offsets) {
        let mut pool = (wish - offset, weight, 1);
        while let Some(&(mean, heavy, size)) = pools.last()
            && mean > pool.0
        {
            let both = heavy + pool.1;
            pool = ((mean * heavy + pool.0 * pool.1) / both, both, size + pool.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let means = pools.iter().flat_map(|&(mean, _, size)| std::iter::repeat_n(mean, size));
    means.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_wish_for_one_place_stand_side_by_side_around_it() {
        let placed = apart(&[(10.0, 1.0), (10.0, 1.0), (10.0, 1.0)], &[2.0, 2.0, 2.0]);
        assert_eq!(placed, [6.0, 10.0, 14.0]);
    }

    #[test]
    fn wishes_that_leave_room_are_granted() {
        assert_eq!(apart(&[(1.0, 1.0), (20.0, 5.0)], &[2.0, 3.0]), [1.0, 20.0]);
    }

    #[test]
    fn the_heavier_wish_moves_less() {
        let placed = apart(&[(10.0, 3.0), (10.0, 1.0)], &[2.0, 2.0]);
        assert_eq!(placed, [9.0, 13.0]);
    }
}
