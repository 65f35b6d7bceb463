// The graph on the page: hands pictures to the layout worker and places to the drawing one, and turns the pointer into
// camera, hover, selection and drags. What it draws itself: nothing.

import { Painter } from "./painter.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {import("./layout.js").Places} Places */

/** Of the items of a new picture, so many must have places for the old ones to be kept. */
const FAMILIAR = 0.5;
const TWEEN_MS = 450;
const ZOOM = { least: 0.05, most: 12 };

/**
 * What the graph tells the page.
 * @typedef {object} Listener
 * @property {(item: number, at: Point | null) => void} hovered -1 for none
 * @property {(item: number) => void} selected
 * @property {(item: number) => void} opened
 * @property {(isDue: boolean) => void} due whether laying out again would change much
 */

export class Graph {
  /** @param {HTMLCanvasElement} canvas @param {Listener} listener */
  constructor(canvas, listener) {
    this.canvas = canvas;
    this.listener = listener;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Places | null} */
    this.places = null;
    /** Where every item ever laid out lies, by id. @type {Map<string, Point>} */
    this.known = new Map();
    this.camera = { x: 0, y: 0, k: 1 };
    this.hover = -1;
    this.selectedId = "";
    /** @type {number[] | null} */
    this.matches = null;
    this.group = -1;
    /** @type {[number, number][] | null} */
    this.split = null;
    this.isOver = false;
    this.isHeld = false;
    this.isSettled = false;
    /** @type {import("./labels.js").Placed[]} */
    this.labels = [];
    this.fresh = true;
    this.hasFitted = false;
    /** Counts the pictures, so that an answer to an older one is known. */
    this.request = 0;
    /** Items that came since the last whole layout. */
    this.newcomers = 0;
    this.tweens = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    /** @type {Map<number, (blob: Blob) => void>} */
    this.captures = new Map();

    this.layouter = new Worker(new URL("./layout-worker.js", import.meta.url), { type: "module" });
    this.layouter.onmessage = (event) => this.#placed(event.data);
    this.paint = this.#startPainter();
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  /** @returns {(message: import("./painter.js").Message, transfer?: Transferable[]) => void} */
  #startPainter() {
    if (!this.canvas.transferControlToOffscreen) {
      const painter = new Painter(this.canvas, (report) => this.#reported(report));
      return (message) => painter.take(message);
    }
    const worker = new Worker(new URL("./draw-worker.js", import.meta.url), { type: "module" });
    const canvas = this.canvas.transferControlToOffscreen();
    worker.postMessage({ kind: "canvas", canvas }, [canvas]);
    worker.onmessage = (event) => this.#reported(event.data);
    return (message) => worker.postMessage(message);
  }

