// The sandwich: the callers of the selected function above it, its callees below, as flame graphs and as tables.

import * as api from "../api.js";
import { figuresCard } from "../card.js";
import { change } from "../change.js";
import { Boxes } from "../flame/boxes.js";
import { FlameCanvas } from "../flame/canvas.js";
import { color, themes, tint } from "../graph/palette.js";
import { quantity, share } from "../quantity.js";
import { CHOOSE, aboutSelected } from "./selected.js";

/** @typedef {import("./view.js").View} View */

/** The share of the height that either side has at least. */
const LEAST_PART = 0.2;

/** @implements {View} */
export class SandwichView {
  name = "sandwich";
  title = "Sandwich";
  parameters = ["select"];
  fitsBeside = true;

  /** @param {import("../look.js").Look} look @param {HTMLElement} element @param {{ ask: (at: import("../types.js").Point) => void }} page */
  constructor(look, element, page) {
    this.look = look;
    this.element = element;
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
    this.nothing = part(".nothing");
    this.content = part(".sandwich");
    this.head = part(".of");
    this.lists = { callers: part(".callers"), callees: part(".callees") };
    this.card = part(".card");
    /** @type {import("../types.js").Sandwich | null} */
    this.answer = null;
    const flame = (/** @type {string} */ selector, /** @type {string} */ label) => {
      /** @type {FlameCanvas} */
      const canvas = new FlameCanvas(part(selector), label, {
        // A click marks a box; the function in the middle changes with a double-click only, or it would run away.
        selected: () => {},
        opened: (box) => look.select(canvas.boxes.meaning(box).id),
        hovered: (box, at) => this.#hover(canvas, box, at),
        asked: (box, at) => {
          look.select(canvas.boxes.meaning(box).id);
          page.ask(at);
        },
      });
      return canvas;
    };
    this.up = flame(".up", "Callers of the selected function; Enter goes to the marked one.");
    this.up.isUp = true;
    this.down = flame(".down", "Callees of the selected function; Enter goes to the marked one.");
  }

