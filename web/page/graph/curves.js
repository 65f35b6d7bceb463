// The course of an edge: from the border of its caller's circle through its bends to just before its callee's, where the
// arrowhead ends.

/** @typedef {import("../types.js").Point} Point */
/** @typedef {{ x: number, y: number, radius: number }} Circle */
/** @typedef {{ start: Point, parts: [Point, Point, Point][], tip: Point, angle: number, middles: Point[] }} Curve each part: two control points and an end; the
 *   middles of the parts, the longest first */

/** What part of the way to the next column an edge runs along the ranks, at either end. */
const LEVEL = 0.2;

/** What lies between a circle's border, where its ring is, and an arrow's tip. */
const GAP = 5;

/**
 * @param {Circle} from
 * @param {Circle} to
 * @param {Point[]} bends
 * @param {"right" | "down" | "free"} direction
 * @param {number} head the length of the arrowhead
 * @returns {Curve}
 */
export function curve(from, to, bends, direction, head) {
  const along = direction === "down" ? "y" : "x";
  const distance = to[along] - from[along];
  // Back through its bends where it has some; a call back to a neighbour would lie on the call that leads here.
  const ranked = direction !== "free" && Math.abs(distance) > from.radius + to.radius + head && (distance > 0 || bends.length > 0);
  const inner = ranked ? bends : [];
  const side = distance > 0 ? 1 : -1;
  const start = ranked ? onBorder(from, along, side, 1) : towards(from, to, from.radius + 1);
  const angle = ranked ? (along === "x" ? 0 : Math.PI / 2) + (side > 0 ? 0 : Math.PI) : Math.atan2(to.y - start.y, to.x - start.x);
  const tip = ranked ? onBorder(to, along, side > 0 ? -1 : 1, GAP) : { x: to.x - (to.radius + GAP) * Math.cos(angle), y: to.y - (to.radius + GAP) * Math.sin(angle) };
  const end = { x: tip.x - head * Math.cos(angle), y: tip.y - head * Math.sin(angle) };
  /** @type {[Point, Point, Point][]} */
  const parts = [];
  if (ranked) {
    const points = stations([from, ...inner, to], start, end, along);
    points.slice(1).forEach((point, at) => {
      const half = (point[along] - points[at][along]) / 2;
      parts.push([shifted(points[at], along, half), shifted(point, along, -half), point]);
    });
  } else {
    // Bowed to one side, so that an edge and its opposite lie apart.
    const bow = { x: (start.x + end.x) / 2 - (end.y - start.y) * 0.12, y: (start.y + end.y) / 2 + (end.x - start.x) * 0.12 };
    parts.push([bow, bow, end]);
  }
  return { start, parts, tip, angle, middles: middlesOf(start, parts) };
}

/**
 * What an edge passes. Beside circles and bends it runs along the ranks, so that edges between the same columns begin and end to
 * drop at one place, whatever the circles' sizes, and cross only where their order changes.
 * @param {Point[]} through @param {Point} start @param {Point} end @param {"x" | "y"} along @returns {Point[]}
 */
function stations(through, start, end, along) {
  const found = [start];
  const side = Math.sign(end[along] - start[along]);
  for (let at = 1; at < through.length; at++) {
    const level = LEVEL * (through[at][along] - through[at - 1][along]);
    for (const point of [shifted(through[at - 1], along, level), shifted(through[at], along, -level)]) {
      // Great circles reach farther.
      if (side * (point[along] - found[found.length - 1][along]) > 0 && side * (end[along] - point[along]) > 0) found.push(point);
    }
  }
  return [...found, end];
}

/** @param {Point} point @param {"x" | "y"} along @param {number} by @returns {Point} */
const shifted = ({ x, y }, along, by) => (along === "x" ? { x: x + by, y } : { x, y: y + by });

/** @param {Circle} circle @param {"x" | "y"} along @param {1 | -1} side @param {number} gap @returns {Point} */
function onBorder(circle, along, side, gap) {
  const by = side * (circle.radius + gap);
  return along === "x" ? { x: circle.x + by, y: circle.y } : { x: circle.x, y: circle.y + by };
}

/** @param {Circle} from @param {Point} to @param {number} by @returns {Point} */
function towards(from, to, by) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) / length) * by, y: from.y + ((to.y - from.y) / length) * by };
}

/** Where what is written on an edge could stand, the best first. @param {Point} start @param {[Point, Point, Point][]} parts @returns {Point[]} */
function middlesOf(start, parts) {
  const entry = (/** @type {number} */ at) => (at === 0 ? start : parts[at - 1][2]);
  const lengths = parts.map((part, at) => Math.hypot(part[2].x - entry(at).x, part[2].y - entry(at).y));
  return parts.map((_, at) => at).sort((left, right) => lengths[right] - lengths[left]).map((at) => pointOn(entry(at), parts[at], 0.5));
}

/** Points along an edge, no farther from each other than that, however it bends. @param {Curve} curve @param {number} step @param {(x: number, y: number) => void} take */
export function walk({ start, parts }, step, take) {
  let entry = start;
  for (const part of parts) {
    const long = Math.hypot(part[0].x - entry.x, part[0].y - entry.y) + Math.hypot(part[1].x - part[0].x, part[1].y - part[0].y) + Math.hypot(part[2].x - part[1].x, part[2].y - part[1].y);
    // A curve runs at most half as fast again as on average.
    const steps = Math.ceil((1.5 * long) / step);
    for (let at = 0; at <= steps; at++) {
      const point = pointOn(entry, part, steps ? at / steps : 0);
      take(point.x, point.y);
    }
    entry = part[2];
  }
}

/** @param {Point} start @param {[Point, Point, Point]} part @param {number} t @returns {Point} */
function pointOn(start, [first, second, end], t) {
  const rest = 1 - t;
  const [a, b, c, d] = [rest * rest * rest, 3 * rest * rest * t, 3 * rest * t * t, t * t * t];
  return { x: a * start.x + b * first.x + c * second.x + d * end.x, y: a * start.y + b * first.y + c * second.y + d * end.y };
}

/** The width of an edge with that share of all. @param {number} share */
export const edgeWidth = (share) => 0.7 + 10.5 * share + 2.2 * Math.sqrt(Math.max(0, share));