  /** @param {any} report */
  #reported(report) {
    if (report.kind === "drawn") {
      this.labels = report.labels;
      this.isSettled = report.settled && report.number === this.request;
    } else {
      this.captures.get(report.number)?.(report.blob);
      this.captures.delete(report.number);
    }
  }

  /** The window in CSS pixels. */
  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** Shows a picture. Items that have places keep them, unless there are too few or `again` is said. @param {Picture} picture @param {boolean} again */
  show(picture, again) {
    const familiar = picture.items.filter((item) => this.known.has(item.id)).length;
    this.fresh = again || !this.picture || this.picture.direction !== picture.direction || familiar < FAMILIAR * picture.items.length;
    if (this.fresh) this.known.clear();
    this.newcomers = this.fresh ? 0 : this.newcomers + picture.items.length - familiar;
    this.picture = picture;
    this.places = null;
    this.isSettled = false;
    this.hover = -1;
    this.split = null;
    this.request += 1;
    this.layouter.postMessage({ number: this.request, picture, known: [...this.known] });
  }

  /** @param {{ number: number, places: Places, settled: boolean }} answer */
  #placed({ number, places, settled }) {
    if (number !== this.request || !this.picture) return;
    this.places = places;
    this.picture.items.forEach((item, at) => this.known.set(item.id, places.items[at]));
    const first = !this.hasFitted;
    if (this.fresh) this.fit(first || !this.tweens);
    this.hasFitted = true;
    const tween = first || !this.tweens || !settled ? 0 : TWEEN_MS;
    this.paint({ kind: "scene", number, picture: this.picture, places, tween, settled });
    this.#sendFocus();
    if (settled) this.listener.due(this.newcomers > 0.15 * this.picture.items.length);
  }

  /** Forgets every place, as for another profile. */
  clear() {
    this.known.clear();
    this.picture = null;
    this.hasFitted = false;
    this.newcomers = 0;
  }

  /** Puts everything, labels included, into the window. @param {boolean} [_atOnce] */
  fit(_atOnce) {
    if (!this.places || !this.picture) return;
    const { width, height } = this.size;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    this.places.items.forEach(({ x, y }, at) => {
      const radius = (this.picture?.items[at].radius ?? 0) + 8;
      [left, top, right, bottom] = [Math.min(left, x - radius), Math.min(top, y - radius), Math.max(right, x + radius), Math.max(bottom, y + radius)];
    });
    for (const { x, y } of this.places.bends.flat()) [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
    if (left === Infinity) return;
    // Room for the legend above, the slider below, and labels at the sides.
    const edge = { left: 70, right: 90, top: 48, bottom: 64 };
    const k = Math.min((width - edge.left - edge.right) / Math.max(1, right - left), (height - edge.top - edge.bottom) / Math.max(1, bottom - top), 1.6);
    this.camera = {
      k: Math.max(ZOOM.least, k),
      x: edge.left + (width - edge.left - edge.right - (right - left) * k) / 2 - left * k,
      y: edge.top + (height - edge.top - edge.bottom - (bottom - top) * k) / 2 - top * k,
    };
    this.#sendCamera(false);
  }

  /** @param {number} by @param {Point} [at] */
  zoom(by, at = { x: this.size.width / 2, y: this.size.height / 2 }) {
    const k = Math.min(ZOOM.most, Math.max(ZOOM.least, this.camera.k * by));
    const factor = k / this.camera.k;
    this.camera = { k, x: at.x - (at.x - this.camera.x) * factor, y: at.y - (at.y - this.camera.y) * factor };
    this.#sendCamera(true);
  }

  /** @param {number} x @param {number} y */
  pan(x, y) {
    this.camera = { ...this.camera, x: this.camera.x + x, y: this.camera.y + y };
    this.#sendCamera(true);
  }

  /** @param {boolean} moving */
  #sendCamera(moving) {
    clearTimeout(this.rest);
    if (moving) this.rest = setTimeout(() => this.#sendCamera(false), 120);
    this.paint({ kind: "camera", camera: this.camera, moving });
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  rest;

  #resize() {
    const { width, height } = this.size;
    if (width && height) this.paint({ kind: "size", width, height, ratio: devicePixelRatio || 1 });
    if (this.hasFitted) this.fit(true);
  }

  /** @param {"light" | "dark"} theme */
  setTheme(theme) {
    this.paint({ kind: "theme", theme });
  }

  /** What lies over the canvas, where no label may stand. @param {import("../types.js").Rectangle[]} boxes */
  setTaken(boxes) {
    this.paint({ kind: "taken", boxes });
  }

  get selected() {
    return this.picture?.items.findIndex((item) => item.id === this.selectedId) ?? -1;
  }

  /** @param {string} id the empty string for none */
  select(id) {
    this.selectedId = id;
    this.#sendFocus();
  }

  /** @param {number[] | null} matches */
  setMatches(matches) {
    this.matches = matches;
    this.#sendFocus();
  }

  /** @param {number} group */
  setGroup(group) {
    this.group = group;
    this.#sendFocus();
  }

  /** How the samples of the item under the pointer split over the edges. @param {[number, number][] | null} split */
  setSplit(split) {
    this.split = split;
    this.#sendFocus();
  }

  #sendFocus() {
    this.paint({ kind: "focus", hover: this.hover, selected: this.selected, matches: this.matches, group: this.group, split: this.split });
  }

  /** Moves the view so that an item is in it. @param {number} item */
  reveal(item) {
    const place = this.places?.items[item];
    if (!place) return;
    const [x, y] = [place.x * this.camera.k + this.camera.x, place.y * this.camera.k + this.camera.y];
    const { width, height } = this.size;
    const beyond = (/** @type {number} */ at, /** @type {number} */ room) => (at < 60 ? 60 - at : at > room - 60 ? room - 60 - at : 0);
    if (beyond(x, width) || beyond(y, height)) this.pan(beyond(x, width), beyond(y, height));
  }

  /** @returns {Promise<Blob>} what is seen, as PNG */
  capture() {
    const number = performance.now();
    return new Promise((done) => {
      this.captures.set(number, done);
      this.paint({ kind: "capture", number });
    });
  }

  /** The item whose circle is at a point of the canvas, or the nearest within a few pixels; -1 for none. @param {Point} at */
  itemAt(at) {
    if (!this.places || !this.picture) return -1;
    let [best, nearest] = [-1, 7];
    this.places.items.forEach(({ x, y }, item) => {
      const radius = (this.picture?.items[item].radius ?? 0) * this.camera.k;
      const away = Math.hypot(x * this.camera.k + this.camera.x - at.x, y * this.camera.k + this.camera.y - at.y) - radius;
      if (away < nearest) [best, nearest] = [item, Math.max(away, 0)];
    });
    return best;
  }

  /** @param {number} item @param {Point | null} at */
  #setHover(item, at) {
    if (item !== this.hover) {
      this.hover = item;
      this.split = null;
      this.canvas.classList.toggle("over", item >= 0);
      this.#sendFocus();
    }
    this.listener.hovered(item, at);
  }

  #listen() {
    const { canvas } = this;
    const point = (/** @type {MouseEvent} */ event) => ({ x: event.offsetX, y: event.offsetY });
    /** @type {{ item: number, from: Point, last: Point, moved: boolean } | null} */
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      held = { item: this.itemAt(point(event)), from: point(event), last: point(event), moved: false };
      this.isHeld = true;
    });
    canvas.addEventListener("pointermove", (event) => {
      this.isOver = true;
      const at = point(event);
      if (!held) {
        this.#setHover(this.itemAt(at), at);
        return;
      }
      held.moved ||= Math.hypot(at.x - held.from.x, at.y - held.from.y) > 4;
      if (!held.moved) return;
      canvas.classList.add("drag");
      const [x, y] = [at.x - held.last.x, at.y - held.last.y];
      held.last = at;
      if (held.item < 0) this.pan(x, y);
      else this.#drag(held.item, x / this.camera.k, y / this.camera.k);
    });
    const release = (/** @type {PointerEvent} */ event) => {
      if (held && !held.moved && event.type === "pointerup") this.listener.selected(held.item);
      held = null;
      this.isHeld = false;
      canvas.classList.remove("drag");
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("dblclick", (event) => this.listener.opened(this.itemAt(point(event))));
    canvas.addEventListener("pointerleave", () => {
      this.isOver = false;
      this.#setHover(-1, null);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      if (event.shiftKey) this.pan(-event.deltaY * lines, 0);
      else this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), point(event));
    }, { passive: false });
  }

  /** @param {number} item @param {number} x @param {number} y */
  #drag(item, x, y) {
    const place = this.places?.items[item];
    if (!place || !this.picture) return;
    [place.x, place.y] = [place.x + x, place.y + y];
    this.known.set(this.picture.items[item].id, place);
    this.paint({ kind: "move", item, x: place.x, y: place.y });
  }

  /** What is drawn where, in CSS pixels of the canvas: for tests, and for whoever drives the page by script. */
  inspect() {
    const { picture, places, camera } = this;
    const items = picture && places ? picture.items.map((item, at) => {
      const { x, y } = places.items[at];
      const screen = { x: x * camera.k + camera.x, y: y * camera.k + camera.y, radius: item.radius * camera.k };
      return { ...item, place: { x, y }, screen };
    }) : [];
    return { settled: this.isSettled, version: picture?.version ?? "", camera: { ...camera }, window: this.size, total: picture?.total ?? 0, shown: picture?.shown, folded: picture?.folded, items, labels: this.labels };
  }
}
