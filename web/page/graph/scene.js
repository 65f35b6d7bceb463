// Draws a scene on a canvas's context: edges, circles, rings, labels. Knows nothing of workers or pointers.

import { drawEdge, drawEdges, drawMarks, drawPart, drawTextAnyhow, drawTexts, groupColor, isOff, traceEdges } from "./edges.js";
import { placeLabels } from "./labels.js";
import { Obstacles } from "./obstacles.js";
import { tint } from "./palette.js";
import { edgesOf, related } from "./reach.js";
import { share } from "../quantity.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Camera} Camera */
/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {import("./palette.js").Theme} Theme */
/** @typedef {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} Context scaled to CSS pixels */
/** @typedef {{ x: number, y: number, radius: number }} Circle */
/** @typedef {{ hover: number, selected: number, matches: Set<number> | null, group: number, split: Map<number, number> | null }} Focus
 *   numbers of items, -1 for none; `split` the weights of edges for the item under the pointer */
/** What is drawn, with what is known of it once and for all: whether it is large, or at least too much to be drawn at each
 * frame of a movement; its edges but the marks, heaviest first; the
 * marks that have room at their callers, with the place of each; by item its edges.
 * @typedef {{ picture: Picture, circles: Circle[], bends: import("../types.js").Point[][], many: boolean, isHeavy: boolean, order: Uint32Array, marks: { number: number, turn: number }[], edgesOf: (item: number) => number[] }} Scene */
/** How it is looked at; `circles` in pixels; `shapes` those of edges that were asked for.
 * @typedef {{ scene: Scene, size: { width: number, height: number }, camera: Camera, theme: Theme, focus: Focus, circles: Circle[],
 *   near: { items: Set<number>, edges: Set<number> } | null, shapes: Map<number, import("./edges.js").Shape>, fontOf: (size: number, bold: boolean) => string }} View */

/** Larger pictures are drawn in steps, and moved as a bitmap. */
const MANY_ITEMS = 300;
const MANY_LINES = 1500;
/** With so many lines and marks a picture takes longer than a frame to draw. */
const HEAVY = 400;
/** So many marks have room at one circle. */
const MOST_MARKS = 6;
/** Of a large picture so many edges are drawn while it moves. */
const MOVING_EDGES = 600;
/** Above so many items, the small ones get no label before one zooms in. */
const LABELLED = 400;
const STEP = 64;
/** From what part of a change on an item wears its sign. */
const SIGNED = 0.02;

/** What is known of a picture before its items and the bends of its edges have places. @param {Picture} picture @returns {Scene} */
export function makeScene(picture) {
  const { items, edges } = picture;
  const weights = Float64Array.from(edges, (edge) => edge.weight);
  const order = [];
  const marks = [];
  const turns = new Uint32Array(items.length);
  let lines = 0;
  for (const [number, { kind, from }] of edges.entries()) {
    if (kind !== "pip") order.push(number);
    else if (turns[from] < MOST_MARKS) marks.push({ number, turn: turns[from]++ });
    if (kind === "line" || kind === "back") lines += 1;
  }
  order.sort((left, right) => weights[right] - weights[left]);
  const many = items.length > MANY_ITEMS || lines > MANY_LINES;
  return { picture, circles: [], bends: [], many, isHeavy: many || lines + marks.length > HEAVY, order: Uint32Array.from(order), marks, edgesOf: (item) => edgesOf(picture, item) };
}

/** @param {Scene} scene @param {{ width: number, height: number }} size @param {Camera} camera @param {Theme} theme @param {Focus} focus @returns {View} */
export function viewOf(scene, size, camera, theme, focus) {
  const circles = scene.circles.map(({ x, y, radius }) => ({ x: x * camera.k + camera.x, y: y * camera.k + camera.y, radius: Math.max(scene.many ? 1.2 : 2.5, radius * camera.k) }));
  // In a large picture what hangs together with the item under the pointer is not made out anew at every move.
  const centre = focus.selected >= 0 ? focus.selected : scene.many ? -1 : focus.hover;
  const near = centre >= 0 ? related(centre, scene.picture.edges, scene.picture.items.length) : null;
  return { scene, size, camera, theme, focus, circles, near, shapes: new Map(), fontOf };
}

/**
 * Draws it all, in steps. `moving`: only the heaviest edges of a large picture, and no labels.
 * @param {Context} context
 * @param {View} view
 * @param {boolean} moving
 * @param {Rectangle[]} taken what lies over the canvas
 * @returns {Generator<void, import("./labels.js").Placed[]>}
 */
