// Places for the items of a picture: the server's seeds, refined by d3-force; or, where items have places already, the new
// ones fitted in between. Pure but for d3: the same picture gives the same places.

import { forceLink, forceManyBody, forceSimulation, forceX, forceY } from "../vendor/d3-force.js";
import { forceApart } from "./forces.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {{ items: Point[], bends: Point[][] }} Places for each item, for each edge's bends */

const TICKS = 160;
/** Above so many items the seeds are refined less, and shown on the way. */
export const MANY = 300;

/**
 * @param {Picture} picture
 * @param {Map<string, Point>} known the places that items have already; those keep them
 * @param {(places: Places) => void} [progress] called on the way for large pictures
 * @returns {Places}
 */
export function layout(picture, known, progress) {
  const { items, edges, direction, total } = picture;
  const many = items.length > MANY;
  const places = items.map((item) => known.get(item.id));
  /** @type {any[]} */
  const nodes = items.map((item, at) => {
    const place = places[at];
    return place ? { x: place.x, y: place.y, fx: place.x, fy: place.y, seed: place, radius: item.radius } : { x: item.x, y: item.y, seed: { x: item.x, y: item.y }, radius: item.radius };
  });
  if (known.size > 0) seedBesideCallers(picture, places, nodes);
  items.forEach((item, at) => {
    if (item.strip && !places[at]) [nodes[at].fx, nodes[at].fy] = [nodes[at].x, nodes[at].y];
  });
  /** @type {any[][]} */
  const bends = edges.map((edge) => edge.bends.map(([x, y]) => ({ x, y, seed: { x, y }, radius: 0, bend: true })));
  const all = [...nodes, ...bends.flat()];
  const links = edges.filter((edge) => edge.kind === "line" && !items[edge.from].strip).map((edge) => ({ source: edge.from, target: edge.to, share: edge.weight / (total || 1) }));
  const heaviest = Math.max(1e-9, ...links.map((link) => link.share));
  const boxes = items.map((item) => ({ width: 2 * item.radius + 26, height: 2 * item.radius + 22 }));
  const free = direction === "free";
  const [along, across] = direction === "down" ? [forceY, forceX] : [forceX, forceY];
  const seedAlong = (/** @type {any} */ node) => (direction === "down" ? node.seed.y : node.seed.x);
  const seedAcross = (/** @type {any} */ node) => (direction === "down" ? node.seed.x : node.seed.y);
  const simulation = forceSimulation(all)
    .stop()
    .alpha(0.5)
    .alphaDecay(1 - Math.pow(0.002 / 0.5, 1 / TICKS))
    .force("along", along(/** @type {any} */ (seedAlong)).strength(free ? 0.02 : 0.35))
    .force("across", across(/** @type {any} */ (seedAcross)).strength((node) => (free ? 0.03 : /** @type {any} */ (node).bend ? 0.12 : 0.15)))
    .force("charge", forceManyBody().strength((node) => (/** @type {any} */ (node).bend ? -8 : -(free ? 160 : 60) - 4 * /** @type {any} */ (node).radius)).distanceMax(free ? 420 : 220))
    .force("link", forceLink(links).distance(free ? 60 : 90).strength((link) => 0.02 + (free ? 0.3 : 0.18) * Math.sqrt(/** @type {any} */ (link).share / heaviest)))
    .force("apart", /** @type {any} */ (forceApart(boxes, 0.45)));
  const ticks = many ? (free ? 90 : 40) : TICKS;
  for (let tick = 0; tick < ticks; tick++) {
    simulation.tick();
    if (many && progress && tick % 10 === 9) progress(read(nodes, bends));
  }
  const apart = forceApart(boxes, 0.6);
  apart.initialize(nodes);
  for (let pass = 0; pass < (many ? 12 : 40); pass++) apart();
  return read(nodes, bends);
}

/** @param {Point[]} nodes @param {Point[][]} bends @returns {Places} */
function read(nodes, bends) {
  const point = (/** @type {Point} */ { x, y }) => ({ x, y });
  return { items: nodes.map(point), bends: bends.map((list) => list.map(point)) };
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
