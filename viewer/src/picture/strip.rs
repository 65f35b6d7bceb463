//! The strip below the picture, where shared callees and widely shared folds lie in rows, heaviest first, each label to the
//! right of its circle.

use super::size::Size;

const GAP: f64 = 16.0;
const MARGIN: f64 = 14.0;

/// Places items in rows. Gives each one's centre, from the strip's top left corner, and the strip's height: 0 for none.
pub(super) fn strip(sizes: &[Size], width: f64) -> (Vec<[f64; 2]>, f64) {
    if sizes.is_empty() {
        return (Vec::new(), 0.0);
    }
    let mut by_radius: Vec<usize> = (0..sizes.len()).collect();
    by_radius.sort_by(|&a, &b| sizes[b].radius.total_cmp(&sizes[a].radius).then(a.cmp(&b)));
    let mut spots = vec![[0.0; 2]; sizes.len()];
    let (mut x, mut top, mut bottom) = (MARGIN, GAP, GAP);
    for item in by_radius {
        let Size { radius, label } = sizes[item];
        let cell = 2.0 * radius + 6.0 + label + GAP;
        if x > MARGIN && x + cell > width - MARGIN {
            (x, top) = (MARGIN, bottom + 6.0);
        }
        // The first of a row is its greatest.
        if x == MARGIN {
            bottom = top + 2.0 * radius.max(7.0);
        }
        spots[item] = [x + radius, (top + bottom) / 2.0];
        x += cell;
    }
    (spots, bottom + MARGIN)
}
