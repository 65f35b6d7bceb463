// Values as a person reads them.

const TIMES = /** @type {[number, string][]} */ ([[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"], [6e10, "min"], [3.6e12, "h"]]);
const BYTES = /** @type {[number, string][]} */ ([[1, "B"], [1024, "KiB"], [1048576, "MiB"], [1073741824, "GiB"]]);
const PER_UNIT = /** @type {Record<string, [number, [number, string][]]>} */ ({
  nanoseconds: [1, TIMES], ns: [1, TIMES], microseconds: [1e3, TIMES], us: [1e3, TIMES], milliseconds: [1e6, TIMES], ms: [1e6, TIMES],
  seconds: [1e9, TIMES], s: [1e9, TIMES], bytes: [1, BYTES],
});

/** @param {number} value @param {string} unit */
export function quantity(value, unit) {
  const known = PER_UNIT[unit];
  if (!known || value === 0) return value.toLocaleString("en");
  const [factor, scale] = known;
  const size = Math.abs(value) * factor;
  const [holds, sign] = scale.findLast(([holds]) => size >= holds) ?? scale[0];
  const shown = (value * factor) / holds;
  return `${Number.isInteger(shown) ? shown : shown.toPrecision(3)} ${sign}`;
}

/** @param {number} part @param {number} whole */
export function share(part, whole) {
  if (!whole) return "0 %";
  const percent = (100 * part) / whole;
  return `${percent !== 0 && Math.abs(percent) < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}
