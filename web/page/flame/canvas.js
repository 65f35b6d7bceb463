// A flame graph on a canvas: draws the boxes that are in sight, and turns pointer and keys into hover, selection and zoom.
// What a click means is for its listener to say.

import { changeSign } from "../change.js";
import { color, themes, tint } from "../graph/palette.js";
import { Boxes } from "./boxes.js";

export const ROW = 20;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif";
/** Narrower boxes have no room for letters, in CSS pixels. */
const LETTERS = 26;
/** Fewer of them say nothing. */
const FEWEST = 3;
/** Narrower boxes are drawn without a gap to the next. */
const GAPPED = 3;
const ZOOM_MS = 220;
/** How much of a change's colour is in its box. */
const CHANGED = 0.42;
/** How much of a group's colour a box has; functions of one group differ a little, in so many shades, so that neighbours can be told apart. */
const TINT = { light: [0.30, 0.46], dark: [0.34, 0.52] };
const SHADES = 8;
/** How much is left of a box that is not searched for. */
const DIMMED = 0.28;

/** @typedef {import("../graph/palette.js").Theme} Theme */
/** A part of the width of all boxes: from where, how much. @typedef {{ start: number, width: number }} Window */
/** Where a box is drawn, in CSS pixels. @typedef {{ box: number, left: number, top: number, wide: number }} InSight */
/**
 * @typedef {object} Listener
 * @property {(box: number) => void} selected -1 for none
 * @property {(box: number) => void} opened -1 for all
 * @property {(box: number, at: import("../types.js").Point | null) => void} hovered
 * @property {(box: number, at: import("../types.js").Point) => void} [asked] the context menu
 */

export class FlameCanvas {
  /** @param {HTMLElement} scroller holds the canvas in a taller room @param {string} label @param {Listener} listener */
  constructor(scroller, label, listener) {
    this.scroller = scroller;
    this.listener = listener;
    this.room = document.createElement("div");
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    // Beside the canvas, so that what the pointer is over costs no drawing.
    this.mark = document.createElement("div");
    this.mark.className = "flame-mark";
    this.mark.hidden = true;
    this.room.append(this.canvas, this.mark);
    scroller.append(this.room);
    this.boxes = new Boxes([], []);
    /** What fills the width. @type {Window} */
    this.window = { start: 0, width: 1 };
    this.hover = -1;
    /** The box that keys start from. */
    this.current = -1;
    this.selectedId = "";
    /** By number of meaning: whether it stands out; null if nothing is searched for. @type {boolean[] | null} */
    this.matches = null;
    /** Whether the outermost boxes lie at the bottom. */
    this.isUp = false;
    /** @type {"light" | "dark"} */
    this.theme = "light";
    /** The colour of each meaning. @type {string[]} */
    this.fills = [];
    /** The width of each sign. @type {Map<string, number>} */
    this.widths = new Map();
    this.isDue = false;
    /** The zoom that is under way. @type {{ from: Window, to: Window, began: number } | null} */
    this.motion = null;
    this.tweens = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(scroller);
    this.#listen();
  }

  /** Shows other boxes. The boxes that lead to `zoom` come first, and it fills the width. @param {Boxes} boxes @param {number} zoom -1 for none */
  show(boxes, zoom) {
    const before = this.boxes;
    const path = this.current >= 0 ? before.ids(this.current) : [];
    const wasAtEnd = this.isUp && this.scroller.scrollTop + this.scroller.clientHeight >= this.room.offsetHeight - 2;
    const wasEmpty = before.count === 0;
    this.boxes = boxes;
    this.current = path.length ? boxes.find(path) : -1;
    this.hover = -1;
    this.#color();
    this.motion = null;
    this.window = zoom >= 0 ? { start: boxes.start[zoom], width: boxes.total[zoom] } : { start: 0, width: boxes.width };
    this.#resize();
    if (this.isUp && (wasAtEnd || wasEmpty)) this.scroller.scrollTop = this.room.offsetHeight;
  }

  /** Moves to a box at once, before the server has sent what more there is in it. @param {number} box */
  approach(box) {
    const to = box >= 0 ? { start: this.boxes.start[box], width: this.boxes.total[box] } : { start: 0, width: this.boxes.width };
    this.motion = { from: this.window, to, began: performance.now() };
    this.draw();
  }

  /** @param {"light" | "dark"} theme */
  setTheme(theme) {
    this.theme = theme;
    this.#color();
    this.draw();
  }

  /** @param {string} id */
  select(id) {
    this.selectedId = id;
    if (this.current >= 0 && this.boxes.meaning(this.current).id !== id) this.current = -1;
    this.draw();
  }

  /** @param {((meaning: import("./boxes.js").Meaning) => boolean) | null} test */
  setMatches(test) {
    this.matches = test && this.boxes.meanings.map(test);
    this.draw();
  }

