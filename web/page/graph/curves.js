// The course of an edge: from the border of its caller's circle through its bends to just before its callee's, where the
// arrowhead ends.

/** @typedef {import("../types.js").Point} Point */
/** @typedef {{ x: number, y: number, radius: number }} Circle */
/** @typedef {{ start: Point, parts: [Point, Point, Point][], tip: Point, angle: number, middle: Point }} Curve each part: two control points and an end */

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
  // Where what is written on it stands: in the middle of its longest part, clear of the circles.
  const entry = (/** @type {number} */ at) => (at === 0 ? start : parts[at - 1][2]);
  const length = (/** @type {number} */ at) => Math.hypot(parts[at][2].x - entry(at).x, parts[at][2].y - entry(at).y);
  const longest = parts.reduce((best, _, at) => (length(at) > length(best) ? at : best), 0);
  const [first, second, last] = parts[longest];
  const middle = { x: (entry(longest).x + 3 * first.x + 3 * second.x + last.x) / 8, y: (entry(longest).y + 3 * first.y + 3 * second.y + last.y) / 8 };
  return { start, parts, tip, angle, middle };
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

/** The width of an edge with that share of all. @param {number} share */
export const edgeWidth = (share) => 0.7 + 10.5 * share + 2.2 * Math.sqrt(Math.max(0, share));
