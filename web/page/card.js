// The card beside the pointer: what an item or a box is and what it has; of an item, who calls it and whom it calls.

import { change } from "./change.js";
import { edgesOf } from "./graph/reach.js";
import { quantity, share } from "./quantity.js";

/** So many callers and callees are named. */
const NAMED = 4;

/** @param {string} tag @param {string} text @param {string} [kind] */
function element(tag, text, kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/**
 * @param {HTMLElement} card
 * @param {import("./types.js").Picture} picture
 * @param {number} number
 * @param {import("./types.js").Point} at
 * @param {{ width: number, height: number }} window
 */
export function showCard(card, picture, number, at, window) {
  const { items, edges, total, sample_type } = picture;
  const item = items[number];
  const value = (/** @type {number} */ of) => quantity(of, sample_type.unit);
  const figures = document.createElement("dl");
  for (const name of /** @type {const} */ (["self", "total"])) {
    if (item.before && item.after) figures.append(element("dt", name), element("dd", value(item.before[name])), element("dd", `→ ${value(item.after[name])}`));
    else figures.append(element("dt", name), element("dd", value(item[name])), element("dd", share(item[name], total)));
  }
  if (item.delta !== undefined) figures.append(element("dt", "change"), element("dd", change(item.delta)), element("dd", ""));
  const own = edgesOf(picture, number).map((edge) => edges[edge]);
  const list = (/** @type {string} */ title, /** @type {"from" | "to"} */ mine, /** @type {"from" | "to"} */ other) => {
    const found = own.filter((edge) => edge[mine] === number && edge.from !== edge.to).sort((left, right) => right.weight - left.weight);
    if (found.length === 0) return;
    figures.append(element("h3", found.length > NAMED ? `${title}, the heaviest of ${found.length}` : title));
    for (const edge of found.slice(0, NAMED)) figures.append(element("dt", share(edge.weight, total)), element("dd", ""), element("dd", items[edge[other]].label, "text"));
  };
  list("called by", "to", "from");
  list("calls", "from", "to");
  const name = item.kind === "fold" ? `${item.name}: ${item.members} functions that are not drawn` : item.name;
  const merged = item.instances ? `${item.instances} instances and closures in one; double-click shows them apart` : "";
  const where = item.kind === "fold" ? "double-click to open" : [item.crate, item.file, merged].filter(Boolean).join(" · ");
  card.replaceChildren(element("div", name, "name"), element("div", where, "where"), figures);
  place(card, at, window);
}

/**
 * The card of a box of a flame graph.
 * @param {HTMLElement} card
 * @param {{ name: string, crate: string, file: string }} of
 * @param {[string, number][]} figures
 * @param {{ total: number, sample_type: { unit: string } }} whole
 * @param {string} remark or empty
 * @param {import("./types.js").Point} at
 * @param {{ width: number, height: number }} window
 */
export function figuresCard(card, of, figures, whole, remark, at, window) {
  const list = document.createElement("dl");
  for (const [name, value] of figures) list.append(element("dt", name), element("dd", quantity(value, whole.sample_type.unit)), element("dd", share(value, whole.total)));
  const where = [of.crate, of.file, remark].filter(Boolean).join(" · ");
  card.replaceChildren(element("div", of.name, "name"), element("div", where, "where"), list);
  place(card, at, window);
}

/** Puts a card beside the pointer, inside the window. @param {HTMLElement} card @param {import("./types.js").Point} at @param {{ width: number, height: number }} window */
function place(card, at, window) {
  card.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = card;
  const x = at.x + 18 + width > window.width ? Math.max(8, at.x - width - 18) : at.x + 18;
  const y = Math.max(8, Math.min(at.y + 14, window.height - height - 8));
  // Measured, it need not be laid out again where it is moved so.
  card.style.transform = `translate(${x}px, ${y}px)`;
}
