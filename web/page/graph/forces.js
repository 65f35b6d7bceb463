// The one force of ours beside d3's: circles and their labels keep apart.

/**
 * @param {{ width: number, height: number }[]} boxes what each node needs, its label included
 * @param {number} strength
 */
export function forceApart(boxes, strength) {
  /** @type {{ x: number, y: number, fx?: number | null }[]} */
  let nodes = [];
  /** The boxes from left to right, as they were when last looked at. */
  const order = boxes.map((_, at) => at);
  const widest = boxes.reduce((most, { width }) => Math.max(most, width), 0);
  /** Gives how many pairs it pushed. */
  const force = () => {
    sortAgain(order, (box) => nodes[box].x);
    let pushed = 0;
    order.forEach((left, place) => {
      const reach = nodes[left].x + (boxes[left].width + widest) / 2;
      for (let next = place + 1; next < order.length && nodes[order[next]].x < reach; next++) if (part(left, order[next])) pushed += 1;
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
    order.sort((left, right) => nodes[left].x - nodes[right].x);
  };
  return force;
}

/** Sorts what is nearly in order. @param {number[]} list @param {(of: number) => number} by */
function sortAgain(list, by) {
  for (let at = 1; at < list.length; at++) {
    const taken = list[at];
    const value = by(taken);
    let place = at;
    for (; place > 0 && by(list[place - 1]) > value; place--) list[place] = list[place - 1];
    list[place] = taken;
  }
}
