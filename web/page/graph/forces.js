// The one force of ours beside d3's: circles and their labels keep apart.

/** A cell of the grid is as large as most boxes, so that a box meets those of its own and the next cells only. */
const CELL = { few: 96, least: 16, boxes: 1.5 };

/**
 * @param {{ width: number, height: number }[]} boxes what each node needs, its label included
 * @param {number} strength
 */
export function forceApart(boxes, strength) {
  /** @type {{ x: number, y: number, fx?: number | null }[]} */
  let nodes = [];
  const average = boxes.reduce((sum, box) => sum + box.width, 0) / Math.max(1, boxes.length);
  const cell = boxes.length > 1000 ? Math.max(CELL.least, CELL.boxes * average) : CELL.few;
  const keyOf = (/** @type {number} */ column, /** @type {number} */ row) => (column + 32768) * 65536 + row + 32768;
  /** Gives how many pairs it pushed. */
  const force = () => {
    /** @type {Map<number, number[]>} */
    const cells = new Map();
    boxes.forEach((_, at) => {
      const key = keyOf(Math.floor(nodes[at].x / cell), Math.floor(nodes[at].y / cell));
      const list = cells.get(key);
      if (list) list.push(at);
      else cells.set(key, [at]);
    });
    let pushed = 0;
    boxes.forEach((_, at) => {
      const [column, row] = [Math.floor(nodes[at].x / cell), Math.floor(nodes[at].y / cell)];
      for (let x = column - 1; x <= column + 1; x++) {
        for (let y = row - 1; y <= row + 1; y++) for (const other of cells.get(keyOf(x, y)) ?? []) if (other > at && part(at, other)) pushed += 1;
      }
    });
    return pushed;
  };
  const part = (/** @type {number} */ left, /** @type {number} */ right) => {
    const [one, two] = [nodes[left], nodes[right]];
    const needX = (boxes[left].width + boxes[right].width) / 2 - Math.abs(two.x - one.x);
    const needY = (boxes[left].height + boxes[right].height) / 2 - Math.abs(two.y - one.y);
    if (needX <= 0 || needY <= 0) return false;
    const axis = needY <= needX ? "y" : "x";
    const need = axis === "y" ? needY : needX;
    const side = two[axis] >= one[axis] ? 1 : -1;
    const [oneFixed, twoFixed] = [one.fx != null, two.fx != null];
    if (oneFixed && twoFixed) return false;
    const push = need * strength * (oneFixed || twoFixed ? 1 : 0.5) * side;
    if (!oneFixed) one[axis] -= push;
    if (!twoFixed) two[axis] += push;
    return true;
  };
  force.initialize = (/** @type {{ x: number, y: number }[]} */ given) => {
    nodes = given;
  };
  return force;
}
