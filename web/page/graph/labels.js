// Labels: which items get one, where it stands, how far it is shortened. None overlaps another or a circle, and few lie on edges;
// the items that have most choose first. Then what is written on edges, where that has room. Pure: knows widths by the function
// that it is given.

/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {{ index: number, x: number, y: number, radius: number, text: string, suffix?: string, priority: number, beside: boolean, size: number }} Wanted */
/** @typedef {{ index: number, text: string, box: Rectangle, inside: boolean }} Placed */

/** What a label is not cut down to. */
const LEAST_LETTERS = 8;
/** The height of what is written on an edge. */
export const ON_EDGE_HEIGHT = 12;
/** A label rather takes the worst of its places than lie on one edge more. */
const ON_EDGE = 8;
/** One of those that stand in a column, all on one side, stays there unless it lies on several. */
const ON_EDGE_BESIDE = 1;
/** So far from a label's border its letters begin. */
const LEADING = 3;
/** Nearer than so many pixels to another's circle, a label could be read as the other's. */
const APART = 6;
/** How a label is tried, the best first: with how many letters, how far from its circle, in what part of its size,
 * whether it may come near another's circle, and, `bare`, without the number behind the name, which the circle's area says too. */
const TRIES = [
  { letters: Infinity, away: 0, part: 1, apart: true },
  { letters: 24, away: 0, part: 1, apart: true },
  { letters: 18, away: 0, part: 1, apart: true },
  { letters: 18, away: 0, part: 1, apart: false },
  { letters: 13, away: 0, part: 1, apart: true },
  { letters: 13, away: 0, part: 1, apart: false },
  { letters: LEAST_LETTERS, away: 0, part: 1, apart: false },
  { letters: 13, away: 9, part: 0.9, apart: true },
  { letters: LEAST_LETTERS, away: 4, part: 0.85, apart: false },
  { letters: LEAST_LETTERS, away: 12, part: 0.85, apart: false },
  { letters: LEAST_LETTERS, away: 0, part: 0.85, apart: false, bare: true },
  { letters: LEAST_LETTERS, away: 6, part: 0.85, apart: false, bare: true },
];
/** So many of them read well enough to be preferred to lying on an edge. */
const GOOD_TRIES = 4;

/**
 * @param {Wanted[]} wanted in screen pixels
 * @param {(text: string, size: number) => number} measure
 * @param {Rectangle} window where labels may stand
 * @param {Rectangle[]} taken what else is in the way
 * @param {Grid} [grid] edges that labels keep off, if they can; holds all circles and labels afterwards
 * @returns {Placed[]}
 */
export function placeLabels(wanted, measure, window, taken, grid = new Grid(64)) {
  for (const item of wanted) grid.add({ x: item.x - item.radius, y: item.y - item.radius, width: 2 * item.radius, height: 2 * item.radius }, item.index);
  for (const box of taken) grid.add(box, -1);
  /** @type {Placed[]} */
  const placed = [];
  for (const item of [...wanted].sort((left, right) => right.priority - left.priority)) {
    const found = place(item, measure, window, grid);
    if (found) {
      grid.add(found.box, -1);
      placed.push(found);
    }
  }
  return placed;
}

/** @param {Wanted} item @param {(text: string, size: number) => number} measure @param {Rectangle} window @param {Grid} grid @returns {Placed | undefined} */
function place(item, measure, window, grid) {
  /** On an edge: taken if it comes to nothing better. @type {Placed | undefined} */
  let fallback;
  for (const [number, { letters, away, part, apart, bare }] of TRIES.entries()) {
    if (fallback && number >= GOOD_TRIES) return fallback;
    if (letters !== Infinity && item.text.length <= letters && apart && away === 0) continue;
    // The name is cut; the number behind it stays whole, or away.
    const text = shorten(item.text, letters) + ((!bare && item.suffix) || "");
    const size = item.size * part;
    const height = size * 1.25;
    const width = measure(text, size);
    if (width < 1.8 * item.radius - 8 && height < item.radius) {
      return { index: item.index, text, inside: true, box: { x: item.x - width / 2, y: item.y - height / 2, width, height } };
    }
    if (letters === Infinity && width > 190) continue;
    let [best, least] = [/** @type {Rectangle | null} */ (null), Infinity];
    for (const [worse, box] of spots(item, width, height, away).entries()) {
      if (worse >= least) break;
      if (box.x < window.x || box.y < window.y || box.x + width > window.x + window.width || box.y + height > window.y + window.height) continue;
      if (!grid.isFree(box, -2) || (apart && grid.isNearCircle(box, item.index))) continue;
      const cost = worse + (item.beside ? ON_EDGE_BESIDE : ON_EDGE) * grid.edgesIn({ ...box, y: box.y + LEADING, height: height - 2 * LEADING });
      if (cost < least) [best, least] = [box, cost];
    }
    const found = best && { index: item.index, text, inside: false, box: best };
    if (found && least < ON_EDGE) return found;
    fallback ??= found ?? undefined;
  }
  return fallback;
}

