// Keeps what is seen and draws it when something changed: circles on their way from one place to the next, camera, focus.
// Runs in the drawing worker, or on the page where there is no OffscreenCanvas.

import { draw } from "./scene.js";
import { themes } from "./palette.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../types.js").Camera} Camera */
/** @typedef {{ kind: "size", width: number, height: number, ratio: number }
 *   | { kind: "scene", number: number, picture: Picture, places: import("./layout.js").Places, tween: number, settled: boolean }
 *   | { kind: "camera", camera: Camera, moving: boolean }
 *   | { kind: "focus", hover: number, selected: number, matches: number[] | null, group: number, split: [number, number][] | null }
 *   | { kind: "move", item: number, x: number, y: number }
 *   | { kind: "theme", theme: "light" | "dark" }
 *   | { kind: "taken", boxes: import("../types.js").Rectangle[] }
 *   | { kind: "capture", number: number }} Message */

export class Painter {
  /**
   * @param {OffscreenCanvas | HTMLCanvasElement} canvas
   * @param {(report: any, transfer?: Transferable[]) => void} report
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
    /** @type {import("./scene.js").Circle[]} */
    this.targets = [];
    /** @type {import("./scene.js").Circle[]} */
    this.origins = [];
    this.tween = { start: 0, length: 0 };
    this.theme = themes.light;
    /** @type {import("./scene.js").Focus} */
    this.focus = { hover: -1, selected: -1, matches: null, group: -1, split: null };
    /** @type {import("../types.js").Rectangle[]} */
    this.taken = [];
    this.frame = 0;
    this.number = 0;
    this.settled = false;
  }

  /** @param {Message} message */
  take(message) {
    switch (message.kind) {
      case "size":
        this.size = { width: message.width, height: message.height, ratio: message.ratio };
        this.canvas.width = Math.max(1, Math.round(message.width * message.ratio));
        this.canvas.height = Math.max(1, Math.round(message.height * message.ratio));
        break;
      case "scene":
        this.#takeScene(message);
        break;
      case "camera":
        this.camera = message.camera;
        this.moving = message.moving;
        break;
      case "focus":
        this.focus = { ...message, matches: message.matches && new Set(message.matches), split: message.split && new Map(message.split) };
        break;
      case "move":
        if (this.scene) {
          for (const circles of [this.scene.circles, this.targets]) [circles[message.item].x, circles[message.item].y] = [message.x, message.y];
          this.#straighten(message.item);
        }
        break;
      case "theme":
        this.theme = themes[message.theme];
        break;
      case "taken":
        this.taken = message.boxes;
        break;
      case "capture":
        this.#capture(message.number);
        return;
    }
    this.#schedule();
  }

  /** @param {Extract<Message, { kind: "scene" }>} message */
  #takeScene({ number, picture, places, tween, settled }) {
    this.number = number;
    const before = new Map(this.scene?.picture.items.map((item, at) => [item.id, this.scene?.circles[at]]));
    this.targets = picture.items.map((item, at) => ({ ...places.items[at], radius: item.radius }));
    // A new item grows at its place.
    this.origins = this.targets.map((target, at) => ({ ...(before.get(picture.items[at].id) ?? { ...target, radius: 0 }) }));
    this.scene = { picture, circles: this.targets.map((target) => ({ ...target })), bends: places.bends };
    this.tween = { start: performance.now(), length: tween };
    this.settled = settled;
    this.focus = { ...this.focus, hover: -1, split: null };
  }

  /** An item that was dragged has left its edges' lanes. @param {number} item */
  #straighten(item) {
    this.scene?.picture.edges.forEach((edge, number) => {
      if (this.scene && (edge.from === item || edge.to === item)) this.scene.bends[number] = [];
    });
  }

  #schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.frame = 0;
    const done = this.#step();
    const { context, size, scene } = this;
    context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
    if (!scene) {
      context.fillStyle = this.theme.ground;
      context.fillRect(0, 0, size.width, size.height);
      return;
    }
    const labels = draw(context, size, scene, this.camera, this.theme, this.focus, this.moving || !done, this.taken);
    if (!done) this.#schedule();
    this.report({ kind: "drawn", labels, settled: this.settled && done, number: this.number });
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

  /** @param {number} number */
  async #capture(number) {
    this.#draw();
    const blob = "convertToBlob" in this.canvas ? await this.canvas.convertToBlob({ type: "image/png" }) : await new Promise((done) => /** @type {HTMLCanvasElement} */ (this.canvas).toBlob(done, "image/png"));
    this.report({ kind: "captured", number, blob });
  }
}
