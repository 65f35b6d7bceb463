// Who calls an item, directly or not, and whom it calls.

/**
 * The items that an item reaches over edges in one of both directions, itself included, and the edges on the way.
 * @param {number} start
 * @param {{ from: number, to: number }[]} edges
 * @param {number} count
 */
export function related(start, edges, count) {
  /** @type {number[][]} */
  const out = Array.from({ length: count }, () => []);
  /** @type {number[][]} */
  const into = Array.from({ length: count }, () => []);
  edges.forEach((edge, number) => {
    out[edge.from].push(number);
    into[edge.to].push(number);
  });
  const items = new Set([start]);
  /** @type {Set<number>} */
  const used = new Set();
  for (const [lists, end] of /** @type {[number[][], "to" | "from"][]} */ ([[out, "to"], [into, "from"]])) {
    const seen = new Set([start]);
    const open = [start];
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      for (const number of lists[item]) {
        used.add(number);
        const next = edges[number][end];
        if (!seen.has(next)) {
          seen.add(next);
          items.add(next);
          open.push(next);
        }
      }
    }
  }
  return { items, edges: used };
}
