import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { curve } from "../page/graph/curves.js";

/** Where a curve is at so many places along it. @param {import("../page/graph/curves.js").Curve} curve */
function points({ start, parts }) {
  const found = [start];
  for (const [first, second, end] of parts) {
    const before = found[found.length - 1];
    for (let step = 1; step <= 20; step++) {
      const t = step / 20;
      const at = (/** @type {"x" | "y"} */ axis) => (1 - t) ** 3 * before[axis] + 3 * (1 - t) ** 2 * t * first[axis] + 3 * (1 - t) * t * t * second[axis] + t ** 3 * end[axis];
      found.push({ x: at("x"), y: at("y") });
    }
  }
  return found;
}

/** How high a curve is at x, between the points beside it. @param {{ x: number, y: number }[]} found @param {number} x */
function heightAt(found, x) {
  const behind = found.findIndex((point) => point.x >= x);
  const [before, after] = [found[behind - 1], found[behind]];
  return before.y + ((after.y - before.y) * (x - before.x)) / (after.x - before.x || 1);
}

test("edges that keep their order between two columns do not cross, whatever their circles' sizes and however steep they are", () => {
  for (const radius of [4.5, 12, 20]) {
    const upper = points(curve({ x: 0, y: 0, radius }, { x: 100, y: 500, radius: 4.5 }, [], "right", 8));
    const lower = points(curve({ x: 0, y: 20, radius: 4.5 }, { x: 100, y: 520, radius }, [], "right", 8));
    for (let x = 22; x <= 66; x += 2) assert.ok(heightAt(upper, x) < heightAt(lower, x), `at ${x}, radius ${radius}`);
  }
});

test("a call back leaves its caller towards its callee and passes its bends", () => {
  const found = curve({ x: 300, y: 0, radius: 10 }, { x: 0, y: 40, radius: 10 }, [{ x: 200, y: 90 }, { x: 100, y: 80 }], "right", 8);
  assert.ok(found.start.x < 300 && found.tip.x > 0 && Math.abs(Math.cos(found.angle) + 1) < 1e-9);
  for (const bend of [{ x: 200, y: 90 }, { x: 100, y: 80 }]) assert.ok(points(found).some(({ x, y }) => Math.abs(x - bend.x) < 25 && Math.abs(y - bend.y) < 1e-6), `${bend.x}`);
});

test("what is written on an edge stands clear of its circles", () => {
  for (const radius of [5, 15, 40]) {
    const { middles: [middle] } = curve({ x: 0, y: 0, radius }, { x: 200, y: 300, radius: 30 }, [{ x: 100, y: 300 }], "right", 8);
    assert.ok(Math.hypot(middle.x, middle.y) > radius + 15, `${radius}: ${middle.x} ${middle.y}`);
  }
});

test("edges run as the exported picture has them, which is held to the same file", async () => {
  const cases = JSON.parse(await readFile(new URL("courses.json", import.meta.url), "utf8"));
  for (const { from, to, bends, direction, head, drawn } of cases) assert.deepEqual(JSON.parse(JSON.stringify(curve(from, to, bends, direction, head))), drawn);
});
