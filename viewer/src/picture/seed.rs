//! Where the items of a picture lie before the page refines it: by ranks, orders and isotonic places, or, of very many items, by
//! forces; what is shared by many in a strip below.

use plop_profile::CallGraph;

use super::layers::parts;
use super::place::{Area, place};
use super::size::Size;
use super::spread::{Window, spread};
use super::{Direction, EdgeKind, Settings, collide, force, order, reinsert, strip};

/// Beyond so many items no order of ranks can be read; forces place them.
const FEW_ITEMS: usize = 300;

/// Room at the top of the window for what the page writes there.
const TOP: f64 = 12.0;

/// The width of a column in a window that holds as many as can be read.
const COLUMN: f64 = 90.0;

/// Where everything lies in the window.
pub(super) struct Seed {
    /// By item.
    pub(super) spots: Vec<[f64; 2]>,
    /// By item its column, or its rank where forces placed it.
    pub(super) columns: Vec<usize>,
    /// The edges' inner points, by the edge's number, from caller to callee.
    pub(super) bends: Vec<(usize, Vec<[f64; 2]>)>,
    /// By item, whether its label stands best to its right: no line leaves it there.
    pub(super) beside: Vec<bool>,
}

/// Places the items of a graph, given the kinds of its edges and the ranks of its items.
pub(super) fn seed(
    settings: &Settings,
    graph: &CallGraph,
    kinds: &[EdgeKind],
    ranks: &[usize],
    in_strip: &[bool],
    sizes: &[Size],
) -> Seed {
    let stripped: Vec<usize> = (0..sizes.len()).filter(|&item| in_strip[item]).collect();
    let strip_sizes: Vec<Size> = stripped.iter().map(|&item| sizes[item]).collect();
    let (strip_spots, mut strip_height) = strip::strip(&strip_sizes, settings.width);
    // However small the window, the ranks keep half of it.
    strip_height = strip_height.min(settings.height / 2.0);
    let height = settings.height - strip_height - TOP;
    let drawn: Vec<usize> = (0..sizes.len()).filter(|&item| !in_strip[item]).collect();

    let mut seed = if settings.direction == Direction::Free || drawn.len() > FEW_ITEMS {
        forced(settings, graph, ranks, &drawn, sizes, height)
    } else {
        ranked(settings, graph, kinds, ranks, &drawn, sizes, height)
    };
    for spot in &mut seed.spots {
        spot[1] += TOP;
    }
    for bend in seed.bends.iter_mut().flat_map(|(_, bends)| bends) {
        bend[1] += TOP;
    }
    for (&item, [x, y]) in stripped.iter().zip(strip_spots) {
        let bottom = settings.height - sizes[item].radius;
        seed.spots[item] = [x, (settings.height - strip_height + y).min(bottom)];
    }
    seed
}

/// The seed by ranks, orders and isotonic places.
fn ranked(
    settings: &Settings,
    graph: &CallGraph,
    kinds: &[EdgeKind],
    ranks: &[usize],
    drawn: &[usize],
    sizes: &[Size],
    height: f64,
) -> Seed {
    let mut along = Vec::new();
    let mut reversed = vec![false; graph.edges.len()];
    for (number, edge) in graph.edges.iter().enumerate() {
        let (from, to) = (edge.caller as usize, edge.callee as usize);
        if !matches!(kinds[number], EdgeKind::Line | EdgeKind::Back) || ranks[from] == ranks[to] {
            continue;
        }
        reversed[number] = ranks[from] > ranks[to];
        let (low, high) = if reversed[number] { (to, from) } else { (from, to) };
        let share = (edge.weight.max(0) as f64 / graph.total.max(1) as f64).sqrt();
        let pull = if kinds[number] == EdgeKind::Back { 0.1 * share } else { 0.1 + share };
        along.push((number, low, high, pull));
    }
    let mut parts = parts(drawn, ranks, &along);
    let down = settings.direction == Direction::Down;
    let mut sizes = sizes.to_vec();
    drawn.iter().for_each(|&item| sizes[item].beside = !down);
    along.iter().for_each(|&(_, low, ..)| sizes[low].beside = false);
    let area = match down {
        false => Area { along: settings.width, across: height, down },
        true => Area { along: height, across: settings.width, down },
    };
    for part in &mut parts {
        order::order(part);
        let rooms: Vec<f64> = part.items.iter().map(|&item| area.needed(&sizes[item])).collect();
        reinsert::reinsert(part, &rooms, area.across);
        order::turn(part);
        spread(part, Window { rooms: &rooms, across: area.across, columns: (area.along / COLUMN) as usize });
    }
    let mut placed = place(&parts, &sizes, area);
    let to_window = |[along, across]: [f64; 2]| if down { [across, along] } else { [along, across] };
    for (number, bends) in &mut placed.bends {
        bends.iter_mut().for_each(|bend| *bend = to_window(*bend));
        if reversed[*number] {
            bends.reverse();
        }
    }
    let mut spots: Vec<[f64; 2]> = placed.spots.into_iter().map(to_window).collect();
    // Labels had their turn; what is still crowded at least keeps its circles apart.
    let mut circles: Vec<[f64; 2]> = drawn.iter().map(|&item| spots[item]).collect();
    let radii: Vec<f64> = drawn.iter().map(|&item| sizes[item].radius + 3.0).collect();
    collide::keep_apart(&mut circles, &radii, settings.width, height);
    drawn.iter().zip(circles).for_each(|(&item, spot)| spots[item] = spot);
    let beside = sizes.iter().map(|size| size.beside).collect();
    Seed { spots, columns: placed.columns, bends: placed.bends, beside }
}

/// The seed by forces.
fn forced(
    settings: &Settings,
    graph: &CallGraph,
    ranks: &[usize],
    drawn: &[usize],
    sizes: &[Size],
    height: f64,
) -> Seed {
    let mut place_of = vec![usize::MAX; sizes.len()];
    drawn.iter().enumerate().for_each(|(place, &item)| place_of[item] = place);
    let links: Vec<_> = (graph.edges.iter())
        .map(|edge| (place_of[edge.caller as usize], place_of[edge.callee as usize], edge.weight))
        .filter(|&(from, to, _)| from != to && from != usize::MAX && to != usize::MAX)
        .collect();
    // Few items have room for rings and labels between them.
    let around = if drawn.len() > FEW_ITEMS { 0.0 } else { 8.0 };
    let radii: Vec<f64> = drawn.iter().map(|&item| sizes[item].radius + around).collect();
    let drawn_ranks: Vec<usize> = drawn.iter().map(|&item| ranks[item]).collect();
    let axis = match settings.direction {
        Direction::Free => None,
        Direction::Right => Some(force::Axis { index: 0, ranks: &drawn_ranks }),
        Direction::Down => Some(force::Axis { index: 1, ranks: &drawn_ranks }),
    };
    let found = force::force(&radii, &links, axis, settings.width, height);
    let mut spots = vec![[0.0; 2]; sizes.len()];
    drawn.iter().zip(found).for_each(|(&item, spot)| spots[item] = spot);
    Seed { spots, columns: ranks.to_vec(), bends: Vec::new(), beside: vec![false; sizes.len()] }
}
