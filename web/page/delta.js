// Applies differences as VCDIFF (RFC 3284) writes them down: what of an old text, and of the new one so far, stands where in
// the new one, and what comes between.

/** What an instruction does, and to how many bytes; 0 if that stands behind it. `mode`: how a copy says where from.
 * @typedef {{ does: "add" | "run" | "copy", size: number, mode: number }} Step */

const MODES = { self: 0, here: 1, near: 2, same: 6 };
const NEAR = 4;
const SAME = 3 * 256;

/** By its byte, the one or two steps of an instruction (section 5.6). */
const INSTRUCTIONS = instructions();

/** @returns {Step[][]} */
function instructions() {
  const add = (/** @type {number} */ size) => /** @type {Step} */ ({ does: "add", size, mode: 0 });
  const copy = (/** @type {number} */ size, /** @type {number} */ mode) => /** @type {Step} */ ({ does: "copy", size, mode });
  /** @type {Step[][]} */
  const all = [[{ does: "run", size: 0, mode: 0 }]];
  for (let size = 0; size <= 17; size++) all.push([add(size)]);
  for (let mode = 0; mode <= 8; mode++) for (const size of [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]) all.push([copy(size, mode)]);
  for (let mode = 0; mode <= 8; mode++) {
    for (let added = 1; added <= 4; added++) for (let copied = 4; copied <= (mode < MODES.same ? 6 : 4); copied++) all.push([add(added), copy(copied, mode)]);
  }
  for (let mode = 0; mode <= 8; mode++) all.push([copy(4, mode), add(1)]);
  return all;
}

/** Reads bytes from the first on. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.isAtEnd) throw new Error("the difference ends too early");
    return this.bytes[this.at++];
  }

  /** Seven bits a byte, the highest first; all but the last have the eighth. */
  number() {
    let value = 0;
    for (;;) {
      const byte = this.byte();
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
  }

  /** @param {number} length */
  take(length) {
    if (this.at + length > this.bytes.length) throw new Error("the difference ends too early");
    return this.bytes.subarray(this.at, (this.at += length));
  }
}

/** The new text. @param {Uint8Array} old @param {Uint8Array} delta @returns {Uint8Array} */
export function applied(old, delta) {
  const reader = new Reader(delta);
  for (const byte of [0xd6, 0xc3, 0xc4, 0, 0]) if (reader.byte() !== byte) throw new Error("no difference in VCDIFF as it is written here");
  const windows = [];
  while (!reader.isAtEnd) windows.push(windowOf(old, reader));
  if (windows.length === 1) return windows[0];
  const text = new Uint8Array(windows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const window of windows) {
    text.set(window, at);
    at += window.length;
  }
  return text;
}

/** One part of the new text. @param {Uint8Array} old @param {Reader} reader @returns {Uint8Array} */
function windowOf(old, reader) {
  const kind = reader.byte();
  if (kind > 1) throw new Error("a difference of what is not the old text");
  const [length, start] = kind === 1 ? [reader.number(), reader.number()] : [0, 0];
  if (start + length > old.length) throw new Error("a difference of a longer text");
  const source = old.subarray(start, start + length);
  reader.number();
  const text = new Uint8Array(reader.number());
  if (reader.byte() !== 0) throw new Error("the difference is compressed");
  const lengths = [reader.number(), reader.number(), reader.number()];
  const [added, steps, addresses] = lengths.map((length) => new Reader(reader.take(length)));
  const near = new Array(NEAR).fill(0);
  const same = new Array(SAME).fill(0);
  let copies = 0;
  let at = 0;

  /** @param {number} mode */
  function address(mode) {
    const here = length + at;
    if (mode >= MODES.same) return same[256 * (mode - MODES.same) + addresses.byte()];
    const number = addresses.number();
    return mode === MODES.self ? number : mode === MODES.here ? here - number : near[mode - MODES.near] + number;
  }

  while (!steps.isAtEnd) {
    for (const { does, size: known, mode } of INSTRUCTIONS[steps.byte()]) {
      const size = known || steps.number();
      if (at + size > text.length) throw new Error("the difference makes a longer text than it says");
      if (does === "add") text.set(added.take(size), at);
      else if (does === "run") text.fill(added.byte(), at, at + size);
      else {
        const from = address(mode);
        near[copies++ % NEAR] = from;
        same[from % SAME] = from;
        if (from + size <= length) text.set(source.subarray(from, from + size), at);
        // What is copied from the new text may be what this copies.
        else for (let byte = 0; byte < size; byte++) text[at + byte] = from + byte < length ? source[from + byte] : text[from + byte - length];
      }
      at += size;
    }
  }
  if (at !== text.length) throw new Error("the difference makes a shorter text than it says");
  return text;
}
