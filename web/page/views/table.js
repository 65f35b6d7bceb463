// The table: functions, or what they belong to, by what they have. All rows are here, only those in sight are in the page; so
// the sums and the order of ten thousand scroll smoothly, and what a screen reader is told of their number is true.

import * as api from "../api.js";
import { grown, Line, ROW_HEIGHT } from "./table-line.js";

/** Rows put into the page beyond the window on either side, and by how many they fall behind before they follow: few at once, so that no frame waits for them. */
const SPARE = 24;
const BEHIND = 6;

/** @typedef {import("./view.js").View} View */
/** @typedef {import("../types.js").Row} Row */
/** @typedef {"name" | "self" | "total" | "samples" | "change"} Column */

/** @implements {View} */
export class TableView {
  name = "table";
  title = "Table";
  parameters = ["rows"];
  fitsBeside = true;

  /** @param {import("../look.js").Look} look @param {HTMLElement} element @param {{ ask: (at: import("../types.js").Point) => void, open: () => void }} page */
  constructor(look, element, page) {
    this.look = look;
    this.element = element;
    this.page = page;
    this.scroller = /** @type {HTMLElement} */ (element.querySelector(".table-scroll"));
    this.table = /** @type {HTMLElement} */ (element.querySelector("table"));
    this.body = /** @type {HTMLElement} */ (element.querySelector("tbody"));
    this.heads = /** @type {HTMLButtonElement[]} */ ([...element.querySelectorAll("thead button")]);
    this.by = /** @type {HTMLSelectElement} */ (element.querySelector("[name=rows]"));
    this.count = /** @type {HTMLElement} */ (element.querySelector("output"));
    /** @type {import("../types.js").Top | null} */
    this.top = null;
    /** @type {Row[]} */
    this.rows = [];
    /** What a whole bar stands for. */
    this.most = { self: 1, total: 1 };
    /** @type {{ column: Column, isDown: boolean }} */
    this.order = { column: "self", isDown: true };
    /** The rows that are in the page, by their places. @type {Map<number, Line>} */
    this.made = new Map();
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.body.addEventListener("click", (event) => this.#choose(/** @type {HTMLElement} */ (event.target)));
    this.body.addEventListener("dblclick", () => page.open());
    this.body.addEventListener("contextmenu", (event) => {
      if (!this.#choose(/** @type {HTMLElement} */ (event.target))) return;
      event.preventDefault();
      page.ask({ x: event.clientX, y: event.clientY });
    });
    this.body.addEventListener("keydown", (event) => this.#key(event));
    for (const head of this.heads) head.addEventListener("click", () => this.#sortBy(/** @type {Column} */ (head.dataset.sort)));
    this.by.addEventListener("change", () => look.go({ rows: [this.by.value] }));
    look.on("profile", () => this.#fillChooser());
    new ResizeObserver(() => this.#fill()).observe(this.scroller);
  }

  clear() {
    this.top = null;
    this.rows = [];
    this.made.clear();
    this.body.replaceChildren();
    this.scroller.scrollTop = 0;
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const query = this.look.query();
    if (this.look.first("rows")) query.set("by", this.look.first("rows"));
    const top = await api.top(this.look.id, query, signal);
    if (signal.aborted) return null;
    this.top = top;
    this.most = top.functions.reduce((most, { self, total }) => ({ self: Math.max(most.self, self), total: Math.max(most.total, total) }), { self: 1, total: 1 });
    this.by.value = this.look.first("rows");
    this.#compare(Boolean(top.compared));
    this.table.classList.toggle("uncounted", top.functions.every((row) => typeof row.samples !== "number"));
    this.#sort();
    this.select(this.look.selected);
    return top;
  }

  /** What has changed most comes first while profiles are compared. @param {boolean} isCompared */
  #compare(isCompared) {
    const was = this.table.classList.toggle("compared", isCompared);
    const isNew = was && this.order.column !== "change" && !this.isCompared;
    if (isNew) this.#orderBy("change", true);
    else if (!isCompared && this.order.column === "change") this.#orderBy("self", true);
    this.isCompared = isCompared;
  }

  isCompared = false;

  /** Offers what rows can stand for. */
  #fillChooser() {
    const labels = Object.keys(this.look.info?.labels ?? {});
    const fixed = ["function", "module", "crate", "file"].map((name) => new Option(name, name === "function" ? "" : name));
    this.by.replaceChildren(...fixed, ...labels.map((key) => new Option(key, key === "thread" ? key : `label:${key}`)));
    this.by.value = this.look.first("rows");
  }

  /** @param {Column} column */
  #sortBy(column) {
    this.#orderBy(column, this.order.column === column ? !this.order.isDown : column !== "name");
    this.#sort();
    this.scroller.scrollTop = 0;
  }

  /** @param {Column} column @param {boolean} isDown */
  #orderBy(column, isDown) {
    this.order = { column, isDown };
    for (const head of this.heads) head.parentElement?.removeAttribute("aria-sort");
    this.heads.find((head) => head.dataset.sort === column)?.parentElement?.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  }

  #sort() {
    const { column, isDown } = this.order;
    const side = isDown ? -1 : 1;
    this.top?.functions.sort((left, right) => {
      if (column === "name") return side * left.label.localeCompare(right.label);
      if (column === "change") return side * (Math.abs(grown(left)) - Math.abs(grown(right))) || right.total - left.total;
      return side * ((left[column] ?? 0) - (right[column] ?? 0)) || right.total - left.total;
    });
    this.search(this.look.search);
  }

  /** @param {string} text */
  search(text) {
    const all = this.top?.functions ?? [];
    this.rows = text ? all.filter((row) => row.name.toLowerCase().includes(text)) : all;
    this.count.textContent = text ? `${this.rows.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}` : all.length.toLocaleString("en");
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    this.#fill();
  }

  nextMatch() {
    const at = this.rows.findIndex((row) => row.id === this.look.selected);
    const next = this.rows[(at + 1) % (this.rows.length || 1)];
    if (next) this.look.select(next.id);
  }

  restyle() {
    this.#fill();
  }

  /** @param {string} id */
  select(id) {
    const at = this.rows.findIndex((row) => row.id === id);
    const first = Math.floor(this.scroller.scrollTop / ROW_HEIGHT);
    const fits = Math.floor(this.scroller.clientHeight / ROW_HEIGHT) - 2;
    if (at >= 0 && (at < first || at > first + fits)) this.scroller.scrollTop = (at - 3) * ROW_HEIGHT;
    this.#fill();
  }

  inspect() {
    return { rows: this.rows.length, first: this.rows.slice(0, 20), order: this.order };
  }

  /** Selects the row that something lies in. @param {HTMLElement} target @returns {boolean} whether it is a function's */
  #choose(target) {
    const row = /** @type {HTMLElement | null} */ (target.closest("tr[data-id]"));
    if (!row?.dataset.id) return false;
    this.look.select(row.dataset.id);
    return true;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("tr[data-at]"));
    if (!row) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW_HEIGHT) - 2);
    const end = this.rows.length;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -end, End: end }[event.key];
    if (step) this.#focus(Math.min(end - 1, Math.max(0, Number(row.dataset.at) + step)));
    else if (event.key === "Enter" || event.key === " ") this.#choose(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} at */
  #focus(at) {
    const top = at * ROW_HEIGHT;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    if (top + 2 * ROW_HEIGHT > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + 3 * ROW_HEIGHT - this.scroller.clientHeight;
    this.#fill();
    /** @type {HTMLElement | null} */ (this.body.querySelector(`tr[data-at="${at}"]`))?.focus();
  }

  /** Which rows are in sight. */
  #inSight() {
    const first = Math.floor(this.scroller.scrollTop / ROW_HEIGHT);
    return { first, last: Math.min(this.rows.length, first + Math.ceil((this.scroller.clientHeight || 800) / ROW_HEIGHT) + 1) };
  }

  #scrolled() {
    const { first, last } = this.#inSight();
    const isThere = (/** @type {number} */ at) => this.made.has(Math.min(this.rows.length - 1, Math.max(0, at)));
    if (!isThere(first - SPARE + BEHIND) || !isThere(last + SPARE - BEHIND)) this.#put(false);
  }

  /** Writes all rows that are in the page anew. */
  #fill() {
    if (this.top) this.#put(true);
  }

  /** Puts the rows in and near the window into the page. Those that have gone out of it become those that come. @param {boolean} isNew whether what the others say is another, too */
  #put(isNew) {
    const { made, rows, body } = this;
    const { selected, theme } = this.look;
    const { total, sample_type } = /** @type {import("../types.js").Top} */ (this.top);
    const { first, last } = this.#inSight();
    const [from, to] = [Math.max(0, Math.min(first, rows.length) - SPARE), Math.min(rows.length, last + SPARE)];
    /** @type {Line[]} */
    const free = [];
    for (const [at, line] of made) {
      if (at >= from && at < to) continue;
      made.delete(at);
      line.element.remove();
      free.push(line);
    }
    const columns = { total, unit: sample_type.unit, most: this.most, theme, selected };
    /** @type {Element | null} */
    let next = body.firstElementChild;
    for (let at = from; at < to; at++) {
      const had = made.get(at);
      const line = had ?? free.pop() ?? new Line();
      if (!had || isNew) line.show(rows[at], at, columns);
      // In the order in which they are seen, for who reads them aloud.
      if (had) next = line.element.nextElementSibling;
      else body.insertBefore(line.element, next);
      made.set(at, line);
    }
    body.style.height = `${rows.length * ROW_HEIGHT}px`;
  }
}
