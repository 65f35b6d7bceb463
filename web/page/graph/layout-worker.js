// The worker that lays out. Asked with a picture and the places known so far, it answers with places.

import { layout } from "./layout.js";

/** @typedef {{ number: number, picture: import("../types.js").Picture, known: [string, import("../types.js").Point][] }} Request */

self.onmessage = (/** @type {MessageEvent<Request>} */ event) => {
  const { number, picture, known } = event.data;
  const places = layout(picture, new Map(known), (places) => self.postMessage({ number, places, settled: false }));
  self.postMessage({ number, places, settled: true });
};
