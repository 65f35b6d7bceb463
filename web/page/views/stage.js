// The stage: which view stands in the middle, which beside it, and that each shows what is looked at as long as it is in
// sight.

import { VIEW } from "../look.js";

/** @typedef {import("./view.js").View} View */

/** The view beside the other, if none is named. */
const BESIDE = "table";

export class Stage {
  /**
   * @param {import("../look.js").Look} look
   * @param {View[]} views in the order of their tabs and keys
   * @param {{ shown: (answer: import("./view.js").Head) => void, failed: (error: unknown) => void }} page
   */
  constructor(look, views, page) {
    this.look = look;
    this.views = views;
    this.page = page;
    /** Views whose content is older than what is looked at. */
    this.stale = new Set(views);
    /** What is being asked for each view. @type {Map<View, AbortController>} */
    this.asking = new Map();
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
    this.tabs = this.#makeTabs(part("tabs"), views, (view) => this.choose(view));
    this.beside = views.filter((view) => view.fitsBeside);
    this.sideTabs = this.#makeTabs(part("side-tabs"), this.beside, (view) => look.go({ side: [view.name] }, false));
    this.middle = part("middle");
    this.side = part("side");
    this.toggle = part("side-toggle");
    this.toggle.addEventListener("click", () => this.toggleSide());
    look.on("profile", () => this.#arrange());
    look.on("views", () => this.#arrange());
    look.on("look", (keys) => this.#spoil(keys));
    look.on("select", () => {
      this.views.forEach((view) => view.select(look.selected));
      this.#spoil(new Set(["select"]));
    });
    look.on("search", () => this.#inSight().forEach((view) => view.search(this.look.search)));
    look.on("theme", () => this.views.forEach((view) => view.restyle?.()));
    this.#arrange();
  }

  /** The view in the middle. */
  get main() {
    return this.views.find((view) => view.name === this.look.first("view")) ?? this.views[0];
  }

  /** The view beside it, or none. */
  get second() {
    const name = this.look.first("side");
    const found = this.beside.find((view) => view.name === name);
    return found === this.main ? undefined : found;
  }

  /** The view that keys go to. */
  get active() {
    const { second } = this;
    return second?.element.contains(document.activeElement) ? second : this.main;
  }

  #inSight() {
    return this.second ? [this.main, this.second] : [this.main];
  }

  /** Whether somebody is reading what a newer version would move. */
  isHeld() {
    return this.#inSight().some((view) => view.isHeld?.());
  }

  /** Brings a view into sight, if it is not. @param {string} name */
  open(name) {
    const view = this.views.find((view) => view.name === name);
    if (view && !this.#inSight().includes(view)) this.choose(view);
  }

  /** @param {View} view */
  choose(view) {
    this.look.go({ view: view === this.views[0] ? [] : [view.name] });
  }

  toggleSide() {
    const other = this.beside.find((view) => view.name === BESIDE && view !== this.main) ?? this.beside.find((view) => view !== this.main);
    this.look.go({ side: this.second || !other ? [] : [other.name] }, false);
  }

  /** Another profile comes: nothing of the old one stays. */
  clear() {
    for (const view of this.views) view.clear?.();
  }

  /** Puts the views where the address has them. */
  #arrange() {
    const { main, second } = this;
    for (const view of this.views) {
      const slot = view === second ? this.side : this.middle;
      if (view.element.parentElement !== slot) slot.append(view.element);
      view.element.classList.toggle("shown", view === main || view === second);
      if (view.tools) view.tools.hidden = view !== main;
    }
    this.side.hidden = !second;
    this.toggle.setAttribute("aria-expanded", String(Boolean(second)));
    for (const [view, tab] of this.tabs) tab.setAttribute("aria-pressed", String(view === main));
    for (const [view, tab] of this.sideTabs) {
      tab.hidden = view === main;
      tab.setAttribute("aria-pressed", String(view === second));
    }
    this.#refresh();
  }

  /** Views that these parameters matter to have to be asked for again. @param {Set<string>} keys */
  #spoil(keys) {
    const isCommon = VIEW.some((key) => keys.has(key));
    for (const view of this.views) if (isCommon || view.parameters.some((key) => keys.has(key))) this.stale.add(view);
    this.#refresh();
  }

  #refresh() {
    if (!this.look.info) return;
    for (const view of this.#inSight()) if (this.stale.delete(view)) this.#show(view);
  }

  /** @param {View} view */
  async #show(view) {
    this.asking.get(view)?.abort();
    const asking = new AbortController();
    this.asking.set(view, asking);
    try {
      const answer = await view.show(asking.signal);
      if (!answer || asking.signal.aborted) return;
      view.search(this.look.search);
      this.page.shown(answer);
    } catch (error) {
      if (!asking.signal.aborted) this.page.failed(error);
    }
  }

  /** @param {HTMLElement} list @param {View[]} views @param {(view: View) => void} choose */
  #makeTabs(list, views, choose) {
    /** @type {Map<View, HTMLButtonElement>} */
    const tabs = new Map();
    for (const view of views) {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = view.title;
      const number = this.views.indexOf(view) + 1;
      if (list.id === "tabs") tab.title = `${view.title} (${number})`;
      tab.addEventListener("click", () => choose(view));
      tabs.set(view, tab);
    }
    list.replaceChildren(...tabs.values());
    return tabs;
  }
}
