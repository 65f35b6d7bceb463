// What is in the way of what is written in a picture: circles, labels and other boxes, which it may not overlap, and edges,
// which it had better not. Found by the cells of a grid. Pure.

/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {import("../types.js").Point} Point */
/** A box: an item's circle, or its label, or neither. @typedef {{ box: Rectangle, circle?: number, label?: number }} Obstacle */

const CELL = 64;

export class Obstacles {
  /** By cell, the boxes that touch it. @type {Map<number, Obstacle[]>} */
  boxes = new Map();
  /** By cell, the points of edges in it. @type {Map<number, { x: number, y: number, edge: number }[]>} */
  points = new Map();

  /** @param {Obstacle} obstacle */
  add(obstacle) {
    for (const key of cells(obstacle.box)) put(this.boxes, key, obstacle);
  }

  /** Takes an item's label away. @param {Rectangle} box where it stands @param {number} item */
  removeLabel(box, item) {
    for (const key of cells(box)) this.boxes.set(key, (this.boxes.get(key) ?? []).filter(({ label }) => label !== item));
  }

  /** @param {Point} point @param {number} edge */
  addPoint({ x, y }, edge) {
    put(this.points, keyOf(Math.floor(x / CELL), Math.floor(y / CELL)), { x, y, edge });
  }

  /** Whether no box overlaps. @param {Rectangle} box */
  isFree(box) {
    return this.inTheWay(box).next().done === true;
  }

  /** The boxes that overlap; one may come several times. @param {Rectangle} box @returns {Generator<Obstacle, void>} */
  *inTheWay(box) {
    for (const key of cells(box)) for (const other of this.boxes.get(key) ?? []) if (overlap(box, other.box)) yield other;
  }

  /** Whether the circle of another item than this one comes nearer to a box than so many pixels. @param {Rectangle} box @param {number} item @param {number} apart */
  isNearCircle({ x, y, width, height }, item, apart) {
    const around = { x: x - apart, y: y - apart, width: width + 2 * apart, height: height + 2 * apart };
    for (const { circle } of this.inTheWay(around)) if (circle !== undefined && circle !== item) return true;
    return false;
  }

  /** How many edges have a point in a box, but for one. @param {Rectangle} box @param {number} [but] */
  edgesIn(box, but = -1) {
    if (this.points.size === 0) return 0;
    const edges = new Set();
    for (const key of cells(box)) {
      for (const { x, y, edge } of this.points.get(key) ?? []) if (edge !== but && x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height) edges.add(edge);
    }
    return edges.size;
  }
}

/** The cells that a box touches. @param {Rectangle} box */
function cells(box) {
  const keys = [];
  for (let x = Math.floor(box.x / CELL); x <= Math.floor((box.x + box.width) / CELL); x++) {
    for (let y = Math.floor(box.y / CELL); y <= Math.floor((box.y + box.height) / CELL); y++) keys.push(keyOf(x, y));
  }
  return keys;
}

/** @param {number} column @param {number} row */
const keyOf = (column, row) => (column + 4096) * 8192 + row + 4096;

/** @template T @param {Map<number, T[]>} lists @param {number} key @param {T} what */
function put(lists, key, what) {
  const list = lists.get(key);
  if (list) list.push(what);
  else lists.set(key, [what]);
}

/** @param {Rectangle} left @param {Rectangle} right */
export function overlap(left, right) {
  return left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;
}
