// The selected function: what it is and what it has, in the bar at the foot of the page, and what can be done with it, there,
// in the menu at the pointer, and by keys.

import * as api from "./api.js";
import { change } from "./change.js";
import { kept } from "./kept.js";
import { quantity, share } from "./quantity.js";

/** @typedef {import("./types.js").FunctionInfo} FunctionInfo */

/** What the menu and the bar offer, to those functions that it fits. @typedef {{ name: string, key: string, says: string, fits?: (of: FunctionInfo) => boolean, run: (of: FunctionInfo) => void }} Action */

/** A function's name as a filter that means it alone. @param {string} name */
export const exactly = (name) => `^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;

export class Selection {
  /** @param {import("./look.js").Look} look @param {HTMLElement} bar @param {HTMLElement} menu @param {(view: string) => void} showView */
  constructor(look, bar, menu, showView) {
    this.look = look;
    this.bar = bar;
    this.menu = menu;
    /** @type {FunctionInfo | null} */
    this.info = null;
    /** @type {AbortController | null} */
    this.asking = null;
    /** What is known once it is done. */
    this.loading = Promise.resolve();
    const filter = (/** @type {string} */ key) => (/** @type {FunctionInfo} */ of) => look.go({ [key]: [...new Set([...look.all(key), exactly(of.name)])] });
    /** @type {Action[]} */
    this.actions = kept ? [] : [
      { name: "Focus", key: "F", says: "keep only samples that pass through the selected function", run: filter("focus") },
      { name: "Ignore", key: "I", says: "drop samples that pass through it", run: filter("ignore") },
      { name: "Hide", key: "H", says: "take it out of the stacks, its cost charged to its callers", run: filter("hide") },
      { name: "Hide crate", key: "C", says: "take its whole crate out", run: (of) => look.go({ hide: [...new Set([...look.all("hide"), `crate:${exactly(of.crate).slice(1, -1)}`])] }) },
      { name: "Show from", key: "S", says: "cut the stacks above it", run: (of) => look.go({ show_from: [exactly(of.name)] }) },
      { name: "Instances", key: "G", says: "show its instances and closures apart, or merge them again", fits: (of) => of.instances > 1 || this.#isApart(of), run: (of) => (this.#isApart(of) ? this.mergeInstances() : this.showInstances(of.family)) },
      { name: "Callers and callees", key: "E", says: "its callers and callees", run: () => showView("sandwich") },
      { name: "Source", key: "O", says: "its source, line by line", run: () => showView("source") },
    ];
    const load = () => (this.loading = this.#load());
    look.on("select", load);
    look.on("look", load);
    document.addEventListener("pointerdown", (event) => {
      if (!(event.target instanceof Node && menu.contains(event.target))) this.#close();
    });
    menu.addEventListener("keydown", (event) => this.#menuKey(event));
  }

  /** The keys of what can be done. @returns {import("./keys.js").Binding[]} */
  get keys() {
    return this.actions.map((action) => ({ keys: [action.key], says: action.says, run: () => this.#run(action) }));
  }

  /** What can be done with the selected function. @param {FunctionInfo} info */
  #fitting(info) {
    return this.actions.filter((action) => action.fits?.(info) ?? true);
  }

  /** @param {FunctionInfo} of */
  #isApart(of) {
    return this.look.all("instances").includes(of.family);
  }

  /** Shows a function's instances and closures in its place. @param {string} family the name that they have in common */
  showInstances(family) {
    if (kept) return;
    this.look.go({ instances: [...new Set([...this.look.all("instances"), family])], generics: [] });
  }

  /** Merges the instances that the selected function is one of. @returns {boolean} whether it is one of any */
  mergeInstances() {
    const { info, look } = this;
    if (!info || !this.#isApart(info)) return false;
    look.go({ instances: look.all("instances").filter((name) => name !== info.family) });
    return true;
  }

  async #load() {
    const { look } = this;
    this.asking?.abort();
    if (this.info?.id !== look.selected) this.info = null;
    if (!look.selected || !look.info) {
      this.info = null;
      return this.#show();
    }
    const asking = (this.asking = new AbortController());
    const query = look.query();
    query.set("item", look.selected);
    const info = await api.functionInfo(look.id, query, asking.signal).catch(() => null);
    if (asking.signal.aborted) return;
    this.info = info;
    this.#show();
  }

  #show() {
    const { info, bar } = this;
    const part = (/** @type {string} */ tag, /** @type {string} */ text, kind = "") => {
      const made = document.createElement(tag);
      made.textContent = text;
      if (kind) made.className = kind;
      return made;
    };
    if (!info) {
      const text = this.look.selected ? "what is selected is no single function of this view" : `Click a function to select it in every view; ${this.actions.length ? "right-click for what can be done with it; " : ""}? lists the keys.`;
      bar.replaceChildren(part("span", text, "hint"));
      return;
    }
    const name = part("strong", info.name, "name");
    name.title = `${info.name}\n${info.file}`;
    const { before, after, unit } = info;
    const sides = (/** @type {"self" | "total"} */ says) => (before && after ? `${says} ${quantity(before[says], unit)} → ${quantity(after[says], unit)}` : "");
    const compared = `${sides("self")}, ${sides("total")}, ${change(info.delta ?? 0)}`;
    const figures = part("span", before ? compared : `self ${quantity(info.self, info.unit)} (${share(info.self, info.view_total)}), total ${quantity(info.total, info.unit)} (${share(info.total, info.view_total)})`, "figures");
    const buttons = this.#fitting(info).map((action) => {
      const button = /** @type {HTMLButtonElement} */ (part("button", action.name));
      button.type = "button";
      button.title = `${action.says} (shift ${action.key})`;
      button.addEventListener("click", () => this.#run(action));
      return button;
    });
    bar.replaceChildren(name, figures, part("span", "", "grow"), ...buttons);
  }

  /** A key may come before what was selected is known: it counts then. @param {Action} action */
  async #run(action) {
    this.#close();
    let awaited;
    while (awaited !== this.loading) await (awaited = this.loading);
    if (this.info && (action.fits?.(this.info) ?? true)) action.run(this.info);
  }

  /** Opens the menu for the selected function. @param {import("./types.js").Point} at in the window */
  ask(at) {
    const { menu } = this;
    if (this.actions.length === 0) return;
    const actions = this.info?.id === this.look.selected ? this.#fitting(this.info) : this.actions.filter((action) => !action.fits);
    menu.replaceChildren(...actions.map((action) => {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.setAttribute("role", "menuitem");
      const key = document.createElement("kbd");
      key.textContent = `⇧${action.key}`;
      entry.append(action.name, key);
      entry.title = action.says;
      entry.addEventListener("click", () => this.#run(action));
      return entry;
    }));
    menu.hidden = false;
    menu.style.left = `${Math.min(at.x, innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${Math.min(at.y, innerHeight - menu.offsetHeight - 8)}px`;
    this.before = /** @type {HTMLElement | null} */ (document.activeElement);
    /** @type {HTMLElement} */ (menu.firstElementChild).focus();
  }

  /** Where the focus was before the menu. @type {HTMLElement | null} */
  before = null;

  #close() {
    if (this.menu.hidden) return;
    this.menu.hidden = true;
    this.before?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #menuKey(event) {
    const entries = [...this.menu.children];
    const at = entries.indexOf(/** @type {Element} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) /** @type {HTMLElement} */ (entries[(at + step + entries.length) % entries.length]).focus();
    else if (event.key === "Escape" || event.key === "Tab") this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
