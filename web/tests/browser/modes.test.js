// The graph's other ways: directions, hubs, instances in place, parts that fill the window, forward in the history, pictures
// saved, and places that a filter leaves as they are. With real clicks and keys.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, inspect, selected, settled, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "small.folded"), folded(40, 120));
  await writeFile(join(rig.folder, "large.folded"), folded(1000, 6000));
  const callers = ["parse", "lex", "draw", "walk", "sort", "send"];
  await writeFile(join(rig.folder, "hub.folded"), callers.flatMap((name) => [`main;app::${name} 20`, `main;app::${name};malloc 6`]).join("\n"));
  const instances = ["app::get<u8>", "app::get<u16>", "app::get<alloc::string::String>", "app::get<u8>;app::get<u8>::{{closure}}"];
  await writeFile(join(rig.folder, "generic.folded"), [...instances.map((name, at) => `main;${name} ${10 * (at + 1)}`), "main;db::put<u8> 7", "main;db::put<u16> 8", ...OTHERS.map((name) => `main;${name} 9`)].join("\n"));
});
after(() => rig.close());

/** So many that a few newcomers are no reason to lay all of it out again. */
const OTHERS = Array.from({ length: 12 }, (_, at) => `app::other_${String.fromCharCode(97 + at)}`);

/** @param {any} drawn @param {string} name */
const named = (drawn, name) => drawn.items.find((/** @type {any} */ item) => item.name === name);
/** But for the others. */
const names = (/** @type {any} */ drawn) => drawn.items.map((/** @type {any} */ item) => item.name).filter((/** @type {string} */ name) => !OTHERS.includes(name)).sort();

/** The share of the weight of calls that points along an axis. @param {any} drawn @param {"x" | "y"} axis */
function forward(drawn, axis) {
  let [along, all] = [0, 0];
  for (const { from, to, weight } of drawn.edges) {
    if (from === to || drawn.items[to].strip) continue;
    all += weight;
    if (drawn.items[to].place[axis] > drawn.items[from].place[axis]) along += weight;
  }
  return along / all;
}

test("callees lie to the right, below on demand, and anywhere in a free picture, which loses nothing", async () => {
  const page = await rig.open("profile=large.folded");
  const right = await settled(page);
  // The least, of every profile.
  assert.ok(forward(right, "x") >= 0.88, `${forward(right, "x")} to the right`);
  await page.keyboard.press("i");
  const direction = page.locator("select[name=direction]");
  await direction.selectOption("down");
  const down = await until(page, (drawn) => drawn.settled && drawn.items.length > 0 && forward(drawn, "y") >= 0.88, "callees lie below");
  await direction.selectOption("free");
  await page.waitForURL((address) => address.searchParams.get("direction") === "free");
  const free = await until(page, (drawn) => drawn.settled && drawn.items.length > 0 && drawn.items.every((/** @type {any} */ item) => !item.strip) && forward(drawn, "y") < 0.88, "the picture is free");
  for (const drawn of [right, down, free]) {
    assert.equal(drawn.items.reduce((/** @type {number} */ sum, /** @type {any} */ item) => sum + item.self, 0), right.total);
  }
  await page.goBack();
  await until(page, (drawn) => drawn.settled && forward(drawn, "y") >= 0.88, "back goes back to the one before");
  await page.goForward();
  await page.waitForURL((address) => address.searchParams.get("direction") === "free");
  await page.context().close();
});

test("a hub lies in the strip with a mark at each caller and all of its weight", async () => {
  const page = await rig.open("profile=hub.folded");
  const drawn = await settled(page);
  const hub = named(drawn, "malloc");
  assert.ok(hub.strip, "malloc is called by six and is a leaf");
  const number = drawn.items.indexOf(hub);
  const calls = drawn.edges.filter((/** @type {any} */ edge) => edge.to === number);
  assert.deepEqual(calls.map((/** @type {any} */ edge) => [edge.kind, edge.weight]), Array(6).fill(["pip", 6]));
  assert.equal(hub.total, 36);
  await page.context().close();
});

