// The course of an edge: from the border of its caller's circle through its bends to just before its callee's, where the
// arrowhead ends.

/** @typedef {import("../types.js").Point} Point */
/** @typedef {{ x: number, y: number, radius: number }} Circle */
/** @typedef {{ start: Point, parts: [Point, Point, Point][], tip: Point, angle: number, middle: Point }} Curve each part: two control points and an end */

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
  const forward = direction !== "free" && to[along] - from[along] > from.radius + to.radius + head;
  const inner = forward ? bends : [];
  const start = forward ? onBorder(from, along, 1, 1) : towards(from, inner[0] ?? to, from.radius + 1);
  const angle = forward ? (along === "x" ? 0 : Math.PI / 2) : Math.atan2(to.y - start.y, to.x - start.x);
  const tip = forward ? onBorder(to, along, -1, GAP) : { x: to.x - (to.radius + GAP) * Math.cos(angle), y: to.y - (to.radius + GAP) * Math.sin(angle) };
  const end = { x: tip.x - head * Math.cos(angle), y: tip.y - head * Math.sin(angle) };
  /** @type {[Point, Point, Point][]} */
  const parts = [];
  const points = [start, ...inner, end];
  const across = along === "x" ? "y" : "x";
  // At its ends a curve runs along the ranks; at a bend towards the point after the next, but never beyond the bend's
  // neighbours, or it would swing out of its lane (Fritsch and Carlson, "Monotone Piecewise Cubic Interpolation").
  const slopes = points.map((point, at) => {
    const [before, after] = [points[at - 1], points[at + 1]];
    if (!before || !after) return 0;
    const steep = (/** @type {Point} */ one, /** @type {Point} */ two) => (two[across] - one[across]) / (two[along] - one[along] || 1);
    const [into, out] = [steep(before, point), steep(point, after)];
    return into * out <= 0 ? 0 : (2 * into * out) / (into + out);
  });
  points.slice(1).forEach((point, at) => {
    const before = points[at];
    if (forward) {
      const third = (point[along] - before[along]) / (points.length > 2 ? 3 : 2);
      const shift = (/** @type {Point} */ from, /** @type {number} */ by, /** @type {number} */ slope) => (along === "x" ? { x: from.x + by, y: from.y + by * slope } : { x: from.x + by * slope, y: from.y + by });
      parts.push([shift(before, third, slopes[at]), shift(point, -third, slopes[at + 1]), point]);
    } else {
      // Bowed to one side, so that an edge and its opposite lie apart.
      const bow = { x: (before.x + point.x) / 2 - (point.y - before.y) * 0.12, y: (before.y + point.y) / 2 + (point.x - before.x) * 0.12 };
      parts.push([bow, bow, point]);
    }
  });
  const [first, second, last] = parts[Math.floor((parts.length - 1) / 2)];
  const entry = parts.length > 2 ? parts[Math.floor((parts.length - 1) / 2) - 1][2] : start;
  const middle = { x: (entry.x + 3 * first.x + 3 * second.x + last.x) / 8, y: (entry.y + 3 * first.y + 3 * second.y + last.y) / 8 };
  return { start, parts, tip, angle, middle };
}

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
