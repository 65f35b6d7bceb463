// The keys, in one list: what the sheet shows is what works.

/** @typedef {{ keys: string[], says: string, run: (event: KeyboardEvent) => void }} Binding */

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return target instanceof HTMLInputElement && target.type !== "range" && target.type !== "checkbox" || target instanceof HTMLSelectElement;
}

/** @param {Binding[]} bindings @param {HTMLElement} list where the sheet is written */
export function bind(bindings, list) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event) && event.key !== "Escape") return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const onCanvas = document.activeElement?.id === "canvas" || document.activeElement === document.body;
    if (key.startsWith("Arrow") && !onCanvas) return;
    if (key === " " && document.activeElement instanceof HTMLButtonElement) return;
    const binding = bindings.find((binding) => binding.keys.includes(key));
    if (!binding) return;
    event.preventDefault();
    binding.run(event);
  });
  for (const { keys, says } of bindings) {
    const term = document.createElement("dt");
    for (const key of keys) {
      const cap = document.createElement("kbd");
      cap.textContent = { " ": "space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" }[key] ?? (key.length === 1 ? key.toUpperCase() : key);
      term.append(cap, " ");
    }
    const text = document.createElement("dd");
    text.textContent = says;
    list.append(term, text);
  }
}
