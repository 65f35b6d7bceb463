// The graph on the page: has pictures asked for and laid out by one worker and drawn by another, and keeps camera, hover,
// selection and drags. What it draws itself: nothing.

import { plain, unpackPicture } from "./columns.js";
import { Hits } from "./hits.js";
import { Layouter } from "./layouter.js";
import { isPart, lookAt, mapOf, MAPPED } from "./minimap.js";
import { Painter } from "./painter.js";
import { listen } from "./pointer.js";
import { related } from "./reach.js";
import { Screen } from "./screen.js";
import { turn } from "./turn.js";
import { Refused } from "../api.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {import("./layout.js").Places} Places */

const TWEEN_MS = 450;
/** The camera rests when it has not moved for so long. */
const REST_MS = 120;
const ZOOM = { least: 0.05, most: 12 };
/** So many places a reload brings back; a larger graph is laid out again, and comes out the same. */
const KEPT = 2000;
/** So long after a change the places are kept, or once the page goes. */
const KEEP_MS = 500;
/** What stays free around a graph that is seen whole: room for the legend above and the slider below. */
const EDGE = { left: 12, right: 12, top: 48, bottom: 64 };
const NOTHING = { left: 0, top: 0, right: 0, bottom: 0 };
/** About what a label takes: its letters, as many as are shown at most, with the share behind them. */
const LETTER = 6.7;
const LETTERS = 24;
const SHARE_LETTERS = 6;
const LABEL_HEIGHT = 18;
/** A part of so many items has room for their names when it fills the window. */
const ROOMY = 1.6;

/**
 * What the graph tells the page.
 * @typedef {object} Listener
 * @property {(item: number, at: Point | null) => void} hovered -1 for none
 * @property {(item: number) => void} selected
 * @property {(item: number) => void} opened
 * @property {(isDue: boolean) => void} due whether laying out again would change much
 */

