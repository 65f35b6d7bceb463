// Keeps what is seen and draws it when something changed: circles on their way from one place to the next, camera, focus. What
// it draws are bitmaps, which the page shows and moves under the pointer; that of a large picture is drawn in steps, once the
// camera rests. Runs in the drawing worker, or on the page where there can be none.

import { unpackPicture } from "./columns.js";
import { bendsOf } from "./layout.js";
import { mapOf } from "./minimap.js";
import { themes } from "./palette.js";
import { drawHover, drawing, makeScene, viewOf } from "./scene.js";
import { SvgContext } from "./svg.js";
import { turn } from "./turn.js";

/** @typedef {import("../types.js").Camera} Camera */
/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {{ kind: "size", width: number, height: number, ratio: number }
 *   | { kind: "picture", number: number, picture: import("./columns.js").PackedPicture }
 *   | { kind: "scene", number: number, places: import("./layout.js").Places, bounds: Rectangle, tween: number, settled: boolean }
 *   | { kind: "camera", camera: Camera, moving: boolean }
 *   | { kind: "focus", hover: number, selected: number, matches: number[] | null, group: number, split: [number, number][] | null }
 *   | { kind: "move", item: number, x: number, y: number, dropped: boolean }
 *   | { kind: "theme", theme: "light" | "dark" }
 *   | { kind: "taken", boxes: Rectangle[] }
 *   | { kind: "capture", number: number, format: "png" | "svg" }} Message */
/** A canvas with the camera that it is drawn for. @typedef {{ canvas: OffscreenCanvas, context: OffscreenCanvasRenderingContext2D, camera: Camera }} Sheet */
/** What has been drawn: the window, the whole of a large graph and its small map, as far as they have changed; whether that is
 * all there is to draw.
 * @typedef {{ kind: "drawn", number: number, isLarge: boolean, settled: boolean, labels: import("./labels.js").Placed[],
 *   sheet: import("./screen.js").Sheet | null, whole: import("./screen.js").Sheet | null, map: import("./screen.js").Sheet | null }} Drawn */

/** So long it draws before it listens. */
const SLICE_MS = 9;
/** So long after the last drawing nothing moves. */
const FRAME_MS = 20;
/** What moves by less of a pixel is not seen to move. */
const SEEN = 0.5;

export class Painter {
  /** @param {(report: any, bitmaps?: ImageBitmap[]) => void} report */
  constructor(report) {
    this.report = report;
    this.canvas = new OffscreenCanvas(300, 150);
    this.context = /** @type {OffscreenCanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }));
    this.size = { width: 300, height: 150, ratio: 1 };
    /** @type {Camera} */
    this.camera = { x: 0, y: 0, k: 1 };
    this.moving = false;
    /** What is to be made of the picture that came last, with its number; its places follow. @type {{ number: number, scene: import("./scene.js").Scene } | null} */
    this.coming = null;
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
    this.isDue = false;
    this.drawnAt = 0;
    this.number = 0;
    this.settled = false;
    /** @type {import("./labels.js").Placed[]} */
    this.labels = [];
    /** What the window of a large picture looked like when it was last drawn. @type {Sheet | null} */
    this.sheet = null;
    /** What of a large picture is being drawn. @type {{ sheet: Sheet, steps: Generator<void, import("./labels.js").Placed[]>, of: "window" | "all" } | null} */
    this.job = null;
    /** Whether something else is under the pointer than what is drawn over a large picture. */
    this.isHoverStale = false;
    /** Which of a large picture's bitmaps no longer show what is. */
    this.stale = { window: true, all: true };
  }

