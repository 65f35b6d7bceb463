// Colours of groups. The first eight are Okabe and Ito's (https://jfly.uni-koeln.de/color/), told apart by colour-blind eyes
// too; the rest are theirs, darker or lighter. Index 255 is grey.

const LIGHT = ["#0072b2", "#cc5a00", "#00946b", "#aa4499", "#a87a0a", "#2f8fc2", "#882255", "#2f9585", "#5a5fb0", "#c2527a", "#6b8e23", "#8c564b"];
const DARK = ["#4aa3e0", "#f08b45", "#3cc79c", "#d883c8", "#dcb23c", "#7cc8f2", "#d4689a", "#6fd0c0", "#9a9ff0", "#f092b4", "#a9c95a", "#c9968a"];

/** @typedef {{ ground: string, ink: string, soft: string, edge: string, back: string, halo: string, ring: string, colors: string[], grey: string, grown: string, shrunk: string }} Theme */

/** @type {{ light: Theme, dark: Theme }} */
export const themes = {
  light: { ground: "#fbfbf9", ink: "#1d2129", soft: "#565f6e", edge: "#98a0ad", back: "#c26a3a", halo: "#fbfbf9", ring: "#e3e5e9", colors: LIGHT, grey: "#7d848f", grown: "#b83a00", shrunk: "#0063b0" },
  dark: { ground: "#15181e", ink: "#e8eaee", soft: "#a3acba", edge: "#667082", back: "#d98a5f", halo: "#15181e", ring: "#2c323d", colors: DARK, grey: "#868e9b", grown: "#ff9a52", shrunk: "#5cb3ff" },
};

/** @param {Theme} theme @param {number} index */
export const color = (theme, index) => theme.colors[index] ?? theme.grey;

/** The colour of a change: from a plain one towards orange for what grew, towards blue for what shrank, which colour-blind eyes
 * tell apart too. Small changes count for more than their part, or most would look alike. @param {Theme} theme @param {number} delta from -1 to 1 @param {string} plain */
export function tint(theme, delta, plain) {
  const part = Math.sqrt(Math.min(1, Math.abs(delta)));
  const [from, to] = [plain, delta > 0 ? theme.grown : theme.shrunk].map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
  return `#${from.map((value, at) => Math.round(value + (to[at] - value) * part).toString(16).padStart(2, "0")).join("")}`;
}
