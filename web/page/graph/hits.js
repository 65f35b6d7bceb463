// Which circle is at a point: circles by the cells of a grid, so that ten thousand cost a pointer no more than ten do.

/** A cell holds so many circles on average. */
const FILL = 2;

export class Hits {
  /** @param {Float32Array} places x and y of each circle @param {(circle: number) => number} radius */
  constructor(places, radius) {
    this.places = places;
    this.radius = radius;
    const count = places.length / 2;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    this.largest = 0;
    for (let at = 0; at < count; at++) {
      [left, top] = [Math.min(left, places[2 * at]), Math.min(top, places[2 * at + 1])];
      [right, bottom] = [Math.max(right, places[2 * at]), Math.max(bottom, places[2 * at + 1])];
      this.largest = Math.max(this.largest, radius(at));
    }
    this.left = left;
    this.top = top;
    this.cell = Math.max(1, Math.sqrt((Math.max(1, right - left) * Math.max(1, bottom - top) * FILL) / Math.max(1, count)));
    this.columns = Math.floor((right - left) / this.cell) + 1;
    this.rows = Math.floor((bottom - top) / this.cell) + 1;
    const cellOf = (/** @type {number} */ at) => Math.floor((places[2 * at + 1] - top) / this.cell) * this.columns + Math.floor((places[2 * at] - left) / this.cell);
    /** By cell, where its circles end in `sorted`. */
    this.ends = new Uint32Array(count ? this.columns * this.rows : 0);
    for (let at = 0; at < count; at++) this.ends[cellOf(at)] += 1;
    for (let at = 1; at < this.ends.length; at++) this.ends[at] += this.ends[at - 1];
    this.sorted = new Uint32Array(count);
    const next = this.ends.slice();
    for (let at = count - 1; at >= 0; at--) this.sorted[--next[cellOf(at)]] = at;
  }

  /** The circle at a point, or the nearest whose border is within `reach`; -1 for none. @param {number} x @param {number} y @param {number} reach */
  at(x, y, reach) {
    let [best, nearest] = [-1, reach];
    const around = this.largest + reach;
    const column = (/** @type {number} */ at) => Math.min(this.columns - 1, Math.max(0, Math.floor((at - this.left) / this.cell)));
    const row = (/** @type {number} */ at) => Math.min(this.rows - 1, Math.max(0, Math.floor((at - this.top) / this.cell)));
    for (let down = row(y - around); down <= row(y + around) && this.sorted.length; down++) {
      const first = down * this.columns + column(x - around);
      const last = down * this.columns + column(x + around);
      for (let at = first === 0 ? 0 : this.ends[first - 1]; at < this.ends[last]; at++) {
        const circle = this.sorted[at];
        const away = Math.hypot(this.places[2 * circle] - x, this.places[2 * circle + 1] - y) - this.radius(circle);
        if (away < nearest) [best, nearest] = [circle, Math.max(away, 0)];
      }
    }
    return best;
  }
}
