//! A force-directed seed for free pictures and for those too big to be ranked and ordered: multilevel, after Walshaw, "A
//! Multilevel Algorithm for Force-Directed Graph Drawing". Knows circles and links only.

use super::quadtree::Quadtree;
use super::random::Random;

/// Below so many vertices a level is not made coarser.
const COARSEST: usize = 40;
/// How many steps the finest level of a big graph takes, and how many more the coarse ones do.
const FINE_STEPS: usize = 24;
const COARSE_STEPS: usize = 120;
/// Links have this length, in units in which the forces are at rest.
const LENGTH: f64 = 1.0;

/// The axis along which callees follow their callers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis<'a> {
    /// 0 for x, 1 for y.
    pub(super) index: usize,
    /// By vertex.
    pub(super) ranks: &'a [usize],
}

/// One level: a graph whose vertices stand for several of the finer one.
struct Level {
    masses: Vec<f64>,
    /// Wanted places on the axis, if there is one.
    wanted: Option<Vec<f64>>,
    links: Vec<(u32, u32, f64)>,
    /// By vertex of the finer level, the vertex of this one.
    coarse_of: Vec<u32>,
}

/// Places circles, given their radii and the links between them (weighted), within the window.
pub(super) fn force(
    radii: &[f64],
    links: &[(usize, usize, i64)],
    axis: Option<Axis<'_>>,
    width: f64,
    height: f64,
) -> Vec<[f64; 2]> {
    let heaviest = links.iter().map(|&(_, _, weight)| weight).max().unwrap_or(1).max(1) as f64;
    let mut finest = Level {
        masses: radii.iter().map(|radius| 1.0 + radius / 20.0).collect(),
        wanted: axis.map(|axis| wanted(axis, radii.len())),
        links: (links.iter())
            .map(|&(from, to, weight)| (from as u32, to as u32, 0.1 + (weight.max(0) as f64 / heaviest).sqrt()))
            .collect(),
        coarse_of: Vec::new(),
    };
    finest.links.sort_by_key(|&(from, to, _)| (from, to));
    let mut levels = vec![finest];
    while let Some(level) = levels.last()
        && level.masses.len() > COARSEST
    {
        let coarser = coarsen(level);
        if coarser.masses.len() * 20 > level.masses.len() * 19 {
            break;
        }
        levels.push(coarser);
    }
    let mut random = Random::new(levels[0].masses.len() as u64);
    let mut spots: Vec<[f64; 2]> = Vec::new();
    for (number, level) in levels.iter().enumerate().rev() {
        spots = match levels.get(number + 1) {
            None => start(level, &mut random),
            Some(coarser) => spread(&spots, &coarser.coarse_of, &mut random),
        };
        let steps = FINE_STEPS + COARSE_STEPS * COARSEST / level.masses.len().max(COARSEST);
        let heat = if number + 1 == levels.len() { 2.0 } else { 0.8 };
        settle(level, &mut spots, axis.map(|axis| axis.index), steps, heat);
    }
    fit(&mut spots, radii, width, height);
    spots
}

/// Ranks as places: the ranks of the picture share an extent that goes with the root of the number of vertices.
fn wanted(axis: Axis<'_>, vertices: usize) -> Vec<f64> {
    let deepest = axis.ranks.iter().copied().max().unwrap_or(0).max(1) as f64;
    let extent = 1.6 * (vertices as f64).sqrt();
    axis.ranks.iter().map(|&rank| (rank as f64 / deepest - 0.5) * extent).collect()
}

/// Merges each vertex with the neighbour that it is tied to most for its mass; leaves of one caller merge with each other,
/// or a star would never become smaller.
fn coarsen(level: &Level) -> Level {
    let count = level.masses.len();
    let mut ties: Vec<Vec<(f64, u32)>> = vec![Vec::new(); count];
    for &(from, to, strength) in &level.links {
        ties[from as usize].push((strength / level.masses[to as usize], to));
        ties[to as usize].push((strength / level.masses[from as usize], from));
    }
    let mut coarse_of = vec![u32::MAX; count];
    let mut next = 0;
    // Light ones first: they find a partner before the hubs are taken.
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&vertex| (ties[vertex].len(), vertex));
    let mut waiting: Vec<u32> = vec![u32::MAX; count];
    for vertex in order {
        if coarse_of[vertex] != u32::MAX {
            continue;
        }
        let free = ties[vertex]
            .iter()
            .filter(|(_, other)| coarse_of[*other as usize] == u32::MAX && *other as usize != vertex);
        let partner =
            free.copied().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, other)| other as usize);
        // Whose neighbours all are taken joins another such neighbour of its heaviest tie.
        let anchor = ties[vertex]
            .iter()
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            .map(|&(_, other)| other as usize);
        let number = match (partner, anchor) {
            (None, Some(anchor)) if waiting[anchor] != u32::MAX => {
                let other = std::mem::replace(&mut waiting[anchor], u32::MAX);
                coarse_of[vertex] = coarse_of[other as usize];
                continue;
            }
            (None, Some(anchor)) => {
                waiting[anchor] = vertex as u32;
                next
            }
            _ => next,
        };
        coarse_of[vertex] = number;
        if let Some(partner) = partner {
            coarse_of[partner] = number;
        }
        next += 1;
    }
    let mut masses = vec![0.0; next as usize];
    let mut wanted = level.wanted.as_ref().map(|_| vec![0.0; next as usize]);
    for vertex in 0..count {
        let coarse = coarse_of[vertex] as usize;
        masses[coarse] += level.masses[vertex];
        if let (Some(sum), Some(fine)) = (&mut wanted, &level.wanted) {
            sum[coarse] += fine[vertex] * level.masses[vertex];
        }
    }
    if let Some(sums) = &mut wanted {
        sums.iter_mut().zip(&masses).for_each(|(sum, mass)| *sum /= mass);
    }
    let mut links: Vec<(u32, u32, f64)> = (level.links.iter())
        .map(|&(from, to, strength)| (coarse_of[from as usize], coarse_of[to as usize], strength))
        .filter(|(from, to, _)| from != to)
        .map(|(from, to, strength)| (from.min(to), from.max(to), strength))
        .collect();
    links.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    links.dedup_by(|next, kept| {
        let same = (next.0, next.1) == (kept.0, kept.1);
        kept.2 += if same { next.2 } else { 0.0 };
        same
    });
    Level { masses, wanted, links, coarse_of }
}

