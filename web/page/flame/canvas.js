// A flame graph on a canvas: says what of it is to be drawn, and turns pointer and keys into hover, selection and zoom. What a
// click means is for its listener to say.

import { Boxes } from "./boxes.js";
import { FlamePainter, placeOf, ROW } from "./painter.js";

const ZOOM_MS = 220;

/** @typedef {import("./painter.js").Window} Window */
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
    this.isDue = false;
    /** The canvas in CSS pixels; asked of the page itself, it would have to be laid out anew. Without a width there is none in sight. @type {import("./painter.js").Size} */
    this.size = { width: 0, height: 0, ratio: 1 };
    this.roomHeight = 0;
    /** What draws, from when there is something to. @type {((message: import("./painter.js").Message) => void) | null} */
    this.paint = null;
    /** Whether what draws has other boxes. */
    this.isStale = true;
    /** The zoom that is under way. @type {{ from: Window, to: Window, began: number } | null} */
    this.motion = null;
    /** Who waits for its end. @type {(() => void)[]} */
    this.rested = [];
    this.tweens = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(scroller);
    this.#listen();
  }

  /** Shows other boxes. The boxes that lead to `zoom` come first, and it fills the width. @param {Boxes} boxes @param {number} zoom -1 for none */
  show(boxes, zoom) {
    const before = this.boxes;
    const path = this.current >= 0 ? before.ids(this.current) : [];
    const wasAtEnd = this.isUp && this.scroller.scrollTop + this.scroller.clientHeight >= this.roomHeight - 2;
    const wasEmpty = before.count === 0;
    this.boxes = boxes;
    this.current = path.length ? boxes.find(path) : -1;
    this.hover = -1;
    this.isStale = true;
    this.#rest();
    this.window = zoom >= 0 ? { start: boxes.start[zoom], width: boxes.total[zoom] } : { start: 0, width: boxes.width };
    this.#resize();
    if (this.isUp && (wasAtEnd || wasEmpty)) this.scroller.scrollTop = this.roomHeight;
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
    this.scroller.scrollTop = isUp ? this.roomHeight : 0;
    this.draw();
  }

  /** Draws at the next frame. */
  draw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame((now) => {
      this.isDue = false;
      if (this.size.width === 0) return;
      this.#move(now);
      this.#send();
    });
  }

  /** Takes the zoom that is under way on to where it is now. @param {number} now */
  #move(now) {
    if (!this.motion) return;
    const { from, to, began } = this.motion;
    const part = this.tweens ? Math.min(1, Math.max(0, (now - began) / ZOOM_MS)) : 1;
    const eased = 1 - (1 - part) ** 3;
    this.window = { start: from.start + (to.start - from.start) * eased, width: from.width + (to.width - from.width) * eased };
    if (part < 1) this.draw();
    else this.#rest();
  }

  #rest() {
    this.motion = null;
    this.rested.splice(0).forEach((rested) => rested());
  }

  /** Waits until no zoom is under way: other boxes would end it. @returns {Promise<void>} */
  rest() {
    return new Promise((rested) => (this.motion ? this.rested.push(rested) : rested()));
  }

  #send() {
    this.paint ??= startPainter(this.canvas);
    if (this.isStale) this.paint({ kind: "boxes", boxes: this.boxes.drawable });
    this.isStale = false;
    this.paint({ kind: "look", look: this.#look(), size: this.size });
    this.#showMark();
  }

  /** @returns {import("./painter.js").Look} */
  #look() {
    const { theme, window, motion, scroller, roomHeight: room, isUp, selectedId, current, matches } = this;
    return { theme, window, moving: motion !== null, scroll: scroller.scrollTop, room, isUp, selectedId, current, matches };
  }

  /** Where a box lies, in CSS pixels of the canvas. @param {number} box */
  place(box) {
    return placeOf(this.boxes, box, this.#look(), this.size.width);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.scroller;
    if (!width || !height) return;
    this.roomHeight = Math.max(this.boxes.rows.length * ROW, height);
    this.room.style.height = `${this.roomHeight}px`;
    // Without what a scroll bar takes that has come or gone.
    this.size = { width: this.scroller.clientWidth, height, ratio: devicePixelRatio || 1 };
    [this.canvas.style.width, this.canvas.style.height] = [`${this.size.width}px`, `${height}px`];
    this.draw();
  }

  /** Frames the box that the pointer is over. */
  #showMark() {
    const { x, y, width } = this.hover >= 0 ? this.place(this.hover) : { x: 0, y: 0, width: 0 };
    const [left, right] = [Math.max(0, x), Math.min(this.size.width, x + width)];
    this.mark.hidden = right - left < 0.5;
    if (this.mark.hidden) return;
    this.mark.style.transform = `translate(${left}px, ${y + this.scroller.scrollTop}px)`;
    this.mark.style.width = `${Math.max(1, right - left - 1)}px`;
  }

  /** @param {import("../types.js").Point} at */
  boxAt(at) {
    const y = at.y + this.scroller.scrollTop;
    const depth = Math.floor((this.isUp ? this.roomHeight - y : y) / ROW);
    return this.boxes.at(depth, this.window.start + (at.x / this.size.width) * this.window.width);
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

/** @type {Worker | undefined} */
let worker;
let canvases = 0;

/** What draws on a canvas: the worker that all share, or the page itself where it may start none. @param {HTMLCanvasElement} canvas @returns {(message: import("./painter.js").Message) => void} */
function startPainter(canvas) {
  try {
    const drawing = (worker ??= new Worker("flame/flame-worker.js"));
    const number = (canvases += 1);
    const offscreen = canvas.transferControlToOffscreen();
    drawing.postMessage({ number, canvas: offscreen }, [offscreen]);
    return (message) => drawing.postMessage({ number, message });
  } catch {
    const painter = new FlamePainter(canvas);
    return (message) => {
      painter.take(message);
      if (message.kind === "look") painter.paint();
    };
  }
}
