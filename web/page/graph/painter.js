// Keeps what is seen and draws it when something changed: circles on their way from one place to the next, camera, focus. A
// large picture is drawn in steps to a bitmap, which is what moves under the pointer. Runs in the drawing worker, or on the
// page where there can be none.

import { unpackPicture } from "./columns.js";
import { bendsOf } from "./layout.js";
import { isPart, mapOf, MAPPED, seenOn } from "./minimap.js";
import { themes } from "./palette.js";
import { drawHover, drawing, makeScene, viewOf } from "./scene.js";
import { SvgContext } from "./svg.js";

/** @typedef {import("../types.js").Camera} Camera */
/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {{ kind: "size", width: number, height: number, ratio: number }
 *   | { kind: "scene", number: number, picture: import("./columns.js").PackedPicture, places: import("./layout.js").Places, bounds: Rectangle, tween: number, settled: boolean }
 *   | { kind: "camera", camera: Camera, moving: boolean }
 *   | { kind: "focus", hover: number, selected: number, matches: number[] | null, group: number, split: [number, number][] | null }
 *   | { kind: "move", item: number, x: number, y: number }
 *   | { kind: "theme", theme: "light" | "dark" }
 *   | { kind: "taken", boxes: Rectangle[] }
 *   | { kind: "capture", number: number, format: "png" | "svg" }} Message */
/** A bitmap with the camera that it was drawn for. @typedef {{ canvas: OffscreenCanvas | HTMLCanvasElement, context: OffscreenCanvasRenderingContext2D, camera: Camera }} Sheet */

/** Of a frame's 16 ms so many go to drawing on; the rest is for showing what is there. */
const SLICE_MS = 9;

