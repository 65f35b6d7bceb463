// The boxes of a flame graph and where they lie: the shape that the server sends, unfolded. Knows no canvas.

/**
 * What a box stands for.
 * @typedef {{ id: string, name: string, label: string, crate: string, file: string, color: number }} Meaning
 * As the server sends them: depth, number of what it stands for, total, self, 1 if inlined, and of a comparison what has become
 * of it; each before those in it.
 * @typedef {[number, number, number, number, number, number?]} Sent
 */

/** What of boxes is drawn. @typedef {Pick<Boxes, "rows" | "of" | "depth" | "start" | "total" | "inlined" | "delta"> & { meanings: Pick<Meaning, "id" | "label" | "color">[] }} Drawable */

export class Boxes {
  /** @param {Meaning[]} meanings @param {Sent[]} sent */
  constructor(meanings, sent) {
    const count = sent.length;
    this.meanings = meanings;
    this.count = count;
    this.depth = new Uint16Array(count);
    this.of = new Uint32Array(count);
    this.total = new Float64Array(count);
    this.own = new Float64Array(count);
    this.inlined = new Uint8Array(count);
    /** What has become of each, from −1 to 1; nothing where no profiles are compared. @type {Float64Array | null} */
    this.delta = sent.some((box) => box[5] !== undefined) ? new Float64Array(count) : null;
    this.parent = new Int32Array(count).fill(-1);
    /** Where each begins, in the unit of its total. */
    this.start = new Float64Array(count);
    /** The boxes of each depth, from left to right. @type {number[][]} */
    this.rows = [];
    /** The last box of each depth on the way down. @type {number[]} */
    const path = [];
    /** Where the next box of each depth begins. @type {number[]} */
    const next = [0];
    sent.forEach(([depth, of, total, own, inlined, delta], at) => {
      if (this.delta) this.delta[at] = delta ?? 0;
      [this.depth[at], this.of[at], this.total[at], this.own[at], this.inlined[at]] = [depth, of, total, own, inlined];
      this.parent[at] = depth > 0 ? path[depth - 1] : -1;
      this.start[at] = next[depth];
      next[depth] += total;
      next[depth + 1] = this.start[at];
      path[depth] = at;
      (this.rows[depth] ??= []).push(at);
    });
    /** The width of the first boxes together. */
    this.width = next[0];
  }

  /** @returns {Drawable} */
  get drawable() {
    const { rows, of, depth, start, total, inlined, delta } = this;
    return { rows, of, depth, start, total, inlined, delta, meanings: this.meanings.map(({ id, label, color }) => ({ id, label, color })) };
  }

  /** @param {number} box */
  meaning(box) {
    return this.meanings[this.of[box]];
  }

  /** The boxes from the first down to this one. @param {number} box */
  path(box) {
    /** @type {number[]} */
    const path = [];
    for (let at = box; at >= 0; at = this.parent[at]) path.unshift(at);
    return path;
  }

  /** The ids of those. @param {number} box */
  ids(box) {
    return this.path(box).map((at) => this.meaning(at).id);
  }

  /** The box that a way of ids leads to, as far as it can be gone; -1 if not at all. @param {string[]} ids */
  find(ids) {
    let found = -1;
    for (const [depth, id] of ids.entries()) {
      const next = (this.rows[depth] ?? []).find((at) => this.parent[at] === found && this.meaning(at).id === id);
      if (next === undefined) break;
      found = next;
    }
    return found;
  }

  /** The box of a row at a place, or -1. @param {number} depth @param {number} place */
  at(depth, place) {
    const row = this.rows[depth] ?? [];
    let [low, high] = [0, row.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start[row[middle]] <= place) low = middle + 1;
      else high = middle;
    }
    const box = row[low - 1];
    return box !== undefined && place < this.start[box] + this.total[box] ? box : -1;
  }

  /** The widest box in this one, or -1. @param {number} box */
  inside(box) {
    const next = box + 1;
    return next < this.count && this.parent[next] === box ? next : -1;
  }

  /** The neighbour of a box in its row, or -1. @param {number} box @param {1 | -1} step */
  beside(box, step) {
    const row = this.rows[this.depth[box]];
    return row[row.indexOf(box) + step] ?? -1;
  }
}
