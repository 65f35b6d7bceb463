// Asks the server. Every address is relative, so that the viewer can be mounted anywhere.

/** A refusal of the server, with its one line of text. */
export class Refused extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function get(path, signal) {
  const response = await fetch(path, { signal });
  if (!response.ok) throw new Refused(response.status, (await response.text()).trim());
  return response.json();
}

const of = (/** @type {string} */ id) => encodeURIComponent(id);

/** @returns {Promise<import("./types.js").ProfileEntry[]>} */
export const profiles = () => get("api/profiles");

/** @param {string} id @returns {Promise<import("./types.js").ProfileInfo>} */
export const profile = (id) => get(`api/profile/${of(id)}`);

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Picture>} */
export const picture = (id, query, signal) => get(`api/picture/${of(id)}?${query}`, signal);

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Top>} */
export const top = (id, query, signal) => get(`api/top/${of(id)}?${query}`, signal);

/** @param {string} id @param {URLSearchParams} query @returns {Promise<{ total: number, edges: [number, number][] }>} */
export const item = (id, query) => get(`api/item/${of(id)}?${query}`);

/** @param {string} id @param {URLSearchParams} query */
export const exportAddress = (id, query) => `api/export/${of(id)}?${query}`;

/** @param {string} id */
export const events = (id) => new EventSource(`api/events/${of(id)}`);