export class Graph {
  /** @param {HTMLElement} canvas what the graph is shown in @param {Listener} listener */
  constructor(canvas, listener) {
    this.canvas = canvas;
    this.screen = new Screen(canvas, (drawn) => this.#showed(drawn));
    this.listener = listener;
    /** @type {Picture | null} */
    this.picture = null;
    /** @type {Places | null} */
    this.places = null;
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
    /** The number of the picture that was last drawn. */
    this.drawn = 0;
    this.isMoving = false;
    this.hasFitted = false;
    /** Counts what is asked for, so that an answer to an older question is known. */
    this.request = 0;
    /** The number of the picture that is shown. */
    this.shown = 0;
    /** Under what the places are kept over a reload. */
    this.key = "";
    /** @type {import("../types.js").Rectangle[]} */
    this.taken = [];
    this.tweens = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    /** @type {Map<number, (result: any) => void>} */
    this.captures = new Map();
    /** @type {Map<number, { done: (picture: Picture) => void, fail: (error: Error) => void }>} */
    this.asked = new Map();
    /** The pictures that have come, with what the drawing worker is to get. @type {WeakMap<Picture, { number: number, packed: import("./columns.js").PackedPicture }>} */
    this.packed = new WeakMap();
    /** @type {Hits | null} */
    this.hits = null;
    /** What everything takes, in the graph's own coordinates. */
    this.bounds = { x: 0, y: 0, width: 1, height: 1 };

    this.toLayouter = this.#startLayouter();
    this.paint = this.#startPainter();
    listen(this);
    /** The window in CSS pixels; asked of the page itself, it would have to be laid out anew. */
    this.size = { width: canvas.clientWidth, height: canvas.clientHeight };
    new ResizeObserver(() => this.#resize()).observe(canvas);
    addEventListener("pagehide", () => this.#keepNow());
    this.#resize();
  }

  /** A page opened from disk may start no workers; then it does their work itself. @returns {(request: import("./layouter.js").Request) => void} */
  #startLayouter() {
    try {
      const worker = new Worker("graph/layout-worker.js");
      worker.onmessage = (event) => this.#answered(event.data);
      return (request) => worker.postMessage(request);
    } catch {
      // One answer at a time, as from a worker.
      const layouter = new Layouter((answer) => void turn().then(() => this.#answered(answer)));
      return (request) => layouter.take(request);
    }
  }

  /** @returns {(message: import("./painter.js").Message) => void} */
  #startPainter() {
    try {
      const worker = new Worker("graph/draw-worker.js");
      worker.onmessage = (event) => this.#reported(event.data);
      return (message) => worker.postMessage(message);
    } catch {
      const painter = new Painter((report) => this.#reported(report));
      return (message) => painter.take(message);
    }
  }

  /** @param {any} report */
  #reported(report) {
    if (report.kind === "drawn") this.screen.take(report);
    else {
      this.captures.get(report.number)?.(report.result);
      this.captures.delete(report.number);
    }
  }

  /** What was drawn is in the window. @param {import("./painter.js").Drawn} drawn */
  #showed({ number, labels, settled }) {
    this.drawn = number;
    this.labels = labels;
    this.isSettled = settled && number === this.shown && this.screen.isExact;
  }

  /**
   * Has the layout worker ask for a picture, whose parsing would stop the page, and lay it out. Items that have places keep them,
   * unless there are too few or `again` is said. @param {string} address @param {boolean} again @param {AbortSignal} signal @returns {Promise<Picture>}
   */
  ask(address, again, signal) {
    const number = (this.request += 1);
    return new Promise((done, fail) => {
      this.asked.set(number, { done, fail });
      signal.addEventListener("abort", () => {
        this.toLayouter({ kind: "drop", number });
        this.asked.delete(number);
        fail(new DOMException("a newer picture is asked for", "AbortError"));
      });
      this.toLayouter({ kind: "ask", number, address: new URL(address, document.baseURI).href, again });
    });
  }

  /** @param {import("./layouter.js").Answer} answer */
  #answered(answer) {
    if (answer.kind === "places") {
      this.#placed(answer);
      return;
    }
    const asked = this.asked.get(answer.number);
    this.asked.delete(answer.number);
    if (!asked) return;
    if (answer.kind === "refused") asked.fail(new Refused(answer.status, answer.text));
    else if (answer.kind === "failed") asked.fail(new Error(answer.text));
    else {
      const picture = unpackPicture(answer.picture);
      this.packed.set(picture, { number: answer.number, packed: answer.picture });
      asked.done(picture);
    }
  }

  /** Shows a picture that was asked for, once it has places. @param {Picture} picture */
  show(picture) {
    const come = this.packed.get(picture);
    if (!come) return;
    const { number, packed } = come;
    this.picture = picture;
    this.places = null;
    this.hits = null;
    this.isSettled = false;
    this.hover = -1;
    this.split = null;
    this.shown = number;
    this.paint({ kind: "picture", number, picture: packed });
  }

  /** @param {Extract<import("./layouter.js").Answer, { kind: "places" }>} answer */
  #placed({ number, places, settled, fresh, newcomers }) {
    if (number !== this.shown || !this.picture) return;
    this.places = places;
    this.hits = null;
    this.bounds = this.#boundsOf();
    const first = !this.hasFitted;
    if (fresh) this.fit();
    this.hasFitted = true;
    const tween = first || !this.tweens || !settled ? 0 : TWEEN_MS;
    this.paint({ kind: "scene", number, places, bounds: this.bounds, tween, settled });
    this.paint({ kind: "taken", boxes: this.taken });
    this.#sendFocus();
    if (!settled) return;
    this.listener.due(newcomers > 0.15 * this.picture.items.length);
    this.#keepSoon();
  }

  /** Forgets every place. */
  clear() {
    this.#keepNow();
    this.toLayouter({ kind: "forget" });
    this.picture = null;
    this.hasFitted = false;
    this.key = "";
  }

  /** Says what is shown from now on: its places are kept over a reload, and those from before the last are taken up. @param {string} id */
  showing(id) {
    if (this.key === `plop-places ${id}`) return;
    this.clear();
    this.key = `plop-places ${id}`;
    const kept = sessionStorage.getItem(this.key);
    if (kept) this.toLayouter({ kind: "recall", ...JSON.parse(kept) });
  }

  /** Nobody waits for the places to be kept, but for the picture. */
  #keepSoon() {
    this.keeping ??= setTimeout(() => this.#keepNow(), KEEP_MS);
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  keeping;

  #keepNow() {
    if (this.keeping === undefined) return;
    clearTimeout(this.keeping);
    this.keeping = undefined;
    this.#keep();
  }

