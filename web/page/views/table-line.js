// A row of the table: its elements, made once and written anew for each function that it comes to stand for, since thousands
// pass while somebody scrolls.

import { change } from "../change.js";
import { color, themes } from "../graph/palette.js";
import { quantity, share } from "../quantity.js";

/** As the style has it. */
export const ROW_HEIGHT = 26;

/** @typedef {import("../types.js").Row} Row */
/** What all rows have in common. @typedef {{ total: number, unit: string, most: { self: number, total: number }, theme: "light" | "dark", selected: string }} Columns */

export class Line {
  constructor() {
    this.element = document.createElement("tr");
    this.element.setAttribute("role", "row");
    this.name = this.#cell();
    this.swatch = document.createElement("span");
    this.swatch.className = "swatch";
    this.label = new Text();
    this.name.append(this.swatch, this.label);
    this.self = this.#figure();
    this.total = this.#figure();
    this.samples = new Text();
    this.#cell("samples").append(this.samples);
    this.change = this.#cell("change");
    this.changed = { value: new Text(), part: new Text() };
    this.change.append(this.changed.value, small(this.changed.part));
    /** @type {boolean | null} */
    this.isSelected = null;
  }

  /** @param {string} [kind] */
  #cell(kind = "") {
    const cell = document.createElement("td");
    cell.setAttribute("role", "cell");
    cell.className = kind;
    this.element.append(cell);
    return cell;
  }

  /** A value with its bar and its share. */
  #figure() {
    const bar = document.createElement("span");
    bar.className = "bar-of";
    const [value, part] = [new Text(), new Text()];
    this.#cell().append(bar, value, small(part));
    return { bar, value, part };
  }

  /** @param {Row} row @param {number} at @param {Columns} columns */
  show(row, at, { total, unit, most, theme, selected }) {
    const { element } = this;
    const isSelected = row.id !== "" && row.id === selected;
    element.style.top = `${at * ROW_HEIGHT}px`;
    element.tabIndex = at === 0 || isSelected ? 0 : -1;
    element.dataset.id = row.id;
    element.dataset.at = String(at);
    element.setAttribute("aria-rowindex", String(at + 2));
    if (isSelected !== this.isSelected) element.setAttribute("aria-selected", String(isSelected));
    this.isSelected = isSelected;
    const hue = color(themes[theme], row.color);
    this.swatch.style.background = hue;
    this.label.data = row.label;
    this.name.title = row.name;
    for (const column of /** @type {const} */ (["self", "total"])) {
      const { bar, value, part } = this[column];
      bar.style.width = `${Math.max(0, (100 * row[column]) / most[column])}%`;
      bar.style.background = hue;
      value.data = quantity(row[column], unit);
      part.data = share(row[column], total);
    }
    this.samples.data = row.samples?.toLocaleString("en") ?? "";
    this.#change(row, unit);
  }

  /** @param {Row} row @param {string} unit */
  #change(row, unit) {
    const { value, part } = this.changed;
    const more = grown(row);
    // What chance alone could have made stays grey.
    const kind = row.delta === undefined ? "" : row.delta === 0 || more === 0 ? " same" : more > 0 ? " grown" : " shrunk";
    if (this.change.className !== `change${kind}`) this.change.className = `change${kind}`;
    [value.data, part.data] = ["", ""];
    if (row.delta === undefined) return;
    const [before, after] = [row.before?.self ?? 0, row.self];
    // Whether it is new or gone, its total says; how much it grew, its self.
    if (Math.abs(row.delta) >= 1) part.data = change(row.delta);
    else if (before > 0 && after > 0) part.data = change(row.delta === 0 ? 0 : (after - before) / Math.max(before, after));
    value.data = `${more > 0 ? "+" : more < 0 ? "−" : ""}${quantity(Math.abs(more), unit)}`;
  }
}

/** How much more a function has itself than before. @param {Row} row */
export const grown = (row) => row.self - (row.before?.self ?? 0);

/** @param {Text} text */
function small(text) {
  const element = document.createElement("small");
  element.append(text);
  return element;
}
