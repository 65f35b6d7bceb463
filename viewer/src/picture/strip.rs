//! The strip below the picture, where shared callees and widely shared folds lie in rows, heaviest first, each label below its
//! circle; rows as long as the window, so that they are few.

use super::size::Size;

/// Room above it for the line that parts it from the ranks, and what is written on that.
const HEAD: f64 = 32.0;
/// Between two of a row.
const APART: f64 = 8.0;
const MARGIN: f64 = 14.0;
/// What stays free of a row is given to its items, up to so much each.
const SPARE: f64 = 90.0;

/// Places items in rows. Gives each one's centre, from the strip's top left corner, and the strip's height: 0 for none.
pub(super) fn strip(sizes: &[Size], width: f64) -> (Vec<[f64; 2]>, f64) {
    if sizes.is_empty() {
        return (Vec::new(), 0.0);
    }
    let mut by_radius: Vec<usize> = (0..sizes.len()).collect();
    by_radius.sort_by(|&a, &b| sizes[b].radius.total_cmp(&sizes[a].radius).then(a.cmp(&b)));
    let cell = |item: usize| sizes[item].widths().iter().sum::<f64>() + APART;
    let available = width - 2.0 * MARGIN;
    let mut rows: Vec<(Vec<usize>, f64)> = Vec::new();
    for item in by_radius {
        match rows.last_mut() {
            Some((row, used)) if *used + cell(item) <= available => {
                row.push(item);
                *used += cell(item);
            }
            _ => rows.push((vec![item], cell(item))),
        }
    }
    let mut spots = vec![[0.0; 2]; sizes.len()];
    let mut top = HEAD;
    for (row, used) in rows {
        let spare = ((available - used).max(0.0) / row.len() as f64).min(SPARE);
        let heights = row.iter().map(|&item| sizes[item].heights());
        let [above, below] =
            heights.fold([0.0; 2], |most: [f64; 2], size| [0, 1].map(|side| size[side].max(most[side])));
        let mut x = MARGIN;
        for item in row {
            let cell = cell(item) + spare;
            spots[item] = [x + cell / 2.0, top + above];
            x += cell;
        }
        top += above + below + 6.0;
    }
    (spots, top + MARGIN / 2.0)
}
