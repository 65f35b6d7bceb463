// The answers that were asked for last, so that of a newer version only what has changed has to travel (RFC 3229). The page
// and the layout worker have some each.

import { applied } from "./delta.js";

/** @typedef {{ tag: string, bytes: Uint8Array<ArrayBuffer> }} Had */

/** Of so many addresses: the views in sight, what stands around them, and the last filters. */
const MOST = 8;
/** Altogether so many bytes; the one that was asked for last stays in any case. */
const MOST_BYTES = 1 << 24;

export class Answers {
  /** By address, the one that was asked for last at the end. @type {Map<string, Had>} */
  #had = new Map();

  /** As `fetch`, but the answer is whole though only a part of it may have come. @param {string} address @param {RequestInit} [options] @returns {Promise<Response>} */
  async ask(address, options = {}) {
    const had = this.#had.get(address);
    const headers = had ? { "If-None-Match": had.tag, "A-IM": "vcdiff" } : undefined;
    const response = await fetch(address, { ...options, headers });
    if (had && response.status === 304) return this.#keep(address, had);
    const tag = response.headers.get("ETag");
    if (!response.ok || !tag) return response;
    const come = new Uint8Array(await response.arrayBuffer());
    if (!had || response.status !== 226) return this.#keep(address, { tag, bytes: come });
    try {
      return this.#keep(address, { tag, bytes: applied(had.bytes, come) });
    } catch {
      // Something on the way has changed it: once more, and all of it.
      this.#had.delete(address);
      return this.ask(address, options);
    }
  }

  /** @param {string} address @param {Had} answer */
  #keep(address, answer) {
    this.#had.delete(address);
    this.#had.set(address, answer);
    let bytes = [...this.#had.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
    for (const [oldest, { bytes: { length } }] of this.#had) {
      if (oldest === address || (this.#had.size <= MOST && bytes <= MOST_BYTES)) break;
      this.#had.delete(oldest);
      bytes -= length;
    }
    return new Response(answer.bytes, { headers: { "Content-Type": "application/json" } });
  }
}
