// Places for the items of a picture: the server's seeds, refined by d3-force; or, where items have places already, the new
// ones fitted in between. Pure but for d3: the same picture gives the same places.

import { forceLink, forceManyBody, forceSimulation, forceX, forceY } from "../vendor/d3-force.js";
import { forceApart } from "./forces.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Point} Point */
/**
 * Where everything lies: x and y of each item; of each bend, those of one edge after those of the edge before, with the end
 * of each edge's.
 * @typedef {{ items: Float32Array, bends: Float32Array, ends: Uint32Array }} Places
 */

/** Above so many items the seeds, made by forces themselves, are refined less, and shown on the way. */
export const MANY = 300;
/** How often the forces act: on a picture whose seeds are ranked, and on one seeded by forces at 1,000 items. */
const TICKS = 16;
const TICKS_OF_MANY = 12;

/** The bends of one edge. @param {Places} places @param {number} edge @returns {Point[]} */
export function bendsOf(places, edge) {
  const points = [];
  for (let at = edge === 0 ? 0 : places.ends[edge - 1]; at < places.ends[edge]; at++) points.push({ x: places.bends[2 * at], y: places.bends[2 * at + 1] });
  return points;
}

/** Where items and bent edges lie that were laid out before: by id, so that they keep their places whatever picture they come in. */
export class Known {
  constructor() {
    /** @type {Map<string, Point>} */
    this.items = new Map();
    /** @type {Map<string, Point[]>} */
    this.lanes = new Map();
  }

  /** @param {Picture} picture @param {Places} places */
  learn(picture, places) {
    picture.items.forEach((item, at) => this.items.set(item.id, { x: places.items[2 * at], y: places.items[2 * at + 1] }));
    if (places.bends.length > 0) picture.edges.forEach((edge, at) => isBent(edge) && this.lanes.set(laneOf(picture, edge), bendsOf(places, at)));
  }

  /** @param {import("./layouter.js").Kept} kept */
  recall({ ids, places, lanes }) {
    ids.forEach((id, at) => this.items.set(id, { x: places[2 * at], y: places[2 * at + 1] }));
    for (const [from, to, ...bends] of lanes) {
      this.lanes.set(`${ids[from]} ${ids[to]}`, Array.from({ length: bends.length / 2 }, (_, at) => ({ x: bends[2 * at], y: bends[2 * at + 1] })));
    }
  }

  /** An item that was dragged has left its edges' lanes. @param {string} id @param {Point} place */
  move(id, place) {
    this.items.set(id, place);
    for (const lane of this.lanes.keys()) if (lane.includes(id)) this.lanes.set(lane, []);
  }
}

/** Whether an edge can have bends; of a picture with thousands of edges, most can't. @param {import("../types.js").Edge} edge */
const isBent = ({ kind }) => kind === "line" || kind === "back";

/** @param {Picture} picture @param {import("../types.js").Edge} edge */
const laneOf = ({ items }, { from, to }) => `${items[from].id} ${items[to].id}`;

