// How edges are drawn: their width, colour and arrowheads, and what is written on them; marks for those that are not drawn as
// lines.

import { curve, edgeWidth, walk } from "./curves.js";
import { ON_EDGE_HEIGHT, placeOnEdge } from "./labels.js";
import { color, tint } from "./palette.js";

/** @typedef {import("./scene.js").View} View */
/** @typedef {import("./scene.js").Context} Context */
/** How wide an edge and how long its head is, and the way it takes. @typedef {{ width: number, head: number, course: import("./curves.js").Curve }} Shape */

/** Thinner edges of a large graph are plain lines, many in one stroke. */
const PLAIN = 1.3;
const BATCH = 64;
/** From what part of a change on an edge wears its sign. */
const SIGNED = 0.05;
/** On an edge shorter than this nothing is written. */
const SHORT = 70;
/** How far the points are apart by which an edge is told to lie under a label: less than a label is high. */
const TRACE = 8;

/** The colour of an edge: what it stands for, or how it changed. @param {View} view @param {number} number */
function stroke({ scene, theme }, number) {
  const edge = scene.picture.edges[number];
  if (edge.delta !== undefined) return tint(theme, edge.delta, theme.edge);
  return edge.kind === "back" ? theme.back : theme.edge;
}

/** The colour of an item's group. @param {View} view @param {number} item */
export const groupColor = ({ scene, theme }, item) => color(theme, scene.picture.groups[scene.picture.items[item].group]?.color ?? 255);

/** Whether a circle with its marks can't be seen in the window. @param {import("./scene.js").Circle} circle @param {{ width: number, height: number }} size */
export const isOff = ({ x, y, radius }, size) => x + radius < -20 || y + radius < -20 || x - radius > size.width + 20 || y - radius > size.height + 20;

/** Whether an edge can't be seen in the window. @param {View} view @param {number} number */
function isOutside({ scene, circles, size }, number) {
  const { from, to } = scene.picture.edges[number];
  const [a, b] = [circles[from], circles[to]];
  return Math.max(a.x, b.x) < -60 || Math.max(a.y, b.y) < -60 || Math.min(a.x, b.x) > size.width + 60 || Math.min(a.y, b.y) > size.height + 60;
}

/** All edges, lightest last, in steps. @param {Context} context @param {View} view @param {Uint32Array} order @returns {Generator<void, void>} */
export function* drawEdges(context, view, order) {
  const { scene, focus, near, circles, camera, theme } = view;
  const { items, edges, total } = scene.picture;
  const isPlain = (/** @type {number} */ number) => scene.many && edges[number].delta === undefined && edgeWidth(edges[number].weight / (total || 1)) < PLAIN;
  /** Lines that wait to be drawn together, by their opacity. @type {Map<number, number[]>} */
  const waiting = new Map();
  const flush = (/** @type {number} */ alpha, /** @type {number[]} */ batch) => {
    context.globalAlpha = alpha;
    context.strokeStyle = theme.edge;
    context.lineWidth = Math.max(0.5, 0.8 * Math.min(1, camera.k));
    context.beginPath();
    for (const number of batch) {
      const [from, to] = [circles[edges[number].from], circles[edges[number].to]];
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
    }
    context.stroke();
    batch.length = 0;
  };
  let count = 0;
  for (const number of order) {
    const edge = edges[number];
    const touched = focus.hover === edge.from || focus.hover === edge.to || focus.selected === edge.from || focus.selected === edge.to;
    if ((edge.kind === "faint" && !touched) || isOutside(view, number)) continue;
    const lit = !near || near.edges.has(number);
    const inGroup = focus.group < 0 || items[edge.from].group === focus.group || items[edge.to].group === focus.group;
    const matched = !focus.matches || focus.matches.has(edge.from) || focus.matches.has(edge.to);
    const alpha = lit && inGroup && matched ? (edge.kind === "line" ? 0.8 : 0.65) : 0.1;
    if (isPlain(number) && !touched) {
      const batch = waiting.get(alpha) ?? [];
      waiting.set(alpha, batch);
      batch.push(number);
      if (batch.length === BATCH) flush(alpha, batch);
    } else {
      context.globalAlpha = alpha;
      drawEdge(context, view, number, stroke(view, number));
      drawPart(context, view, number, lit);
    }
    if (++count % BATCH === 0) yield;
  }
  for (const [alpha, batch] of waiting) flush(alpha, batch);
  context.globalAlpha = 1;
}

