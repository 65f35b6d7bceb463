// The call graph as one of the page's views: asks for pictures, and turns hover, selection, search and keys into what the
// graph shows.

import * as api from "../api.js";
import { showCard } from "../card.js";
import { kept } from "../kept.js";
import { showLegend } from "../legend.js";
import { share } from "../quantity.js";
import { Graph } from "./graph.js";
import { themes } from "./palette.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("../views/view.js").View} View */

/** How many items the slider stands for, from its one end to the other. */
const ITEMS = { least: 8, most: 10000 };
/** The pointer rests so long on an item before its edges are split by its cost. */
const REST_MS = 180;

/** @implements {View} */
export class GraphView {
  name = "graph";
  title = "Graph";
  parameters = ["items", "direction", "open", "close"];

  /** @param {import("../look.js").Look} look @param {HTMLElement} element @param {{ released: () => void, ask: (at: import("../types.js").Point) => void, showInstances: (family: string) => void, mergeInstances: () => boolean }} page */
  constructor(look, element, page) {
    this.look = look;
    this.element = element;
    this.page = page;
    /** @type {Picture | null} */
    this.picture = null;
    /** Whether the next picture is laid out anew. */
    this.again = false;
    /** What the legend says. */
    this.legended = "";
    this.measuring = 0;
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
    this.tools = part("graph-tools");
    this.legend = part("legend");
    this.card = part("card");
    this.count = part("count-text");
    this.slider = /** @type {HTMLInputElement} */ (part("items"));
    this.graph = new Graph(part("canvas"), {
      hovered: (item, at) => this.#hover(item, at),
      selected: (item) => look.select(this.picture?.items[item]?.id ?? ""),
      opened: (item) => this.#open(item),
      due: (isDue) => part("relayout").classList.toggle("due", isDue),
    });
    this.graph.canvas.addEventListener("contextmenu", (event) => {
      const item = this.graph.itemAt({ x: event.offsetX, y: event.offsetY });
      if (item < 0) return;
      event.preventDefault();
      look.select(this.picture?.items[item].id ?? "");
      page.ask({ x: event.clientX, y: event.clientY });
    });
    this.slider.addEventListener("input", () => look.go({ items: [String(sliderToItems(Number(this.slider.value)))] }, false));
    part("relayout").addEventListener("click", () => this.#relayout());
    part("fit").addEventListener("click", () => this.graph.fit());
    part("svg").addEventListener("click", async () => this.#save("svg", new Blob([await this.graph.svg()], { type: "image/svg+xml" })));
    part("png").addEventListener("click", async () => this.#save("png", await this.graph.capture()));
  }

  get keys() {
    return [
      { keys: ["ArrowLeft", "ArrowRight"], says: "to the heaviest caller or callee", run: (/** @type {KeyboardEvent} */ event) => this.#walk(/** @type {"ArrowLeft"} */ (event.key)) },
      { keys: ["ArrowUp", "ArrowDown"], says: "to the item above or below", run: (/** @type {KeyboardEvent} */ event) => this.#walk(/** @type {"ArrowUp"} */ (event.key)) },
      { keys: ["h"], says: "the hot path, one call further at each press", run: () => this.#hotPath() },
      // What is folded takes a server to open.
      ...(kept ? [] : [
        { keys: ["Enter"], says: "open the selected fold, or show a function's instances", run: () => this.#open(this.graph.selected) },
        { keys: ["Backspace"], says: "close the selected item's module, then its crate; or what was opened", run: () => this.#close(this.graph.selected) },
      ]),
      { keys: ["f", "0"], says: "fit to the window", run: () => this.graph.fit() },
      { keys: ["g"], says: "fit the selection and what it calls and is called by", run: () => this.graph.fitSelection() },
      { keys: ["+", "="], says: "zoom in", run: () => this.graph.zoom(1.25) },
      { keys: ["-"], says: "zoom out", run: () => this.graph.zoom(0.8) },
      { keys: ["l"], says: "lay out again", run: () => this.#relayout() },
    ];
  }

  isHeld() {
    return this.graph.isOver || this.graph.isHeld;
  }

  clear() {
    this.graph.clear();
    this.picture = null;
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    this.slider.value = String(itemsToSlider(Number(this.look.first("items")) || this.#fitting()));
    this.graph.showing(this.look.id);
    const picture = await this.graph.ask(api.pictureAddress(this.look.id, this.#query()), this.again, signal);
    if (signal.aborted) return null;
    this.picture = picture;
    if (picture.items.length === 0) this.graph.clear();
    this.graph.selectedId = this.look.selected;
    this.graph.show(picture);
    this.again = false;
    this.#showCount();
    this.#showGroups();
    return picture;
  }

  /** @param {string} id */
  select(id) {
    this.graph.select(id);
  }

  /** @param {string} text */
  search(text) {
    /** @type {number[]} */
    const matches = [];
    if (text) for (const [at, item] of (this.picture?.items ?? []).entries()) if (item.name.toLowerCase().includes(text)) matches.push(at);
    this.graph.setMatches(text ? matches : null);
  }

  /** Goes to the heaviest match, or the one after the selected. */
  nextMatch() {
    const matches = this.graph.matches ?? [];
    if (!this.picture || matches.length === 0) return;
    const { items } = this.picture;
    const order = [...matches].sort((left, right) => items[right].total - items[left].total);
    this.#goTo(order[(order.indexOf(this.graph.selected) + 1) % order.length]);
  }

  restyle() {
    this.graph.setTheme(this.look.theme);
    this.#showGroups();
  }

  /** Forgets which group stands out. */
  drop() {
    this.graph.setGroup(-1);
    this.#showGroups();
  }

  /** How many items the window shows with room for their labels: 90 at 1600 × 1000. */
  #fitting() {
    const { width, height } = this.graph.size;
    return Math.round(Math.min(120, Math.max(50, (90 * width * height) / 1_600_000)));
  }

  #query() {
    const query = this.look.query(this.parameters);
    const { width, height } = this.graph.room;
    query.set("width", String(Math.round(width)));
    query.set("height", String(Math.round(height)));
    if (!query.has("items")) query.set("items", String(this.#fitting()));
    return query;
  }

  #showCount() {
    if (!this.picture) return;
    const { shown, functions, total, unfiltered_total } = this.picture;
    const of = total !== unfiltered_total ? ` of ${share(total, unfiltered_total)} kept by the filters` : "";
    this.count.textContent = `${shown.functions.toLocaleString("en")} of ${functions.toLocaleString("en")} functions, ${share(shown.self, total)} of samples${of}`;
  }

  #showGroups() {
    if (!this.picture) return;
    const { groups, total, compared } = this.picture;
    const shown = JSON.stringify([groups, total, Boolean(compared), this.look.theme, this.graph.group]);
    if (shown !== this.legended) {
      this.legended = shown;
      showLegend(this.legend, this.picture, themes[this.look.theme], this.graph.group, (group) => {
        this.graph.setGroup(group);
        this.#showGroups();
      });
    }
    // Where it all stands is known without laying the page out for it once the frame is made.
    this.measuring ||= requestAnimationFrame(() => this.#measure());
  }

  /** Tells the graph what stands over it. */
  #measure() {
    this.measuring = 0;
    const stage = this.element.getBoundingClientRect();
    this.graph.setTaken([...this.element.querySelectorAll(".legend li, .count")].map((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x - stage.x, y: y - stage.y, width, height };
    }));
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #splitTimer;

  /** @param {number} item @param {import("../types.js").Point | null} at */
  #hover(item, at) {
    clearTimeout(this.#splitTimer);
    const { graph, picture } = this;
    if (item < 0 || !at || !picture || graph.isHeld) {
      this.card.hidden = true;
      if (!at) this.page.released();
      return;
    }
    showCard(this.card, picture, item, at, graph.size);
    const { id } = picture.items[item];
    this.#splitTimer = setTimeout(async () => {
      const query = this.#query();
      query.set("item", id);
      const split = await api.item(this.look.id, query).catch(() => null);
      if (split && graph.hover === item && this.picture?.items[item].id === id) graph.setSplit(split.edges);
    }, REST_MS);
  }

  /** Opens in place: a fold that was closed stands as before, any other shows its heaviest members, a function its instances. @param {number} item */
  #open(item) {
    const found = this.picture?.items[item];
    if (found?.kind === "function" && found.instances) return this.page.showInstances(found.name);
    if (found?.kind !== "fold") return;
    const closed = this.look.all("close");
    const others = closed.filter((name) => name !== closedName(found));
    if (others.length < closed.length) this.look.go({ close: others });
    else this.look.go({ open: [...this.look.all("open"), found.id] });
  }

  /** Closes in place: instances that stand apart, a fold that was opened, or else the module of an item, or else its crate. @param {number} item */
  #close(item) {
    const found = this.picture?.items[item];
    if (!found || this.page.mergeInstances()) return;
    const open = this.look.all("open");
    if (open.includes(found.id)) return this.look.go({ open: open.filter((id) => id !== found.id) });
    const isModule = found.module !== "" && found.module !== found.crate;
    const name = found.kind === "function" && isModule ? `module:${found.module}` : found.crate && `crate:${found.crate}`;
    const closed = this.look.all("close");
    if (!name || closed.includes(name)) return;
    // A crate that is closed has its modules in it.
    this.look.go({ close: [...closed.filter((other) => other !== closedName(found)), name] });
  }

  #relayout() {
    this.again = true;
    this.look.tell("look", ["items"]);
  }

  /** @param {number} item */
  #goTo(item) {
    if (!this.picture) return;
    this.look.select(this.picture.items[item].id);
    this.graph.reveal(item);
  }

  /** Follows the heaviest edge to a caller or a callee, or goes to the nearest item above or below. @param {"ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"} key */
  #walk(key) {
    const { graph, picture } = this;
    if (!picture) return;
    const { items, edges } = picture;
    const from = graph.selected;
    let next = -1;
    if (from < 0) next = items.reduce((best, item, at) => (item.total > (items[best]?.total ?? -1) ? at : best), -1);
    else if (key === "ArrowRight" || key === "ArrowLeft") {
      const [mine, other] = key === "ArrowRight" ? /** @type {const} */ (["from", "to"]) : /** @type {const} */ (["to", "from"]);
      const ways = edges.filter((edge) => edge[mine] === from && edge.from !== edge.to).sort((left, right) => right.weight - left.weight);
      next = ways[0]?.[other] ?? -1;
    } else {
      const here = graph.placeOf(from);
      const side = key === "ArrowDown" ? 1 : -1;
      let nearest = Infinity;
      items.forEach((_, at) => {
        const there = graph.placeOf(at);
        if (!here || !there) return;
        const away = side * (there.y - here.y);
        const far = away + 2 * Math.abs(there.x - here.x);
        if (at !== from && away > 2 && far < nearest) [next, nearest] = [at, far];
      });
    }
    if (next >= 0) this.#goTo(next);
  }

  /** Selects the functions on the heaviest way from the outermost caller, one at each press. */
  #hotPath() {
    if (!this.picture) return;
    if (this.graph.selected >= 0) return this.#walk("ArrowRight");
    const { items, edges } = this.picture;
    const called = new Set(edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
    const roots = items.map((_, at) => at).filter((at) => !called.has(at));
    this.#goTo((roots.length ? roots : items.map((_, at) => at)).reduce((best, at) => (items[at].total > items[best].total ? at : best)));
  }

  /** @param {string} extension @param {Blob} blob */
  #save(extension, blob) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.look.id}.${extension}`;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

/** What the address calls a closed module or crate. @param {import("../types.js").Item} fold */
const closedName = ({ module, crate }) => (module ? `module:${module}` : `crate:${crate}`);

// The slider is logarithmic: from a handful of items to ten thousand.
const itemsToSlider = (/** @type {number} */ items) => Math.round((100 * Math.log(items / ITEMS.least)) / Math.log(ITEMS.most / ITEMS.least));
const sliderToItems = (/** @type {number} */ at) => Math.round(ITEMS.least * Math.pow(ITEMS.most / ITEMS.least, at / 100));
