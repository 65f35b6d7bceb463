// What carries large graphs: columns between threads, the grid of hits, the small map, the SVG of what is drawn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pack, packPicture, plain, unpack, unpackPicture } from "../page/graph/columns.js";
import { Hits } from "../page/graph/hits.js";
import { lookAt, mapOf, seenOn } from "../page/graph/minimap.js";
import { themes, tint } from "../page/graph/palette.js";
import { drawing, makeScene, viewOf } from "../page/graph/scene.js";
import { SvgContext } from "../page/graph/svg.js";
import { madePicture, sent } from "./made-picture.js";

function numbers(seed = 1) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}

test("a picture in columns reads as it did before, over a thread's border too", () => {
  const picture = madePicture(40);
  picture.edges[3].bends = [[1.5, 2], [3, 4.25]];
  picture.edges[7].bends = [[5, 6]];
  picture.edges[8].kind = "pip";
  picture.items[5].delta = -0.5;
  const there = unpackPicture(structuredClone(packPicture(sent(picture))));
  assert.deepEqual(there.edges.map(plain), picture.edges);
  for (const [at, item] of picture.items.entries()) for (const [key, value] of Object.entries(item)) assert.deepEqual(/** @type {any} */ (there.items[at])[key], value, key);
  assert.equal(there.items[4].delta, undefined);
  assert.deepEqual(unpack(pack([])), []);
});

test("the grid finds the circle that looking at each would find", () => {
  const random = numbers(3);
  const places = Float32Array.from({ length: 4000 }, () => random() * 1500);
  const radii = Float32Array.from({ length: 2000 }, (_, at) => (at % 50 === 0 ? 40 : 2 + 6 * random()));
  const hits = new Hits(places, (at) => radii[at]);
  for (let turn = 0; turn < 500; turn++) {
    const [x, y] = [random() * 1700 - 100, random() * 1700 - 100];
    let [best, nearest] = [-1, 7];
    for (let at = 0; at < 2000; at++) {
      const away = Math.hypot(places[2 * at] - x, places[2 * at + 1] - y) - radii[at];
      if (away < nearest) [best, nearest] = [at, Math.max(0, away)];
    }
    const found = hits.at(x, y, 7);
    const distance = (/** @type {number} */ at) => (at < 0 ? 7 : Math.max(0, Math.hypot(places[2 * at] - x, places[2 * at + 1] - y) - radii[at]));
    assert.equal(distance(found), distance(best));
  }
  assert.equal(new Hits(new Float32Array(0), () => 1).at(0, 0, 9), -1);
});

test("a point of the small map is what the window then has in its middle", () => {
  const [window, bounds] = [{ width: 1600, height: 900 }, { x: -50, y: 20, width: 3000, height: 1200 }];
  const map = mapOf(window, bounds);
  const camera = lookAt(map, window, bounds, { x: 0, y: 0, k: 2 }, { x: map.x + map.width / 4, y: map.y + map.height / 2 });
  const seen = seenOn(map, window, bounds, camera);
  assert.ok(Math.abs(seen.x + seen.width / 2 - (map.x + map.width / 4)) < 1e-6);
  assert.ok(Math.abs(seen.y + seen.height / 2 - (map.y + map.height / 2)) < 1e-6);
});

/** @param {import("../page/types.js").Picture} picture @param {{ x: number, y: number, radius: number }[]} [circles] where they lie */
function svgOf(picture, circles = picture.items.map(({ x, y, radius }) => ({ x, y, radius }))) {
  const scene = { ...makeScene(picture), circles };
  const size = { width: 1600, height: 1000 };
  const context = new SvgContext(size, { font: "", measureText: (text) => ({ width: 6 * text.length }) });
  const view = viewOf(scene, size, { x: 0, y: 0, k: 1 }, themes.light, { hover: -1, selected: -1, matches: null, group: -1, split: null });
  for (const _ of drawing(/** @type {any} */ (context), view, false, []));
  return context.text();
}

test("the SVG of a picture has its circles, edges and names, and no name is markup", () => {
  const picture = madePicture(30);
  picture.items[3].label = `</text><script>alert("&")</script>`;
  const svg = svgOf(picture);
  assert.ok(!svg.includes("<script"));
  assert.ok(svg.includes("&lt;/text&gt;&lt;script"));
  assert.ok(svg.match(/<path/g)?.length ?? 0 > 60);
  assert.ok(!/NaN|undefined/.test(svg));
});

test("what grew and what shrank differ by colour and by sign, and what is new or gone says so", () => {
  const picture = madePicture(30);
  picture.items.forEach((item, at) => (item.delta = [0.8, -0.8, 1, -1, 0][at % 5]));
  const svg = svgOf(picture);
  assert.ok(svg.includes(tint(themes.light, 0.8, themes.light.grey)) && svg.includes(tint(themes.light, -0.8, themes.light.grey)));
  assert.ok(svg.includes("new</text>") && svg.includes("gone</text>"));
  assert.equal(tint(themes.light, 0, themes.light.grey), themes.light.grey);
});

test("the line above the strip stays there when an item of it has kept its place among the others", () => {
  const picture = madePicture(30);
  const strip = picture.items.slice(20, 25);
  strip.forEach((item, at) => Object.assign(item, { strip: true, x: 100 + 150 * at, y: 900, radius: 20 }));
  const lineOf = (/** @type {string} */ svg) => /y="([\d.]+)"[^>]*>shared callees/.exec(svg)?.[1];
  const circles = picture.items.map(({ x, y, radius }) => ({ x, y, radius }));
  const before = lineOf(svgOf(picture, circles));
  assert.ok(Number(before) > 840 && Number(before) < 880, before);
  circles[22].y = 300;
  assert.equal(lineOf(svgOf(picture, circles)), before);
  // What lies below it would be taken for part of the strip.
  circles[3].y = 990;
  assert.equal(lineOf(svgOf(picture, circles)), undefined);
});
