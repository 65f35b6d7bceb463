// The call graph as a tree grid: the graph's twin for keyboards and screen readers. Each function opens to those that it
// calls, or to those that call it, as far as one likes; the selection is that of the graph.

import * as api from "../api.js";
import { change } from "../change.js";
import { color, themes } from "../graph/palette.js";
import { quantity, share } from "../quantity.js";

/** @typedef {import("../types.js").Picture} Picture */
/** @typedef {import("./view.js").View} View */
/** @typedef {{ item: number, weight: number, level: number, path: number[], line: HTMLElement, isOpen: boolean }} Row
 *   `weight` is that of the call from the row above it; `path` the items from the outermost row to this one */

/** Beyond so many functions one searches. */
const MOST = 500;

/** @implements {View} */
export class TreeView {
  name = "tree";
  title = "Tree";
  parameters = ["items", "open", "toward"];
  fitsBeside = true;

  /** @param {import("../look.js").Look} look @param {HTMLElement} element */
  constructor(look, element) {
    this.look = look;
    this.element = element;
    this.grid = /** @type {HTMLElement} */ (element.querySelector("[role=treegrid]"));
    this.body = /** @type {HTMLElement} */ (element.querySelector(".tree-rows"));
    this.toward = /** @type {HTMLSelectElement} */ (element.querySelector("[name=toward]"));
    /** @type {Picture | null} */
    this.picture = null;
    /** The rows that can be seen, from above to below. @type {Row[]} */
    this.rows = [];
    /** The row that has the focus, or would get it. */
    this.current = 0;
    this.text = "";
    this.toward.addEventListener("change", () => look.go({ toward: this.toward.value === "callees" ? [] : [this.toward.value] }));
    this.body.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const at = this.rows.findIndex((row) => row.line === target.closest("[role=row]"));
      if (at < 0) return;
      this.#focus(at);
      if (target.closest(".twist")) this.#toggle(at);
      else look.select(this.#itemOf(at).id);
    });
    this.body.addEventListener("focusin", (event) => {
      const at = this.rows.findIndex((row) => row.line === event.target);
      if (at >= 0) this.#setCurrent(at);
    });
    this.body.addEventListener("keydown", (event) => this.#press(event));
  }

  clear() {
    this.picture = null;
    this.rows = [];
    this.body.replaceChildren();
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const query = this.look.query(["items", "open"]);
    const picture = await api.picture(this.look.id, query, signal);
    if (signal.aborted) return null;
    this.picture = picture;
    this.grid.classList.toggle("compared", Boolean(picture.compared));
    this.toward.value = this.look.first("toward") || "callees";
    this.#fill();
    return picture;
  }

