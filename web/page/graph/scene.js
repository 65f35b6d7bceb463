// Draws a scene on a canvas's context: edges, circles, rings, labels. Knows nothing of workers or pointers.

import { curve, edgeWidth } from "./curves.js";
import { placeLabels } from "./labels.js";
import { color } from "./palette.js";
import { related } from "./reach.js";
import { share } from "../quantity.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Camera} Camera */
/** @typedef {import("./palette.js").Theme} Theme */
/** @typedef {{ x: number, y: number, radius: number }} Circle */
/** @typedef {{ hover: number, selected: number, matches: Set<number> | null, group: number, split: Map<number, number> | null }} Focus
 *   numbers of items, -1 for none; `split` the weights of edges for the item under the pointer */
/** @typedef {{ picture: Picture, circles: Circle[], bends: import("../types.js").Point[][] }} Scene */

/** Above so many edges, only the heaviest are drawn while things move. */
const MOVING_EDGES = 1500;
/** Above so many items, the small ones get no label before one zooms in. */
const LABELLED = 400;

/**
 * @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {{ width: number, height: number }} size
 * @param {Scene} scene
 * @param {Camera} camera
 * @param {Theme} theme
 * @param {Focus} focus
 * @param {boolean} moving
 * @param {import("../types.js").Rectangle[]} taken what lies over the canvas
 * @returns {import("./labels.js").Placed[]}
 */
export function draw(context, size, scene, camera, theme, focus, moving, taken) {
  context.fillStyle = theme.ground;
  context.fillRect(0, 0, size.width, size.height);
  const { picture } = scene;
  const { items, edges } = picture;
  const circles = scene.circles.map(({ x, y, radius }) => ({ x: x * camera.k + camera.x, y: y * camera.k + camera.y, radius: Math.max(2.5, radius * camera.k) }));
  const centre = focus.selected >= 0 ? focus.selected : focus.hover;
  const near = centre >= 0 ? related(centre, edges, items.length) : null;
  const isLit = (/** @type {number} */ item) => (focus.group < 0 || items[item].group === focus.group) && (!near || near.items.has(item)) && (!focus.matches || focus.matches.has(item));
  const dimmed = near || focus.matches || focus.group >= 0;

  const caption = drawStripLine(context, picture, circles, camera, theme);
  drawEdges(context, scene, circles, camera, theme, focus, moving, near);
  items.forEach((item, at) => {
    const circle = circles[at];
    if (circle.x + circle.radius < -20 || circle.y + circle.radius < -20 || circle.x - circle.radius > size.width + 20 || circle.y - circle.radius > size.height + 20) return;
    context.globalAlpha = dimmed && !isLit(at) ? 0.16 : 1;
    drawItem(context, item, circle, picture, theme, at === focus.selected);
  });
  context.globalAlpha = 1;
  if (moving && items.length > LABELLED) return [];
  const labels = placeLabels(wanted(picture, circles, size, isLit, dimmed), (text, height) => {
    context.font = font(height, false);
    return context.measureText(text).width * 1.03;
  }, { x: 4, y: 4, width: size.width - 8, height: size.height - 8 }, caption ? [...taken, caption] : taken);
  for (const label of labels) drawLabel(context, label, items[label.index], theme, dimmed && !isLit(label.index) ? 0.25 : 1, picture);
  return labels;
}

