// Every filter, by its own control: graph, flame graph and table follow at once, and no sample is lost or counted twice.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { holds, inspect, settled, start, until } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  const serve = ["std::rt::lang_start", "tokio::runtime::run", "app::serve::{{closure}}"];
  /** @type {import("./pprof.js").Sample[]} */
  const samples = [
    { stack: [...serve, "app::parse", "core::fmt::write"], value: 50, thread: "worker-1", labels: { route: "/users" } },
    { stack: [...serve, "app::parse", "app::parse", "app::lex"], value: 30, thread: "worker-2", labels: { route: "/users" } },
    { stack: [...serve, "db::query<u8>"], value: 20, thread: "worker-2", labels: { route: "/items" } },
    { stack: ["std::rt::lang_start", "rayon_core::registry::main_loop", "app::index"], value: 11, thread: "main" },
  ];
  await writeFile(join(rig.folder, "all.pb"), pprof(samples, { files: { "app::lex": ["src/lex.rs", 1], "app::parse": ["src/parse.rs", 1] } }));
});
after(() => rig.close());

/** What graph, flame graph and table show, one after another; their sums have to agree. @param {import("playwright-core").Page} page @param {number} total */
async function whole(page, total) {
  const drawn = await until(page, (now) => now.settled && now.total === total, `${total} in all`);
  const sum = (/** @type {any[]} */ list, /** @type {(of: any) => number} */ value) => list.reduce((whole, of) => whole + value(of), 0);
  assert.equal(drawn.shown.self + drawn.folded.self, total);
  assert.equal(sum(drawn.items, (item) => item.self), total);
  const { search } = new URL(page.url());
  const ask = (/** @type {string} */ what) => page.evaluate((address) => fetch(address).then((answer) => answer.json()), `api/${what}/all.pb${search}`);
  const [flame, top] = [await ask("flame"), await ask("top")];
  assert.deepEqual([flame.total, top.total], [total, total]);
  assert.equal(sum(flame.boxes.filter((/** @type {number[]} */ of) => of[0] === 0), (of) => of[2]), total);
  assert.equal(sum(flame.boxes, (of) => of[3]), total);
  assert.equal(sum(top.functions, (of) => of.self), total);
  return top.functions.map((/** @type {any} */ row) => row.name).sort();
}

const RUNTIME = { std: "std::rt::lang_start", tokio: "tokio::runtime::run", rayon: "rayon_core::registry::main_loop" };

for (const [field, text, total] of /** @type {const} */ ([
  ["focus", "app::parse", 80], ["ignore", "lex", 81], ["hide", "crate:core", 111], ["show_from", "app::serve", 100],
  ["focus", "file:lex\\.rs$", 30], ["ignore", "crate:db", 91], ["hide", "module:app", 111],
])) {
  test(`${field} ${text} keeps ${total} of 111`, async () => {
    const page = await rig.open("profile=all.pb");
    const all = await whole(page, 111);
    await page.keyboard.press("i");
    await page.locator(`input[name=${field}]`).fill(text);
    await page.waitForURL((address) => address.searchParams.get(field) === text);
    await settled(page);
    const left = await whole(page, total);
    assert.notDeepEqual(left, all);
    await page.locator("#chips button").click();
    assert.deepEqual(await whole(page, 111), all);
    await page.context().close();
  });
}

test("threads, labels and the runtimes of std, tokio and rayon are chosen in the bar, and Clear clears", async () => {
  const page = await rig.open("profile=all.pb");
  await settled(page);
  await page.locator("#thread").selectOption("worker-2");
  await whole(page, 50);
  await page.locator("#thread").selectOption("");
  await page.keyboard.press("i");
  await page.locator("select[name=label]").selectOption("route=/users");
  await whole(page, 80);
  await page.locator("select[name=label]").selectOption("");
  await whole(page, 111);
  for (const [preset, frame] of Object.entries(RUNTIME)) {
    await page.locator(`input[value=${preset}]`).check();
    await page.waitForURL((address) => address.searchParams.get("preset")?.split(",").includes(preset) ?? false);
    assert.ok(!(await whole(page, 111)).includes(frame), frame);
  }
  await page.getByRole("button", { name: "Clear", exact: true }).first().click();
  const all = await whole(page, 111);
  for (const frame of Object.values(RUNTIME)) assert.ok(all.includes(frame), frame);
  await page.context().close();
});

