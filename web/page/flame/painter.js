// What a flame graph looks like: draws the boxes that are in sight. Runs in a worker, where the pixels of a canvas take no time from
// the page, or on the page where there can be none.

import { changeSign } from "../change.js";
import { color, themes, tint } from "../graph/palette.js";

export const ROW = 20;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif";
/** Narrower boxes have no room for letters, in CSS pixels. */
const LETTERS = 26;
/** Fewer of them say nothing. */
const FEWEST = 3;
/** Narrower boxes are drawn without a gap to the next. */
const GAPPED = 3;
/** How much of a change's colour is in its box. */
const CHANGED = 0.42;
/** How much of a group's colour a box has; functions of one group differ a little, in so many shades, so that neighbours can be told apart. */
const TINT = { light: [0.30, 0.46], dark: [0.34, 0.52] };
const SHADES = 8;
/** How much is left of a box that is not searched for. */
const DIMMED = 0.28;

/** @typedef {import("../graph/palette.js").Theme} Theme */
/** @typedef {import("./boxes.js").Drawable} Drawable */
/** @typedef {OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D} Context scaled to CSS pixels */
/** A part of the width of all boxes: from where, how much. @typedef {{ start: number, width: number }} Window */
/** How boxes are looked at: what fills the width and whether that is changing, how far down, in how high a room, whether the outermost
 * lie at the bottom, what stands out; `matches` by number of meaning, null if nothing is searched for.
 * @typedef {{ theme: "light" | "dark", window: Window, moving: boolean, scroll: number, room: number, isUp: boolean, selectedId: string, current: number, matches: boolean[] | null }} Look */
/** The canvas's size in CSS pixels. @typedef {{ width: number, height: number, ratio: number }} Size */
/** @typedef {{ kind: "boxes", boxes: Drawable } | { kind: "look", look: Look, size: Size }} Message */
/** Where a box is drawn, in CSS pixels. @typedef {{ box: number, left: number, top: number, wide: number }} InSight */

