// The flame graph as a view: from the outermost frames to their callees, from the leaves to their callers, or for each thread
// or label; zoomed by clicks and keys, the zoom in the address.

import * as api from "../api.js";
import { figuresCard } from "../card.js";
import { change } from "../change.js";
import { Boxes } from "../flame/boxes.js";
import { FlameCanvas } from "../flame/canvas.js";
import { themes } from "../graph/palette.js";
import { showLegend } from "../legend.js";
import { share } from "../quantity.js";

/** @typedef {import("./view.js").View} View */

/** @implements {View} */
export class FlameView {
  name = "flame";
  title = "Flame";
  parameters = ["tree", "by", "zoom"];

  /** @param {import("../look.js").Look} look @param {HTMLElement} element @param {{ ask: (at: import("../types.js").Point) => void, released: () => void }} page */
  constructor(look, element, page) {
    this.look = look;
    this.element = element;
    this.page = page;
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
    this.tree = /** @type {HTMLSelectElement} */ (part("[name=tree]"));
    this.by = /** @type {HTMLSelectElement} */ (part("[name=by]"));
    this.root = /** @type {HTMLSelectElement} */ (part("[name=root]"));
    this.crumbs = part(".crumbs");
    this.legend = part(".legend");
    this.card = part(".card");
    this.group = -1;
    /** @type {import("../types.js").Flame | null} */
    this.flame = null;
    this.canvas = new FlameCanvas(part(".flame-scroll"), "Flame graph. Arrows go from box to box, Enter zooms; the table has the same functions.", {
      selected: (box) => this.#selected(box),
      opened: (box) => this.#zoom(box),
      hovered: (box, at) => this.#hover(box, at),
      asked: (box, at) => page.ask(at),
    });
    this.tree.addEventListener("change", () => look.go({ tree: [this.tree.value], by: [], zoom: [] }));
    this.by.addEventListener("change", () => look.go({ by: [this.by.value], tree: [], zoom: [] }));
    this.root.addEventListener("change", () => {
      look.go({ root: [this.root.value] }, false);
      this.canvas.setUp(this.root.value === "bottom");
    });
    this.canvas.isUp = look.first("root") === "bottom";
    look.on("profile", () => this.#fill());
  }

  get keys() {
    const { canvas } = this;
    return [
      { keys: ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"], says: "to the caller, the widest callee, the neighbours", run: (/** @type {KeyboardEvent} */ event) => canvas.walk(event.key) },
      { keys: ["Enter"], says: "zoom into the box (or double-click)", run: () => this.#zoom(canvas.current) },
      { keys: ["Backspace", "-"], says: "zoom out by one", run: () => this.#zoomTo(this.look.first("zoom").split(".").slice(0, -1)) },
      { keys: ["0", "f"], says: "see all", run: () => this.#zoomTo([]) },
      { keys: ["+", "="], says: "zoom into the box", run: () => this.#zoom(canvas.current) },
    ];
  }

  clear() {
    this.canvas.show(new Boxes([], []), -1);
    this.group = -1;
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const { look, canvas } = this;
    const query = look.query(this.parameters);
    query.set("width", String(Math.max(100, Math.round(canvas.scroller.clientWidth))));
    const flame = await api.flame(look.id, query, signal);
    await canvas.rest();
    if (signal.aborted) return null;
    this.flame = flame;
    this.tree.value = look.first("tree") || "callees";
    this.by.value = look.first("by");
    this.root.value = look.first("root") || "top";
    const boxes = new Boxes(flame.functions, flame.boxes);
    const zoom = boxes.find(look.first("zoom").split(".").filter(Boolean));
    canvas.selectedId = look.selected;
    canvas.show(boxes, zoom);
    this.#showCrumbs(zoom);
    this.#showGroups();
    return flame;
  }

  /** @param {string} id */
  select(id) {
    this.canvas.select(id);
  }

  /** @param {string} text */
  search(text) {
    const found = (/** @type {import("../flame/boxes.js").Meaning} */ of) => of.name.toLowerCase().includes(text);
    const group = this.flame?.groups[this.group];
    if (text) this.canvas.setMatches(found);
    else if (group) this.canvas.setMatches((of) => of.color === group.color);
    else this.canvas.setMatches(null);
  }

  /** Goes to the widest box that matches, or the one after the current. */
  nextMatch() {
    const { canvas } = this;
    const { boxes, matches } = canvas;
    if (!matches) return;
    const found = Array.from({ length: boxes.count }, (_, box) => box).filter((box) => matches[boxes.of[box]]);
    found.sort((left, right) => boxes.total[right] - boxes.total[left]);
    if (found.length === 0) return;
    const next = found[(found.indexOf(canvas.current) + 1) % found.length];
    canvas.choose(next);
    canvas.reveal(next);
  }

  restyle() {
    this.canvas.setTheme(this.look.theme);
    this.#showGroups();
  }

  isHeld() {
    return this.canvas.hover >= 0;
  }

  inspect() {
    return this.canvas.inspect();
  }

  /** Offers what the profile's samples have labels of. */
  #fill() {
    const keys = Object.keys(this.look.info?.labels ?? {});
    this.by.replaceChildren(new Option("all together", ""), ...keys.map((key) => new Option(`by ${key}`, key)));
    this.by.disabled = keys.length === 0;
    this.by.value = this.look.first("by");
  }

  /** @param {number} box */
  #selected(box) {
    const { boxes } = this.canvas;
    // A label's value is no function.
    this.look.select(box >= 0 && boxes.meaning(box).crate ? boxes.meaning(box).id : "");
    const announce = document.getElementById("announce");
    if (box >= 0 && announce && this.flame) {
      const { total } = this.flame;
      announce.textContent = `${boxes.meaning(box).name}: total ${share(boxes.total[box], total)}, self ${share(boxes.own[box], total)}, ${boxes.depth[box] + 1} deep${boxes.inlined[box] ? ", inlined" : ""}`;
    }
  }

  /** @param {number} box */
  #zoom(box) {
    if (box < 0) return;
    this.canvas.approach(box);
    this.#zoomTo(this.canvas.boxes.ids(box));
  }

  /** @param {string[]} ids */
  #zoomTo(ids) {
    this.look.go({ zoom: ids.length ? [ids.join(".")] : [] });
  }

  /** @param {number} zoom */
  #showCrumbs(zoom) {
    const { boxes } = this.canvas;
    const path = zoom >= 0 ? boxes.path(zoom) : [];
    const crumb = (/** @type {string} */ text, /** @type {string[]} */ ids, /** @type {boolean} */ isLast) => {
      const entry = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = text;
      if (isLast) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => this.#zoomTo(ids));
      entry.append(button);
      return entry;
    };
    const shown = path.length > 4 ? [path[0], ...path.slice(-3)] : path;
    const crumbs = shown.map((box) => crumb(boxes.meaning(box).label, boxes.ids(box), box === zoom));
    if (path.length > 4) {
      const gap = document.createElement("li");
      gap.textContent = `… ${path.length - 4}`;
      crumbs.splice(1, 0, gap);
    }
    this.crumbs.replaceChildren(...(path.length ? [crumb("all", [], false), ...crumbs] : []));
  }

  #showGroups() {
    if (!this.flame) return;
    showLegend(this.legend, this.flame, themes[this.look.theme], this.group, (group) => {
      this.group = group;
      this.search(this.look.search);
      this.#showGroups();
    });
  }

  /** @param {number} box @param {import("../types.js").Point | null} at */
  #hover(box, at) {
    if (box < 0 || !at || !this.flame) {
      this.card.hidden = true;
      if (!at) this.page.released();
      return;
    }
    const { boxes, scroller } = this.canvas;
    const figures = /** @type {[string, number][]} */ ([["total", boxes.total[box]], ["self", boxes.own[box]]]);
    const window = { width: this.element.clientWidth, height: this.element.clientHeight };
    const place = { x: at.x, y: at.y + scroller.offsetTop };
    const remarks = [boxes.delta ? change(boxes.delta[box]) : "", boxes.inlined[box] ? "inlined into its caller" : ""];
    figuresCard(this.card, boxes.meaning(box), figures, this.flame, remarks.filter(Boolean).join(" · "), place, window);
  }
}
