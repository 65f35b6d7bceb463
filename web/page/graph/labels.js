// Labels: which items get one, where it stands, how far it is shortened. None overlaps another or a circle, and few lie on edges;
// the items that have most choose first. Then what is written on edges, where that has room. Pure: knows widths by the function
// that it is given.

import { Obstacles } from "./obstacles.js";

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
/** How a label is tried, the best first: with how many letters, how far from its circle, in what part of its size, and
 * whether it may come near another's circle. */
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
];
/** So many of them read well enough to be preferred to lying on an edge. */
const GOOD_TRIES = 4;
/** For so many items without a label room is made at the most: among thousands nobody misses them. */
const MOST_HELPED = 40;

/**
 * @param {Wanted[]} wanted in screen pixels
 * @param {(text: string, size: number) => number} measure
 * @param {Rectangle} window where labels may stand
 * @param {Rectangle[]} taken what else is in the way
 * @param {Obstacles} [obstacles] edges that labels keep off, if they can; holds all circles and labels afterwards
 * @returns {Placed[]}
 */
export function placeLabels(wanted, measure, window, taken, obstacles = new Obstacles(window)) {
  for (const { x, y, radius, index } of wanted) obstacles.add({ box: { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius }, circle: index });
  for (const box of taken) obstacles.add({ box });
  const labeller = new Labeller(wanted, measure, window, obstacles);
  const byPriority = [...wanted].sort((left, right) => right.priority - left.priority);
  const without = byPriority.filter((item) => !labeller.place(item));
  for (const item of without.slice(0, MOST_HELPED)) labeller.makeRoom(item);
  return byPriority.flatMap(({ index }) => labeller.placed.get(index) ?? []);
}

class Labeller {
  /** @param {Wanted[]} wanted @param {(text: string, size: number) => number} measure @param {Rectangle} window @param {Obstacles} obstacles */
  constructor(wanted, measure, window, obstacles) {
    this.items = new Map(wanted.map((item) => [item.index, item]));
    this.measure = measure;
    this.window = window;
    this.obstacles = obstacles;
    /** By index of its item. @type {Map<number, Placed>} */
    this.placed = new Map();
  }

  /** Puts an item's label where it stands best, if there is room for it. @param {Wanted} item */
  place(item) {
    const { obstacles } = this;
    const { index } = item;
    const onEdge = item.beside ? ON_EDGE_BESIDE : ON_EDGE;
    /** On an edge: taken if it comes to nothing better. @type {Placed | undefined} */
    let fallback;
    for (const { number, apart, text, inside, boxes } of this.#tries(item)) {
      if (fallback && number >= GOOD_TRIES) break;
      if (inside) return this.#put({ index, text, inside, box: boxes[0] });
      let [best, least] = [-1, Infinity];
      for (let at = 0; at < boxes.length && at < least; at++) {
        const box = boxes[at];
        if (!obstacles.isFree(box) || (apart && obstacles.isNearCircle(box, index, APART))) continue;
        const letters = { x: box.x, y: box.y + LEADING, width: box.width, height: box.height - 2 * LEADING };
        const cost = at + onEdge * obstacles.edgesIn(letters);
        if (cost < least) [best, least] = [at, cost];
      }
      if (best < 0) continue;
      const label = { index, text, inside, box: boxes[best] };
      if (least < ON_EDGE) return this.#put(label);
      fallback ??= label;
    }
    return fallback !== undefined && this.#put(fallback);
  }

  /** Puts an item's label where one other stands, if that one finds room elsewhere. @param {Wanted} item */
  makeRoom(item) {
    for (const { text, inside, boxes } of this.#tries(item)) {
      for (const box of boxes) {
        const [found, ...more] = this.obstacles.inTheWay(box);
        const other = this.placed.get(found?.label ?? -1);
        if (!other || more.length > 0) continue;
        const label = { index: item.index, text, inside, box };
        this.#take(other);
        this.#put(label);
        if (this.place(/** @type {Wanted} */ (this.items.get(other.index)))) return;
        this.#take(label);
        this.#put(other);
      }
    }
  }

  /** @param {Placed} label */
  #put(label) {
    this.placed.set(label.index, label);
    this.obstacles.add({ box: label.box, label: label.index });
    return true;
  }

  /** @param {Placed} label */
  #take(label) {
    this.placed.delete(label.index);
    this.obstacles.removeLabel(label.box, label.index);
  }

  /** The ways to write an item's label, the best first, each with where it could stand in the window. @param {Wanted} item */
  *#tries(item) {
    for (const [number, { letters, away, part, apart }] of TRIES.entries()) {
      if (letters !== Infinity && item.text.length <= letters && apart && away === 0) continue;
      // The name is cut; the number behind it stays whole.
      const text = shorten(item.text, letters) + (item.suffix ?? "");
      const size = item.size * part;
      const height = size * 1.25;
      const width = this.measure(text, size);
      const inside = width < 1.8 * item.radius - 8 && height < item.radius;
      if (!inside && letters === Infinity && width > 190) continue;
      const boxes = inside ? [{ x: item.x - width / 2, y: item.y - height / 2, width, height }] : spots(item, width, height, away).filter((box) => isIn(box, this.window));
      yield { number, apart, text, inside, boxes };
    }
  }
}

/** @param {Rectangle} box @param {Rectangle} window */
const isIn = (box, window) => box.x >= window.x && box.y >= window.y && box.x + box.width <= window.x + window.width && box.y + box.height <= window.y + window.height;

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
 * @param {Point[]} middles where it could stand, the best first @param {number} width @param {number} edge @param {Obstacles} obstacles
 * @returns {Point | undefined}
 */
export function placeOnEdge(middles, width, edge, obstacles) {
  return middles.find(({ x, y }) => {
    const box = { x: x - width / 2, y: y - ON_EDGE_HEIGHT / 2, width, height: ON_EDGE_HEIGHT };
    if (!obstacles.isFree(box) || obstacles.edgesIn(box, edge) > 0) return false;
    obstacles.add({ box });
    return true;
  });
}

/** @param {string} text @param {number} letters */
export function shorten(text, letters) {
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}
