// The table of functions: the graph's twin for those who read rather than look. Rows are made as they scroll into view.

import * as api from "../api.js";
import { color, themes } from "../graph/palette.js";
import { quantity, share } from "../quantity.js";

const ROW_HEIGHT = 26;
/** Rows kept beyond the window on either side. */
const SPARE = 12;

/** @typedef {import("./view.js").View} View */

/** @implements {View} */
export class TableView {
  name = "table";
  title = "Table";
  /** @type {string[]} */
  parameters = [];
  fitsBeside = true;

  /** @param {import("../look.js").Look} look @param {HTMLElement} element */
  constructor(look, element) {
    this.look = look;
    this.element = element;
    this.scroller = /** @type {HTMLElement} */ (element.querySelector(".table-scroll"));
    this.body = /** @type {HTMLElement} */ (element.querySelector("tbody"));
    this.heads = [...element.querySelectorAll("thead button")].map((button) => /** @type {HTMLButtonElement} */ (button));
    /** @type {import("../types.js").Top | null} */
    this.top = null;
    /** @type {import("../types.js").Row[]} */
    this.rows = [];
    this.sort = "self";
    this.scroller.addEventListener("scroll", () => this.#fill(), { passive: true });
    this.body.addEventListener("click", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest("tr");
      if (row?.dataset.id) look.select(row.dataset.id);
    });
    this.body.addEventListener("keydown", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest("tr");
      if (!row) return;
      const at = Number(row.dataset.at);
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
      if (step) this.#focus(Math.min(this.rows.length - 1, Math.max(0, at + step)));
      else if ((event.key === "Enter" || event.key === " ") && row.dataset.id) look.select(row.dataset.id);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    for (const button of this.heads) {
      button.addEventListener("click", () => {
        for (const head of this.heads) head.parentElement?.removeAttribute("aria-sort");
        button.parentElement?.setAttribute("aria-sort", "descending");
        this.sort = button.dataset.sort ?? "self";
        this.#sort();
      });
    }
    new ResizeObserver(() => this.#fill()).observe(this.scroller);
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const query = this.look.query();
    query.set("sort", this.sort);
    const top = await api.top(this.look.id, query, signal);
    if (signal.aborted) return null;
    this.top = top;
    this.#sort();
    this.select(this.look.selected);
    return top;
  }

  #sort() {
    const by = /** @type {"self" | "total"} */ (this.sort);
    this.top?.functions.sort((left, right) => right[by] - left[by]);
    this.search(this.look.search);
  }

  /** @param {string} text */
  search(text) {
    const all = this.top?.functions ?? [];
    this.rows = text ? all.filter((row) => row.name.toLowerCase().includes(text)) : all;
    this.#fill();
    return this.rows.length;
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

  /** @param {number} at */
  #focus(at) {
    const top = at * ROW_HEIGHT;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    if (top + 2 * ROW_HEIGHT > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = top + 3 * ROW_HEIGHT - this.scroller.clientHeight;
    this.#fill();
    /** @type {HTMLElement | null} */ (this.body.querySelector(`tr[data-at="${at}"]`))?.focus();
  }

  #fill() {
    if (!this.top) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("tr[data-at]") ?? null)?.dataset.at;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_HEIGHT) - SPARE);
    const count = Math.ceil((this.scroller.clientHeight || 800) / ROW_HEIGHT) + 2 * SPARE;
    const spacer = (/** @type {number} */ rows) => {
      const row = document.createElement("tr");
      row.setAttribute("aria-hidden", "true");
      row.style.height = `${rows * ROW_HEIGHT}px`;
      return row;
    };
    const last = Math.min(this.rows.length, first + count);
    const rows = this.rows.slice(first, last).map((row, at) => this.#row(row, first + at));
    this.body.replaceChildren(...(first ? [spacer(first)] : []), ...rows, ...(last < this.rows.length ? [spacer(this.rows.length - last)] : []));
    if (focused !== undefined) /** @type {HTMLElement | null} */ (this.body.querySelector(`tr[data-at="${focused}"]`))?.focus({ preventScroll: true });
  }

  /** @param {import("../types.js").Row} row @param {number} at */
  #row(row, at) {
    const { total, sample_type } = /** @type {import("../types.js").Top} */ (this.top);
    const line = document.createElement("tr");
    line.tabIndex = at === 0 || row.id === this.look.selected ? 0 : -1;
    line.dataset.id = row.id;
    line.dataset.at = String(at);
    line.setAttribute("aria-selected", String(row.id === this.look.selected));
    const name = document.createElement("td");
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = color(themes[this.look.theme], row.color);
    name.append(swatch, row.label);
    name.title = row.name;
    const cell = (/** @type {number} */ value) => {
      const made = document.createElement("td");
      const part = document.createElement("small");
      part.textContent = ` ${share(value, total)}`;
      made.append(quantity(value, sample_type.unit), part);
      return made;
    };
    line.append(name, cell(row.self), cell(row.total));
    return line;
  }
}
