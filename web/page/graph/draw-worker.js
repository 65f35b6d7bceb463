// The worker that draws: a painter on the canvas that the page handed over.

import { Painter } from "./painter.js";

/** @type {Painter | null} */
let painter = null;

self.onmessage = (/** @type {MessageEvent} */ event) => {
  if (event.data.kind === "canvas") painter = new Painter(event.data.canvas, (report) => self.postMessage(report));
  else painter?.take(event.data);
};
