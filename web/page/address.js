// The page's own address: what a reload, a bookmark and the back button bring back.

/** @typedef {Record<string, string[]>} State every parameter by name; none is an empty list */

import { kept } from "./kept.js";

/** @returns {State} */
export function read() {
  /** @type {State} */
  const state = {};
  for (const [key, value] of new URLSearchParams(location.search)) (state[key] ??= []).push(value);
  return state;
}

/**
 * @param {State} state
 * @param {boolean} isNew whether the back button is to come back to what was before
 */
export function write(state, isNew) {
  // A file's address is its place on the disk; browsers let it have no other.
  if (kept) return;
  const query = toQuery(state, Object.keys(state).filter((key) => key !== "token"));
  const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
  if (isNew) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** @param {State} state @param {string[]} keys */
export function toQuery(state, keys) {
  const query = new URLSearchParams();
  for (const key of keys) for (const value of state[key] ?? []) if (value !== "") query.append(key, value);
  return query;
}