/** @param {Picture} picture @param {Known} known what has its place already and keeps it @returns {Places} */
export function layout(picture, known) {
  const steps = layingOut(picture, known);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

/**
 * The same in steps of some milliseconds, so that whoever lays out can listen in between.
 * @param {Picture} picture
 * @param {Known} known
 * @returns {Generator<void, Places>}
 */
export function* layingOut(picture, known) {
  const { items, edges, direction, total } = picture;
  const many = items.length > MANY;
  const places = items.map((item) => known.items.get(item.id));
  /** @type {any[]} */
  const nodes = items.map((item, at) => {
    const place = places[at];
    return place ? { x: place.x, y: place.y, fx: place.x, fy: place.y, seed: place, radius: item.radius } : { x: item.x, y: item.y, seed: { x: item.x, y: item.y }, radius: item.radius };
  });
  const news = places.filter((place) => !place).length;
  if (news < items.length) seedBesideCallers(picture, places, nodes);
  items.forEach((item, at) => {
    if (item.strip && !places[at]) [nodes[at].fx, nodes[at].fy] = [nodes[at].x, nodes[at].y];
  });
  // The seeds of bends belong to the seeds of items: among items that keep their places, edges keep theirs or run straight.
  const lane = (/** @type {import("../types.js").Edge} */ edge) => (news < items.length ? known.lanes.get(laneOf(picture, edge)) ?? [] : edge.bends.map(([x, y]) => ({ x, y })));
  /** @type {any[][]} */
  const bends = edges.map((edge) => many || !isBent(edge) ? [] : lane(edge).map(({ x, y }) => ({ x, y, fx: x, fy: y, seed: { x, y }, radius: 0, bend: true })));
  if (news === 0) return read(nodes, bends);
  const all = [...nodes, ...bends.flat()];
  const links = edges.filter((edge) => edge.kind === "line" && !items[edge.from].strip).map((edge) => ({ source: edge.from, target: edge.to, share: edge.weight / (total || 1) }));
  const heaviest = links.reduce((most, link) => Math.max(most, link.share), 1e-9);
  const boxes = items.map(({ radius, beside }) => (many ? { width: 2 * radius + 3, height: 2 * radius + 3 } : { width: 2 * radius + 26, height: beside ? Math.max(2 * radius + 8, 17) : 2 * radius + 22 }));
  const free = direction === "free";
  const [along, across] = direction === "down" ? [forceY, forceX] : [forceX, forceY];
  const seedAlong = (/** @type {any} */ node) => (direction === "down" ? node.seed.y : node.seed.x);
  const seedAcross = (/** @type {any} */ node) => (direction === "down" ? node.seed.x : node.seed.y);
  const ticks = many ? Math.max(2, Math.round((TICKS_OF_MANY * 1000) / items.length)) : TICKS;
  const simulation = forceSimulation(all)
    .stop()
    .alpha(many ? 0.15 : free ? 0.5 : 0.15)
    .alphaDecay(1 - Math.pow(0.004, 1 / ticks))
    .force("along", along(/** @type {any} */ (seedAlong)).strength(free ? 0.02 : 0.35))
    .force("across", across(/** @type {any} */ (seedAcross)).strength((node) => (free ? 0.03 : /** @type {any} */ (node).bend ? 0.12 : 0.15)))
    .force("charge", forceManyBody().strength((node) => (/** @type {any} */ (node).bend ? -8 : -(free ? 160 : 60) - 4 * /** @type {any} */ (node).radius)).distanceMax(free ? 420 : 220))
    .force("link", forceLink(links).distance(free ? 60 : 90).strength((link) => 0.02 + (free ? 0.3 : 0.18) * Math.sqrt(/** @type {any} */ (link).share / heaviest)))
    .force("apart", /** @type {any} */ (forceApart(boxes, 0.45)));
  for (let tick = 0; tick < ticks; tick++) {
    simulation.tick();
    if (many) yield;
  }
  const apart = forceApart(boxes, 0.6);
  apart.initialize(nodes);
  for (let pass = 0; pass < (many ? 6 : 40) && apart() > 0; pass++) if (many) yield;
  return read(nodes, bends);
}

/** @param {Point[]} nodes @param {Point[][]} bends @returns {Places} */
function read(nodes, bends) {
  const flat = (/** @type {Point[]} */ points) => {
    const values = new Float32Array(2 * points.length);
    points.forEach(({ x, y }, at) => ([values[2 * at], values[2 * at + 1]] = [x, y]));
    return values;
  };
  let end = 0;
  return { items: flat(nodes), bends: flat(bends.flat()), ends: Uint32Array.from(bends, (list) => (end += list.length)) };
}

/** New items start where their callers or callees are, weighted by their calls. @param {Picture} picture @param {(Point | undefined)[]} places @param {any[]} nodes */
function seedBesideCallers(picture, places, nodes) {
  const sums = nodes.map(() => ({ x: 0, y: 0, weight: 0 }));
  const step = picture.direction === "down" ? { x: 0, y: 70 } : { x: 70, y: 0 };
  for (const edge of picture.edges) {
    for (const [one, other, side] of [[edge.to, edge.from, 1], [edge.from, edge.to, -1]]) {
      const place = places[other];
      if (places[one] || !place || picture.items[one].strip) continue;
      sums[one].x += edge.weight * (place.x + side * step.x);
      sums[one].y += edge.weight * (place.y + side * step.y);
      sums[one].weight += edge.weight;
    }
  }
  nodes.forEach((node, at) => {
    const { x, y, weight } = sums[at];
    if (weight > 0) {
      // A little to one side by its place in the list, so that two with the same callers do not start as one.
      [node.x, node.y] = [x / weight + (at % 5), y / weight + ((at * 7) % 23) - 11];
      node.seed = { x: node.x, y: node.y };
    }
  });
}
