import assert from "node:assert/strict";
import { test } from "node:test";
import { layout } from "../page/graph/layout.js";
import { madePicture } from "./made-picture.js";

test("the same picture gives the same places", () => {
  const picture = madePicture(60);
  assert.deepEqual(layout(picture, new Map()), layout(picture, new Map()));
});

test("circles do not overlap once laid out", () => {
  const picture = madePicture(90);
  const { items } = layout(picture, new Map());
  picture.items.forEach((item, at) => {
    for (let other = at + 1; other < items.length; other++) {
      const away = Math.hypot(items[at].x - items[other].x, items[at].y - items[other].y);
      assert.ok(away >= 0.95 * (item.radius + picture.items[other].radius), `${at} and ${other}: ${away}`);
    }
  });
});

test("items that have places keep them when others come", () => {
  const before = madePicture(60);
  const first = layout(before, new Map());
  const known = new Map(before.items.map((item, at) => [item.id, first.items[at]]));
  const after = madePicture(75);
  const second = layout(after, known);
  let stayed = 0;
  after.items.forEach((item, at) => {
    const place = known.get(item.id);
    if (!place) return;
    stayed += 1;
    assert.deepEqual(second.items[at], place);
  });
  assert.equal(stayed, 60);
  const newcomer = second.items[70];
  assert.ok(Number.isFinite(newcomer.x) && Number.isFinite(newcomer.y));
});
