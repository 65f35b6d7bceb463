// The view in the page's own address: what a reload, a bookmark and the back button bring back.

/** The parameters of a view that the server knows; the rest of the address (`profile`, `select`) is the page's. */
const VIEW = ["type", "focus", "ignore", "hide", "show_from", "preset", "thread", "label", "recursion", "generics", "color"];
const PICTURE = ["items", "direction", "open"];

/** @typedef {Record<string, string[]>} State every parameter by name; none is an empty list */

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
  const query = toQuery(state, Object.keys(state).filter((key) => key !== "token"));
  const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
  if (isNew) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** @param {State} state @param {string[]} keys */
function toQuery(state, keys) {
  const query = new URLSearchParams();
  for (const key of keys) for (const value of state[key] ?? []) if (value !== "") query.append(key, value);
  return query;
}

/** What the server is asked with for anything that shows the view. @param {State} state */
export const viewQuery = (state) => toQuery(state, VIEW);

/** What the server is asked with for a picture. @param {State} state @param {{ width: number, height: number }} size */
export function pictureQuery(state, size) {
  const query = toQuery(state, [...VIEW, ...PICTURE]);
  query.set("width", String(Math.round(size.width)));
  query.set("height", String(Math.round(size.height)));
  return query;
}
