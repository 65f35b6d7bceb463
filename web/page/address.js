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

/** Changes that follow each other this fast, as letters do, are one for the browser, which takes its time over each. */
const TOGETHER_MS = 300;
let changedAt = -TOGETHER_MS;
/** What the address is to become once it rests. @type {{ address: string, timer: ReturnType<typeof setTimeout> } | null} */
let waiting = null;

/**
 * @param {State} state
 * @param {boolean} isNew whether the back button is to come back to what was before
 */
export function write(state, isNew) {
  // A file's address is its place on the disk; browsers let it have no other.
  if (kept) return;
  const query = toQuery(state, Object.keys(state).filter((key) => key !== "token"));
  const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
  const isFast = performance.now() - changedAt < TOGETHER_MS;
  changedAt = performance.now();
  const before = take();
  if (isNew) {
    if (before) history.replaceState(null, "", before);
    history.pushState(null, "", address);
  } else if (isFast) waiting = { address, timer: setTimeout(() => history.replaceState(null, "", take()), TOGETHER_MS) };
  else history.replaceState(null, "", address);
}

/** What waited, which no longer does. */
function take() {
  const address = waiting?.address;
  clearTimeout(waiting?.timer);
  waiting = null;
  return address;
}

// By then the address is another's.
addEventListener("popstate", take);

/** @param {State} state @param {string[]} keys */
export function toQuery(state, keys) {
  const query = new URLSearchParams();
  for (const key of keys) for (const value of state[key] ?? []) if (value !== "") query.append(key, value);
  return query;
}