/** @param {number} size @param {boolean} bold */
const font = (size, bold) => `${bold ? "600 " : ""}${size}px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;

/** @param {Picture} picture @param {Circle[]} circles @param {{ width: number, height: number }} size @param {(item: number) => boolean} isLit @param {unknown} dimmed */
function wanted(picture, circles, size, isLit, dimmed) {
  const { items, total } = picture;
  const seen = items.map((_, at) => at).filter((at) => {
    const { x, y, radius } = circles[at];
    return x > -radius && y > -radius && x < size.width + radius && y < size.height + radius;
  });
  const weight = (/** @type {number} */ at) => 2 * items[at].self + 0.3 * items[at].total + (dimmed && isLit(at) ? 10 * total : 0);
  const most = seen.length > LABELLED ? seen.sort((left, right) => weight(right) - weight(left)).slice(0, LABELLED) : seen;
  // A small window has little room for the same names.
  const small = size.width * size.height < 1_000_000;
  return most.map((at) => {
    const item = items[at];
    const part = total ? item.self / total : 0;
    const text = item.label + (part >= 0.005 ? `  ${share(item.self, total)}` : "");
    return { index: at, ...circles[at], text, priority: weight(at), beside: item.strip || picture.direction === "down", size: small ? (part > 0.03 ? 11.5 : 10.5) : part > 0.03 ? 13 : 11.5 };
  });
}

/**
 * The line above the strip, with what it holds; where the words stand.
 * @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context @param {Picture} picture @param {Circle[]} circles
 * @param {Camera} camera @param {Theme} theme @returns {import("../types.js").Rectangle | undefined}
 */
function drawStripLine(context, picture, circles, camera, theme) {
  let top = Infinity;
  picture.items.forEach((item, at) => {
    if (item.strip) top = Math.min(top, circles[at].y - circles[at].radius);
  });
  if (top === Infinity) return undefined;
  const y = Math.round(top - 14) + 0.5;
  context.strokeStyle = theme.ring;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(camera.x, y);
  context.lineTo(camera.x + picture.width * camera.k, y);
  context.stroke();
  const text = "shared callees and folded groups; a dot beside a circle marks a call to one";
  context.fillStyle = theme.soft;
  context.font = font(11, false);
  context.textAlign = "left";
  context.textBaseline = "bottom";
  const x = Math.max(12, camera.x);
  context.fillText(text, x, y - 3);
  return { x, y: y - 17, width: context.measureText(text).width, height: 17 };
}

/** @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context @param {Scene} scene @param {Circle[]} circles @param {Camera} camera @param {Theme} theme @param {Focus} focus @param {boolean} moving @param {{ items: Set<number>, edges: Set<number> } | null} near */
function drawEdges(context, scene, circles, camera, theme, focus, moving, near) {
  const { picture } = scene;
  const { items, edges, total } = picture;
  let order = edges.map((_, number) => number).filter((number) => edges[number].kind !== "pip");
  if (moving && order.length > MOVING_EDGES) {
    order.sort((left, right) => edges[right].weight - edges[left].weight);
    order = order.slice(0, MOVING_EDGES);
  }
  /** @type {Map<number, number>} */
  const pips = new Map();
  for (const number of order) {
    const edge = edges[number];
    const touched = focus.hover === edge.from || focus.hover === edge.to || focus.selected === edge.from || focus.selected === edge.to;
    if (edge.kind === "faint" && !touched) continue;
    const lit = !near || near.edges.has(number);
    const inGroup = focus.group < 0 || items[edge.from].group === focus.group || items[edge.to].group === focus.group;
    const matched = !focus.matches || focus.matches.has(edge.from) || focus.matches.has(edge.to);
    context.globalAlpha = lit && inGroup && matched ? (edge.kind === "line" ? 0.8 : 0.65) : 0.1;
    drawEdge(context, scene, circles, camera, theme, number, edge.weight / (total || 1), edge.kind === "back" ? theme.back : theme.edge);
    const part = focus.split?.get(number);
    if (part && lit) {
      context.globalAlpha = 0.95;
      drawEdge(context, scene, circles, camera, theme, number, part / (total || 1), color(theme, picture.groups[items[focus.hover].group]?.color ?? 255));
    }
  }
  context.globalAlpha = 1;
  edges.forEach((edge, number) => {
    if (edge.kind !== "pip") return;
    const turn = pips.get(edge.from) ?? 0;
    pips.set(edge.from, turn + 1);
    const touched = edge.from !== edge.to && (focus.hover === edge.to || focus.selected === edge.to || focus.hover === edge.from || focus.selected === edge.from);
    if (touched) {
      context.globalAlpha = 0.7;
      drawEdge(context, scene, circles, camera, theme, number, edge.weight / (total || 1), color(theme, picture.groups[items[edge.to].group]?.color ?? 255));
    }
    const from = circles[edge.from];
    if (turn > 5 || from.x < -40 || from.y < -40) return;
    // Marks stand to the upper right, one behind the other along the circle.
    const angle = -0.35 - turn * Math.min(0.5, 9 / (from.radius + 8));
    const at = from.radius + 6.5;
    const dim = (near && !near.items.has(edge.from)) || (focus.matches && !focus.matches.has(edge.from));
    context.globalAlpha = dim ? 0.15 : 1;
    const [x, y] = [from.x + at * Math.cos(angle), from.y + at * Math.sin(angle)];
    context.beginPath();
    context.arc(x, y, Math.min(3.4, 1.8 + 8 * Math.sqrt(edge.weight / (total || 1))), 0, 2 * Math.PI);
    if (edge.from === edge.to) {
      context.lineWidth = 1.4;
      context.strokeStyle = theme.soft;
      context.stroke();
    } else {
      context.fillStyle = color(theme, picture.groups[items[edge.to].group]?.color ?? 255);
      context.fill();
    }
  });
  context.globalAlpha = 1;
}

/** @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context @param {Scene} scene @param {Circle[]} circles @param {Camera} camera @param {Theme} theme @param {number} number @param {number} part @param {string} stroke */
function drawEdge(context, scene, circles, camera, theme, number, part, stroke) {
  const edge = scene.picture.edges[number];
  const width = Math.max(0.6, edgeWidth(part) * Math.min(1, camera.k));
  const head = Math.min(16, 5 + 1.5 * width);
  const bends = scene.bends[number]?.map(({ x, y }) => ({ x: x * camera.k + camera.x, y: y * camera.k + camera.y })) ?? [];
  const { start, parts, tip, angle, middle } = curve(circles[edge.from], circles[edge.to], bends, scene.picture.direction, head);
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineCap = "butt";
  context.setLineDash(edge.elided > 0 ? [4 + 1.5 * width, 3 + width] : []);
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
  if (edge.elided > 0 && Math.hypot(tip.x - start.x, tip.y - start.y) > 70) {
    const text = `⋯${edge.elided}`;
    context.font = font(10, false);
    const half = context.measureText(text).width / 2 + 2;
    const alpha = context.globalAlpha;
    context.fillStyle = theme.halo;
    context.fillRect(middle.x - half, middle.y - 6, 2 * half, 12);
    context.fillStyle = theme.soft;
    context.globalAlpha = alpha;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, middle.x, middle.y);
  }
}

/** @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context @param {import("../types.js").Item} item @param {Circle} circle @param {Picture} picture @param {Theme} theme @param {boolean} selected */
function drawItem(context, item, circle, picture, theme, selected) {
  const fill = color(theme, picture.groups[item.group]?.color ?? 255);
  const { x, y, radius } = circle;
  const alpha = context.globalAlpha;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = theme.ground;
  context.fill();
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
  } else if (item.self > 0) {
    context.fillStyle = fill;
    context.fill();
  } else {
    context.lineWidth = 1.8;
    context.strokeStyle = fill;
    context.stroke();
  }
  const part = picture.total ? Math.min(1, Math.max(0, item.total / picture.total)) : 0;
  context.lineWidth = 2;
  context.strokeStyle = theme.ring;
  context.beginPath();
  context.arc(x, y, radius + 3, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = fill;
  context.beginPath();
  context.arc(x, y, radius + 3, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * part);
  context.stroke();
  if (selected) {
    context.strokeStyle = theme.ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, radius + 6.5, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** @param {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} context @param {import("./labels.js").Placed} label @param {import("../types.js").Item} item @param {Theme} theme @param {number} alpha @param {Picture} picture */
function drawLabel(context, label, item, theme, alpha, picture) {
  const { box, inside, text } = label;
  const part = picture.total ? item.self / picture.total : 0;
  const size = box.height / 1.25;
  context.globalAlpha = alpha;
  context.font = `${item.kind === "fold" ? "italic " : ""}${font(size, part > 0.03 && !inside)}`;
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
