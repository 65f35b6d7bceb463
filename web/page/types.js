// The shapes of the API's answers, for the type checker; API.md says what each field means.

/**
 * @typedef {{ id: string, name: string, bytes: number, modified_ms: number, growing: boolean, summary: Summary | null }} ProfileEntry
 * @typedef {{ format: string, time_ms: number, duration_ns: number, samples: number, unit: string, warnings: string[] }} Summary
 * @typedef {{ receives_bytes: number, controls: { running: boolean } | null }} Offers
 * @typedef {{ sample_type: { type: string, unit: string }, start_ms: number, bin_ms: number, total: number, untimed: number,
 *   threads: { name: string, total: number, values: number[] }[], rest: { threads: number, total: number, values: number[] } | null }} Timeline
 * @typedef {{ type: string, unit: string, total: number }} SampleTotal
 * @typedef {{ id: string, name: string, format: string, version: string, sample_types: SampleTotal[], default_sample_type: string | null,
 *   time_ms: number, duration_ns: number, labels: Record<string, string[]>, times: { start_ms: number, end_ms: number } | null, growing: boolean,
 *   self_check: Record<string, number> | null, warnings: string[] }} ProfileInfo
 * @typedef {{ name: string, color: number, self: number, total: number }} Group
 * @typedef {{ id: string, kind: "function" | "fold", name: string, label: string, group: number, file: string, crate: string,
 *   module: string, self: number, total: number, members: number, instances?: number, rank: number, x: number, y: number, radius: number, strip: boolean, beside?: boolean, delta?: number, before?: Measures, after?: Measures }} Item
 * @typedef {{ self: number, total: number }} Measures
 * @typedef {{ from: number, to: number, weight: number, elided: number, kind: "line" | "back" | "pip" | "faint", bends: [number, number][], delta?: number }} Edge
 * @typedef {{ functions: number, self: number }} Part
 * @typedef {{ version: string, sample_type: { type: string, unit: string }, total: number, unfiltered_total: number, functions: number,
 *   shown: Part, folded: Part, direction: "right" | "down" | "free", width: number, height: number, groups: Group[], items: Item[],
 *   edges: Edge[], compared?: Compared }} Picture
 * @typedef {{ id: string, name: string, label: string, file: string, crate: string, module: string, color: number, self: number, total: number,
 *   samples?: number | null, delta?: number, before?: Measures, after?: Measures }} Row
 * @typedef {{ version: string, sample_type: { type: string, unit: string }, total: number, unfiltered_total: number, functions: Row[], compared?: Compared }} Top
 * @typedef {{ base: string, normalize: string, factor: number, judged: boolean, totals: { before: number, after: number }, measured: { before: number, after: number } }} Compared
 * @typedef {import("./views/view.js").Head & { zoomed: number, groups: { name: string, color: number, self: number }[],
 *   functions: import("./flame/boxes.js").Meaning[], boxes: import("./flame/boxes.js").Sent[] }} Flame
 * @typedef {{ function: number, weight: number, before?: number, after?: number, delta?: number }} Neighbour
 * @typedef {import("./views/view.js").Head & { function: number, self: number, function_total: number, before?: Measures, after?: Measures, delta?: number, callers: Neighbour[],
 *   callees: Neighbour[], functions: import("./flame/boxes.js").Meaning[], up: import("./flame/boxes.js").Sent[],
 *   down: import("./flame/boxes.js").Sent[] }} Sandwich
 * @typedef {{ id: string, name: string, label: string, crate: string, module: string, file: string, family: string, instances: number,
 *   self: number, total: number, unit: string, view_total: number, before?: Measures, after?: Measures, delta?: number }} FunctionInfo
 * @typedef {{ line: number, self: number, total: number, before?: Measures, after?: Measures, delta?: number }} LineValue
 * @typedef {import("./views/view.js").Head & { file: string, found: string | null, remark: string, first: number | null, text: string | null,
 *   lines: LineValue[] }} Source
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ x: number, y: number, k: number }} Camera
 * @typedef {{ x: number, y: number, width: number, height: number }} Rectangle
 */

export {};
