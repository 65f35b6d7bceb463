// A picture made up for tests: items in columns, each called by one of the column before.

/** @param {number} count @returns {import("../page/types.js").Picture} */
export function madePicture(count) {
  /** @type {import("../page/types.js").Item[]} */
  const items = [];
  /** @type {import("../page/types.js").Edge[]} */
  const edges = [];
  for (let at = 0; at < count; at++) {
    const rank = Math.floor(Math.sqrt(at));
    const radius = 5 + ((at * 7) % 20);
    items.push({
      id: at.toString(16).padStart(16, "0"), kind: "function", name: `app::part${at % 7}::function_${at}`, label: `part${at % 7}::function_${at}`, group: at % 5, file: "app.rs",
      crate: `crate${at % 5}`, module: "app", self: radius * radius, total: 400 + radius * radius, members: 1, rank, x: 80 + rank * 150, y: 60 + (at - rank * rank) * 60, radius, strip: false,
    });
    if (rank > 0) edges.push({ from: (rank - 1) * (rank - 1) + (at % (2 * rank - 1)), to: at, weight: 400, elided: at % 4 === 0 ? 2 : 0, kind: "line", bends: [] });
  }
  const total = items.reduce((sum, item) => sum + item.self, 0);
  return {
    version: String(count), sample_type: { type: "cpu", unit: "nanoseconds" }, total, unfiltered_total: total, functions: count, shown: { functions: count, self: total },
    folded: { functions: 0, self: 0 }, direction: "right", width: 1600, height: 1000, groups: [0, 1, 2, 3, 4].map((at) => ({ name: `crate${at}`, color: at, self: 1, total: 1 })), items, edges,
  };
}

/** The same as a server sends it. @param {import("../page/types.js").Picture} picture @returns {import("../page/graph/columns.js").SentPicture} */
export function sent(picture) {
  const { edges } = picture;
  const letters = { line: "l", back: "b", pip: "p", faint: "f" };
  return {
    ...picture,
    edges: {
      from: edges.map((edge) => edge.from), to: edges.map((edge) => edge.to), weight: edges.map((edge) => edge.weight), elided: edges.map((edge) => edge.elided),
      kinds: edges.map((edge) => letters[edge.kind]).join(""), bends: edges.flatMap(({ bends }, number) => (bends.length ? [[number, bends]] : [])),
    },
  };
}
