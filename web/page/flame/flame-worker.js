// The worker that draws all flame graphs of the page.

import { turn } from "../graph/turn.js";
import { FlamePainter } from "./painter.js";

/** By number of its canvas. @type {Map<number, FlamePainter>} */
const painters = new Map();
/** Those that have something new to draw. @type {Set<FlamePainter>} */
const due = new Set();

self.onmessage = ({ data: { number, canvas, message } }) => {
  const painter = painters.get(number) ?? new FlamePainter(canvas);
  painters.set(number, painter);
  if (!message) return;
  painter.take(message);
  if (message.kind !== "look") return;
  // Of all that has come meanwhile, the last is drawn.
  if (due.size === 0) turn().then(paint);
  due.add(painter);
};

function paint() {
  for (const painter of due) painter.paint();
  due.clear();
}
