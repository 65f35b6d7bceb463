// Lists of records as columns: one typed array or one text for each field, which threads hand each other without rebuilding
// ten thousand objects. What comes out reads like the records that went in.

/** @typedef {{ kind: "number", values: Float64Array } | { kind: "flag", values: Uint8Array } | { kind: "text", all: string, ends: Uint32Array }
 *   | { kind: "choice", values: Uint8Array, choices: string[] } | { kind: "points", values: Float32Array, ends: Uint32Array }
 *   | { kind: "any", values: any[] }} Column
 *   a number that a record lacks is NaN; `ends`: by row, where its part ends
 * @typedef {{ length: number, columns: Record<string, Column> }} Columns */

/** @param {Record<string, any>[]} list @returns {Columns} */
export function pack(list) {
  /** @type {Record<string, Column>} */
  const columns = {};
  /** @type {Set<string>} */
  const keys = new Set();
  for (const record of list) for (const key in record) keys.add(key);
  for (const key of keys) columns[key] = column(list, key);
  return { length: list.length, columns };
}

/** @param {Record<string, any>[]} list @param {string} key @returns {Column} */
function column(list, key) {
  const sample = list.find((record) => record[key] != null)?.[key];
  if (typeof sample === "string") {
    const ends = new Uint32Array(list.length);
    const parts = list.map((record) => record[key] ?? "");
    let end = 0;
    parts.forEach((part, at) => (ends[at] = end += part.length));
    return { kind: "text", all: parts.join(""), ends };
  }
  if (typeof sample === "boolean") return { kind: "flag", values: Uint8Array.from(list, (record) => (record[key] ? 1 : 0)) };
  if (typeof sample === "object") return { kind: "any", values: list.map((record) => record[key]) };
  return { kind: "number", values: Float64Array.from(list, (record) => record[key] ?? NaN) };
}

/** Makes records that read each field from its column when it is asked for. @typedef {new (columns: Column[], row: number) => any} RecordOf */
/** The classes of records, by fields and kinds: what has the same, whichever list it is of, has one class, so that code that
 * the browser has made fast for one list stays fast for the next. @type {Map<string, RecordOf>} */
const classes = new Map();

/** @param {[string, Column][]} fields @returns {RecordOf} */
function classOf(fields) {
  const signature = fields.map(([key, { kind }]) => `${key} ${kind}`).join();
  let made = classes.get(signature);
  if (!made) classes.set(signature, (made = makeClass(fields)));
  return made;
}

/** @param {[string, Column][]} fields @returns {RecordOf} */
function makeClass(fields) {
  return class Record {
    #columns;
    #row;
    /** @param {Column[]} columns @param {number} row */
    constructor(columns, row) {
      this.#columns = columns;
      this.#row = row;
    }
    static {
      fields.forEach(([key, { kind }], at) => {
        /** @type {(of: any, row: number) => any} */
        const read = READERS[kind];
        /** @this {Record} */
        const get = function () {
          return read(this.#columns[at], this.#row);
        };
        Object.defineProperty(Record.prototype, key, { enumerable: true, get });
      });
    }
  };
}

/** The records again. @param {Columns} packed @returns {any[]} */
export function unpack({ length, columns }) {
  const Record = classOf(Object.entries(columns));
  const list = Object.values(columns);
  return Array.from({ length }, (_, row) => new Record(list, row));
}

/** Where the part of a row begins. @param {Uint32Array} ends @param {number} row */
const start = (ends, row) => (row === 0 ? 0 : ends[row - 1]);

/** @type {{ [Kind in Column["kind"]]: (of: Extract<Column, { kind: Kind }>, row: number) => any }} */
const READERS = {
  number: ({ values }, row) => (Number.isNaN(values[row]) ? undefined : values[row]),
  flag: ({ values }, row) => values[row] === 1,
  text: ({ all, ends }, row) => all.slice(start(ends, row), ends[row]),
  choice: ({ values, choices }, row) => choices[values[row]],
  any: ({ values }, row) => values[row],
  points: ({ values, ends }, row) => Array.from({ length: ends[row] - start(ends, row) }, (_, at) => Array.from(values.subarray(2 * (start(ends, row) + at), 2 * (start(ends, row) + at) + 2))),
};

/** A record as a plain object: a spread passes over fields that are read from columns. @param {any} record @returns {any} */
export function plain(record) {
  /** @type {any} */
  const copy = {};
  for (const key in record) copy[key] = record[key];
  return copy;
}

/** @typedef {import("../types.js").Picture} Picture */
/** A picture with its two long lists as columns. @typedef {Omit<Picture, "items" | "edges"> & { items: Columns, edges: Columns }} PackedPicture */
/** A picture as the server sends it: the edges are columns already. @typedef {Omit<Picture, "edges"> & { edges: SentEdges }} SentPicture
 * @typedef {{ from: number[], to: number[], weight: number[], elided: number[], kinds: string, bends: [number, [number, number][]][],
 *   delta?: number[], before?: number[], after?: number[] }} SentEdges */

/** The kinds of edges, and the letters that stand for them in an answer. */
const KINDS = ["line", "back", "pip", "faint"];
const LETTERS = "lbpf";

/** @param {SentEdges} sent @returns {Columns} */
function edgeColumns({ kinds, bends, ...numbers }) {
  const { length } = kinds;
  /** @type {Record<string, Column>} */
  const columns = {};
  for (const [key, values] of Object.entries(numbers)) columns[key] = { kind: "number", values: Float64Array.from(values) };
  columns.kind = { kind: "choice", values: Uint8Array.from({ length }, (_, edge) => LETTERS.indexOf(kinds[edge])), choices: KINDS };
  const ends = new Uint32Array(length);
  for (const [edge, points] of bends) ends[edge] = points.length;
  for (let edge = 1; edge < length; edge++) ends[edge] += ends[edge - 1];
  columns.bends = { kind: "points", values: Float32Array.from(bends.flatMap(([, points]) => points.flat())), ends };
  return { length, columns };
}

/** @param {SentPicture} sent @returns {PackedPicture} */
export const packPicture = (sent) => ({ ...sent, items: pack(sent.items), edges: edgeColumns(sent.edges) });

/** @param {PackedPicture} packed @returns {Picture} */
export function unpackPicture(packed) {
  /** @type {import("../types.js").Edge[] | undefined} */
  let edges;
  // There are thousands, and the page itself looks at them only once something is selected.
  return { ...packed, items: unpack(packed.items), get edges() { return (edges ??= unpack(packed.edges)); } };
}
