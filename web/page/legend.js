// The legend: a button for each group, in its colour, with its share; pressing one shows that group alone.

import { color } from "./graph/palette.js";
import { share } from "./quantity.js";

/** Beyond so many, and below what share, groups are counted instead of named. */
const SHOWN = 12;
const LEAST = 0.005;

/**
 * @param {HTMLElement} list
 * @param {{ groups: { name: string, color: number, self: number }[], total: number, compared?: unknown }} picture
 * @param {import("./graph/palette.js").Theme} theme
 * @param {number} pressed
 * @param {(group: number) => void} press
 */
export function showLegend(list, picture, theme, pressed, press) {
  // The heaviest come first.
  const named = picture.groups.slice(0, SHOWN).filter(({ self }, at) => at === 0 || Math.abs(self) >= LEAST * Math.abs(picture.total));
  list.replaceChildren(...named.map((group, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(at === pressed));
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = color(theme, group.color);
    // In a comparison colours say what has changed.
    swatch.hidden = picture.compared !== undefined;
    const part = document.createElement("small");
    part.textContent = share(group.self, picture.total);
    button.append(swatch, group.name.length > 28 ? `…${group.name.slice(-27)}` : group.name, part);
    button.title = group.name;
    button.addEventListener("click", () => press(at === pressed ? -1 : at));
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  }));
  if (picture.groups.length > named.length) {
    const rest = document.createElement("li");
    rest.className = "hint";
    rest.textContent = `and ${picture.groups.length - named.length} more`;
    list.append(rest);
  }
}