fn start(level: &Level, random: &mut Random) -> Vec<[f64; 2]> {
    let mass: f64 = level.masses.iter().sum();
    let extent = mass.sqrt();
    (0..level.masses.len()).map(|_| [(random.fraction() - 0.5) * extent, (random.fraction() - 0.5) * extent]).collect()
}

/// The finer level's vertices start where the coarse one was, a little apart.
fn spread(coarse: &[[f64; 2]], coarse_of: &[u32], random: &mut Random) -> Vec<[f64; 2]> {
    let near = |&number: &u32| {
        let [x, y] = coarse[number as usize];
        [x + (random.fraction() - 0.5) * LENGTH, y + (random.fraction() - 0.5) * LENGTH]
    };
    coarse_of.iter().map(near).collect()
}

/// Steps of repulsion (by mass over distance), links (springs by strength), a light gravity and, on the axis, the ranks.
fn settle(level: &Level, spots: &mut [[f64; 2]], axis: Option<usize>, steps: usize, heat: f64) {
    let mut degrees = vec![0.0_f64; spots.len()];
    for &(from, to, strength) in &level.links {
        degrees[from as usize] += strength;
        degrees[to as usize] += strength;
    }
    let mut moves = vec![[0.0; 2]; spots.len()];
    for step in 0..steps {
        let cooling = 1.0 - step as f64 / steps as f64;
        let most = heat * LENGTH * cooling.max(0.05) * level.masses.iter().copied().fold(1.0, f64::max).sqrt();
        let tree = Quadtree::new(spots, &level.masses);
        repel(&tree, spots, &level.masses, &mut moves);
        for &(from, to, strength) in &level.links {
            let (from, to) = (from as usize, to as usize);
            let (dx, dy) = (spots[to][0] - spots[from][0], spots[to][1] - spots[from][1]);
            let distance = dx.hypot(dy).max(1e-6);
            let rest = LENGTH * 0.5 * (level.masses[from].sqrt() + level.masses[to].sqrt());
            // A hub's many springs together may not overshoot.
            let pull = 0.9 * (distance - rest) / distance;
            let (near, far) =
                (pull * strength / degrees[from].max(strength), pull * strength / degrees[to].max(strength));
            moves[from][0] += dx * near;
            moves[from][1] += dy * near;
            moves[to][0] -= dx * far;
            moves[to][1] -= dy * far;
        }
        for (vertex, spot) in spots.iter_mut().enumerate() {
            let [mut dx, mut dy] = moves[vertex];
            dx -= 0.03 * spot[0];
            dy -= 0.03 * spot[1];
            if let (Some(index), Some(wanted)) = (axis, &level.wanted) {
                let pull = 0.5 * (wanted[vertex] - spot[index]);
                if index == 0 { dx += pull } else { dy += pull }
            }
            let length = dx.hypot(dy);
            let scale = if length > most { most / length } else { 1.0 };
            *spot = [spot[0] + dx * scale, spot[1] + dy * scale];
        }
    }
}

/// All repulsions, on two threads where there are enough vertices for that to pay.
fn repel(tree: &Quadtree, spots: &[[f64; 2]], masses: &[f64], moves: &mut [[f64; 2]]) {
    let each = |first: usize, moves: &mut [[f64; 2]]| {
        for (place, moved) in moves.iter_mut().enumerate() {
            *moved = tree.repulsion(spots[first + place], masses[first + place]);
        }
    };
    if spots.len() < 1000 {
        return each(0, moves);
    }
    let half = spots.len() / 2;
    let (low, high) = moves.split_at_mut(half);
    std::thread::scope(|scope| {
        scope.spawn(|| each(0, low));
        each(half, high);
    });
}

/// Scales the layout to the window, each axis by itself, and moves circles that overlap apart.
fn fit(spots: &mut [[f64; 2]], radii: &[f64], width: f64, height: f64) {
    let greatest = radii.iter().copied().fold(0.0, f64::max);
    for (axis, length) in [width, height].into_iter().enumerate() {
        // A few outliers may touch the margin: scaled by the extremes, one stray pair would squeeze all others.
        let mut places: Vec<f64> = spots.iter().map(|spot| spot[axis]).collect();
        places.sort_by(f64::total_cmp);
        let Some((&low, &high)) = places.get(places.len() / 200).zip(places.get(places.len() - 1 - places.len() / 200))
        else {
            return;
        };
        let margin = greatest.min(length / 8.0) + 8.0;
        let scale = if high > low { (length - 2.0 * margin) / (high - low) } else { 0.0 };
        for spot in spots.iter_mut() {
            let place = if scale > 0.0 { margin + (spot[axis] - low) * scale } else { length / 2.0 };
            spot[axis] = place.clamp(margin / 2.0, length - margin / 2.0);
        }
    }
    super::collide::keep_apart(spots, radii, width, height);
}
