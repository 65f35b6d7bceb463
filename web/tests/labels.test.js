import assert from "node:assert/strict";
import { test } from "node:test";
import { placeLabels, placeOnEdge, shorten } from "../page/graph/labels.js";
import { Obstacles, overlap } from "../page/graph/obstacles.js";
import { curve, edgeWidth } from "../page/graph/curves.js";
import { related } from "../page/graph/reach.js";
import { quantity, share } from "../page/quantity.js";
import { themes } from "../page/graph/palette.js";

/** Numbers that look random and are the same at every run. */
function numbers(seed = 1) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}

const measure = (/** @type {string} */ text, /** @type {number} */ size) => text.length * size * 0.55;

test("labels overlap neither each other nor a circle, however crowded", () => {
  const random = numbers();
  const wanted = Array.from({ length: 300 }, (_, index) => ({
    index, x: random() * 1200, y: random() * 700, radius: 4 + random() * 25, text: `module::function_${index}`, priority: random(), beside: index % 3 === 0, size: 12,
  }));
  const placed = placeLabels(wanted, measure, { x: 0, y: 0, width: 1200, height: 700 }, [{ x: 0, y: 0, width: 400, height: 30 }]);
  assert.ok(placed.length > 50, `${placed.length} labels found room`);
  placed.forEach((label, at) => {
    for (const other of placed.slice(at + 1)) assert.ok(!overlap(label.box, other.box), `${label.text} and ${other.text}`);
    assert.ok(!overlap(label.box, { x: 0, y: 0, width: 400, height: 30 }), "what was taken stays free");
    if (label.inside) return;
    for (const item of wanted) {
      assert.ok(!overlap(label.box, { x: item.x - item.radius, y: item.y - item.radius, width: 2 * item.radius, height: 2 * item.radius }), `${label.text} lies on a circle`);
    }
  });
});

test("a label that has no room is shortened before it is dropped", () => {
  const item = { index: 0, x: 60, y: 50, radius: 5, text: "a_rather_long_function_name", priority: 1, beside: false, size: 12 };
  const [label] = placeLabels([item], measure, { x: 0, y: 0, width: 120, height: 100 }, []);
  assert.match(label.text, /…$/);
  assert.equal(shorten("abcdef", 4), "abc…");
});

test("a label that has no room elsewhere takes that of one that has", () => {
  const item = { x: 100, radius: 5, text: "function", beside: false, size: 12 };
  const [upper, lower] = [{ ...item, index: 0, y: 30, priority: 2 }, { ...item, index: 1, y: 65, priority: 1 }];
  const window = { x: 60, y: 0, width: 80, height: 80 };
  const alone = placeLabels([upper], measure, window, [])[0];
  assert.ok(alone.box.y > upper.y, "a label stands below its circle where it can");
  const placed = placeLabels([upper, lower], measure, window, []);
  assert.deepEqual(placed.map(({ index, box }) => [index, box.y < upper.y]), [[0, true], [1, false]]);
});

test("an arrow ends outside its callee's circle, in every direction", () => {
  const random = numbers(7);
  for (let turn = 0; turn < 500; turn++) {
    const circle = () => ({ x: random() * 800, y: random() * 800, radius: 3 + random() * 50 });
    const [from, to] = [circle(), circle()];
    const direction = /** @type {const} */ (["right", "down", "free"])[turn % 3];
    const { tip } = curve(from, to, [{ x: 400, y: 400 }], direction, 8);
    if (Math.hypot(from.x - to.x, from.y - to.y) < from.radius + to.radius) continue;
    assert.ok(Math.hypot(tip.x - to.x, tip.y - to.y) >= to.radius + 4, `${direction}: the tip is inside`);
  }
});

test("edges are as wide as the recipe says", () => {
  assert.equal(edgeWidth(0), 0.7);
  assert.ok(Math.abs(edgeWidth(1) - 13.4) < 1e-9);
});

test("what an item reaches are its callers and callees, not its siblings", () => {
  const edges = [[0, 1], [1, 2], [0, 3], [2, 4], [5, 2]].map(([from, to]) => ({ from, to }));
  const { items, edges: used } = related(1, edges, 6);
  assert.deepEqual([...items].sort(), [0, 1, 2, 4]);
  assert.deepEqual([...used].sort(), [0, 1, 3]);
});

test("values are shown in the largest unit that they fill", () => {
  assert.equal(quantity(8_120_000_000, "nanoseconds"), "8.12 s");
  assert.equal(quantity(1536, "bytes"), "1.50 KiB");
  assert.equal(quantity(1234567, "count"), "1,234,567");
  assert.equal(share(1, 3), "33 %");
  assert.equal(share(1, 200), "0.5 %");
  assert.equal(share(1, 0), "0 %");
});

/** @param {string} color relative luminance by WCAG 2 */
function luminance(color) {
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}

test("text and circles stand out from the ground in both themes", () => {
  for (const [name, theme] of Object.entries(themes)) {
    const contrast = (/** @type {string} */ color) => {
      const [dark, light] = [luminance(color), luminance(theme.ground)].sort((left, right) => left - right);
      return (light + 0.05) / (dark + 0.05);
    };
    for (const text of [theme.ink, theme.soft]) assert.ok(contrast(text) >= 4.5, `${name} ${text}: ${contrast(text)}`);
    for (const color of [...theme.colors, theme.grey]) assert.ok(contrast(color) >= 2.9, `${name} ${color}: ${contrast(color)}`);
  }
});

test("a label keeps off edges where another place is free, and what is written on an edge off everything", () => {
  const item = { index: 0, x: 200, y: 100, radius: 5, text: "a_function", priority: 1, beside: false, size: 12 };
  const window = { x: 0, y: 0, width: 400, height: 300 };
  const obstacles = new Obstacles(window);
  // An edge that runs level right below the circle, where the label would stand.
  for (let x = 0; x <= 400; x += 8) obstacles.addPoint(x, 118, 7);
  const [label] = placeLabels([item], measure, window, [], obstacles);
  assert.ok(label.box.y > 118 || label.box.y + label.box.height < 118, JSON.stringify(label.box));
  assert.equal(placeOnEdge([{ x: 200, y: 100 }], 20, 7, obstacles), undefined, "on the circle");
  assert.deepEqual(placeOnEdge([{ x: 200, y: 100 }, { x: 40, y: 118 }], 20, 7, obstacles), { x: 40, y: 118 });
  assert.equal(placeOnEdge([{ x: 45, y: 118 }], 20, 7, obstacles), undefined, "on another text");
  assert.equal(placeOnEdge([{ x: 350, y: 118 }], 20, 8, obstacles), undefined, "on another edge");
});
