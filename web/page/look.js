// What is looked at: profile, filters, selection, and which views show it. It lives in the address; all parts of the page
// read it here, change it here and follow its changes, so that none needs to know another.

import * as address from "./address.js";

/** What of the profile is looked at: parameters that the server takes with every question, as API.md lists them. */
export const VIEW = ["type", "focus", "ignore", "hide", "show_from", "preset", "thread", "label", "from", "to", "base", "base_from", "base_to", "normalize", "recursion", "generics", "instances", "color"];

/**
 * What a part of the page can follow:
 * - `chosen`: another profile is to be loaded.
 * - `profile`: what is known of the profile has come or changed.
 * - `look`: parameters have changed, or all is to be asked for again.
 * - `views`: another view is to be shown, in the middle or beside it.
 * - `select`, `search`, `theme`: those.
 * @typedef {"chosen" | "profile" | "look" | "views" | "select" | "search" | "theme"} Change
 */

/** Parameters whose change is told under a name of its own; the others' is `look`. @type {Record<string, Change>} */
const NAMED = { profile: "chosen", select: "select", view: "views", side: "views" };

export class Look {
  constructor() {
    this.state = address.read();
    /** @type {import("./types.js").ProfileEntry[]} */
    this.entries = [];
    /** @type {import("./types.js").ProfileInfo | null} */
    this.info = null;
    this.search = "";
    /** @type {"light" | "dark"} */
    this.theme = "light";
    /** @type {Map<Change, ((keys: Set<string>) => void)[]>} */
    this.followers = new Map();
    addEventListener("popstate", () => this.#become(address.read()));
  }

  /** @param {Change} change @param {(keys: Set<string>) => void} follow told the parameters that have changed */
  on(change, follow) {
    this.followers.set(change, [...(this.followers.get(change) ?? []), follow]);
  }

  /** @param {Change} change @param {Iterable<string>} [keys] the parameters; every one if left out */
  tell(change, keys = VIEW) {
    for (const follow of this.followers.get(change) ?? []) follow(new Set(keys));
  }

  /** The first value of a parameter, or the empty string. @param {string} key */
  first(key) {
    return this.state[key]?.[0] ?? "";
  }

  /** All values of a parameter. @param {string} key */
  all(key) {
    return (this.state[key] ?? []).filter((value) => value !== "");
  }

  /** The profile that is shown: the one that the address names, or else the newest. */
  get id() {
    const wanted = this.first("profile");
    return this.entries.some((entry) => entry.id === wanted) || !this.entries.length ? wanted : this.entries[0].id;
  }

  get selected() {
    return this.first("select");
  }

  /** What the server is asked with. @param {string[]} [more] parameters besides the view's @returns {URLSearchParams} */
  query(more = []) {
    return address.toQuery(this.state, [...VIEW, ...more]);
  }

  /**
   * Changes parameters and tells who follows them.
   * @param {address.State} changes
   * @param {boolean} [isNew] whether the back button is to come back to what was before
   */
  go(changes, isNew = true) {
    const state = { ...this.state, ...changes };
    // The browser takes its time over an address; whoever follows may ask the server first.
    queueMicrotask(() => address.write(state, isNew));
    this.#become(state);
  }

  /** @param {string} id the empty string for none */
  select(id) {
    if (id !== this.selected) this.go({ select: id ? [id] : [] }, false);
  }

  /** @param {address.State} state */
  #become(state) {
    const before = this.state;
    const value = (/** @type {address.State} */ of, /** @type {string} */ key) => JSON.stringify((of[key] ?? []).filter((text) => text !== ""));
    const changed = [...new Set([...Object.keys(before), ...Object.keys(state)])].filter((key) => value(before, key) !== value(state, key));
    const id = this.id;
    this.state = state;
    // Another profile is loaded with all that is said of it.
    if (this.id !== id) return this.tell("chosen", changed);
    /** @type {Map<Change, string[]>} */
    const told = new Map();
    for (const key of changed) {
      // The same profile as before, by its name instead of as the newest.
      const change = key === "profile" ? key : NAMED[key] ?? "look";
      told.set(change, [...(told.get(change) ?? []), key]);
    }
    for (const [change, keys] of told) this.tell(change, keys);
  }
}