  /** The flame graph that has the focus, or else the callees. */
  get #active() {
    return document.activeElement === this.up.canvas ? this.up : this.down;
  }

  get keys() {
    return [
      { keys: ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"], says: "from box to box", run: (/** @type {KeyboardEvent} */ event) => this.#active.walk(event.key) },
      { keys: ["Enter"], says: "to the marked function (or double-click)", run: () => {
        const { current, boxes } = this.#active;
        if (current >= 0) this.look.select(boxes.meaning(current).id);
      } },
    ];
  }

  clear() {
    this.answer = null;
    this.showNothing(CHOOSE);
  }

  /** @param {string} text */
  showNothing(text) {
    this.nothing.textContent = text;
    this.nothing.hidden = false;
    this.content.hidden = true;
  }

  /** @param {AbortSignal} signal */
  async show(signal) {
    const width = String(Math.max(100, Math.round(this.element.clientWidth)));
    const answer = await aboutSelected(this.look, api.sandwich, signal, this, { width });
    if (!answer) return null;
    this.answer = answer;
    this.nothing.hidden = true;
    this.content.hidden = false;
    for (const [canvas, boxes] of /** @type {const} */ ([[this.up, answer.up], [this.down, answer.down]])) {
      canvas.current = -1;
      canvas.selectedId = this.look.selected;
      canvas.show(new Boxes(answer.functions, boxes), -1);
    }
    this.#share();
    this.up.scroller.scrollTop = this.up.room.offsetHeight;
    this.#showTables();
    return answer;
  }

  select() {}

  /** @param {string} text */
  search(text) {
    for (const canvas of [this.up, this.down]) canvas.setMatches(text ? (of) => of.name.toLowerCase().includes(text) : null);
  }

  restyle() {
    for (const canvas of [this.up, this.down]) canvas.setTheme(this.look.theme);
    this.#showTables();
  }

  isHeld() {
    return this.up.hover >= 0 || this.down.hover >= 0;
  }

  inspect() {
    return { up: this.up.inspect(), down: this.down.inspect(), callers: this.answer?.callers ?? [], callees: this.answer?.callees ?? [] };
  }

  /** Gives each side room by how deep it is. */
  #share() {
    const [up, down] = [this.up, this.down].map((canvas) => canvas.boxes.rows.length);
    const part = Math.min(1 - LEAST_PART, Math.max(LEAST_PART, up / (up + down || 1)));
    /** @type {HTMLElement} */ (this.up.scroller.parentElement).style.gridTemplateRows = `${part}fr ${1 - part}fr`;
  }

  #showTables() {
    const { answer } = this;
    if (!answer) return;
    const of = answer.functions[answer.function];
    const name = document.createElement("strong");
    name.textContent = of.name;
    const { before, after, sample_type: { unit } } = answer;
    const value = (/** @type {"self" | "total"} */ says, /** @type {number} */ amount) => {
      const made = document.createElement("span");
      made.textContent = before && after ? `${says} ${quantity(before[says], unit)} → ${quantity(after[says], unit)}` : `${says} ${quantity(amount, unit)} (${share(amount, answer.total)})`;
      return made;
    };
    const parts = [name, value("self", answer.self), value("total", answer.function_total)];
    if (answer.delta !== undefined) {
      const became = document.createElement("span");
      became.textContent = change(answer.delta);
      parts.push(became);
    }
    this.head.replaceChildren(...parts);
    this.#fill(this.lists.callers, "Callers", answer.callers, answer);
    this.#fill(this.lists.callees, "Callees", answer.callees, answer);
  }

  /** @param {HTMLElement} list @param {string} title @param {import("../types.js").Neighbour[]} neighbours @param {import("../types.js").Sandwich} answer */
  #fill(list, title, neighbours, answer) {
    const head = document.createElement("h3");
    head.textContent = `${title} (${neighbours.length.toLocaleString("en")})`;
    const entries = document.createElement("ul");
    entries.append(...neighbours.map(({ function: number, weight, before, after, delta }) => {
      const of = answer.functions[number];
      const button = document.createElement("button");
      button.type = "button";
      button.title = of.name;
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      const theme = themes[this.look.theme];
      swatch.style.background = delta === undefined ? color(theme, of.color) : tint(theme, delta, theme.grey);
      const label = document.createElement("span");
      label.className = "name";
      label.textContent = number === answer.function ? `${of.label} (itself)` : of.label;
      const figure = document.createElement("span");
      figure.className = "figure";
      const { unit } = answer.sample_type;
      figure.textContent = before === undefined || after === undefined ? quantity(weight, unit) : `${quantity(before, unit)} → ${quantity(after, unit)}`;
      const part = document.createElement("small");
      part.textContent = delta === undefined ? share(weight, answer.function_total) : change(delta);
      button.append(swatch, label, figure, part);
      button.addEventListener("click", () => this.look.select(of.id));
      const entry = document.createElement("li");
      entry.append(button);
      return entry;
    }));
    list.replaceChildren(head, entries);
  }

  /** @param {FlameCanvas} canvas @param {number} box @param {import("../types.js").Point | null} at */
  #hover(canvas, box, at) {
    if (box < 0 || !at || !this.answer) {
      this.card.hidden = true;
      return;
    }
    const { boxes, scroller } = canvas;
    const room = this.element.getBoundingClientRect();
    const own = scroller.getBoundingClientRect();
    const place = { x: at.x + own.x - room.x, y: at.y + own.y - room.y };
    const figures = /** @type {[string, number][]} */ ([["of all", boxes.total[box]]]);
    const remarks = [boxes.delta ? change(boxes.delta[box]) : "", boxes.inlined[box] ? "inlined into its caller" : ""];
    figuresCard(this.card, boxes.meaning(box), figures, this.answer, remarks.filter(Boolean).join(" · "), place, { width: room.width, height: room.height });
  }
}
