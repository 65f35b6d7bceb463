// The worker that draws.

import { Painter } from "./painter.js";

const painter = new Painter((report, bitmaps = []) => self.postMessage(report, { transfer: bitmaps }));

self.onmessage = (/** @type {MessageEvent} */ event) => painter.take(event.data);