  /** Keeps the places over a reload. */
  #keep() {
    const { picture, places } = this;
    if (!this.key || !picture || !places || picture.items.length > KEPT) return;
    const rounded = (/** @type {Float32Array} */ values) => Array.from(values, (value) => Math.round(10 * value) / 10);
    const lanes = picture.edges.flatMap(({ from, to }, edge) => {
      const [start, end] = [edge === 0 ? 0 : places.ends[edge - 1], places.ends[edge]];
      return start === end ? [] : [[from, to, ...rounded(places.bends.subarray(2 * start, 2 * end))]];
    });
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ direction: picture.direction, ids: picture.items.map((item) => item.id), places: rounded(places.items), lanes }));
    } catch {
      // No room left: a reload then lays out again.
    }
  }

  /** The room that a graph has in the window. */
  get room() {
    return { width: Math.max(1, this.size.width - EDGE.left - EDGE.right), height: Math.max(1, this.size.height - EDGE.top - EDGE.bottom) };
  }

  /** What everything that counts takes, labels included, in the graph's own coordinates. @param {(item: number) => boolean} [counts] all, with the bends of edges, if it is not said */
  #boundsOf(counts) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    const { places, picture } = this;
    const take = (/** @type {number} */ x, /** @type {number} */ y, around = NOTHING) => {
      left = Math.min(left, x - around.left);
      top = Math.min(top, y - around.top);
      right = Math.max(right, x + around.right);
      bottom = Math.max(bottom, y + around.bottom);
    };
    if (!places || !picture) return { x: left, y: top, width: right - left, height: bottom - top };
    picture.items.forEach((item, at) => {
      if (!counts || counts(at)) take(places.items[2 * at], places.items[2 * at + 1], around(item, picture.items.length > MAPPED));
    });
    if (!counts) for (let at = 0; at < places.bends.length; at += 2) take(places.bends[at], places.bends[at + 1]);
    return { x: left, y: top, width: right - left, height: bottom - top };
  }

  /** Puts everything, labels included, into the window. */
  fit() {
    this.#frame(this.bounds, 1.6);
  }

  /** Puts the selected item with its callers and callees into the window. */
  fitSelection() {
    const { picture, selected } = this;
    if (!picture || selected < 0) return this.fit();
    const near = new Set([selected]);
    for (const { from, to, kind } of picture.edges) if (kind !== "faint" && (from === selected || to === selected)) near.add(from).add(to);
    // Those in the strip lie far from whatever calls them.
    this.#frame(this.#boundsOf((item) => near.has(item) && (item === selected || picture.items[item].strip === picture.items[selected].strip)), ROOMY);
  }

  /** @param {import("../types.js").Rectangle} bounds @param {number} most */
  #frame(bounds, most) {
    if (!this.places || !Number.isFinite(bounds.x)) return;
    const { width, height } = this.room;
    const k = Math.max(ZOOM.least, Math.min(width / Math.max(1, bounds.width), height / Math.max(1, bounds.height), most));
    this.camera = { k, x: EDGE.left + (width - bounds.width * k) / 2 - bounds.x * k, y: EDGE.top + (height - bounds.height * k) / 2 - bounds.y * k };
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

  /** Whether a point of the canvas lies on the small map. @param {Point} at */
  isOnMap(at) {
    if (!this.picture || this.picture.items.length <= MAPPED || !this.places) return false;
    const map = mapOf(this.size, this.bounds);
    return isPart(this.size, this.bounds, this.camera) && at.x >= map.x && at.y >= map.y && at.x <= map.x + map.width && at.y <= map.y + map.height;
  }

  /** Shows the part of the graph that a point of the small map means. @param {Point} at */
  lookAt(at) {
    this.camera = lookAt(mapOf(this.size, this.bounds), this.size, this.bounds, this.camera, at);
    this.#sendCamera(true);
  }

  /** @param {boolean} moving */
  #sendCamera(moving) {
    clearTimeout(this.rest);
    if (moving) this.rest = setTimeout(() => this.#sendCamera(false), REST_MS);
    this.screen.look(this.camera, this.size, this.bounds, this.picture?.items.length ?? 0);
    // A large graph is not drawn before the camera rests.
    const known = moving && this.isMoving && this.screen.isLarge;
    this.isMoving = moving;
    this.isSettled = false;
    if (!known) this.paint({ kind: "camera", camera: this.camera, moving });
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  rest;

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.size = { width, height };
    if (width && height) this.paint({ kind: "size", width, height, ratio: devicePixelRatio || 1 });
    if (this.hasFitted) this.fit();
  }

  /** @param {"light" | "dark"} theme */
  setTheme(theme) {
    this.paint({ kind: "theme", theme });
  }

  /** What lies over the canvas, where no label may stand. @param {import("../types.js").Rectangle[]} boxes */
  setTaken(boxes) {
    if (JSON.stringify(boxes) === JSON.stringify(this.taken)) return;
    this.taken = boxes;
    if (!this.isAwaiting) this.paint({ kind: "taken", boxes });
  }

  /** Whether a picture has no places yet. What is said of it meanwhile is drawn with it: the one before need not be drawn once more. */
  get isAwaiting() {
    return this.picture !== null && this.places === null;
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
    if (this.isAwaiting) return;
    const selected = this.selectedId ? this.selected : -1;
    this.paint({ kind: "focus", hover: this.hover, selected, matches: this.matches, group: this.group, split: this.split });
  }

  /** Where an item lies, in the graph's own coordinates. @param {number} item @returns {Point | null} */
  placeOf(item) {
    return this.places && item >= 0 ? { x: this.places.items[2 * item], y: this.places.items[2 * item + 1] } : null;
  }

  /** Moves the view so that an item is in it. @param {number} item */
  reveal(item) {
    const place = this.placeOf(item);
    if (!place) return;
    const [x, y] = [place.x * this.camera.k + this.camera.x, place.y * this.camera.k + this.camera.y];
    const { width, height } = this.size;
    const beyond = (/** @type {number} */ at, /** @type {number} */ room) => (at < 60 ? 60 - at : at > room - 60 ? room - 60 - at : 0);
    if (beyond(x, width) || beyond(y, height)) this.pan(beyond(x, width), beyond(y, height));
  }

  /** @returns {Promise<Blob>} what is seen, as PNG */
  capture() {
    return this.#captured("png");
  }

  /** @returns {Promise<string>} what is seen, as SVG */
  svg() {
    return this.#captured("svg");
  }

  /** @param {"png" | "svg"} format @returns {Promise<any>} */
  #captured(format) {
    const number = (this.request += 1);
    return new Promise((done) => {
      this.captures.set(number, done);
      this.paint({ kind: "capture", number, format });
    });
  }

  /** The item whose circle is at a point of the canvas, or the nearest within a few pixels; -1 for none. @param {Point} at */
  itemAt(at) {
    const { places, picture, camera } = this;
    if (!places || !picture) return -1;
    this.hits ??= new Hits(places.items, (item) => picture.items[item].radius);
    return this.hits.at((at.x - camera.x) / camera.k, (at.y - camera.y) / camera.k, 7 / camera.k);
  }

  /** @param {number} item @param {Point | null} at */
  setHover(item, at) {
    if (item !== this.hover) {
      this.hover = item;
      this.split = null;
      this.canvas.classList.toggle("over", item >= 0);
      this.#sendFocus();
    }
    this.listener.hovered(item, at);
  }

  /** @param {number} item @param {number} x @param {number} y */
  drag(item, x, y) {
    const { places } = this;
    if (!places || !this.picture) return;
    places.items[2 * item] += x;
    places.items[2 * item + 1] += y;
    this.hits = null;
    this.paint({ kind: "move", item, x: places.items[2 * item], y: places.items[2 * item + 1], dropped: false });
  }

  /** Keeps an item where it was dragged to. @param {number} item */
  dropped(item) {
    const place = this.placeOf(item);
    if (!place || !this.picture) return;
    this.bounds = this.#boundsOf();
    this.paint({ kind: "move", item, ...place, dropped: true });
    this.toLayouter({ kind: "moved", id: this.picture.items[item].id, place });
    this.#keepSoon();
  }

  /** The items that call the selected one, directly or not, and those that it calls. */
  get inFocus() {
    const { picture, selected } = this;
    return picture && selected >= 0 ? related(selected, picture.edges, picture.items.length).items : null;
  }

  /** What is drawn where, in CSS pixels of the canvas: for tests, and for whoever drives the page by script. */
  inspect() {
    const { picture, places, camera } = this;
    const items = picture && places ? picture.items.map((item, at) => {
      const [x, y] = [places.items[2 * at], places.items[2 * at + 1]];
      const screen = { x: x * camera.k + camera.x, y: y * camera.k + camera.y, radius: item.radius * camera.k };
      return { ...plain(item), place: { x, y }, screen };
    }) : [];
    const edges = picture?.edges.map(({ from, to, weight, kind }) => ({ from, to, weight, kind })) ?? [];
    return { ...this.state, items, edges, labels: this.labels };
  }

  /** The same without the lists. */
  get state() {
    const { picture, camera } = this;
    return { settled: this.isSettled, version: picture?.version ?? "", drawn: this.drawn, frames: this.screen.frames, camera: { ...camera }, window: this.size, total: picture?.total ?? 0, shown: picture?.shown, folded: picture?.folded };
  }
}

/** What an item and its label take around the item's place; of a large graph, few are labelled. @param {import("../types.js").Item} item @param {boolean} many */
function around({ radius, label, beside }, many) {
  const circle = radius + 8;
  const letters = many ? 0 : (Math.min(LETTERS, label.length) + SHARE_LETTERS) * LETTER;
  return beside ? { left: circle, top: circle, right: circle + letters, bottom: circle } : { left: Math.max(circle, letters / 2), top: circle, right: Math.max(circle, letters / 2), bottom: many ? circle : radius + LABEL_HEIGHT };
}