/** What of an edge belongs to the item under the pointer. @param {Context} context @param {View} view @param {number} number @param {boolean} lit */
export function drawPart(context, view, number, lit) {
  const { focus, scene } = view;
  const part = focus.split?.get(number);
  if (!part || !lit || focus.hover < 0) return;
  context.globalAlpha = 0.95;
  drawEdge(context, view, number, groupColor(view, focus.hover), part / (scene.picture.total || 1));
}

/** A dot at the caller for each edge that is drawn as a mark. @param {Context} context @param {View} view @returns {Generator<void, void>} */
export function* drawMarks(context, view) {
  const { scene, circles, focus, near, theme, camera, size } = view;
  const { edges, total } = scene.picture;
  // From afar the marks of many items are but noise.
  if (scene.many && camera.k < 0.8) return;
  for (const item of new Set([focus.hover, focus.selected])) {
    for (const number of item < 0 ? [] : scene.edgesOf(item)) {
      const { kind, from, to } = edges[number];
      if (kind !== "pip" || from === to) continue;
      context.globalAlpha = 0.7;
      drawEdge(context, view, number, groupColor(view, to));
    }
  }
  let count = 0;
  for (const { number, turn } of scene.marks) {
    const edge = edges[number];
    const from = circles[edge.from];
    if (isOff(from, size)) continue;
    // Marks stand to the upper right, one behind the other along the circle.
    const angle = -0.35 - turn * Math.min(0.5, 9 / (from.radius + 8));
    const at = from.radius + 6.5;
    const dim = (near && !near.items.has(edge.from)) || (focus.matches && !focus.matches.has(edge.from));
    context.globalAlpha = dim ? 0.15 : 1;
    context.beginPath();
    context.arc(from.x + at * Math.cos(angle), from.y + at * Math.sin(angle), Math.min(3.4, 1.8 + 8 * Math.sqrt(edge.weight / (total || 1))), 0, 2 * Math.PI);
    if (edge.from === edge.to) {
      context.lineWidth = 1.4;
      context.strokeStyle = theme.soft;
      context.stroke();
    } else {
      context.fillStyle = groupColor(view, edge.to);
      context.fill();
    }
    if (++count % BATCH === 0) yield;
  }
  context.globalAlpha = 1;
}

/** What an edge looks like; reckoned once in a view. @param {View} view @param {number} number */
function wholeShape(view, number) {
  let shape = view.shapes.get(number);
  const { edges, total } = view.scene.picture;
  if (!shape) view.shapes.set(number, (shape = shapeOf(view, number, edges[number].weight / (total || 1))));
  return shape;
}

/** What an edge with that part of all looks like. @param {View} view @param {number} number @param {number} part */
function shapeOf({ scene, circles, camera }, number, part) {
  const edge = scene.picture.edges[number];
  const width = Math.max(0.6, edgeWidth(part) * Math.min(1, camera.k));
  const head = Math.min(16, 5 + 1.5 * width);
  const bends = scene.bends[number]?.map(({ x, y }) => ({ x: x * camera.k + camera.x, y: y * camera.k + camera.y })) ?? [];
  return { width, head, course: curve(circles[edge.from], circles[edge.to], bends, scene.picture.direction, head) };
}