test("a function's instances and closures open in its place by double-click, key and chip, and nothing else does", async () => {
  const page = await rig.open("profile=generic.folded");
  const merged = await settled(page);
  assert.deepEqual(names(merged), ["app::get", "db::put", "main"]);
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  const get = named(merged, "app::get");
  assert.equal(get.instances, 4);
  await page.mouse.dblclick(stage.x + get.screen.x, stage.y + get.screen.y);
  const apart = await until(page, (drawn) => drawn.settled && names(drawn).length > 3, "its instances are shown");
  assert.deepEqual(names(apart), ["app::get<alloc::string::String>", "app::get<u16>", "app::get<u8>", "app::get<u8>::{{closure}}", "db::put", "main"]);
  assert.deepEqual([apart.total, apart.shown.self], [merged.total, merged.total]);
  assert.equal(new URL(page.url()).searchParams.get("instances"), "app::get");
  for (const name of ["main", "db::put", ...OTHERS]) {
    const [was, is] = [named(merged, name).place, named(apart, name).place];
    assert.ok(Math.hypot(is.x - was.x, is.y - was.y) < 1, `${name} has moved`);
  }
  await page.reload();
  await until(page, (drawn) => drawn.settled && names(drawn).length === names(apart).length, "the address keeps them apart");
  await page.locator("#chips button", { hasText: "app::get" }).click();
  await until(page, (drawn) => drawn.settled && names(drawn).length === 3, "they are one again");
  // By keys alone: to the function, open, to an instance, close.
  await page.keyboard.press("3");
  await page.locator("#table-view tbody tr", { hasText: "put" }).click();
  await page.locator("#selection").getByRole("button", { name: "Instances" }).waitFor();
  await page.keyboard.press("Shift+G");
  await page.locator("#table-view tbody td[title='db::put<u16>']").first().waitFor();
  await page.keyboard.press("1");
  const open = await until(page, (drawn) => drawn.settled && names(drawn).length === 4, "the graph has them too");
  const one = named(open, "db::put<u16>");
  await page.mouse.click(stage.x + one.screen.x, stage.y + one.screen.y);
  await page.locator("#selection strong", { hasText: "db::put<u16>" }).waitFor();
  await page.keyboard.press("Backspace");
  await until(page, (drawn) => drawn.settled && names(drawn).length === 3, "Backspace merges them");
  await page.context().close();
});

test("the selection with its callers and callees fills the window by a key, and what is not of it is dimmed", async () => {
  const page = await rig.open("profile=large.folded");
  const all = await settled(page);
  const item = all.items.filter((/** @type {any} */ of) => of.kind === "function" && !of.strip).sort((/** @type {any} */ left, /** @type {any} */ right) => left.total - right.total)[0];
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.click(stage.x + item.screen.x, stage.y + item.screen.y);
  await selected(page, item.id);
  await page.keyboard.press("g");
  const near = await until(page, (drawn) => drawn.settled && drawn.camera.k > 1.05 * all.camera.k, "the part is nearer");
  const now = near.items.find((/** @type {any} */ of) => of.id === item.id);
  assert.ok(now.screen.x > 0 && now.screen.x < near.window.width && now.screen.y > 0 && now.screen.y < near.window.height);
  await page.context().close();
});

test("the hot path goes one call further at each press, to the heaviest callee", async () => {
  const page = await rig.open("profile=small.folded");
  const drawn = await settled(page);
  await page.keyboard.press("h");
  await page.waitForURL((address) => address.searchParams.has("select"));
  for (let turn = 0; turn < 3; turn++) {
    const id = new URL(page.url()).searchParams.get("select");
    const at = drawn.items.findIndex((/** @type {any} */ item) => item.id === id);
    const calls = drawn.edges.filter((/** @type {any} */ edge) => edge.from === at && edge.to !== at).sort((/** @type {any} */ left, /** @type {any} */ right) => right.weight - left.weight);
    if (!calls.length) break;
    await page.keyboard.press("h");
    await selected(page, drawn.items[calls[0].to].id);
  }
  await page.context().close();
});

