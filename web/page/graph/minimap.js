// The small map of a large graph: where it stands in the window, and which part of the graph a point of it means.

/** @typedef {import("../types.js").Rectangle} Rectangle */
/** @typedef {import("../types.js").Camera} Camera */

const GREATEST = { width: 200, height: 130 };
const MARGIN = 12;
/** Smaller graphs are seen whole. */
export const MAPPED = 300;

/**
 * Where the map stands, and how much smaller than the graph it is.
 * @param {{ width: number, height: number }} window
 * @param {Rectangle} bounds of the graph, in its own coordinates
 */
export function mapOf(window, bounds) {
  const scale = Math.min(GREATEST.width / Math.max(1, bounds.width), GREATEST.height / Math.max(1, bounds.height));
  const [width, height] = [bounds.width * scale, bounds.height * scale];
  return { x: window.width - width - MARGIN, y: window.height - height - MARGIN, width, height, scale };
}

/** The part of the graph that the window shows, as a rectangle on the map. @param {ReturnType<typeof mapOf>} map @param {{ width: number, height: number }} window @param {Rectangle} bounds @param {Camera} camera @returns {Rectangle} */
export function seenOn(map, window, bounds, camera) {
  const clamp = (/** @type {number} */ at, /** @type {number} */ most) => Math.min(most, Math.max(0, at));
  const [left, top] = [(-camera.x / camera.k - bounds.x) * map.scale, (-camera.y / camera.k - bounds.y) * map.scale];
  const [right, bottom] = [left + (window.width / camera.k) * map.scale, top + (window.height / camera.k) * map.scale];
  const [x, y] = [clamp(left, map.width), clamp(top, map.height)];
  return { x: map.x + x, y: map.y + y, width: clamp(right, map.width) - x, height: clamp(bottom, map.height) - y };
}

/** Whether the window shows less than the whole graph. @param {{ width: number, height: number }} window @param {Rectangle} bounds @param {Camera} camera */
export function isPart(window, bounds, camera) {
  const [left, top] = [bounds.x * camera.k + camera.x, bounds.y * camera.k + camera.y];
  return left < -1 || top < -1 || left + bounds.width * camera.k > window.width + 1 || top + bounds.height * camera.k > window.height + 1;
}

/** The camera that has a point of the map in the middle of the window. @param {ReturnType<typeof mapOf>} map @param {{ width: number, height: number }} window @param {Rectangle} bounds @param {Camera} camera @param {import("../types.js").Point} at @returns {Camera} */
export function lookAt(map, window, bounds, camera, at) {
  const [x, y] = [bounds.x + (at.x - map.x) / map.scale, bounds.y + (at.y - map.y) / map.scale];
  return { k: camera.k, x: window.width / 2 - x * camera.k, y: window.height / 2 - y * camera.k };
}
