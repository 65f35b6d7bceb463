//! Repulsion between many points, far ones taken together (Barnes and Hut, "A hierarchical O(N log N) force-calculation
//! algorithm").

/// A cell is taken as one when its width is below this part of its distance.
const OPENING: f64 = 1.1;
/// A cell with so few points is not divided.
const BUCKET: usize = 8;
const DEPTH: usize = 24;

#[derive(Debug, Clone, Copy)]
struct Cell {
    /// Mass and its centre.
    mass: f64,
    x: f64,
    y: f64,
    width: f64,
    /// The cell after this one's descendants.
    next: u32,
    /// Its points, if it is not divided: from, to.
    points: (u32, u32),
}

/// Points in cells, the cells in preorder.
#[derive(Debug)]
pub(super) struct Quadtree {
    cells: Vec<Cell>,
    /// The points in the cells' order: place, mass.
    points: Vec<([f64; 2], f64)>,
}

impl Quadtree {
    pub(super) fn new(spots: &[[f64; 2]], masses: &[f64]) -> Self {
        let points: Vec<([f64; 2], f64)> = spots.iter().copied().zip(masses.iter().copied()).collect();
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for spot in spots {
            for axis in 0..2 {
                low[axis] = low[axis].min(spot[axis]);
                high[axis] = high[axis].max(spot[axis]);
            }
        }
        let width = (high[0] - low[0]).max(high[1] - low[1]).max(1e-9);
        let mut tree = Quadtree { cells: Vec::with_capacity(spots.len()), points };
        if !spots.is_empty() {
            tree.divide(0, spots.len(), low, width, 0);
        }
        tree
    }

    fn divide(&mut self, from: usize, to: usize, low: [f64; 2], width: f64, depth: usize) {
        let mass: f64 = self.points[from..to].iter().map(|(_, mass)| mass).sum();
        let centre =
            |axis: usize| self.points[from..to].iter().map(|(spot, mass)| spot[axis] * mass).sum::<f64>() / mass;
        let (x, y) = (centre(0), centre(1));
        let own = self.cells.len();
        self.cells.push(Cell { mass, x, y, width, next: 0, points: (from as u32, to as u32) });
        if to - from > BUCKET && depth < DEPTH {
            self.cells[own].points = (0, 0);
            let half = width / 2.0;
            let middle = [low[0] + half, low[1] + half];
            let rows = from + partition(&mut self.points[from..to], |(spot, _)| spot[1] < middle[1]);
            for (first, last, lower) in [(from, rows, true), (rows, to, false)] {
                let split = first + partition(&mut self.points[first..last], |(spot, _)| spot[0] < middle[0]);
                let y = if lower { low[1] } else { middle[1] };
                for (first, last, x) in [(first, split, low[0]), (split, last, middle[0])] {
                    if first < last {
                        self.divide(first, last, [x, y], half, depth + 1);
                    }
                }
            }
        }
        self.cells[own].next = self.cells.len() as u32;
    }

    /// The move that the others' repulsion gives to a point: by mass over distance.
    pub(super) fn repulsion(&self, [x, y]: [f64; 2], mass: f64) -> [f64; 2] {
        let (mut moved_x, mut moved_y) = (0.0, 0.0);
        let mut push = |other_x: f64, other_y: f64, other_mass: f64| {
            let (dx, dy) = (x - other_x, y - other_y);
            let squared = (dx * dx + dy * dy).max(0.01);
            moved_x += dx * other_mass / squared;
            moved_y += dy * other_mass / squared;
        };
        let mut at = 0;
        while let Some(cell) = self.cells.get(at) {
            let (dx, dy) = (x - cell.x, y - cell.y);
            if cell.width * cell.width < OPENING * OPENING * (dx * dx + dy * dy) {
                push(cell.x, cell.y, cell.mass);
                at = cell.next as usize;
                continue;
            }
            let (from, to) = cell.points;
            // The point itself lies at no distance and so adds nothing.
            self.points[from as usize..to as usize].iter().for_each(|(spot, mass)| push(spot[0], spot[1], *mass));
            at += 1;
        }
        let strength = 0.25 / mass.sqrt();
        [moved_x * strength, moved_y * strength]
    }
}

/// Moves those that fulfil the condition to the front and says how many they are.
fn partition<T>(list: &mut [T], first: impl Fn(&T) -> bool) -> usize {
    let mut count = 0;
    for at in 0..list.len() {
        if first(&list[at]) {
            list.swap(at, count);
            count += 1;
        }
    }
    count
}
