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

/** The edges of each item, by picture, once they were asked for. @type {WeakMap<import("../types.js").Picture, number[][]>} */
const lists = new WeakMap();

/** The numbers of an item's edges. @param {import("../types.js").Picture} picture @param {number} item */
export function edgesOf(picture, item) {
  let list = lists.get(picture);
  if (!list) {
    const made = (list = picture.items.map(() => /** @type {number[]} */ ([])));
    picture.edges.forEach(({ from, to }, number) => {
      made[from].push(number);
      if (to !== from) made[to].push(number);
    });
    lists.set(picture, made);
  }
  return list[item] ?? [];
}