  /** @param {boolean} isUp */
  setUp(isUp) {
    if (isUp === this.isUp) return;
    this.isUp = isUp;
    this.scroller.scrollTop = isUp ? this.room.offsetHeight : 0;
    this.draw();
  }

  /** Draws at the next frame. */
  draw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame((now) => {
      this.isDue = false;
      this.#move(now);
      this.#paint();
    });
  }

  /** Takes the zoom that is under way on to where it is now. @param {number} now */
  #move(now) {
    if (!this.motion) return;
    const { from, to, began } = this.motion;
    const part = this.tweens ? Math.min(1, Math.max(0, (now - began) / ZOOM_MS)) : 1;
    const eased = 1 - (1 - part) ** 3;
    this.window = { start: from.start + (to.start - from.start) * eased, width: from.width + (to.width - from.width) * eased };
    if (part === 1) this.motion = null;
    else this.draw();
  }

  /** Where a box lies, in CSS pixels of the canvas. @param {number} box */
  place(box) {
    const scale = this.canvas.clientWidth / (this.window.width || 1);
    const left = (this.boxes.start[box] - this.window.start) * scale;
    return { x: left, y: this.#top(this.boxes.depth[box]), width: this.boxes.total[box] * scale, height: ROW };
  }

  /** @param {number} depth */
  #top(depth) {
    const row = this.isUp ? this.room.offsetHeight - (depth + 1) * ROW : depth * ROW;
    return row - this.scroller.scrollTop;
  }

  /** Colours of changes, by fiftieths. @type {Map<number, string>} */
  changes = new Map();

  #color() {
    const theme = themes[this.theme];
    this.changes.clear();
    const [least, most] = TINT[this.theme];
    this.fills = this.boxes.meanings.map(({ id, color: index }) => mix(theme.ground, color(theme, index), least + ((most - least) * (parseInt(id.slice(-2), 16) % SHADES)) / (SHADES - 1)));
  }

  /** The colour of a box that has changed, pale enough for its label. @param {number} delta */
  #changeFill(delta) {
    const key = Math.round(50 * delta);
    const theme = themes[this.theme];
    const known = this.changes.get(key) ?? mix(theme.ground, tint(theme, key / 50, theme.grey), CHANGED);
    this.changes.set(key, known);
    return known;
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.scroller;
    if (!width || !height) return;
    this.room.style.height = `${Math.max(this.boxes.rows.length * ROW, height)}px`;
    const ratio = devicePixelRatio || 1;
    const pixels = { width: Math.round(this.scroller.clientWidth * ratio), height: Math.round(height * ratio) };
    // Setting either, even to what it is, makes the canvas anew.
    if (this.canvas.width !== pixels.width || this.canvas.height !== pixels.height) {
      this.canvas.style.height = `${height}px`;
      this.canvas.style.width = `${this.scroller.clientWidth}px`;
      Object.assign(this.canvas, pixels);
    }
    this.#paint();
  }

  #paint() {
    const context = this.canvas.getContext("2d", { alpha: false });
    if (!context || !this.canvas.width) return;
    const theme = themes[this.theme];
    const ratio = devicePixelRatio || 1;
    const [width, height] = [this.canvas.width / ratio, this.canvas.height / ratio];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = theme.ground;
    context.fillRect(0, 0, width, height);
    const inSight = this.#inSight(width, height, ratio);
    this.#fill(context, theme, inSight);
    this.#letter(context, theme, inSight);
    for (const box of this.boxes.having(this.selectedId)) this.#outline(context, box, theme.ink, 1.5);
    if (this.current >= 0) this.#outline(context, this.current, theme.ink, 3);
    this.#showMark();
  }

  /**
   * The boxes that are seen, on whole pixels, which need no smoothing; of those that share a pixel, one.
   * @param {number} width @param {number} height @param {number} ratio
   */
  #inSight(width, height, ratio) {
    const { boxes } = this;
    const { start: from, width: shown } = this.window;
    const scale = (width / (shown || 1)) * ratio;
    /** @type {InSight[]} */
    const found = [];
    for (let depth = 0; depth < boxes.rows.length; depth++) {
      const top = this.#top(depth);
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

  /** Fills boxes colour by colour, since to change a pen's colour takes longer than to fill a box. @param {CanvasRenderingContext2D} context @param {Theme} theme @param {InSight[]} inSight */
  #fill(context, theme, inSight) {
    const { boxes, matches } = this;
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

  /** @param {CanvasRenderingContext2D} context @param {Theme} theme @param {InSight[]} inSight */
  #letter(context, theme, inSight) {
    const { boxes, matches } = this;
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

  /** Frames the box that the pointer is over. */
  #showMark() {
    const { x, y, width } = this.hover >= 0 ? this.place(this.hover) : { x: 0, y: 0, width: 0 };
    const [left, right] = [Math.max(0, x), Math.min(this.canvas.clientWidth, x + width)];
    this.mark.hidden = right - left < 0.5;
    if (this.mark.hidden) return;
    this.mark.style.transform = `translate(${left}px, ${y + this.scroller.scrollTop}px)`;
    this.mark.style.width = `${Math.max(1, right - left - 1)}px`;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} box @param {string} ink @param {number} thick */
  #outline(context, box, ink, thick) {
    const { x, y, width } = this.place(box);
    const [left, right] = [Math.max(0, x), Math.min(this.canvas.clientWidth, x + width)];
    if (right - left < 0.5) return;
    context.strokeStyle = ink;
    context.lineWidth = thick;
    context.strokeRect(left + thick / 2, y + thick / 2, Math.max(1, right - left - 1 - thick), ROW - 1 - thick);
  }

  /** A label, or what of it says most in the room that there is. @param {CanvasRenderingContext2D} context @param {string} label @param {number} x @param {number} y @param {number} room */
  #write(context, label, x, y, room) {
    const shorter = shortenings(label);
    const fitting = shorter.find((text) => this.#measure(context, text) <= room);
    if (fitting !== undefined) {
      context.fillText(fitting, x, y);
      return;
    }
    // What is cut would be cut anew at each step of a zoom, which is over before it is read.
    if (this.motion) return;
    const text = shorter[shorter.length - 1];
    const letters = Math.floor((text.length * (room - this.#measure(context, "…"))) / this.#measure(context, text));
    if (letters >= FEWEST) context.fillText(`${text.slice(0, letters)}…`, x, y);
  }

  /** How wide a text is: what its signs are together, since thousands of texts have few signs. @param {CanvasRenderingContext2D} context @param {string} text */
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

  /** @param {import("../types.js").Point} at */
  boxAt(at) {
    const y = at.y + this.scroller.scrollTop;
    const depth = Math.floor((this.isUp ? this.room.offsetHeight - y : y) / ROW);
    return this.boxes.at(depth, this.window.start + (at.x / this.canvas.clientWidth) * this.window.width);
  }

  #listen() {
    const { canvas } = this;
    const point = (/** @type {MouseEvent} */ event) => ({ x: event.offsetX, y: event.offsetY });
    canvas.addEventListener("pointermove", (event) => {
      const at = point(event);
      const box = this.boxAt(at);
      if (box !== this.hover) {
        this.hover = box;
        canvas.classList.toggle("over", box >= 0);
        this.#showMark();
      }
      this.listener.hovered(box, at);
    });
    canvas.addEventListener("pointerleave", () => {
      this.hover = -1;
      this.#showMark();
      this.listener.hovered(-1, null);
    });
    canvas.addEventListener("click", (event) => this.choose(this.boxAt(point(event))));
    canvas.addEventListener("dblclick", (event) => {
      const box = this.boxAt(point(event));
      if (box >= 0) this.listener.opened(box);
    });
    canvas.addEventListener("contextmenu", (event) => {
      const box = this.boxAt(point(event));
      if (box < 0 || !this.listener.asked) return;
      event.preventDefault();
      this.choose(box);
      this.listener.asked(box, { x: event.clientX, y: event.clientY });
    });
  }

  /** @param {number} box */
  choose(box) {
    this.current = box;
    this.selectedId = box >= 0 ? this.boxes.meaning(box).id : "";
    this.listener.selected(box);
    this.draw();
  }

  /** Goes to a neighbour by key. @param {string} key */
  walk(key) {
    const { boxes, current } = this;
    if (boxes.count === 0) return;
    const inward = this.isUp ? "ArrowUp" : "ArrowDown";
    let next = -1;
    if (current < 0) next = boxes.rows[0][0];
    else if (key === "ArrowLeft" || key === "ArrowRight") next = boxes.beside(current, key === "ArrowRight" ? 1 : -1);
    else next = key === inward ? boxes.inside(current) : boxes.parent[current];
    if (next < 0) return;
    this.choose(next);
    this.reveal(next);
  }

  /** Scrolls a box into sight. @param {number} box */
  reveal(box) {
    const { y } = this.place(box);
    if (y < 0) this.scroller.scrollTop += y - ROW;
    else if (y + 2 * ROW > this.scroller.clientHeight) this.scroller.scrollTop += y + 2 * ROW - this.scroller.clientHeight;
  }

  /** What is drawn where: for tests, and for whoever drives the page by script. */
  inspect() {
    const boxes = Array.from({ length: this.boxes.count }, (_, box) => {
      const { id, name, label } = this.boxes.meaning(box);
      return { id, name, label, depth: this.boxes.depth[box], total: this.boxes.total[box], self: this.boxes.own[box], delta: this.boxes.delta?.[box], inlined: this.boxes.inlined[box] === 1, screen: this.place(box) };
    });
    return { boxes, window: { ...this.window }, current: this.current };
  }
}

/** Fills boxes of one height. @param {CanvasRenderingContext2D} context @param {string} fill @param {number[]} places of each left, top and width @param {number} height */
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