  /** @param {Message} message */
  take(message) {
    switch (message.kind) {
      case "size":
        this.size = { width: message.width, height: message.height, ratio: message.ratio };
        this.canvas.width = Math.max(1, Math.round(message.width * message.ratio));
        this.canvas.height = Math.max(1, Math.round(message.height * message.ratio));
        this.sheet = null;
        this.#outdate("all");
        break;
      case "picture":
        this.coming = { number: message.number, scene: makeScene(unpackPicture(message.picture)) };
        return;
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
        this.isHoverStale = true;
        if (!same) this.#outdate("all");
        break;
      }
      case "move":
        if (this.scene) {
          for (const circles of [this.scene.circles, this.targets]) [circles[message.item].x, circles[message.item].y] = [message.x, message.y];
          for (const edge of this.scene.edgesOf(message.item)) this.scene.bends[edge] = [];
          // Of a large picture only what is held is drawn anew, until it is let go.
          if (this.scene.many && !message.dropped) this.isHoverStale = true;
          else this.#outdate("all");
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
  #takeScene({ number, places, bounds, tween, settled }) {
    const scene = this.coming?.number === number ? this.coming.scene : null;
    if (!scene) return;
    const { picture } = scene;
    const before = new Map(this.scene?.picture.items.map((item, at) => [item.id, this.scene?.circles[at]]));
    this.number = number;
    this.targets = picture.items.map((item, at) => ({ x: places.items[2 * at], y: places.items[2 * at + 1], radius: item.radius }));
    // A new item grows at its place.
    this.origins = this.targets.map((target, at) => ({ ...(before.get(picture.items[at].id) ?? { ...target, radius: 0 }) }));
    scene.circles = this.targets.map((target) => ({ ...target }));
    scene.bends = places.bends.length ? picture.edges.map((_, edge) => bendsOf(places, edge)) : [];
    this.scene = scene;
    this.bounds = bounds;
    this.tween = { start: performance.now(), length: this.scene.isHeavy || !this.#isMoved() ? 0 : tween };
    this.settled = settled;
    this.focus = { ...this.focus, hover: -1, split: null };
  }

  /** Draws with the next frame; after a rest at once, since the page shows it with its own next frame. */
  #schedule() {
    if (this.isDue) return;
    this.isDue = true;
    const rested = performance.now() - this.drawnAt > FRAME_MS;
    if (rested) turn().then(() => this.#draw());
    else requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.isDue = false;
    this.drawnAt = performance.now();
    const { scene } = this;
    if (!scene) {
      this.#clear();
      this.#tell(true, { sheet: this.#taken() });
    } else if (scene.many) this.#drawLarge(scene);
    else {
      const done = this.#step();
      this.context.setTransform(this.size.ratio, 0, 0, this.size.ratio, 0, 0);
      this.labels = run(drawing(this.context, viewOf(scene, this.size, this.camera, this.theme, this.focus), this.moving || !done, this.taken));
      if (!done) this.#schedule();
      this.#tell(done, { sheet: this.#taken() });
      // The canvas's memory went with the bitmap; it gets new now, while nobody waits for it.
      this.#clear();
    }
  }

  #clear() {
    this.context.fillStyle = this.theme.ground;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {boolean} done @param {Partial<Drawn>} drawn */
  #tell(done, drawn) {
    /** @type {Drawn} */
    const report = { kind: "drawn", number: this.number, isLarge: !!this.scene?.many, settled: this.settled && done, labels: this.labels, sheet: null, whole: null, map: null, ...drawn };
    this.report(report, [report.sheet, report.whole, report.map].flatMap((sheet) => sheet?.bitmap ?? []));
  }

  /** What is on the canvas, for the window. @param {OffscreenCanvas} [canvas] @param {Camera} [camera] */
  #taken(canvas = this.canvas, camera = this.camera) {
    return { bitmap: canvas.transferToImageBitmap(), camera, ratio: this.size.ratio };
  }

  /** Draws on at what is out of date, and says so when a bitmap is done. Nothing is drawn while the camera moves. @param {import("./scene.js").Scene} scene */
  #drawLarge(scene) {
    if (this.moving) return;
    const end = performance.now() + SLICE_MS;
    const isDone = () => !this.stale.window && !this.stale.all;
    while (!isDone()) {
      this.job ??= this.#begin(scene, this.stale.window ? "window" : "all");
      const { of, sheet, steps } = this.job;
      const step = steps.next();
      if (!step.done) {
        if (performance.now() < end) continue;
        this.#schedule();
        return;
      }
      this.job = null;
      this.stale[of] = false;
      if (of === "window") {
        [this.labels, this.sheet] = [step.value, sheet];
        this.#tell(isDone(), { sheet: this.#withHover(scene, sheet) });
      } else {
        const map = this.#map(sheet);
        this.#tell(isDone(), { whole: this.#taken(sheet.canvas, sheet.camera), map });
      }
    }
    if (this.isHoverStale && this.sheet) this.#tell(true, { sheet: this.#withHover(scene, this.sheet) });
  }

  /** The window with what the pointer is on. @param {import("./scene.js").Scene} scene @param {Sheet} sheet */
  #withHover(scene, { canvas, camera }) {
    const { context, size } = this;
    this.isHoverStale = false;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(canvas, 0, 0);
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    if (this.focus.hover >= 0) drawHover(context, viewOf(scene, size, camera, this.theme, this.focus));
    return this.#taken(this.canvas, camera);
  }

  /** The small map, made of the whole. @param {Sheet} all */
  #map({ canvas: all, camera: { k, x, y } }) {
    const { bounds, size } = this;
    const { width, height, scale } = mapOf(size, bounds);
    const [canvas, ratio] = [new OffscreenCanvas(Math.max(1, Math.round(width * size.ratio)), Math.max(1, Math.round(height * size.ratio))), size.ratio];
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    context.imageSmoothingQuality = "medium";
    context.drawImage(all, (bounds.x * k + x) * ratio, (bounds.y * k + y) * ratio, bounds.width * k * ratio, bounds.height * k * ratio, 0, 0, canvas.width, canvas.height);
    return this.#taken(canvas, { k: scale, x: -bounds.x * scale, y: -bounds.y * scale });
  }

  /** @param {import("./scene.js").Scene} scene @param {"window" | "all"} of */
  #begin(scene, of) {
    const camera = of === "window" ? this.camera : this.#whole();
    const sheet = this.#sheet(camera);
    // What the pointer is on is drawn over it.
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
    const canvas = new OffscreenCanvas(this.canvas.width, this.canvas.height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    context.setTransform(this.size.ratio, 0, 0, this.size.ratio, 0, 0);
    return { canvas, context, camera };
  }

  /** Whether any circle has so far to go, or to grow, that one would see it on its way. */
  #isMoved() {
    return this.targets.some((target, at) => {
      const origin = this.origins[at];
      return this.camera.k * Math.max(Math.abs(target.x - origin.x), Math.abs(target.y - origin.y), Math.abs(target.radius - origin.radius)) >= SEEN;
    });
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
    const result = await canvas.convertToBlob({ type: "image/png" });
    this.report({ kind: "captured", number, result });
  }
}

/** @template T @param {Generator<void, T>} steps @returns {T} */
function run(steps) {
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}
