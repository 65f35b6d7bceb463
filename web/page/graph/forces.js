// The one force of ours beside d3's: circles and their labels keep apart.

/**
 * @param {{ width: number, height: number }[]} boxes what each node needs, its label included
 * @param {number} strength
 */
export function forceApart(boxes, strength) {
  /** @type {{ x: number, y: number, fx?: number | null }[]} */
  let nodes = [];
  const cell = 96;
  const force = () => {
    /** @type {Map<string, number[]>} */
    const cells = new Map();
    nodes.forEach((node, at) => {
      if (!boxes[at]) return;
      const key = `${Math.floor(node.x / cell)},${Math.floor(node.y / cell)}`;
      const list = cells.get(key);
      if (list) list.push(at);
      else cells.set(key, [at]);
    });
    nodes.forEach((node, at) => {
      if (!boxes[at]) return;
      const [column, row] = [Math.floor(node.x / cell), Math.floor(node.y / cell)];
      for (let x = column - 1; x <= column + 1; x++) {
        for (let y = row - 1; y <= row + 1; y++) for (const other of cells.get(`${x},${y}`) ?? []) if (other > at) part(at, other);
      }
    });
  };
  const part = (/** @type {number} */ left, /** @type {number} */ right) => {
    const [one, two] = [nodes[left], nodes[right]];
    const needX = (boxes[left].width + boxes[right].width) / 2 - Math.abs(two.x - one.x);
    const needY = (boxes[left].height + boxes[right].height) / 2 - Math.abs(two.y - one.y);
    if (needX <= 0 || needY <= 0) return;
    const axis = needY <= needX ? "y" : "x";
    const need = axis === "y" ? needY : needX;
    const side = two[axis] >= one[axis] ? 1 : -1;
    const [oneFixed, twoFixed] = [one.fx != null, two.fx != null];
    if (oneFixed && twoFixed) return;
    const push = need * strength * (oneFixed || twoFixed ? 1 : 0.5) * side;
    if (!oneFixed) one[axis] -= push;
    if (!twoFixed) two[axis] += push;
  };
  force.initialize = (/** @type {{ x: number, y: number }[]} */ given) => {
    nodes = given;
  };
  return force;
}
