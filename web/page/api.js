// Asks the server. Every address is relative, so that the viewer can be mounted anywhere.

import { Answers } from "./answers.js";
import { packPicture, unpackPicture } from "./graph/columns.js";
import { kept, keptAddress, keptAnswer, silence } from "./kept.js";

/** A refusal of the server, with its one line of text. */
export class Refused extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const answers = new Answers();

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
const get = (path, signal) => ask(path, { signal });

/** @param {string} path @param {RequestInit} options @returns {Promise<any>} */
async function ask(path, options) {
  if (kept) {
    const answer = keptAnswer(path);
    if (answer === undefined) throw new Refused(404, "this page stands in a file and does not know that; open the profile with plop-view");
    return structuredClone(answer);
  }
  const response = await (options.method ? fetch(path, options) : answers.ask(path, options));
  if (!response.ok) throw new Refused(response.status, (await response.text()).trim());
  return response.json();
}

const of = (/** @type {string} */ id) => encodeURIComponent(id);

/** @returns {Promise<import("./types.js").ProfileEntry[]>} */
export const profiles = () => get("api/profiles");

/** @param {string} id @returns {Promise<import("./types.js").ProfileInfo>} */
export const profile = (id) => get(`api/profile/${of(id)}`);

/** Where a picture is; the layout worker asks for it. @param {string} id @param {URLSearchParams} query */
export const pictureAddress = (id, query) => (kept ? keptAddress("api/picture") : `api/picture/${of(id)}?${query}`);

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Picture>} */
export const picture = async (id, query, signal) => unpackPicture(packPicture(await get(`api/picture/${of(id)}?${query}`, signal)));

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Top>} */
export const top = (id, query, signal) => get(`api/top/${of(id)}?${query}`, signal);

/** @param {string} id @param {URLSearchParams} query @returns {Promise<{ total: number, edges: [number, number][] }>} */
export const item = (id, query) => get(`api/item/${of(id)}?${query}`);

/**
 * Lets boxes name their functions by place. As they are sent they do by numbers that stay the same when a profile grows.
 * @param {{ functions: { at: number }[] }} answer @param {number[][][]} graphs
 */
function byPlace({ functions }, ...graphs) {
  const places = new Map(functions.map(({ at }, place) => [at, place]));
  const placeOf = (/** @type {number} */ at) => places.get(at) ?? 0;
  for (const boxes of graphs) for (const box of boxes) box[1] = placeOf(box[1]);
  return placeOf;
}

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Flame>} */
export const flame = async (id, query, signal) => {
  const answer = await get(`api/flame/${of(id)}?${query}`, signal);
  byPlace(answer, answer.boxes);
  // A kept answer holds every box that it can be zoomed to.
  return kept ? { ...answer, zoomed: (query.get("zoom") ?? "").split(".").length } : answer;
};

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Sandwich>} */
export const sandwich = async (id, query, signal) => {
  const answer = await get(`api/sandwich/${of(id)}?${query}`, signal);
  const placeOf = byPlace(answer, answer.up, answer.down);
  answer.function = placeOf(answer.function);
  for (const neighbour of [...answer.callers, ...answer.callees]) neighbour.function = placeOf(neighbour.function);
  return answer;
};

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Source>} */
export const source = (id, query, signal) => get(`api/source/${of(id)}?${query}`, signal);

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").FunctionInfo>} */
export async function functionInfo(id, query, signal) {
  if (!kept) return get(`api/function/${of(id)}?${query}`, signal);
  // The table that is kept has them all.
  const { functions, total, sample_type } = await top(id, query, signal);
  const found = functions.find((row) => row.id === query.get("item"));
  if (!found) throw new Refused(404, "no such function");
  return { ...found, family: found.name, instances: 0, unit: sample_type.unit, view_total: total };
}

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<{ functions: number, weight: number, total: number }>} */
export const matches = (id, query, signal) => get(`api/matches/${of(id)}?${query}`, signal);

/** @param {string} id @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<import("./types.js").Timeline | null>} */
export const timeline = (id, query, signal) => get(`api/timeline/${of(id)}?${query}`, signal);

/** @param {string} id @returns {Promise<import("./types.js").Summary>} */
export const summary = (id) => get(`api/summary/${of(id)}`);

/** @returns {Promise<import("./types.js").Offers>} */
export const offers = () => get("api/offers");

/** @param {"start" | "stop"} what @returns {Promise<{ running: boolean, said: string }>} */
export const control = (what) => ask(`api/controls/${what}`, { method: "POST" });

/** @param {File} file @returns {Promise<{ id: string }>} */
export const receive = (file) => ask(`api/profiles?name=${of(file.name)}`, { method: "POST", body: file });

/** @param {string} id @param {URLSearchParams} query */
export const exportAddress = (id, query) => `api/export/${of(id)}?${query}`;

/** @param {string} id */
export const events = (id) => kept ? silence() : new EventSource(`api/events/${of(id)}`);