test("recursion folds, generics stand apart, async functions read as themselves, colours stand for crate, module or file", async () => {
  const page = await rig.open("profile=all.pb");
  const all = await settled(page);
  assert.ok(all.items.some((/** @type {any} */ item) => item.name === "app::serve"), "no closure is left of the async function");
  const again = (/** @type {any} */ drawn) => drawn.edges.some((/** @type {any} */ edge) => edge.from === edge.to);
  assert.ok(again(all));
  await page.keyboard.press("Shift+R");
  await until(page, (drawn) => drawn.settled && !again(drawn), "what calls itself stands once");
  await page.locator("#chips button", { hasText: "recursion" }).click();
  await page.keyboard.press("i");
  await page.locator("input[name=generics]").check();
  await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.name === "db::query<u8>"), "instances stand apart");
  for (const color of ["module", "file", "crate"]) {
    await page.locator("select[name=color]").selectOption(color);
    await until(page, (drawn) => drawn.settled && drawn.total === 111, color);
    const wanted = { module: /core::fmt/, file: /lex\.rs/, crate: /app\d/ }[color] ?? /./;
    await holds(page, (source) => new RegExp(source, "m").test(document.querySelector("#legend")?.textContent ?? ""), wanted.source);
  }
  await whole(page, 111);
  await page.context().close();
});

test("what is measured can be chosen", async () => {
  const page = await rig.open("profile=all.pb");
  await settled(page);
  assert.deepEqual(await page.locator("#type option").allInnerTexts(), ["cpu (nanoseconds)"]);
  await page.locator("#type").selectOption("cpu");
  assert.equal((await inspect(page)).total, 111);
  await page.context().close();
});

test("rows of the table stand for module, crate, file, thread or label, each with all of the profile", async () => {
  const page = await rig.open("profile=all.pb&view=table");
  await page.waitForSelector("#table-view tbody tr[data-at]");
  const rows = page.locator("#table-view [name=rows]");
  for (const [by, expected] of /** @type {const} */ ([
    ["crate", { app: 41, core: 50, db: 20 }], ["module", { app: 41, "core::fmt": 50, db: 20 }], ["file", { "src/lex.rs": 30 }],
    ["thread", { "worker-1": 50, "worker-2": 50, main: 11 }], ["label:route", { "/users": 80, "/items": 20, "no route": 11 }],
  ])) {
    await rows.selectOption(by);
    // All of them: rows of crates and of modules may go by one name.
    await holds(page, (expected) => expected.every(([name, self]) => /** @type {any} */ (window).plop.view("table").first.some((/** @type {any} */ row) => row.name === name && row.self === self)), Object.entries(expected));
    const shown = await page.evaluate(() => /** @type {any} */ (window).plop.view("table").first);
    assert.equal(shown.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + row.self, 0), 111, by);
  }
  await page.keyboard.press("/");
  await page.keyboard.type("users");
  await holds(page, () => /** @type {any} */ (window).plop.view("table").rows === 1);
  await page.context().close();
});

test("the flame graph stands on its root or hangs from it, and grows by any label", async () => {
  const page = await rig.open("profile=all.pb&view=flame");
  const boxes = () => page.evaluate(() => /** @type {any} */ (window).plop.view("flame").boxes);
  await holds(page, () => /** @type {any} */ (window).plop.view("flame").boxes.length > 0);
  const icicle = await boxes();
  assert.ok(icicle[0].screen.y < icicle[1].screen.y, "the root is on top");
  await page.locator("#flame-view [name=root]").selectOption("bottom");
  await holds(page, () => { const [first, second] = /** @type {any} */ (window).plop.view("flame").boxes; return first.screen.y > second.screen.y; });
  await page.locator("#flame-view [name=by]").selectOption("route");
  await holds(page, () => /** @type {any} */ (window).plop.view("flame").boxes[0].name === "/users");
  assert.deepEqual((await boxes()).filter((/** @type {any} */ of) => of.depth === 0).map((/** @type {any} */ of) => [of.name, of.total]), [["/users", 80], ["/items", 20], ["no route", 11]]);
  await page.context().close();
});