export function* drawing(context, view, moving, taken) {
  const { scene, size, circles, theme, focus, near } = view;
  const { items } = scene.picture;
  context.globalAlpha = 1;
  context.fillStyle = theme.ground;
  context.fillRect(0, 0, size.width, size.height);
  const isLit = (/** @type {number} */ item) => (focus.group < 0 || items[item].group === focus.group) && (!near || near.items.has(item)) && (!focus.matches || focus.matches.has(item));
  const dimmed = near || focus.matches || focus.group >= 0;
  const caption = drawStripLine(context, view);
  yield* drawEdges(context, view, moving && scene.many ? scene.order.subarray(0, MOVING_EDGES) : scene.order);
  if (!moving || !scene.many) yield* drawMarks(context, view);
  let count = 0;
  for (let at = 0; at < items.length; at++) {
    if (isOff(circles[at], size)) continue;
    context.globalAlpha = dimmed && !isLit(at) ? 0.16 : 1;
    drawItem(context, view, at);
    if (++count % STEP === 0) yield;
  }
  context.globalAlpha = 1;
  if (moving && scene.many) return [];
  const obstacles = new Obstacles({ x: 0, y: 0, ...size });
  if (!scene.many) traceEdges(view, obstacles);
  const labels = placeLabels(wanted(view, isLit, dimmed), (text, height) => widthOf(context, text, height), { x: 4, y: 4, width: size.width - 8, height: size.height - 8 }, caption ? [...taken, caption] : taken, obstacles);
  if (!scene.many) drawTexts(context, view, obstacles);
  for (const label of labels) {
    drawLabel(context, label, view, dimmed && !isLit(label.index) ? 0.25 : 1);
    if (++count % STEP === 0) yield;
  }
  return labels;
}

/** What the item under the pointer adds to a large picture that is drawn already. @param {Context} context @param {View} view */
export function drawHover(context, view) {
  const { scene, focus, circles } = view;
  const { items, edges } = scene.picture;
  const item = focus.hover;
  const own = scene.edgesOf(item).slice(0, MOVING_EDGES);
  for (const number of own) {
    context.globalAlpha = 0.8;
    drawEdge(context, view, number, groupColor(view, edges[number].from === item ? edges[number].to : item));
    drawTextAnyhow(context, view, number);
  }
  const split = [...(focus.split ?? [])].sort((left, right) => right[1] - left[1]).slice(0, MOVING_EDGES);
  for (const [number] of split) drawPart(context, view, number, edges[number]?.kind === "line" || own.includes(number));
  const shown = new Set(own.flatMap((number) => [edges[number].from, edges[number].to])).add(item);
  context.globalAlpha = 1;
  for (const at of shown) drawItem(context, view, at);
  const size = 12.5;
  const [label] = placeLabels([{ index: item, ...circles[item], text: items[item].label, priority: 1, beside: true, size }], (text, height) => widthOf(context, text, height), { x: 0, y: 0, width: view.size.width, height: view.size.height }, []);
  if (label) drawLabel(context, label, view, 1);
}

