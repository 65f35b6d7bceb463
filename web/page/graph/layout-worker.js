// The worker that asks for pictures and lays them out.

import { Layouter } from "./layouter.js";

const layouter = new Layouter((answer, transfer) => self.postMessage(answer, { transfer }));

self.onmessage = (/** @type {MessageEvent<import("./layouter.js").Request>} */ event) => layouter.take(event.data);
