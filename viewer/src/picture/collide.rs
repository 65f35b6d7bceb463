//! Moves overlapping circles apart, on a grid, within the window.

/// How often circles are moved at most: of few, crowded in a small window, more often, which takes no time.
const PASSES: usize = 40;
const PASSES_OF_FEW: usize = 400;
const FEW: usize = 300;

/// Moves circles until none overlap, or the passes are used up.
pub(super) fn keep_apart(spots: &mut [[f64; 2]], radii: &[f64], width: f64, height: f64) {
    // Most circles are small: a grid for them, and a list of the few that are larger than its cells.
    let mut sorted = radii.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(&usual) = sorted.get(sorted.len() * 99 / 100) else { return };
    let cell = (2.0 * usual + 1.0).max(4.0);
    let (columns, rows) = ((width / cell).ceil() as usize + 1, (height / cell).ceil() as usize + 1);
    let large: Vec<usize> = (0..radii.len()).filter(|&circle| radii[circle] > usual).collect();
    for _ in 0..if radii.len() <= FEW { PASSES_OF_FEW } else { PASSES } {
        let place = |spot: [f64; 2]| {
            let column = (spot[0].max(0.0) / cell) as usize;
            let row = (spot[1].max(0.0) / cell) as usize;
            (column.min(columns - 1), row.min(rows - 1))
        };
        let mut grid: Vec<Vec<u32>> = vec![Vec::new(); columns * rows];
        for circle in (0..spots.len()).filter(|&circle| radii[circle] <= usual) {
            let (column, row) = place(spots[circle]);
            grid[row * columns + column].push(circle as u32);
        }
        let mut moved = false;
        for circle in 0..spots.len() {
            if radii[circle] <= usual {
                let (column, row) = place(spots[circle]);
                for near_row in row.saturating_sub(1)..(row + 2).min(rows) {
                    for near_column in column.saturating_sub(1)..(column + 2).min(columns) {
                        for &other in &grid[near_row * columns + near_column] {
                            if (other as usize) > circle {
                                moved |= push(spots, radii, circle, other as usize);
                            }
                        }
                    }
                }
            }
        }
        for &circle in &large {
            for other in (0..spots.len()).filter(|&other| other != circle && (radii[other] <= usual || other > circle))
            {
                moved |= push(spots, radii, circle, other);
            }
        }
        for (spot, radius) in spots.iter_mut().zip(radii) {
            spot[0] = spot[0].min(width - radius - 1.0).max(radius + 1.0);
            spot[1] = spot[1].min(height - radius - 1.0).max(radius + 1.0);
        }
        if !moved {
            return;
        }
    }
}

fn push(spots: &mut [[f64; 2]], radii: &[f64], one: usize, other: usize) -> bool {
    let needed = radii[one] + radii[other] + 1.0;
    let (dx, dy) = (spots[other][0] - spots[one][0], spots[other][1] - spots[one][1]);
    let squared = dx * dx + dy * dy;
    if squared >= needed * needed {
        return false;
    }
    let distance = squared.sqrt();
    // Two at the same place part along a line that depends on who they are.
    let (ux, uy) = if distance > 1e-6 { (dx / distance, dy / distance) } else { (other as f64).sin_cos() };
    let apart = needed - distance + 0.01;
    // The smaller gives way.
    let share = radii[other].powi(2) / (radii[one].powi(2) + radii[other].powi(2));
    spots[one][0] -= ux * apart * share;
    spots[one][1] -= uy * apart * share;
    spots[other][0] += ux * apart * (1.0 - share);
    spots[other][1] += uy * apart * (1.0 - share);
    true
}
