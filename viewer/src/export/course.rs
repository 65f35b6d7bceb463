//! The course of an edge, from the border of its caller's circle through its bends to its callee's: as the page draws it, see
//! `web/page/graph/curves.js`.

use crate::picture::{Direction, Item};

type Point = [f64; 2];

#[derive(Debug, Clone, Copy)]
pub(super) struct Circle {
    center: Point,
    radius: f64,
}

impl From<&Item> for Circle {
    fn from(item: &Item) -> Self {
        Circle { center: [item.x, item.y], radius: item.radius }
    }
}

/// What part of the way to the next column an edge runs along the ranks, at either end.
const LEVEL: f64 = 0.2;
/// What lies between a circle's border, where its ring is, and an arrow's tip.
const GAP: f64 = 5.0;

/// A chain of cubic curves that ends where the arrowhead begins.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) start: Point,
    /// Of each part two control points and its end.
    pub(super) parts: Vec<[Point; 3]>,
    pub(super) tip: Point,
    /// Where the arrowhead points, as a vector of length 1.
    pub(super) towards: Point,
    /// The middles of the parts, the longest first.
    pub(super) middles: Vec<Point>,
}

pub(super) fn course(from: Circle, to: Circle, bends: &[Point], direction: Direction, head: f64) -> Course {
    let along = if direction == Direction::Down { 1 } else { 0 };
    let (one, other) = (from.center, to.center);
    let distance = other[along] - one[along];
    // Back through its bends where it has some; a call back to a neighbour would lie on the call that leads here.
    let is_ranked = direction != Direction::Free
        && distance.abs() > from.radius + to.radius + head
        && (distance > 0.0 || !bends.is_empty());
    if !is_ranked {
        return bowed(from, to, head);
    }
    let side = distance.signum();
    let start = shifted(one, along, side * (from.radius + 1.0));
    let tip = shifted(other, along, -side * (to.radius + GAP));
    let end = shifted(tip, along, -side * head);
    let through: Vec<Point> = std::iter::once(one).chain(bends.iter().copied()).chain([other]).collect();
    let stations = stations(&through, start, end, along);
    let part = |pair: &[Point]| {
        let half = (pair[1][along] - pair[0][along]) / 2.0;
        [shifted(pair[0], along, half), shifted(pair[1], along, -half), pair[1]]
    };
    let parts: Vec<[Point; 3]> = stations.windows(2).map(part).collect();
    let length = |at: usize| (stations[at + 1][0] - stations[at][0]).hypot(stations[at + 1][1] - stations[at][1]);
    let mut longest: Vec<usize> = (0..parts.len()).collect();
    longest.sort_by(|&a, &b| length(b).total_cmp(&length(a)));
    let middles = longest.into_iter().map(|at| middle(stations[at], parts[at])).collect();
    Course { start, parts, tip, towards: shifted([0.0; 2], along, side), middles }
}

/// Bowed to one side, so that an edge and its opposite lie apart.
fn bowed(from: Circle, to: Circle, head: f64) -> Course {
    let toward = |from: Point| {
        let (x, y) = (to.center[0] - from[0], to.center[1] - from[1]);
        let length = x.hypot(y).max(1e-6);
        [x / length, y / length]
    };
    let moved = |[x, y]: Point, [dx, dy]: Point, by: f64| [x + by * dx, y + by * dy];
    let start = moved(from.center, toward(from.center), from.radius + 1.0);
    let towards = toward(start);
    let tip = moved(to.center, towards, -(to.radius + GAP));
    let end = moved(tip, towards, -head);
    let (x, y) = (end[0] - start[0], end[1] - start[1]);
    let bow = [(start[0] + end[0]) / 2.0 - y * 0.12, (start[1] + end[1]) / 2.0 + x * 0.12];
    let part = [bow, bow, end];
    Course { start, parts: vec![part], tip, towards, middles: vec![middle(start, part)] }
}

/// What an edge passes. Beside circles and bends it runs along the ranks, so that edges between the same columns begin and end to
/// drop at one place, whatever the circles' sizes, and cross only where their order changes.
fn stations(through: &[Point], start: Point, end: Point, along: usize) -> Vec<Point> {
    let side = (end[along] - start[along]).signum();
    let mut found = vec![start];
    for pair in through.windows(2) {
        let level = LEVEL * (pair[1][along] - pair[0][along]);
        for point in [shifted(pair[0], along, level), shifted(pair[1], along, -level)] {
            // Great circles reach farther.
            let is_behind = found.last().is_none_or(|last| side * (point[along] - last[along]) > 0.0);
            if is_behind && side * (end[along] - point[along]) > 0.0 {
                found.push(point);
            }
        }
    }
    found.push(end);
    found
}

fn middle(start: Point, [first, second, end]: [Point; 3]) -> Point {
    [0, 1].map(|axis| (start[axis] + 3.0 * first[axis] + 3.0 * second[axis] + end[axis]) / 8.0)
}

fn shifted(mut point: Point, along: usize, by: f64) -> Point {
    point[along] += by;
    point
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn edges_run_as_the_page_draws_them() {
        // What the page draws, which its own tests hold it to (`web/tests/curves.test.js`).
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/tests/courses.json");
        let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let number = |value: &Value| value.as_f64().unwrap();
        let point = |value: &Value| [number(&value["x"]), number(&value["y"])];
        let circle = |value: &Value| Circle { center: point(value), radius: number(&value["radius"]) };
        for case in cases {
            let bends: Vec<Point> = case["bends"].as_array().unwrap().iter().map(point).collect();
            let direction = match case["direction"].as_str().unwrap() {
                "right" => Direction::Right,
                "down" => Direction::Down,
                _ => Direction::Free,
            };
            let found = course(circle(&case["from"]), circle(&case["to"]), &bends, direction, number(&case["head"]));
            let drawn = &case["drawn"];
            let angle = number(&drawn["angle"]);
            let expected = [point(&drawn["start"]), point(&drawn["tip"]), [angle.cos(), angle.sin()]];
            let mut pairs: Vec<_> = [found.start, found.tip, found.towards].into_iter().zip(expected).collect();
            let middles = drawn["middles"].as_array().unwrap();
            assert_eq!(middles.len(), found.middles.len(), "{case}");
            pairs.extend(found.middles.iter().copied().zip(middles.iter().map(point)));
            let parts = drawn["parts"].as_array().unwrap();
            assert_eq!(parts.len(), found.parts.len(), "{case}");
            for (part, drawn) in found.parts.iter().zip(parts) {
                pairs.extend(part.iter().copied().zip(drawn.as_array().unwrap().iter().map(point)));
            }
            for (found, drawn) in pairs {
                assert!((0..2).all(|axis| (found[axis] - drawn[axis]).abs() < 1e-6), "{found:?} for {drawn:?}: {case}");
            }
        }
    }
}