/** @param {number} size @param {boolean} bold */
const fontOf = (size, bold) => `${bold ? "600 " : ""}${size}px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;

/** The widths of texts that were measured, by their size. @type {Map<number, Map<string, number>>} */
const widths = new Map();
const MOST_WIDTHS = 20000;

/** @param {Context} context @param {string} text @param {number} size */
function widthOf(context, text, size) {
  const known = widths.get(size) ?? new Map();
  widths.set(size, known);
  let width = known.get(text);
  if (width === undefined) {
    context.font = fontOf(size, false);
    // Some are drawn bold, which takes a little more.
    width = context.measureText(text).width * 1.03;
    if (known.size > MOST_WIDTHS) known.clear();
    known.set(text, width);
  }
  return width;
}

/** @param {View} view @param {(item: number) => boolean} isLit @param {unknown} dimmed */
function wanted({ scene, circles, size }, isLit, dimmed) {
  const { items, total, direction } = scene.picture;
  const seen = [];
  for (let at = 0; at < items.length; at++) {
    const { x, y, radius } = circles[at];
    if (x > -radius && y > -radius && x < size.width + radius && y < size.height + radius) seen.push(at);
  }
  const weights = new Map(seen.map((at) => [at, 2 * items[at].self + 0.3 * items[at].total + (dimmed && isLit(at) ? 10 * total : 0)]));
  const weight = (/** @type {number} */ at) => weights.get(at) ?? 0;
  const most = seen.length > LABELLED ? seen.sort((left, right) => weight(right) - weight(left)).slice(0, LABELLED) : seen;
  // A small window has little room for the same names.
  const small = size.width * size.height < 1_000_000;
  return most.map((at) => {
    const item = items[at];
    const part = total ? item.self / total : 0;
    const suffix = (part >= 0.005 ? `  ${share(item.self, total)}` : "") + change(item.delta);
    return { index: at, ...circles[at], text: item.label, suffix, priority: weight(at), beside: !!item.beside || direction === "down", size: small ? (part > 0.03 ? 11.5 : 10.5) : part > 0.03 ? 13 : 11.5 };
  });
}

/** How a label says what came of an item. @param {number | undefined} delta */
const change = (delta) => (delta === undefined ? "" : delta >= 1 ? "  new" : delta <= -1 ? "  gone" : "");

/** The line above the strip, with what it holds; where the words stand. None is drawn where all of the strip's items have kept
 * places that they had among the others. @param {Context} context @param {View} view @returns {Rectangle | undefined} */
function drawStripLine(context, { scene, circles, camera, theme }) {
  const { items } = scene.picture;
  let [others, top] = [-Infinity, Infinity];
  items.forEach((item, at) => {
    if (!item.strip) others = Math.max(others, circles[at].y + circles[at].radius);
  });
  items.forEach((item, at) => {
    if (item.strip && circles[at].y > others) top = Math.min(top, circles[at].y - circles[at].radius);
  });
  if (top === Infinity) return undefined;
  const y = Math.round(Math.max(top - 14, Math.min(others + 2, top - 4))) + 0.5;
  context.strokeStyle = theme.ring;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(camera.x, y);
  context.lineTo(camera.x + scene.picture.width * camera.k, y);
  context.stroke();
  const text = "shared callees and folded groups; a dot beside a circle marks a call to one";
  context.fillStyle = theme.soft;
  context.font = fontOf(11, false);
  context.textAlign = "left";
  context.textBaseline = "bottom";
  const x = Math.max(12, camera.x);
  context.fillText(text, x, y - 3);
  return { x, y: y - 17, width: context.measureText(text).width, height: 17 };
}

/** @param {Context} context @param {View} view @param {number} at */
function drawItem(context, view, at) {
  const { scene, circles, theme, focus } = view;
  const { picture } = scene;
  const item = picture.items[at];
  const group = groupColor(view, at);
  const fill = item.delta === undefined ? group : tint(theme, item.delta, theme.grey);
  const { x, y, radius } = circles[at];
  const alpha = context.globalAlpha;
  const isSmall = radius < 3;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = theme.ground;
  if (!isSmall) context.fill();
  if (item.kind === "fold") {
    context.globalAlpha = alpha * 0.28;
    context.fillStyle = fill;
    context.fill();
    context.globalAlpha = alpha;
    context.setLineDash([3, 2.5]);
    context.lineWidth = 1.4;
    context.strokeStyle = fill;
    context.stroke();
    context.setLineDash([]);
  } else if (item.self > 0 || isSmall) {
    context.fillStyle = fill;
    context.fill();
  } else {
    context.lineWidth = 1.8;
    context.strokeStyle = fill;
    context.stroke();
  }
  if (!isSmall) drawRing(context, circles[at], picture.total ? item.total / picture.total : 0, theme.ring, group);
  if (item.delta !== undefined && Math.abs(item.delta) >= SIGNED && radius >= 4.5) drawSign(context, circles[at], item.delta > 0, item.kind === "function" && item.self > 0 ? theme.ground : theme.ink);
  if (at === focus.selected || at === focus.hover && scene.many) {
    context.strokeStyle = theme.ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, radius + 6.5, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** @param {Context} context @param {Circle} circle @param {number} part @param {string} ground @param {string} stroke */
function drawRing(context, { x, y, radius }, part, ground, stroke) {
  context.lineWidth = 2;
  context.strokeStyle = ground;
  context.beginPath();
  context.arc(x, y, radius + 3, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = stroke;
  context.beginPath();
  context.arc(x, y, radius + 3, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * Math.min(1, Math.max(0, part)));
  context.stroke();
}

/** Plus or minus, drawn, since letters of that size blur. @param {Context} context @param {Circle} circle @param {boolean} grown @param {string} stroke */
function drawSign(context, { x, y, radius }, grown, stroke) {
  const arm = Math.min(6, radius * 0.55);
  // Above the middle of a large circle, where its label stands.
  const middle = radius > 22 ? y - radius * 0.55 : y;
  context.lineWidth = 1.8;
  context.strokeStyle = stroke;
  context.beginPath();
  context.moveTo(x - arm, middle);
  context.lineTo(x + arm, middle);
  if (grown) {
    context.moveTo(x, middle - arm);
    context.lineTo(x, middle + arm);
  }
  context.stroke();
}

/** @param {Context} context @param {import("./labels.js").Placed} label @param {View} view @param {number} alpha */
function drawLabel(context, label, { scene, theme }, alpha) {
  const { box, inside, text } = label;
  const { items, total } = scene.picture;
  const item = items[label.index];
  const part = total ? item.self / total : 0;
  const size = box.height / 1.25;
  context.globalAlpha = alpha;
  context.font = `${item.kind === "fold" ? "italic " : ""}${fontOf(size, part > 0.03 && !inside)}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  if (inside && item.kind === "function") {
    context.fillStyle = theme.ground;
    context.fillText(text, x, y, box.width);
  } else {
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = theme.halo;
    context.strokeText(text, x, y, box.width);
    context.fillStyle = item.kind === "fold" ? theme.soft : theme.ink;
    context.fillText(text, x, y, box.width);
  }
  context.globalAlpha = 1;
}