/** The eight places around a circle, the best first. @param {Wanted} item @param {number} width @param {number} height @param {number} farther @returns {Rectangle[]} */
function spots(item, width, height, farther) {
  const away = item.radius + 5 + farther;
  const side = item.radius * 0.75 + 4 + farther;
  const at = (/** @type {number} */ x, /** @type {number} */ y) => ({ x, y, width, height });
  const [right, below, left, above] = [
    at(item.x + away, item.y - height / 2),
    at(item.x - width / 2, item.y + away),
    at(item.x - away - width, item.y - height / 2),
    at(item.x - width / 2, item.y - away - height),
  ];
  const corners = [
    at(item.x + side, item.y + side - height * 0.4),
    at(item.x - side - width, item.y + side - height * 0.4),
    at(item.x + side, item.y - side - height * 0.6),
    at(item.x - side - width, item.y - side - height * 0.6),
  ];
  return item.beside ? [right, below, ...corners, above, left] : [below, ...corners.slice(0, 2), above, right, ...corners.slice(2), left];
}

/**
 * Where what is written on an edge has room: clear of circles, labels, all that is written on others, and the others themselves.
 * @param {Point[]} middles where it could stand, the best first @param {number} width @param {number} edge @param {Grid} grid
 * @returns {Point | undefined}
 */
export function placeOnEdge(middles, width, edge, grid) {
  return middles.find(({ x, y }) => {
    const box = { x: x - width / 2, y: y - ON_EDGE_HEIGHT / 2, width, height: ON_EDGE_HEIGHT };
    if (!grid.isFree(box, -2) || grid.edgesIn(box, edge) > 0) return false;
    grid.add(box, -1);
    return true;
  });
}

/** @param {string} text @param {number} letters */
export function shorten(text, letters) {
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}

/** Rectangles by the cells of a grid that they touch, and points of edges by the cell that they lie in. */
export class Grid {
  /** @param {number} cell */
  constructor(cell) {
    this.cell = cell;
    /** @type {Map<number, { box: Rectangle, owner: number }[]>} */
    this.cells = new Map();
    /** @type {Map<number, { x: number, y: number, edge: number }[]>} */
    this.points = new Map();
  }

  /** @param {Point} point @param {number} edge */
  addPoint({ x, y }, edge) {
    const key = keyOf(Math.floor(x / this.cell), Math.floor(y / this.cell));
    const cell = this.points.get(key);
    if (cell) cell.push({ x, y, edge });
    else this.points.set(key, [{ x, y, edge }]);
  }

  /** How many edges have a point in a box, but for one. @param {Rectangle} box @param {number} [but] */
  edgesIn(box, but = -1) {
    if (this.points.size === 0) return 0;
    const edges = new Set();
    for (const key of this.#keys(box)) {
      for (const { x, y, edge } of this.points.get(key) ?? []) if (edge !== but && x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height) edges.add(edge);
    }
    return edges.size;
  }

  /** @param {Rectangle} box */
  #keys(box) {
    const keys = [];
    for (let x = Math.floor(box.x / this.cell); x <= Math.floor((box.x + box.width) / this.cell); x++) {
      for (let y = Math.floor(box.y / this.cell); y <= Math.floor((box.y + box.height) / this.cell); y++) keys.push(keyOf(x, y));
    }
    return keys;
  }

  /** @param {Rectangle} box @param {number} owner */
  add(box, owner) {
    for (const key of this.#keys(box)) {
      const cell = this.cells.get(key);
      if (cell) cell.push({ box, owner });
      else this.cells.set(key, [{ box, owner }]);
    }
  }

  /** Whether nothing of another owner overlaps. @param {Rectangle} box @param {number} owner */
  isFree(box, owner) {
    for (const key of this.#keys(box)) {
      for (const other of this.cells.get(key) ?? []) if (other.owner !== owner && overlap(box, other.box)) return false;
    }
    return true;
  }

  /** Whether another item's circle is so near that the box could be its label. @param {Rectangle} box @param {number} owner */
  isNearCircle({ x, y, width, height }, owner) {
    const around = { x: x - APART, y: y - APART, width: width + 2 * APART, height: height + 2 * APART };
    for (const key of this.#keys(around)) {
      for (const other of this.cells.get(key) ?? []) if (other.owner >= 0 && other.owner !== owner && overlap(around, other.box)) return true;
    }
    return false;
  }
}

/** @param {number} column @param {number} row */
const keyOf = (column, row) => (column + 4096) * 8192 + row + 4096;

/** @param {Rectangle} left @param {Rectangle} right */
export function overlap(left, right) {
  return left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;
}
