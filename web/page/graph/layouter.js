// Asks for pictures, parses them and lays them out, off the thread that the page lives on; remembers where every item lies
// that was ever laid out. Runs in the layout worker, or on the page where there can be none.

import { Answers } from "../answers.js";
import { packPicture, unpackPicture } from "./columns.js";
import { Known, layingOut, MANY } from "./layout.js";
import { turn } from "./turn.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {import("./layout.js").Places} Places */
/** @typedef {{ kind: "ask", number: number, address: string, again: boolean } | { kind: "drop", number: number }
 *   | { kind: "moved", id: string, place: Point } | { kind: "forget" } | ({ kind: "recall" } & Kept)} Request */
/** What a reload brings back: x and y of each item, and of each lane its edge's items and its bends.
 * @typedef {{ direction: string, ids: string[], places: number[], lanes: number[][] }} Kept */
/** @typedef {{ kind: "picture", number: number, picture: import("./columns.js").PackedPicture } | { kind: "refused", number: number, status: number, text: string }
 *   | { kind: "failed", number: number, text: string }
 *   | { kind: "places", number: number, places: Places, settled: boolean, fresh: boolean, newcomers: number }} Answer */

/** Of the items of a new picture, so many must have places for the old ones to be kept. */
const FAMILIAR = 0.5;
/** So long it works before it listens. */
const SLICE_MS = 30;

export class Layouter {
  /** @param {(answer: Answer, transfer?: Transferable[]) => void} answer */
  constructor(answer) {
    this.answer = answer;
    this.answers = new Answers();
    /** @type {Map<number, AbortController>} */
    this.asking = new Map();
    /** Where every item ever laid out lies, and every bent edge. */
    this.known = new Known();
    this.direction = "";
    /** Items that came since the last whole layout. */
    this.newcomers = 0;
    this.laying = 0;
  }

  /** @param {Request} request */
  take(request) {
    switch (request.kind) {
      case "ask":
        this.#ask(request.number, request.address, request.again);
        break;
      case "drop":
        this.asking.get(request.number)?.abort();
        break;
      case "moved":
        this.known.move(request.id, request.place);
        break;
      case "forget":
        this.known = new Known();
        this.newcomers = 0;
        break;
      case "recall":
        this.known.recall(request);
        this.direction = request.direction;
        break;
    }
  }

  /** @param {number} number @param {string} address @param {boolean} again */
  async #ask(number, address, again) {
    const asking = new AbortController();
    this.asking.set(number, asking);
    try {
      const response = await this.answers.ask(address, { signal: asking.signal });
      if (!response.ok) {
        this.answer({ kind: "refused", number, status: response.status, text: (await response.text()).trim() });
        return;
      }
      const picture = packPicture(await response.json());
      this.answer({ kind: "picture", number, picture });
      // While the page and the other worker take it in.
      this.#lay(number, unpackPicture(picture), again);
    } catch (error) {
      if (!asking.signal.aborted) this.answer({ kind: "failed", number, text: String(error) });
    } finally {
      this.asking.delete(number);
    }
  }

  /** @param {number} number @param {Picture} picture @param {boolean} again whether items leave the places that they have */
  async #lay(number, picture, again) {
    const familiar = picture.items.reduce((count, item) => count + (this.known.items.has(item.id) ? 1 : 0), 0);
    const fresh = again || this.direction !== picture.direction || familiar < FAMILIAR * picture.items.length;
    if (fresh) this.known = new Known();
    this.direction = picture.direction;
    this.newcomers = fresh ? 0 : this.newcomers + picture.items.length - familiar;
    this.laying = number;
    const report = (/** @type {Places} */ places, /** @type {boolean} */ settled) => this.answer({ kind: "places", number, places, settled, fresh, newcomers: this.newcomers });
    if (picture.items.length > MANY && fresh) report(seeds(picture), false);
    const steps = layingOut(picture, this.known);
    let rest = performance.now() + SLICE_MS;
    for (;;) {
      const step = steps.next();
      if (step.done) {
        const places = step.value;
        report(places, true);
        this.known.learn(picture, places);
        return;
      }
      if (performance.now() < rest) continue;
      await turn();
      // A newer picture has come in the meantime.
      if (this.laying !== number) return;
      rest = performance.now() + SLICE_MS;
    }
  }
}

/** @param {Picture} picture @returns {Places} */
function seeds({ items, edges }) {
  const places = new Float32Array(2 * items.length);
  items.forEach(({ x, y }, at) => ([places[2 * at], places[2 * at + 1]] = [x, y]));
  return { items: places, bends: new Float32Array(0), ends: new Uint32Array(edges.length) };
}