test("the picture can be saved as PNG in the window's size", async () => {
  const page = await rig.open("profile=small.folded");
  const { window } = await settled(page);
  await page.locator("#export summary").click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#png").click()]);
  const bytes = await readFile(/** @type {string} */ (await download.path()));
  assert.equal(bytes.subarray(1, 4).toString(), "PNG");
  assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [window.width, window.height]);
  await page.context().close();
});

test("a filter moves nothing that stays, and laying out again is a key", async () => {
  const page = await rig.open("profile=large.folded");
  const all = await settled(page);
  await page.keyboard.press("i");
  await page.locator("input[name=ignore]").fill("function_13$");
  const some = await until(page, (drawn) => drawn.settled && drawn.total < all.total, "the filter is applied");
  const places = new Map(all.items.map((/** @type {any} */ item) => [item.id, item.place]));
  const far = Math.hypot(...["x", "y"].map((axis) => Math.max(...all.items.map((/** @type {any} */ item) => item.place[axis])) - Math.min(...all.items.map((/** @type {any} */ item) => item.place[axis])))) / 2;
  const stayed = some.items.filter((/** @type {any} */ item) => places.has(item.id));
  assert.ok(stayed.length > 0.6 * all.items.length, `${stayed.length} of ${all.items.length} stayed`);
  const shift = stayed.reduce((/** @type {number} */ sum, /** @type {any} */ item) => sum + Math.hypot(item.place.x - /** @type {any} */ (places.get(item.id)).x, item.place.y - /** @type {any} */ (places.get(item.id)).y), 0) / stayed.length;
  assert.ok(shift <= 0.05 * far, `${(100 * shift / far).toFixed(1)} % of the layout's radius`);
  await page.keyboard.press("Escape");
  await page.locator("#relayout").click();
  await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => Math.hypot(item.place.x - some.items.find((/** @type {any} */ old) => old.id === item.id)?.place.x, item.place.y - some.items.find((/** @type {any} */ old) => old.id === item.id)?.place.y) > 5), "it is laid out again");
  await page.context().close();
});

test("two profiles compared leave everything where it was in the one, and lose no sample of either", async () => {
  await writeFile(join(rig.folder, "more.folded"), `${folded(40, 120)}crate0::module0::function_0;crate9::fresh 90\n`);
  const page = await rig.open("profile=small.folded");
  const alone = await settled(page);
  await page.keyboard.press("c");
  await page.locator("#base").selectOption("more.folded");
  const both = await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.delta === -1), "the two are compared");
  assert.equal(both.shown.self + both.folded.self, both.total);
  for (const item of both.items.filter((/** @type {any} */ of) => of.kind === "function")) {
    const old = alone.items.find((/** @type {any} */ of) => of.id === item.id);
    if (old) assert.ok(Math.hypot(item.place.x - old.place.x, item.place.y - old.place.y) < 1, `${item.name} has moved`);
  }
  await page.context().close();
});

test("hovering splits the edges by what this function costs", async () => {
  await writeFile(join(rig.folder, "split.folded"), "main;app::a;app::shared;app::deep 30\nmain;app::b;app::shared;app::deep 10\nmain;app::b 5\nmain;app::shared 3\nmain;app::deep 4\n");
  const page = await rig.open("profile=split.folded");
  const drawn = await settled(page);
  const item = named(drawn, "app::b");
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().includes("/api/item/")),
    page.mouse.move(stage.x + item.screen.x, stage.y + item.screen.y),
  ]);
  const { edges } = await answer.json();
  const weight = (/** @type {string} */ from, /** @type {string} */ to) => {
    const at = drawn.edges.findIndex((/** @type {any} */ edge) => drawn.items[edge.from].name === from && drawn.items[edge.to].name === to);
    return edges.find((/** @type {[number, number]} */ edge) => edge[0] === at)?.[1] ?? 0;
  };
  assert.deepEqual([weight("app::b", "app::shared"), weight("app::shared", "app::deep"), weight("app::a", "app::shared")], [10, 10, 0]);
  assert.equal((await inspect(page)).total, 52);
  await page.context().close();
});