/** @param {Context} context @param {View} view @param {number} number @param {string} stroke @param {number} [part] of all, if it is not the edge's own */
export function drawEdge(context, view, number, stroke, part) {
  const { width, head, course } = part === undefined ? wholeShape(view, number) : shapeOf(view, number, part);
  const { start, parts, tip, angle } = course;
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineCap = "butt";
  context.setLineDash(view.scene.picture.edges[number].elided > 0 ? [4 + 1.5 * width, 3 + width] : []);
  context.beginPath();
  context.moveTo(start.x, start.y);
  for (const [first, second, end] of parts) context.bezierCurveTo(first.x, first.y, second.x, second.y, end.x, end.y);
  context.stroke();
  context.setLineDash([]);
  const half = 2.2 + width * 0.85;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  context.beginPath();
  context.moveTo(tip.x, tip.y);
  context.lineTo(tip.x - head * cos + half * sin, tip.y - head * sin - half * cos);
  context.lineTo(tip.x - head * cos - half * sin, tip.y - head * sin + half * cos);
  context.closePath();
  context.fillStyle = stroke;
  context.fill();
}

/** The points of all lines, for what is written to keep off them. @param {View} view @param {import("./obstacles.js").Obstacles} obstacles */
export function traceEdges(view, obstacles) {
  const { edges } = view.scene.picture;
  for (const number of view.scene.order) {
    if (edges[number].kind === "faint" || isOutside(view, number)) continue;
    walk(wholeShape(view, number).course, TRACE, (x, y) => obstacles.addPoint(x, y, number));
  }
}

/**
 * What is written on edges: how many functions are left out, if there is room, which is on the card of the edge's items too; and
 * the sign of a change, in any case, since colour alone must not say it.
 * @param {Context} context @param {View} view @param {import("./obstacles.js").Obstacles} obstacles with all that is drawn
 */
export function drawTexts(context, view, obstacles) {
  const { scene, focus, near } = view;
  const { edges } = scene.picture;
  context.font = view.fontOf(10, false);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const number of scene.order) {
    const edge = edges[number];
    const text = textOf(edge);
    const touched = focus.hover === edge.from || focus.hover === edge.to;
    if (!text || (edge.kind === "faint" && !touched) || (near && !near.edges.has(number)) || isOutside(view, number)) continue;
    const { start, tip, middles } = wholeShape(view, number).course;
    if (Math.hypot(tip.x - start.x, tip.y - start.y) <= SHORT) continue;
    const width = context.measureText(text).width + 4;
    const place = placeOnEdge(middles, width, number, obstacles) ?? (touched || signOf(edge) ? middles[0] : undefined);
    if (place) drawText(context, view, number, text, place, width);
  }
}

/** What is written on one edge, whatever it lies on. @param {Context} context @param {View} view @param {number} number */
export function drawTextAnyhow(context, view, number) {
  const edge = view.scene.picture.edges[number];
  const text = textOf(edge);
  const { start, tip, middles } = wholeShape(view, number).course;
  if (!text || Math.hypot(tip.x - start.x, tip.y - start.y) <= SHORT) return;
  context.font = view.fontOf(10, false);
  context.textAlign = "center";
  context.textBaseline = "middle";
  drawText(context, view, number, text, middles[0], context.measureText(text).width + 4);
}

/** @param {Context} context @param {View} view @param {number} number @param {string} text @param {import("../types.js").Point} at @param {number} width */
function drawText(context, view, number, text, { x, y }, width) {
  context.fillStyle = view.theme.halo;
  context.fillRect(x - width / 2, y - ON_EDGE_HEIGHT / 2, width, ON_EDGE_HEIGHT);
  context.fillStyle = signOf(view.scene.picture.edges[number]) ? stroke(view, number) : view.theme.soft;
  context.fillText(text, x, y);
}

/** @param {import("../types.js").Edge} edge */
const signOf = ({ delta }) => (delta === undefined || Math.abs(delta) < SIGNED ? "" : delta > 0 ? "+" : "−");

/** @param {import("../types.js").Edge} edge */
const textOf = (edge) => [edge.elided > 0 ? `⋯${edge.elided}` : "", signOf(edge)].filter(Boolean).join(" ");
