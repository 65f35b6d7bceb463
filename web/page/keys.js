// The keys, in one list: what the sheet shows is what works.

/**
 * A capital letter is one with shift; other keys are as `KeyboardEvent.key` has them.
 * @typedef {{ keys: string[], says: string, run: (event: KeyboardEvent) => void }} Binding
 * @typedef {{ title: string, bindings: Binding[] }} Part
 */

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return target instanceof HTMLInputElement && !["range", "checkbox", "radio"].includes(target.type) || target instanceof HTMLSelectElement;
}

/** @param {KeyboardEvent} event */
function keyOf({ key, shiftKey }) {
  if (key.length !== 1) return key;
  return shiftKey ? key.toUpperCase() : key.toLowerCase();
}

/**
 * @param {() => Part[]} parts the first that has a key gets it
 * @param {() => Part[]} all what the sheet lists
 * @param {HTMLElement} list where the sheet is written
 * @returns {() => void} writes the sheet
 */
export function bind(parts, all, list) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event) && event.key !== "Escape") return;
    if (document.querySelector("dialog[open]")) return;
    const key = keyOf(event);
    const { activeElement } = document;
    // A picture has no use of its own for them.
    const isFree = activeElement?.getAttribute("role") === "img" || activeElement === document.body || !activeElement;
    if (key.startsWith("Arrow") && !isFree) return;
    if ((key === " " || key === "Enter") && !isFree) return;
    const binding = parts().flatMap((part) => part.bindings).find((binding) => binding.keys.includes(key));
    if (!binding) return;
    event.preventDefault();
    binding.run(event);
  });
  return () => list.replaceChildren(...all().map(section));
}

/** @param {Part} part */
function section({ title, bindings }) {
  const made = document.createElement("section");
  const head = document.createElement("h3");
  head.textContent = title;
  const terms = document.createElement("dl");
  for (const { keys, says } of bindings) {
    const term = document.createElement("dt");
    for (const cap of keys.flatMap(caps)) {
      const key = document.createElement("kbd");
      key.textContent = cap;
      term.append(key, " ");
    }
    const text = document.createElement("dd");
    text.textContent = says;
    terms.append(term, text);
  }
  made.append(head, terms);
  return made;
}

/** @param {string} key */
function caps(key) {
  const named = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "esc" }[key];
  if (named) return [named];
  if (key.length === 1 && key !== key.toLowerCase()) return ["shift", key];
  return [key.length === 1 ? key.toUpperCase() : key];
}
