// The table: each row what it is, what must be reached, what is aimed for, and what was measured.

/** @type {string[][]} */
const rows = [];

/**
 * @param {string} what
 * @param {number | null} value null where it could not be measured
 * @param {{ must: number, aim: number, unit?: string, more?: boolean, digits?: number, note?: string }} limits `more`: more is better
 */
export function row(what, value, { must, aim, unit = "", more = false, digits = 0, note = "" }) {
  const shown = (/** @type {number} */ of) => `${of.toFixed(Number.isInteger(of) ? 0 : digits)}${unit && ` ${unit}`}`;
  const reaches = (/** @type {number} */ limit) => value !== null && (more ? value >= limit : value <= limit);
  const verdict = value === null ? "not measured" : reaches(aim) ? "aim" : reaches(must) ? "must" : "SHORT";
  rows.push([what, value === null ? "—" : `${value.toFixed(digits)}${unit && ` ${unit}`}`, shown(must), shown(aim), verdict, note]);
  process.stderr.write(`${what}: ${rows[rows.length - 1].slice(1).join(" | ")}\n`);
}

/** What somebody else's tool was measured at. @param {string} what @param {string} who @param {string} value @param {string} [note] */
export function peer(what, who, value, note = "") {
  rows.push([`  ${who}: ${what}`, value, "", "", "", note]);
  process.stderr.write(`${who}: ${what}: ${value} ${note}\n`);
}

/** @param {string} who @param {string} why */
export function passedOver(who, why) {
  rows.push([`  ${who}`, "—", "", "", "", `passed over: ${why}`]);
  process.stderr.write(`${who}: passed over: ${why}\n`);
}

export function print() {
  const all = [["what", "measured", "must", "aim", "reached", ""], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((cells) => cells[column].length)));
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  console.log([line(all[0]), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n"));
}
