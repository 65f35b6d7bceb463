// Figures of the picture itself, computed on the places that the page's own layout gives and the curves that it draws.

import { spawnSync } from "node:child_process";
import { curve } from "../../web/page/graph/curves.js";
import { bendsOf, Known, layout } from "../../web/page/graph/layout.js";

/** The share of weighted calls from one item to another that point along the ranks; a call to the strip points down to it. */
export function forward(picture, places) {
  const axis = picture.direction === "down" ? 1 : 0;
  let [ahead, all] = [0, 0];
  for (const { from, to, weight } of picture.edges) {
    if (from === to) continue;
    all += weight;
    if (picture.items[to].strip || places.items[2 * to + axis] > places.items[2 * from + axis]) ahead += weight;
  }
  return all ? ahead / all : 1;
}

/** How often two of so many lines, each of points, cross that share no end. @param {{ from: number, to: number, points: [number, number][] }[]} lines */
function crossings(lines) {
  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const meet = (a, b, c, d) => side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
  const boxes = lines.map(({ points }) => [0, 1].map((axis) => [Math.min(...points.map((point) => point[axis])), Math.max(...points.map((point) => point[axis]))]));
  let count = 0;
  lines.forEach((one, at) => {
    for (let other = at + 1; other < lines.length; other++) {
      const two = lines[other];
      if ([two.from, two.to].some((end) => end === one.from || end === one.to)) continue;
      if ([0, 1].some((axis) => boxes[at][axis][1] < boxes[other][axis][0] || boxes[other][axis][1] < boxes[at][axis][0])) continue;
      for (let i = 1; i < one.points.length; i++) {
        for (let j = 1; j < two.points.length; j++) if (meet(one.points[i - 1], one.points[i], two.points[j - 1], two.points[j])) count += 1;
      }
    }
  });
  return count;
}

const STEPS = 12;

/** Points along a chain of cubic curves: a start, then twos of control points and an end. */
function along(start, parts) {
  const points = [start];
  let before = start;
  for (const [first, second, end] of parts) {
    for (let step = 1; step <= STEPS; step++) {
      const t = step / STEPS;
      const mix = (axis) => (1 - t) ** 3 * before[axis] + 3 * (1 - t) ** 2 * t * first[axis] + 3 * (1 - t) * t * t * second[axis] + t ** 3 * end[axis];
      points.push([mix(0), mix(1)]);
    }
    before = end;
  }
  return points;
}

const drawn = (picture) => picture.edges.map((edge, number) => ({ edge, number })).filter(({ edge }) => edge.kind === "line" || edge.kind === "back");

export function ourCrossings(picture, places) {
  const circle = (item) => ({ x: places.items[2 * item], y: places.items[2 * item + 1], radius: picture.items[item].radius });
  const pair = ({ x, y }) => [x, y];
  return crossings(drawn(picture).map(({ edge, number }) => {
    const { start, parts } = curve(circle(edge.from), circle(edge.to), bendsOf(places, number), picture.direction, 8);
    return { from: edge.from, to: edge.to, points: along(pair(start), parts.map((part) => part.map(pair))) };
  }));
}

/** What graphviz's dot makes of the same items and edges; null where there is no dot. */
export function dotCrossings(picture) {
  const edges = drawn(picture);
  const text = `digraph { rankdir=LR; node [shape=circle fixedsize=true];\n${picture.items.map((item, at) => `n${at} [width=${(item.radius / 36).toFixed(2)}];`).join("\n")}\n${edges.map(({ edge }) => `n${edge.from} -> n${edge.to} [weight=${Math.max(1, Math.round((100 * edge.weight) / (picture.total || 1)))}];`).join("\n")}\n}`;
  const result = spawnSync("dot", ["-Tplain"], { input: text, encoding: "utf8", maxBuffer: 1 << 28 });
  if (result.error || result.status !== 0) return null;
  const lines = result.stdout.split("\n").filter((line) => line.startsWith("edge ")).map((line) => {
    const words = line.split(" ");
    const numbers = words.slice(4, 4 + 2 * Number(words[3])).map(Number);
    const points = Array.from({ length: numbers.length / 2 }, (_, at) => [numbers[2 * at], numbers[2 * at + 1]]);
    const parts = [];
    for (let at = 1; at + 2 < points.length; at += 3) parts.push(points.slice(at, at + 3));
    return { from: Number(words[1].slice(1)), to: Number(words[2].slice(1)), points: along(points[0], parts) };
  });
  return crossings(lines);
}

/** How far the items that stay have moved on average, as a part of the layout's radius, when `after` follows `before`. */
export function shift(before, after) {
  const known = new Known();
  const first = layout(before, known);
  known.learn(before, first);
  const second = layout(after, known);
  const place = new Map(before.items.map((item, at) => [item.id, [first.items[2 * at], first.items[2 * at + 1]]]));
  const [xs, ys] = [0, 1].map((axis) => Array.from(first.items).filter((_, at) => at % 2 === axis));
  const radius = Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) / 2;
  let [sum, stayed] = [0, 0];
  after.items.forEach((item, at) => {
    const old = place.get(item.id);
    if (!old) return;
    stayed += 1;
    sum += Math.hypot(second.items[2 * at] - old[0], second.items[2 * at + 1] - old[1]);
  });
  return stayed ? sum / stayed / radius : 0;
}

export const laidOut = (picture) => layout(picture, new Known());