export class FlamePainter {
  /** @param {OffscreenCanvas | HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {Context | null} */ (canvas.getContext("2d", { alpha: false }));
    /** @type {Drawable} */
    this.boxes = { meanings: [], rows: [], of: new Uint32Array(0), depth: new Uint16Array(0), start: new Float64Array(0), total: new Float64Array(0), inlined: new Uint8Array(0), delta: null };
    /** @type {Look} */
    this.look = { theme: "light", window: { start: 0, width: 1 }, moving: false, scroll: 0, room: 0, isUp: false, selectedId: "", current: -1, matches: null };
    /** @type {Size} */
    this.size = { width: 1, height: 1, ratio: 1 };
    /** The colour of each meaning; none when it is to be found anew. @type {string[]} */
    this.fills = [];
    /** Colours of changes, by fiftieths. @type {Map<number, string>} */
    this.changes = new Map();
    /** The boxes that stand for what is selected. @type {{ id: string, boxes: number[] }} */
    this.selected = { id: "", boxes: [] };
    /** The width of each sign. @type {Map<string, number>} */
    this.widths = new Map();
  }

  /** @param {Message} message */
  take(message) {
    if (message.kind === "boxes") {
      this.boxes = message.boxes;
      this.selected = { id: "", boxes: [] };
      this.fills = [];
    } else {
      if (message.look.theme !== this.look.theme) this.fills = [];
      [this.look, this.size] = [message.look, message.size];
    }
  }

  /** Draws what was taken in last. */
  paint() {
    const { canvas, context, look, size: { width, height, ratio } } = this;
    if (!context) return;
    if (this.fills.length === 0) this.#color();
    const theme = themes[look.theme];
    const pixels = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    // Setting either, even to what it is, makes the canvas anew.
    if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = theme.ground;
    context.fillRect(0, 0, width, height);
    const inSight = this.#inSight(width, height, ratio);
    this.#fill(context, theme, inSight);
    this.#letter(context, theme, inSight);
    for (const box of this.#having(look.selectedId)) this.#outline(context, box, theme.ink, 1.5);
    if (look.current >= 0) this.#outline(context, look.current, theme.ink, 3);
  }

  /** The boxes that stand for an id. @param {string} id */
  #having(id) {
    const { boxes } = this;
    if (this.selected.id !== id) this.selected = { id, boxes: id ? Array.from(boxes.of.keys()).filter((box) => boxes.meanings[boxes.of[box]].id === id) : [] };
    return this.selected.boxes;
  }

  #color() {
    const theme = themes[this.look.theme];
    this.changes.clear();
    const [least, most] = TINT[this.look.theme];
    this.fills = this.boxes.meanings.map(({ id, color: index }) => mix(theme.ground, color(theme, index), least + ((most - least) * (parseInt(id.slice(-2), 16) % SHADES)) / (SHADES - 1)));
  }

  /** The colour of a box that has changed, pale enough for its label. @param {number} delta */
  #changeFill(delta) {
    const key = Math.round(50 * delta);
    const theme = themes[this.look.theme];
    const known = this.changes.get(key) ?? mix(theme.ground, tint(theme, key / 50, theme.grey), CHANGED);
    this.changes.set(key, known);
    return known;
  }

  /**
   * The boxes that are seen, on whole pixels, which need no smoothing; of those that share a pixel, one.
   * @param {number} width @param {number} height @param {number} ratio
   */
  #inSight(width, height, ratio) {
    const { boxes, look } = this;
    const { start: from, width: shown } = look.window;
    const scale = (width / (shown || 1)) * ratio;
    /** @type {InSight[]} */
    const found = [];
    for (let depth = 0; depth < boxes.rows.length; depth++) {
      const top = topOf(depth, look);
      if (top > height || top + ROW < 0) continue;
      for (const box of boxes.rows[depth]) {
        const [start, total] = [boxes.start[box], boxes.total[box]];
        if (start + total < from) continue;
        if (start > from + shown) break;
        const left = Math.max(0, Math.round((start - from) * scale) / ratio);
        const wide = Math.min(width, Math.round((start + total - from) * scale) / ratio) - left;
        if (wide > 0) found.push({ box, left, top, wide });
      }
    }
    return found;
  }

  /** Fills boxes colour by colour, since to change a pen's colour takes longer than to fill a box. @param {Context} context @param {Theme} theme @param {InSight[]} inSight */
  #fill(context, theme, inSight) {
    const { boxes, look: { matches } } = this;
    /** Of each colour, lit and dimmed, where the boxes lie. @type {Map<string, number[]>[]} */
    const fills = [new Map(), new Map()];
    /** @type {number[]} */
    const marks = [];
    for (const { box, left, top, wide } of inSight) {
      const of = boxes.of[box];
      const delta = boxes.delta?.[box];
      const fill = delta === undefined ? this.fills[of] : this.#changeFill(delta);
      const filled = fills[matches && !matches[of] ? 1 : 0];
      let places = filled.get(fill);
      if (!places) filled.set(fill, (places = []));
      places.push(left, top, wide > GAPPED ? wide - 1 : wide);
      if (boxes.inlined[box] && wide > GAPPED) for (let at = 2; at < wide - 3; at += 8) marks.push(left + at, top + ROW - 3, Math.min(4, wide - 3 - at));
    }
    fills.forEach((filled, at) => {
      context.globalAlpha = at === 0 ? 1 : DIMMED;
      for (const [fill, places] of filled) fillAll(context, fill, places, ROW - 1);
    });
    context.globalAlpha = 1;
    fillAll(context, theme.soft, marks, 1);
  }

  /** @param {Context} context @param {Theme} theme @param {InSight[]} inSight */
  #letter(context, theme, inSight) {
    const { boxes, look: { matches } } = this;
    context.font = FONT;
    context.textBaseline = "middle";
    context.fillStyle = theme.ink;
    for (const { box, left, top, wide } of inSight) {
      if (wide <= LETTERS) continue;
      const of = boxes.of[box];
      context.globalAlpha = matches && !matches[of] ? 0.55 : 1;
      const delta = boxes.delta?.[box];
      const sign = delta === undefined ? "" : changeSign(delta);
      const taken = sign ? this.#measure(context, sign) : 0;
      if (sign) context.fillText(sign, left + 5, top + ROW / 2);
      this.#write(context, boxes.meanings[of].label, left + 5 + taken, top + ROW / 2, wide - 10 - taken);
    }
    context.globalAlpha = 1;
  }

  /** @param {Context} context @param {number} box @param {string} ink @param {number} thick */
  #outline(context, box, ink, thick) {
    const { x, y, width } = placeOf(this.boxes, box, this.look, this.size.width);
    const [left, right] = [Math.max(0, x), Math.min(this.size.width, x + width)];
    if (right - left < 0.5) return;
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.strokeRect(left + thick / 2, y + thick / 2, Math.max(1, right - left - 1 - thick), ROW - 1 - thick);
  }

  /** A label, or what of it says most in the room that there is. @param {Context} context @param {string} label @param {number} x @param {number} y @param {number} room */
  #write(context, label, x, y, room) {
    const shorter = shortenings(label);
    const fitting = shorter.find((text) => this.#measure(context, text) <= room);
    if (fitting !== undefined) {
      context.fillText(fitting, x, y);
      return;
    }
    // What is cut would be cut anew at each step of a zoom, which is over before it is read.
    if (this.look.moving) return;
    const text = shorter[shorter.length - 1];
    const letters = Math.floor((text.length * (room - this.#measure(context, "…"))) / this.#measure(context, text));
    if (letters >= FEWEST) context.fillText(`${text.slice(0, letters)}…`, x, y);
  }

  /** How wide a text is: what its signs are together, since thousands of texts have few signs. @param {Context} context @param {string} text */
  #measure(context, text) {
    let sum = 0;
    for (const sign of text) {
      let width = this.widths.get(sign);
      if (width === undefined) {
        width = context.measureText(sign).width;
        this.widths.set(sign, width);
      }
      sum += width;
    }
    return sum;
  }
}

/** How far down a row lies in the canvas. @param {number} depth @param {Look} look */
const topOf = (depth, { isUp, room, scroll }) => (isUp ? room - (depth + 1) * ROW : depth * ROW) - scroll;

/** Where a box lies in a canvas of that width, in CSS pixels. @param {{ start: ArrayLike<number>, total: ArrayLike<number>, depth: ArrayLike<number> }} boxes @param {number} box @param {Look} look @param {number} width */
export function placeOf(boxes, box, look, width) {
  const scale = width / (look.window.width || 1);
  return { x: (boxes.start[box] - look.window.start) * scale, y: topOf(boxes.depth[box], look), width: boxes.total[box] * scale, height: ROW };
}

/** Fills boxes of one height. @param {Context} context @param {string} fill @param {number[]} places of each left, top and width @param {number} height */
function fillAll(context, fill, places, height) {
  context.fillStyle = fill;
  for (let at = 0; at < places.length; at += 3) context.fillRect(places[at], places[at + 1], places[at + 2], height);
}

/** A label, then without the trait that it ends with, then the last part of its path. @param {string} label */
function shortenings(label) {
  const bare = label.replace(/ \([^()]*\)$/, "");
  const end = bare.lastIndexOf("::");
  // `run::{closure}` says more than `{closure}`.
  return end > 0 && !bare.startsWith("{", end + 2) ? [label, bare, bare.slice(end + 2)] : [label, bare];
}

/** @param {string} ground @param {string} ink both as #rrggbb @param {number} part how much of the ink */
function mix(ground, ink, part) {
  const value = (/** @type {string} */ text, /** @type {number} */ at) => parseInt(text.slice(at, at + 2), 16);
  const channels = [1, 3, 5].map((at) => Math.round(value(ground, at) * (1 - part) + value(ink, at) * part));
  return `rgb(${channels.join(" ")})`;
}
