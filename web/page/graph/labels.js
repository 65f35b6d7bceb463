// Labels: which items get one, where it stands, how far it is shortened. None overlaps another or a circle; the items that
// have most choose first. Pure: knows widths by the function that it is given.

/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {{ index: number, x: number, y: number, radius: number, text: string, priority: number, beside: boolean, size: number }} Wanted */
/** @typedef {{ index: number, text: string, box: Rectangle, inside: boolean }} Placed */

/** What an item without a label is not cut down to. */
const LEAST_LETTERS = 8;

/**
 * @param {Wanted[]} wanted in screen pixels
 * @param {(text: string, size: number) => number} measure
 * @param {Rectangle} window where labels may stand
 * @param {Rectangle[]} taken what else is in the way
 * @returns {Placed[]}
 */
export function placeLabels(wanted, measure, window, taken) {
  const grid = new Grid(64);
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
  const height = item.size * 1.25;
  for (const letters of [Infinity, 24, 18, 13, LEAST_LETTERS]) {
    if (letters !== Infinity && item.text.length <= letters) continue;
    const text = shorten(item.text, letters);
    const width = measure(text, item.size);
    if (width < 1.8 * item.radius - 8 && height < item.radius) {
      return { index: item.index, text, inside: true, box: { x: item.x - width / 2, y: item.y - height / 2, width, height } };
    }
    if (letters === Infinity && width > 190) continue;
    for (const box of spots(item, width, height)) {
      if (box.x < window.x || box.y < window.y || box.x + width > window.x + window.width || box.y + height > window.y + window.height) continue;
      if (grid.isFree(box, -2)) return { index: item.index, text, inside: false, box };
    }
  }
  return undefined;
}

/** The eight places around a circle, the best first. @param {Wanted} item @param {number} width @param {number} height @returns {Rectangle[]} */
function spots(item, width, height) {
  const away = item.radius + 5;
  const side = item.radius * 0.75 + 4;
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

/** @param {string} text @param {number} letters */
export function shorten(text, letters) {
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}

/** Rectangles by the cells of a grid that they touch. */
class Grid {
  /** @param {number} cell */
  constructor(cell) {
    this.cell = cell;
    /** @type {Map<string, { box: Rectangle, owner: number }[]>} */
    this.cells = new Map();
  }

  /** @param {Rectangle} box */
  *#keys(box) {
    for (let x = Math.floor(box.x / this.cell); x <= Math.floor((box.x + box.width) / this.cell); x++) {
      for (let y = Math.floor(box.y / this.cell); y <= Math.floor((box.y + box.height) / this.cell); y++) yield `${x},${y}`;
    }
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
}

/** @param {Rectangle} left @param {Rectangle} right */
export function overlap(left, right) {
  return left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;
}
