// A profile.proto made up for tests: samples of named stacks, each with labels of text and a time.

/** @typedef {{ stack: string[], value: number, thread?: string, second?: number, labels?: Record<string, string> }} Sample the stack root first */

/** @param {number} number */
function varint(number) {
  const bytes = [];
  let rest = BigInt(number);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}
/** @param {number} field @param {number} value */
const number = (field, value) => [...varint(field << 3), ...varint(value)];
/** @param {number} field @param {number[]} bytes */
const part = (field, bytes) => [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];

/** @param {Sample[]} samples @param {{ seconds?: number, files?: Record<string, [string, number]>, inlined?: Record<string, string> }} [options] `files`: of functions, by name, the file and line; `inlined`: what each was inlined into @returns {Uint8Array} */
export function pprof(samples, { seconds = 0, files = {}, inlined = {} } = {}) {
  const strings = [""];
  const text = (/** @type {string} */ of) => (strings.includes(of) ? strings.indexOf(of) : strings.push(of) - 1);
  /** @type {string[]} */
  const functions = [];
  const place = (/** @type {string} */ name) => (functions.includes(name) ? functions.indexOf(name) : functions.push(name) - 1) + 1;
  const type = part(1, [...number(1, text("cpu")), ...number(2, text("nanoseconds"))]);
  const rows = samples.flatMap(({ stack, value, thread, second, labels: more = {} }) => {
    const labels = [
      ...Object.entries(more).flatMap(([key, of]) => part(3, [...number(1, text(key)), ...number(2, text(of))])),
      ...(thread ? part(3, [...number(1, text("thread")), ...number(2, text(thread))]) : []),
      ...(second === undefined ? [] : part(3, [...number(1, text("time")), ...number(3, second * 1e9), ...number(4, text("nanoseconds"))])),
    ];
    const places = [...stack].reverse().flatMap((name) => varint(place(name)));
    return part(2, [...part(1, places), ...part(2, varint(value)), ...labels]);
  });
  Object.values(inlined).forEach(place);
  const line = (/** @type {string} */ name) => part(4, [...number(1, place(name)), ...number(2, files[name]?.[1] ?? 0)]);
  const code = functions.flatMap((name, at) => [
    ...part(4, [...number(1, at + 1), ...line(name), ...(inlined[name] ? line(inlined[name]) : [])]),
    ...part(5, [...number(1, at + 1), ...number(2, text(name)), ...number(4, text(files[name]?.[0] ?? ""))]),
  ]);
  const table = strings.flatMap((of) => part(6, [...new TextEncoder().encode(of)]));
  return new Uint8Array([...type, ...rows, ...code, ...table, ...number(9, 1_700_000_000e9), ...number(10, seconds * 1e9)]);
}
