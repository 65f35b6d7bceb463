// What the window shows of the graph: the bitmap that was drawn last, moved to where the camera now has it, so that panning
// and zooming a large graph draws nothing; under it the whole graph from afar, for what comes into sight; and the small map.
// A bitmap and its place change in one frame. Draws nothing of the graph itself.

import { isPart, mapOf, MAPPED, seenOn } from "./minimap.js";

/** @typedef {import("../types.js").Camera} Camera */
/** @typedef {import("../types.js").Rectangle} Rectangle */
/** A bitmap and the camera that it was drawn for. @typedef {{ bitmap: ImageBitmap, camera: Camera, ratio: number }} Sheet */
/** @typedef {import("./painter.js").Drawn} Drawn */

/** At 60 frames a second they come every 17 ms: one that is late is enough. */
const LATE_MS = 18;
const REST_MS = 100;

/** One canvas that shows bitmaps. */
class Pane {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.canvas = document.createElement("canvas");
    this.context = /** @type {ImageBitmapRenderingContext} */ (this.canvas.getContext("bitmaprenderer", { alpha: false }));
    this.canvas.hidden = true;
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, k: 1 };
    host.append(this.canvas);
  }

  /** @param {Sheet} sheet */
  show({ bitmap, camera, ratio }) {
    const { canvas } = this;
    const [width, height] = [bitmap.width, bitmap.height];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    [canvas.style.width, canvas.style.height] = [`${width / ratio}px`, `${height / ratio}px`];
    this.context.transferFromImageBitmap(bitmap);
    this.camera = camera;
    canvas.hidden = false;
  }

  /** Puts what it shows where the camera has it. @param {Camera} camera */
  place({ x, y, k }) {
    const factor = k / this.camera.k;
    const [left, top] = [x - this.camera.x * factor, y - this.camera.y * factor];
    // Whole pixels are copied, parts of them reckoned, which takes ten times as long where there is no graphics card.
    const whole = (/** @type {number} */ at) => (factor === 1 ? Math.round(at * devicePixelRatio) / devicePixelRatio : at);
    this.canvas.style.transform = `matrix(${factor}, 0, 0, ${factor}, ${whole(left)}, ${whole(top)})`;
  }
}

export class Screen {
  /** @param {HTMLElement} host @param {(drawn: Drawn) => void} shown what is told once it is in the window */
  constructor(host, shown) {
    this.shown = shown;
    this.far = new Pane(host);
    this.far.canvas.classList.add("far");
    this.near = new Pane(host);
    this.map = host.appendChild(document.createElement("div"));
    this.map.className = "map";
    this.map.hidden = true;
    this.mapped = new Pane(this.map);
    this.seen = this.map.appendChild(document.createElement("div"));
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, k: 1 };
    /** What is to be shown at the next frame. @type {Drawn[]} */
    this.waiting = [];
    this.frame = 0;
    /** When the last frame was made, and how far apart they have been of late. */
    this.shownAt = 0;
    this.gap = 0;
    /** How many frames showed something new. */
    this.frames = 0;
    this.isLarge = false;
    this.items = 0;
    this.window = { width: 1, height: 1 };
    /** @type {Rectangle} */
    this.bounds = { x: 0, y: 0, width: 1, height: 1 };
  }

  /** Whether what is shown was drawn for the camera that there is. */
  get isExact() {
    const { camera, near } = this;
    return near.camera.x === camera.x && near.camera.y === camera.y && near.camera.k === camera.k;
  }

  /** @param {Drawn} drawn */
  take(drawn) {
    this.waiting.push(drawn);
    this.#schedule();
  }

  /** @param {Camera} camera @param {{ width: number, height: number }} window @param {Rectangle} bounds of the graph @param {number} items */
  look(camera, window, bounds, items) {
    [this.camera, this.window, this.bounds, this.items] = [camera, window, bounds, items];
    this.#schedule();
  }

  #schedule() {
    this.frame ||= requestAnimationFrame((now) => this.#show(now));
  }

  /** @param {number} now */
  #show(now) {
    this.frame = 0;
    this.frames += 1;
    this.#hurry(now);
    for (const drawn of this.waiting.splice(0)) {
      this.isLarge = drawn.isLarge;
      if (drawn.sheet) this.near.show(drawn.sheet);
      if (drawn.whole) {
        this.far.show(drawn.whole);
        if (drawn.map) this.mapped.show(drawn.map);
      }
      this.shown(drawn);
    }
    const { near, far, camera } = this;
    far.canvas.hidden ||= !this.isLarge;
    // Circles and names of a small graph do not grow with it, and it is soon drawn anew.
    near.place(this.isLarge || camera.k === near.camera.k ? camera : near.camera);
    far.place(camera);
    this.#showMap();
  }

  /** Where frames come late, what moves is shown coarsely until it rests. @param {number} now */
  #hurry(now) {
    const gap = now - this.shownAt;
    this.shownAt = now;
    const { classList } = this.near.canvas;
    // The first after a rest says nothing of how fast they come.
    if (gap > REST_MS) {
      this.gap = 0;
      classList.remove("hurried");
      return;
    }
    this.gap += (gap - this.gap) / 8;
    if (this.isLarge && this.gap > LATE_MS) classList.add("hurried");
  }

  #showMap() {
    const { window, bounds, camera, map, mapped, seen } = this;
    map.hidden = !this.isLarge || this.items <= MAPPED || mapped.canvas.hidden || !isPart(window, bounds, camera);
    if (map.hidden) return;
    const place = mapOf(window, bounds);
    put(map, place);
    const part = seenOn(place, window, bounds, camera);
    put(seen, { ...part, x: part.x - place.x, y: part.y - place.y });
  }
}

/** @param {HTMLElement} element @param {Rectangle} at */
function put({ style }, { x, y, width, height }) {
  [style.width, style.height, style.transform] = [`${width}px`, `${height}px`, `translate(${x}px, ${y}px)`];
}
