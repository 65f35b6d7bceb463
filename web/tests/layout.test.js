import assert from "node:assert/strict";
import { test } from "node:test";
import { Known, layout } from "../page/graph/layout.js";
import { madePicture } from "./made-picture.js";

test("the same picture gives the same places", () => {
  const picture = madePicture(60);
  assert.deepEqual(layout(picture, new Known()), layout(picture, new Known()));
});

test("circles do not overlap once laid out", () => {
  const picture = madePicture(90);
  const { items } = layout(picture, new Known());
  picture.items.forEach((item, at) => {
    for (let other = at + 1; other < picture.items.length; other++) {
      const away = Math.hypot(items[2 * at] - items[2 * other], items[2 * at + 1] - items[2 * other + 1]);
      assert.ok(away >= 0.95 * (item.radius + picture.items[other].radius), `${at} and ${other}: ${away}`);
    }
  });
});

test("items that have places keep them when others come", () => {
  const before = madePicture(60);
  const first = layout(before, new Known());
  const known = new Known();
  known.learn(before, first);
  const after = madePicture(75);
  const second = layout(after, known);
  let stayed = 0;
  after.items.forEach((item, at) => {
    const place = known.items.get(item.id);
    if (!place) return;
    stayed += 1;
    assert.deepEqual({ x: second.items[2 * at], y: second.items[2 * at + 1] }, place);
  });
  assert.equal(stayed, 60);
  assert.ok(second.items.every(Number.isFinite));
});