  /** The functions, heaviest first. */
  #fill() {
    const { picture, body } = this;
    if (!picture) return;
    // What was open stays open, and the focus where it was.
    const open = new Set(this.rows.filter((row) => row.isOpen).map((row) => this.#keyOf(row.path)));
    const focused = this.rows[this.current] && this.#keyOf(this.rows[this.current].path);
    const hadFocus = body.contains(document.activeElement);
    this.ids = picture.items.map((item) => item.id);
    const order = picture.items.map((_, at) => at).sort((left, right) => picture.items[right].total - picture.items[left].total);
    const found = order.filter((at) => !this.text || picture.items[at].name.toLowerCase().includes(this.text)).slice(0, MOST);
    this.rows = found.map((item, at) => this.#row({ item, weight: picture.items[item].total }, [], at, found.length));
    body.replaceChildren(...this.rows.map((row) => row.line));
    for (let at = 0; at < this.rows.length; at++) if (open.has(this.#keyOf(this.rows[at].path))) this.#open(at);
    const again = this.rows.findIndex((row) => this.#keyOf(row.path) === focused);
    this.#setCurrent(Math.max(0, again));
    if (hadFocus) this.rows[this.current]?.line.focus({ preventScroll: true });
  }

  /** The items' ids, by which a path stays the same in another picture. @type {string[]} */
  ids = [];

  /** @param {number[]} path */
  #keyOf(path) {
    return path.map((item) => this.ids[item]).join(" ");
  }

  /** @param {number} at */
  #itemOf(at) {
    return /** @type {Picture} */ (this.picture).items[this.rows[at].item];
  }

  /** What a row opens to: items and the weight of the calls. @param {Row} row */
  #children(row) {
    const [mine, other] = this.toward.value === "callers" ? /** @type {const} */ (["to", "from"]) : /** @type {const} */ (["from", "to"]);
    const { edges } = /** @type {Picture} */ (this.picture);
    return edges.filter((edge) => edge[mine] === row.item && edge.weight !== 0).sort((left, right) => right.weight - left.weight).map((edge) => ({ item: edge[other], weight: edge.weight }));
  }

  /** @param {{ item: number, weight: number }} of @param {number[]} above @param {number} at its place among its siblings @param {number} of_so_many @returns {Row} */
  #row({ item, weight }, above, at, of_so_many) {
    const { items, groups, total, sample_type } = /** @type {Picture} */ (this.picture);
    const of = items[item];
    const line = document.createElement("div");
    const row = { item, weight, level: above.length + 1, path: [...above, item], line, isOpen: false };
    // A function that stands above itself calls itself again: opened, it would never end.
    const recurs = above.includes(item);
    line.setAttribute("role", "row");
    line.setAttribute("aria-level", String(row.level));
    line.setAttribute("aria-posinset", String(at + 1));
    line.setAttribute("aria-setsize", String(of_so_many));
    line.setAttribute("aria-selected", String(of.id === this.look.selected));
    if (!recurs && this.#children(row).length > 0) line.setAttribute("aria-expanded", "false");
    line.tabIndex = -1;
    line.title = of.name;
    const cell = (/** @type {string} */ text, kind = "gridcell") => {
      const made = document.createElement("span");
      made.setAttribute("role", kind);
      made.textContent = text;
      line.append(made);
      return made;
    };
    const name = cell("", "rowheader");
    name.style.paddingInlineStart = `${8 + 16 * (row.level - 1)}px`;
    const twist = document.createElement("span");
    twist.className = "twist";
    twist.setAttribute("aria-hidden", "true");
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = color(themes[this.look.theme], groups[of.group]?.color ?? 255);
    const label = of.kind === "fold" ? `${of.name}: ${of.members} functions` : of.label;
    name.append(twist, swatch, recurs ? `${label} (again)` : label);
    cell(row.level > 1 ? quantity(weight, sample_type.unit) : "");
    for (const value of [of.self, of.total]) {
      const part = document.createElement("small");
      part.textContent = ` ${share(value, total)}`;
      cell(quantity(value, sample_type.unit)).append(part);
    }
    if (of.delta !== undefined) cell(change(of.delta));
    return row;
  }

  /** @param {number} at */
  #open(at) {
    const row = this.rows[at];
    if (row.isOpen || !row.line.hasAttribute("aria-expanded")) return;
    row.isOpen = true;
    row.line.setAttribute("aria-expanded", "true");
    const children = this.#children(row);
    const rows = children.map((child, number) => this.#row(child, row.path, number, children.length));
    this.rows.splice(at + 1, 0, ...rows);
    row.line.after(...rows.map((child) => child.line));
  }

  /** @param {number} at */
  #close(at) {
    const row = this.rows[at];
    row.isOpen = false;
    row.line.setAttribute("aria-expanded", "false");
    let below = at + 1;
    while (below < this.rows.length && this.rows[below].level > row.level) below++;
    for (const gone of this.rows.splice(at + 1, below - at - 1)) gone.line.remove();
  }

  /** @param {number} at */
  #toggle(at) {
    if (this.rows[at].isOpen) this.#close(at);
    else this.#open(at);
  }

  /** @param {number} at */
  #setCurrent(at) {
    if (this.rows[this.current]) this.rows[this.current].line.tabIndex = -1;
    this.current = at;
    if (this.rows[at]) this.rows[at].line.tabIndex = 0;
  }

  /** @param {number} at */
  #focus(at) {
    const to = Math.min(this.rows.length - 1, Math.max(0, at));
    if (to < 0) return;
    this.#setCurrent(to);
    this.rows[to].line.focus();
  }

  /** The keys of a tree grid, as the ARIA practices have them. @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.current;
    const row = this.rows[at];
    if (!row) return;
    const parent = () => this.rows.findLastIndex((other, number) => number < at && other.level < row.level);
    switch (event.key) {
      case "ArrowDown": this.#focus(at + 1); break;
      case "ArrowUp": this.#focus(at - 1); break;
      case "PageDown": this.#focus(at + 15); break;
      case "PageUp": this.#focus(at - 15); break;
      case "Home": this.#focus(0); break;
      case "End": this.#focus(this.rows.length - 1); break;
      case "ArrowRight":
        if (row.isOpen) this.#focus(at + 1);
        else this.#open(at);
        break;
      case "ArrowLeft":
        if (row.isOpen) this.#close(at);
        else if (row.level > 1) this.#focus(parent());
        break;
      case "Enter":
      case " ": this.look.select(this.#itemOf(at).id); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {string} id */
  select(id) {
    for (const [at, row] of this.rows.entries()) row.line.setAttribute("aria-selected", String(this.#itemOf(at).id === id));
    if (!id || this.rows[this.current]?.line.getAttribute("aria-selected") === "true") return;
    const at = this.rows.findIndex((_, number) => this.#itemOf(number).id === id);
    if (at < 0) return;
    this.#setCurrent(at);
    this.rows[at].line.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} text */
  search(text) {
    if (text !== this.text) {
      this.text = text;
      this.#fill();
    }
    return this.picture?.items.filter((item) => item.name.toLowerCase().includes(text)).length ?? 0;
  }

  nextMatch() {
    if (this.rows[0]) this.look.select(this.#itemOf(0).id);
  }

  restyle() {
    this.#fill();
  }
}
