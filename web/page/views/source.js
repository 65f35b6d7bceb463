// The source of the selected function's file, each line with what it has. Lines are made as they scroll into view.

import * as api from "../api.js";
import { change } from "../change.js";
import { quantity, share } from "../quantity.js";
import { CHOOSE, aboutSelected } from "./selected.js";

const LINE_HEIGHT = 18;
const SPARE = 20;

/** @typedef {import("./view.js").View} View */

/** @implements {View} */
export class SourceView {
  name = "source";
  title = "Source";
  parameters = ["select"];
  fitsBeside = true;

  /** @param {import("../look.js").Look} look @param {HTMLElement} element */
  constructor(look, element) {
    this.look = look;
    this.element = element;
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
    this.nothing = part(".nothing");
    this.head = part(".of");
    this.columns = part(".source-columns");
    this.scroller = part(".source-scroll");
    /** @type {import("../types.js").Source | null} */
    this.source = null;
    /** The lines that are shown: their numbers and, if the file is here, their text. @type {{ number: number, text: string }[]} */
    this.lines = [];
    /** @type {Map<number, import("../types.js").LineValue>} */
    this.values = new Map();
    this.found = "";
    this.scroller.addEventListener("scroll", () => this.#fill(), { passive: true });
    new ResizeObserver(() => this.#fill()).observe(this.scroller);
  }

  get keys() {
    return [
      { keys: ["n"], says: "the line with most of its own, then the next", run: () => this.#nextHot() },
    ];
  }

  clear() {
    this.source = null;
    this.showNothing(CHOOSE);
  }

  /** @param {string} text */
  showNothing(text) {
    this.nothing.textContent = text;
    this.nothing.hidden = false;
    this.head.hidden = this.columns.hidden = this.scroller.hidden = true;
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const source = await aboutSelected(this.look, api.source, signal, this);
    if (!source) return null;
    const isSame = this.source?.file === source.file && this.source.first === source.first;
    this.source = source;
    this.values = new Map(source.lines.map((value) => [value.line, value]));
    const texts = source.text?.split("\n") ?? null;
    if (texts?.at(-1) === "") texts.pop();
    this.lines = texts ? texts.map((text, at) => ({ number: at + 1, text: text.replaceAll("\t", "    ").trimEnd() })) : source.lines.map(({ line }) => ({ number: line, text: "" }));
    this.nothing.hidden = true;
    this.head.hidden = this.columns.hidden = this.scroller.hidden = false;
    this.#showHead();
    if (!isSame) this.#goTo(source.first ?? this.#hottest()?.line ?? 1);
    this.#fill();
    return source;
  }

  select() {}

  /** @param {string} text */
  search(text) {
    this.found = text;
    this.#fill();
  }

  nextMatch() {
    const top = Math.floor(this.scroller.scrollTop / LINE_HEIGHT) + 4;
    const matching = this.lines.filter((line) => line.text.toLowerCase().includes(this.found));
    const next = matching.find((line) => line.number > top + 1) ?? matching[0];
    if (next) this.#goTo(next.number);
  }

  inspect() {
    return { file: this.source?.file, found: this.source?.found, lines: this.lines.length, values: [...this.values.values()] };
  }

  #showHead() {
    const { source } = this;
    if (!source) return;
    const name = document.createElement("strong");
    name.textContent = source.found ?? source.file;
    const parts = [name];
    this.columns.classList.toggle("compared", Boolean(source.compared));
    if (source.compared) {
      const says = document.createElement("span");
      says.textContent = "self and total after, and what has become of the total; before's lines are counted by their numbers then";
      parts.push(says);
    }
    if (source.remark) {
      const remark = document.createElement("span");
      // The path is said already.
      remark.textContent = source.remark.startsWith(`${source.file}: `) ? source.remark.slice(source.file.length + 2) : source.remark;
      parts.push(remark);
    }
    this.head.replaceChildren(...parts);
  }

  #hottest() {
    return [...this.values.values()].sort((left, right) => right.self - left.self || right.total - left.total)[0];
  }

  #nextHot() {
    const order = [...this.values.values()].filter((value) => value.self > 0).sort((left, right) => right.self - left.self);
    const next = order[(order.findIndex((value) => value.line === this.marked) + 1) % order.length];
    if (next) this.#goTo(next.line);
  }

  /** The line that was gone to. */
  marked = 0;

  /** @param {number} number */
  #goTo(number) {
    this.marked = number;
    const at = this.lines.findIndex((line) => line.number >= number);
    this.scroller.scrollTop = Math.max(0, (at - 4) * LINE_HEIGHT);
    this.#fill();
  }

  #fill() {
    const { source, lines } = this;
    if (!source) return;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / LINE_HEIGHT) - SPARE);
    const last = Math.min(lines.length, first + Math.ceil((this.scroller.clientHeight || 800) / LINE_HEIGHT) + 2 * SPARE);
    const room = document.createElement("div");
    room.className = "source-lines";
    room.style.height = `${lines.length * LINE_HEIGHT}px`;
    const most = source.lines.reduce((most, value) => Math.max(most, value.total), 1);
    room.append(...lines.slice(first, last).map((line, at) => this.#line(line, first + at, source, most)));
    this.scroller.replaceChildren(room);
  }

  /** @param {{ number: number, text: string }} line @param {number} at @param {import("../types.js").Source} source @param {number} most */
  #line({ number, text }, at, source, most) {
    const value = this.values.get(number);
    const made = document.createElement("div");
    made.className = "source-line";
    made.style.top = `${at * LINE_HEIGHT}px`;
    made.classList.toggle("marked", number === this.marked);
    made.classList.toggle("match", this.found !== "" && text.toLowerCase().includes(this.found));
    const cell = (/** @type {string} */ kind, /** @type {string} */ shown) => {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = shown;
      made.append(part);
      return part;
    };
    const { unit } = source.sample_type;
    const amount = (/** @type {number | undefined} */ of) => (of ? `${quantity(of, unit)}` : "");
    const own = cell("value", amount(value?.self));
    const total = cell("value", amount(value?.total));
    if (value) {
      own.title = `self ${share(value.self, source.total)}`;
      total.title = `total ${share(value.total, source.total)}`;
      total.style.setProperty("--part", `${(100 * value.total) / most}%`);
      own.style.setProperty("--part", `${(100 * value.self) / most}%`);
    }
    if (value?.delta !== undefined && value.before) {
      const became = cell("value became", change(value.delta));
      became.title = `before: self ${quantity(value.before.self, unit)}, total ${quantity(value.before.total, unit)}`;
      became.classList.add(value.delta > 0 ? "grown" : value.delta < 0 ? "shrunk" : "same");
    } else if (source.compared) cell("value became", "");
    cell("number", String(number));
    cell("code", text);
    return made;
  }
}