export class Painter {
  /**
   * @param {OffscreenCanvas | HTMLCanvasElement} canvas
   * @param {(report: any) => void} report
   */
  constructor(canvas, report) {
    this.canvas = canvas;
    this.context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.report = report;
    this.size = { width: 300, height: 150, ratio: 1 };
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, k: 1 };
    this.moving = false;
    /** @type {import("./scene.js").Scene | null} */
    this.scene = null;
    /** @type {Rectangle} */
    this.bounds = { x: 0, y: 0, width: 1, height: 1 };
    /** @type {import("./scene.js").Circle[]} */
    this.targets = [];
    /** @type {import("./scene.js").Circle[]} */
    this.origins = [];
    this.tween = { start: 0, length: 0 };
    this.theme = themes.light;
    /** @type {import("./scene.js").Focus} */
    this.focus = { hover: -1, selected: -1, matches: null, group: -1, split: null };
    /** @type {Rectangle[]} */
    this.taken = [];
    this.frame = 0;
    this.frames = 0;
    this.number = 0;
    this.settled = false;
    /** @type {import("./labels.js").Placed[]} */
    this.labels = [];
    /** What a large picture looked like when it was last drawn whole: in the window's camera, and all of it. @type {{ window: Sheet | null, all: Sheet | null }} */
    this.sheets = { window: null, all: null };
    /** What is being drawn. @type {{ sheet: Sheet, steps: Generator<void, import("./labels.js").Placed[]>, of: "window" | "all" } | null} */
    this.job = null;
    /** Which sheets no longer show what is. */
    this.stale = { window: true, all: true };
  }

  /** @param {Message} message */
  take(message) {
    switch (message.kind) {
      case "size":
        this.size = { width: message.width, height: message.height, ratio: message.ratio };
        this.canvas.width = Math.max(1, Math.round(message.width * message.ratio));
        this.canvas.height = Math.max(1, Math.round(message.height * message.ratio));
        this.sheets = { window: null, all: null };
        this.#outdate("all");
        break;
      case "scene":
        this.#takeScene(message);
        this.#outdate("all");
        break;
      case "camera":
        this.camera = message.camera;
        this.moving = message.moving;
        this.#outdate("window");
        break;
      case "focus": {
        const before = this.focus;
        this.focus = { ...message, matches: message.matches && new Set(message.matches), split: message.split && new Map(message.split) };
        const same = before.selected === message.selected && before.group === message.group && !before.matches && !message.matches;
        if (!same) this.#outdate("all");
        break;
      }
      case "move":
        if (this.scene) {
          for (const circles of [this.scene.circles, this.targets]) [circles[message.item].x, circles[message.item].y] = [message.x, message.y];
          for (const edge of this.scene.edgesOf(message.item)) this.scene.bends[edge] = [];
          this.#outdate("all");
        }
        break;
      case "theme":
        this.theme = themes[message.theme];
        this.#outdate("all");
        break;
      case "taken":
        this.taken = message.boxes;
        this.#outdate("window");
        break;
      case "capture":
        this.#capture(message.number, message.format);
        return;
    }
    this.#schedule();
  }

  /** @param {"window" | "all"} what */
  #outdate(what) {
    this.stale.window = true;
    if (what === "all") this.stale.all = true;
    if (this.job && (what === "all" || this.job.of === "window")) this.job = null;
  }

  /** @param {Extract<Message, { kind: "scene" }>} message */
  #takeScene({ number, picture: packed, places, bounds, tween, settled }) {
    const before = new Map(this.scene?.picture.items.map((item, at) => [item.id, this.scene?.circles[at]]));
    const picture = number === this.number && this.scene ? this.scene.picture : unpackPicture(packed);
    this.number = number;
    this.targets = picture.items.map((item, at) => ({ x: places.items[2 * at], y: places.items[2 * at + 1], radius: item.radius }));
    // A new item grows at its place.
    this.origins = this.targets.map((target, at) => ({ ...(before.get(picture.items[at].id) ?? { ...target, radius: 0 }) }));
    const bends = places.bends.length ? picture.edges.map((_, edge) => bendsOf(places, edge)) : [];
    this.scene = makeScene(picture, this.targets.map((target) => ({ ...target })), bends);
    this.bounds = bounds;
    this.tween = { start: performance.now(), length: this.scene.many ? 0 : tween };
    this.settled = settled;
    this.focus = { ...this.focus, hover: -1, split: null };
  }

  #schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.frame = 0;
    this.frames += 1;
    const { context, size, scene } = this;
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    if (!scene) {
      context.fillStyle = this.theme.ground;
      context.fillRect(0, 0, size.width, size.height);
      return;
    }
    const done = scene.many ? this.#drawLarge(scene) : this.#drawSmall(scene);
    if (!done) this.#schedule();
    this.report({ kind: "drawn", labels: this.labels, settled: this.settled && done, number: this.number, frames: this.frames });
  }

  /** @param {import("./scene.js").Scene} scene */
  #drawSmall(scene) {
    const done = this.#step();
    this.labels = run(drawing(this.context, viewOf(scene, this.size, this.camera, this.theme, this.focus), this.moving || !done, this.taken));
    return done;
  }

  /** Shows the bitmaps that there are and draws on at the next. @param {import("./scene.js").Scene} scene */
  #drawLarge(scene) {
    const { context, size, camera, sheets } = this;
    if (!this.moving) this.#drawOn(scene);
    context.fillStyle = this.theme.ground;
    context.fillRect(0, 0, size.width, size.height);
    // While it moves, or is not yet drawn: the whole, from afar, under the part that was in the window.
    const isThere = sheets.window && !this.stale.window;
    if (sheets.all && !isThere) this.#show(sheets.all, true);
    if (sheets.window) this.#show(sheets.window, false);
    if (this.focus.hover >= 0 && !this.moving) drawHover(context, viewOf(scene, size, camera, this.theme, this.focus));
    this.#drawMap();
    return this.moving ? true : !this.job && !this.stale.window && !this.stale.all;
  }

  /** @param {import("./scene.js").Scene} scene */
  #drawOn(scene) {
    const end = performance.now() + SLICE_MS;
    while (performance.now() < end) {
      if (!this.job) {
        const of = this.stale.window ? "window" : this.stale.all ? "all" : null;
        if (!of) return;
        this.job = this.#begin(scene, of);
      }
      const step = this.job.steps.next();
      if (!step.done) continue;
      const { of, sheet } = this.job;
      if (of === "window") this.labels = step.value;
      this.sheets[of] = sheet;
      this.stale[of] = false;
      this.job = null;
    }
  }

  /** @param {import("./scene.js").Scene} scene @param {"window" | "all"} of */
  #begin(scene, of) {
    const camera = of === "window" ? this.camera : this.#whole();
    const sheet = this.#sheet(camera);
    // The window comes first and without the hover, which is drawn over it.
    const view = viewOf(scene, this.size, camera, this.theme, { ...this.focus, hover: -1, split: null });
    return { sheet, of, steps: drawing(sheet.context, view, of === "all", this.taken) };
  }

  /** The camera that has everything in the window. @returns {Camera} */
  #whole() {
    const { bounds, size } = this;
    const k = Math.min(size.width / Math.max(1, bounds.width), size.height / Math.max(1, bounds.height));
    return { k, x: (size.width - bounds.width * k) / 2 - bounds.x * k, y: (size.height - bounds.height * k) / 2 - bounds.y * k };
  }

  /** @param {Camera} camera @returns {Sheet} */
  #sheet(camera) {
    const [width, height] = [this.canvas.width, this.canvas.height];
    const canvas = typeof OffscreenCanvas === "function" ? new OffscreenCanvas(width, height) : Object.assign(document.createElement("canvas"), { width, height });
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    context.setTransform(this.size.ratio, 0, 0, this.size.ratio, 0, 0);
    return { canvas, context, camera };
  }

  /** Shows a sheet where the camera now has it. @param {Sheet} sheet @param {boolean} soft */
  #show({ canvas, camera: old }, soft) {
    const { context, camera, size } = this;
    const factor = camera.k / old.k;
    context.imageSmoothingEnabled = soft || factor !== 1;
    context.imageSmoothingQuality = "low";
    context.drawImage(canvas, camera.x - old.x * factor, camera.y - old.y * factor, size.width * factor, size.height * factor);
  }

  /** The small map, where the window shows but a part. */
  #drawMap() {
    const { context, size, bounds, camera, theme, sheets, scene } = this;
    if (!sheets.all || !scene || scene.picture.items.length <= MAPPED || !isPart(size, bounds, camera)) return;
    const map = mapOf(size, bounds);
    const { k, x, y } = sheets.all.camera;
    const ratio = size.ratio;
    context.imageSmoothingEnabled = true;
    context.drawImage(sheets.all.canvas, (bounds.x * k + x) * ratio, (bounds.y * k + y) * ratio, bounds.width * k * ratio, bounds.height * k * ratio, map.x, map.y, map.width, map.height);
    context.strokeStyle = theme.soft;
    context.lineWidth = 1;
    context.strokeRect(map.x - 0.5, map.y - 0.5, map.width + 1, map.height + 1);
    const seen = seenOn(map, size, bounds, camera);
    context.strokeStyle = theme.ink;
    context.lineWidth = 2;
    context.strokeRect(seen.x, seen.y, seen.width, seen.height);
  }

  /** Moves the circles on; whether they have arrived. */
  #step() {
    if (!this.scene || this.tween.length <= 0) return true;
    const part = Math.min(1, (performance.now() - this.tween.start) / this.tween.length);
    const eased = 1 - (1 - part) ** 3;
    const between = (/** @type {number} */ from, /** @type {number} */ to) => from + (to - from) * eased;
    this.scene.circles.forEach((circle, at) => {
      const [from, to] = [this.origins[at], this.targets[at]];
      [circle.x, circle.y, circle.radius] = [between(from.x, to.x), between(from.y, to.y), between(from.radius, to.radius)];
    });
    if (part === 1) this.tween.length = 0;
    return part === 1;
  }

  /** @param {number} number @param {"png" | "svg"} format */
  async #capture(number, format) {
    const { scene, size } = this;
    if (!scene) return;
    const view = viewOf(scene, size, this.camera, this.theme, this.focus);
    if (format === "svg") {
      const context = new SvgContext(size, this.context);
      run(drawing(/** @type {any} */ (context), view, false, []));
      this.report({ kind: "captured", number, result: context.text() });
      return;
    }
    const { canvas, context } = this.#sheet(this.camera);
    run(drawing(context, view, false, []));
    const result = "convertToBlob" in canvas ? await canvas.convertToBlob({ type: "image/png" }) : await new Promise((done) => canvas.toBlob(done, "image/png"));
    this.report({ kind: "captured", number, result });
  }
}

/** @template T @param {Generator<void, T>} steps @returns {T} */
function run(steps) {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}
