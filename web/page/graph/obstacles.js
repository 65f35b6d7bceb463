// What is in the way of what is written in a picture: circles, labels and other boxes, which it may not overlap, and edges,
// which it had better not. Found by the cells of a grid. Pure.

/** @typedef {import("../types.js").Rectangle} Rectangle */
/** A box: an item's circle, or its label, or neither. @typedef {{ box: Rectangle, circle?: number, label?: number }} Obstacle */

const CELL = 64;

export class Obstacles {
  /** @param {Rectangle} window what lies outside of it is in nobody's way */
  constructor({ x, y, width, height }) {
    this.left = x;
    this.top = y;
    this.columns = Math.ceil(width / CELL);
    this.rows = Math.ceil(height / CELL);
    const cells = this.columns * this.rows;
    /** By cell, the boxes that touch it. @type {Obstacle[][]} */
    this.boxes = Array.from({ length: cells }, () => []);
    /** By cell, the points of edges in it: x, y and the edge of one after the other. @type {number[][]} */
    this.points = Array.from({ length: cells }, () => []);
  }

  /** @param {Obstacle} obstacle */
  add(obstacle) {
    for (const cell of this.#cells(obstacle.box)) this.boxes[cell].push(obstacle);
  }

  /** Takes an item's label away. @param {Rectangle} box where it stands @param {number} item */
  removeLabel(box, item) {
    for (const cell of this.#cells(box)) this.boxes[cell] = this.boxes[cell].filter(({ label }) => label !== item);
  }

  /** @param {number} x @param {number} y @param {number} edge */
  addPoint(x, y, edge) {
    const [column, row] = [Math.floor((x - this.left) / CELL), Math.floor((y - this.top) / CELL)];
    if (column >= 0 && row >= 0 && column < this.columns && row < this.rows) this.points[row * this.columns + column].push(x, y, edge);
  }

  /** Whether no box overlaps. @param {Rectangle} box */
  isFree(box) {
    return this.#cells(box).every((cell) => !this.boxes[cell].some((other) => overlap(box, other.box)));
  }

  /** The boxes that overlap. @param {Rectangle} box */
  inTheWay(box) {
    return new Set(this.#cells(box).flatMap((cell) => this.boxes[cell].filter((other) => overlap(box, other.box))));
  }

  /** Whether the circle of another item than this one comes nearer to a box than so many pixels. @param {Rectangle} box @param {number} item @param {number} apart */
  isNearCircle({ x, y, width, height }, item, apart) {
    const around = { x: x - apart, y: y - apart, width: width + 2 * apart, height: height + 2 * apart };
    const isOther = (/** @type {Obstacle} */ { box, circle }) => circle !== undefined && circle !== item && overlap(around, box);
    return this.#cells(around).some((cell) => this.boxes[cell].some(isOther));
  }

  /** How many edges have a point in a box, but for one. @param {Rectangle} box @param {number} [but] */
  edgesIn(box, but = -1) {
    /** @type {number[]} */
    const edges = [];
    const [right, bottom] = [box.x + box.width, box.y + box.height];
    for (const cell of this.#cells(box)) {
      const points = this.points[cell];
      for (let at = 0; at < points.length; at += 3) {
        const [x, y, edge] = [points[at], points[at + 1], points[at + 2]];
        if (x >= box.x && x <= right && y >= box.y && y <= bottom && edge !== but && !edges.includes(edge)) edges.push(edge);
      }
    }
    return edges.length;
  }

  /** The cells that a box touches. @param {Rectangle} box */
  #cells({ x, y, width, height }) {
    const cells = [];
    const [first, last] = [Math.max(0, Math.floor((x - this.left) / CELL)), Math.min(this.columns - 1, Math.floor((x + width - this.left) / CELL))];
    const [top, bottom] = [Math.max(0, Math.floor((y - this.top) / CELL)), Math.min(this.rows - 1, Math.floor((y + height - this.top) / CELL))];
    for (let row = top; row <= bottom; row++) for (let column = first; column <= last; column++) cells.push(row * this.columns + column);
    return cells;
  }
}

/** @param {Rectangle} left @param {Rectangle} right */
export function overlap(left, right) {
  return left.x < right.x + right.width && right.x < left.x + left.width && left.y < right.y + right.height && right.y < left.y + left.height;
}
