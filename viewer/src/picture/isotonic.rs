//! Positions along one line: as near as can be to where each wants to be, in a given order and with given distances.

/// The positions that keep `order` and distances and lie nearest to the wanted ones, by weighted squares: isotonic
/// regression by pooling adjacent violators (Barlow et al., "Statistical Inference Under Order Restrictions").
/// `distances[i]` is the least one between `i - 1` and `i`; the first is unused.
pub(super) fn nearest(wanted: &[f64], weights: &[f64], distances: &[f64]) -> Vec<f64> {
    // Without the distances, the order alone remains to be kept.
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wanted.len());
    for (place, distance) in distances.iter().enumerate() {
        offset += if place == 0 { 0.0 } else { *distance };
        offsets.push(offset);
    }
    // Pools: mean, weight, length.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for ((&wanted, &weight), &offset) in wanted.iter().zip(weights).zip(&offsets) {
        let mut pool = (wanted - offset, weight, 1);
        while let Some(&(mean, weight, length)) = pools.last()
            && mean > pool.0
        {
            pools.pop();
            let both = weight + pool.1;
            pool = ((mean * weight + pool.0 * pool.1) / both, both, length + pool.2);
        }
        pools.push(pool);
    }
    let means = pools.into_iter().flat_map(|(mean, _, length)| std::iter::repeat_n(mean, length));
    means.zip(&offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_room_stays_where_it_wants_to_be() {
        assert_eq!(nearest(&[0.0, 10.0, 30.0], &[1.0; 3], &[0.0, 5.0, 5.0]), [0.0, 10.0, 30.0]);
    }

    #[test]
    fn who_has_none_gives_way_by_weight() {
        let places = nearest(&[10.0, 10.0], &[3.0, 1.0], &[0.0, 4.0]);
        assert_eq!(places, [9.0, 13.0]);
    }
}
