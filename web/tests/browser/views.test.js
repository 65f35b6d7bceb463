// Flame graph, table, sandwich, source and filters as a person uses them, with real clicks and keys on the real server.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, holds, selected, start, until as untilDrawn } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
const MARKUP = "<img src=x onerror=alert(1)>";
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "small.folded"), folded(40, 120));
  await writeFile(join(rig.folder, "large.folded"), folded(16_000, 45_000));
  await writeFile(join(rig.folder, "plain.folded"), "main;app::run;app::parse;app::lex 6\nmain;app::run;app::parse;core::fmt::write 2\nmain;app::run;alloc::alloc 1\nmain;app::idle 1\n");
  await writeFile(join(rig.folder, "again.folded"), "main;f;g;f;x 3\nmain;f 2\nother;f 1\nmain;x 4\n");
  await writeFile(join(rig.folder, "markup.folded"), `main;${MARKUP};<b>bold</b> 7\nmain;plain 3\n`);
  const files = /** @type {Record<string, [string, number]>} */ ({ "app::look": [SOURCE, 4], "app::secret": ["/etc/hosts.rs", 1] });
  await writeFile(join(rig.folder, "source.pb"), pprof([{ stack: ["app::secret", "app::look"], value: 7e6 }], { files }));
  await writeFile(join(rig.folder, "threads.pb"), pprof([
    { stack: ["main", "work"], value: 30e6, thread: "worker" }, { stack: ["main", "wait"], value: 10e6, thread: "main" },
  ]));
});
after(() => rig.close());

/** A file of this repository, which plop-view is started in. */
const SOURCE = join(import.meta.dirname, "../../page/look.js");

/** What a view says that it shows. @param {import("playwright-core").Page} page @param {string} name @returns {Promise<any>} */
const inspect = (page, name) => page.evaluate((name) => /** @type {any} */ (window).plop.view(name), name);

/** @param {import("playwright-core").Page} page @param {string} name @param {(shown: any) => boolean} condition @param {string} what */
async function until(page, name, condition, what) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const shown = await inspect(page, name);
    if (condition(shown)) return shown;
    if (Date.now() > deadline) throw new Error(`not within ten seconds: ${what}`);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }
}

/** The middle of a box, in the window. @param {import("playwright-core").Page} page @param {string} canvas @param {any} box */
async function middle(page, canvas, box) {
  const stage = /** @type {any} */ (await page.locator(canvas).boundingBox());
  return { x: stage.x + box.screen.x + box.screen.width / 2, y: stage.y + box.screen.y + box.screen.height / 2 };
}

const FLAME = "#flame-view canvas";
const named = (/** @type {any} */ shown, /** @type {string} */ name) => shown.boxes.find((/** @type {any} */ box) => box.name === name);
const flame = (/** @type {import("playwright-core").Page} */ page) => until(page, "flame", (shown) => shown.boxes.length > 0, "the flame graph is there");

test("every box of the flame graph lies in its caller and none is wider than it", async () => {
  const page = await rig.open("profile=small.folded&view=flame");
  const { boxes } = await flame(page);
  /** @type {any[]} */
  const path = [];
  for (const box of boxes) {
    path[box.depth] = box;
    const caller = path[box.depth - 1];
    assert.ok(box.self <= box.total);
    if (!caller) continue;
    assert.ok(box.screen.x >= caller.screen.x - 0.01 && box.screen.x + box.screen.width <= caller.screen.x + caller.screen.width + 0.01, `${box.name} sticks out`);
  }
  await page.context().close();
});

test("a box that was inlined into its caller has a dotted line, another has none", async () => {
  await writeFile(join(rig.folder, "inlined.pb"), pprof([{ stack: ["main", "inner"], value: 5e6 }], { inlined: { inner: "outer" } }));
  const page = await rig.open("profile=inlined.pb&view=flame");
  const { boxes } = await flame(page);
  assert.deepEqual(boxes.map((/** @type {any} */ box) => [box.name, box.inlined]), [["main", false], ["outer", false], ["inner", true]]);
  // The worker draws it some time after the page knows it.
  await holds(page, (feet) => {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("#flame-view canvas"));
    const copy = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(canvas.width, canvas.height).getContext("2d"));
    copy.drawImage(canvas, 0, 0);
    /** The colours along the foot of a box. @param {{ x: number, y: number, width: number }} foot */
    const colors = ({ x, y, width }) => new Set(new Uint32Array(copy.getImageData(x, y, width, 1).data.buffer)).size;
    return feet.map(colors).join() === "1,1,2";
  }, boxes.map((/** @type {any} */ { screen }) => ({ x: screen.x + 4, y: screen.y + screen.height - 3, width: screen.width - 12 })));
  await page.context().close();
});

test("a double-click zooms into a box, the address keeps it, back and the crumbs lead out", async () => {
  const page = await rig.open("profile=plain.folded&view=flame");
  const before = await flame(page);
  const at = await middle(page, FLAME, named(before, "app::parse"));
  await page.mouse.dblclick(at.x, at.y);
  await page.waitForURL((address) => address.searchParams.has("zoom"));
  const width = (await page.locator(FLAME).boundingBox())?.width ?? 0;
  await until(page, "flame", (shown) => Math.abs(named(shown, "app::parse").screen.width - width) < 1, "the box fills the width");
  await page.reload();
  await until(page, "flame", (shown) => shown.boxes.length > 0 && Math.abs(named(shown, "app::parse").screen.width - width) < 1, "the zoom is back");
  await page.getByRole("button", { name: "all", exact: true }).click();
  await until(page, "flame", (shown) => named(shown, "app::parse").screen.width < width - 1, "all is shown");
  await page.goBack();
  await until(page, "flame", (shown) => Math.abs(named(shown, "app::parse").screen.width - width) < 1, "back zooms again");
  await page.context().close();
});

test("the flame graph can be walked and zoomed by keys, and shares its selection", async () => {
  const page = await rig.open("profile=plain.folded&view=flame");
  const shown = await flame(page);
  await page.locator(FLAME).focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
  await selected(page, named(shown, "core::fmt::write").id);
  assert.match(await page.locator("#announce").innerText(), /core::fmt::write: total 20 %/);
  await page.keyboard.press("ArrowUp");
  await selected(page, named(shown, "app::parse").id);
  await page.keyboard.press("Enter");
  await page.waitForURL((address) => address.searchParams.has("zoom"));
  await page.keyboard.press("0");
  await page.waitForURL((address) => !address.searchParams.has("zoom"));
  await page.keyboard.press("3");
  await page.waitForSelector("#table-view tr[aria-selected=true]:has-text('parse')");
  await page.context().close();
});

test("search says how many functions match and what share passes through them", async () => {
  const page = await rig.open("profile=plain.folded&view=flame");
  await flame(page);
  await page.keyboard.press("/");
  await page.keyboard.type("app::L");
  await page.locator("#matches", { hasText: /^1 · 60 %$/ }).waitFor();
  await page.keyboard.press("Enter");
  await selected(page, named(await inspect(page, "flame"), "app::lex").id);
  await page.context().close();
});

test("the flame graph grows from the leaves, and by thread", async () => {
  const page = await rig.open("profile=plain.folded&view=flame");
  await flame(page);
  await page.locator("#flame-view [name=tree]").selectOption("callers");
  const inverted = await until(page, "flame", (shown) => shown.boxes[0]?.name === "app::lex", "the leaves come first");
  assert.deepEqual(inverted.boxes.slice(0, 4).map((/** @type {any} */ box) => box.name), ["app::lex", "app::parse", "app::run", "main"]);
  await page.goto(new URL("./?profile=threads.pb&view=flame", rig.address).href);
  await flame(page);
  await page.locator("#flame-view [name=by]").selectOption("thread");
  const threads = await until(page, "flame", (shown) => shown.boxes[0]?.name === "worker", "threads are the first level");
  assert.deepEqual(threads.boxes.map((/** @type {any} */ box) => [box.name, box.total]), [["worker", 30e6], ["main", 30e6], ["work", 30e6], ["main", 10e6], ["main", 10e6], ["wait", 10e6]]);
  await page.context().close();
});

test("every column of the table sorts both ways, and rows can stand for crates", async () => {
  const page = await rig.open("profile=plain.folded&view=table");
  await page.waitForSelector("#table-view tbody tr[data-at]");
  for (const column of ["name", "self", "total", "samples"]) {
    const head = page.locator(`thead button[data-sort=${column}]`);
    await head.click();
    const first = await head.locator("..").getAttribute("aria-sort");
    const { first: rows } = await inspect(page, "table");
    await head.click();
    assert.notEqual(await head.locator("..").getAttribute("aria-sort"), first);
    assert.equal(await page.locator("th[aria-sort]").count(), 1);
    const values = rows.map((/** @type {any} */ row) => (column === "name" ? row.label : row[column]));
    const sorted = [...values].sort((left, right) => (column === "name" ? left.localeCompare(right) : left - right));
    assert.deepEqual(values, first === "ascending" ? sorted : sorted.reverse());
  }
  await page.locator("#table-view [name=rows]").selectOption("crate");
  const crates = await until(page, "table", (shown) => shown.first.some((/** @type {any} */ row) => row.name === "app"), "crates are shown");
  const app = crates.first.find((/** @type {any} */ row) => row.name === "app");
  assert.deepEqual([app.self, app.total], [7, 10]);
  await page.context().close();
});

test("ten thousand rows scroll with few of them in the page, and say their number", async () => {
  const page = await rig.open("profile=large.folded&view=table");
  await page.waitForSelector("#table-view tbody tr[data-at]");
  const { rows } = await inspect(page, "table");
  assert.ok(rows > 10_000, `${rows} rows`);
  assert.equal(await page.locator("#table-view table").getAttribute("aria-rowcount"), String(rows + 1));
  await page.locator("#table-view tbody tr[data-at='0']").focus();
  await page.keyboard.press("End");
  await page.waitForSelector(`#table-view tbody tr[data-at='${rows - 1}'][aria-rowindex='${rows + 1}']:focus`);
  const inPage = await page.locator("#table-view tbody tr").count();
  assert.ok(inPage < 120, `${inPage} rows in the page`);
  await page.context().close();
});

test("the sandwich shows callers and callees, recursion once, and a double-click goes on from there", async () => {
  const page = await rig.open("profile=again.folded&view=table");
  await page.waitForSelector("#table-view tbody tr[data-at]");
  await page.locator("#table-view tbody tr", { hasText: /^f/ }).click();
  await page.keyboard.press("5");
  const shown = await until(page, "sandwich", (shown) => shown.down.boxes.length > 0, "the sandwich is there");
  const line = (/** @type {any} */ box) => `${box.depth} ${box.name} ${box.total}`;
  assert.deepEqual(shown.up.boxes.map(line), ["0 f 6", "1 main 5", "1 other 1"]);
  assert.deepEqual(shown.down.boxes.map(line), ["0 f 6", "1 g 3", "2 f 3", "3 x 3"]);
  const callers = await page.locator("#sandwich-view .callers li").allInnerTexts();
  assert.deepEqual(callers.map((text) => text.replace(/\s+/g, " ").trim()), ["main 5 83 %", "g 3 50 %", "other 1 17 %"]);
  const at = await middle(page, "#sandwich-view .down canvas", shown.down.boxes[1]);
  await page.mouse.dblclick(at.x, at.y);
  await until(page, "sandwich", (now) => now.down.boxes[0].name === "g", "g is in the middle");
  await page.context().close();
});

test("source is shown line by line with what each has, and not from outside the program's folder", async () => {
  const page = await rig.open("profile=source.pb&view=table");
  await page.locator("#table-view tbody tr", { hasText: "look" }).click();
  await page.keyboard.press("Shift+O");
  const line = page.locator("#source-view .source-line.marked");
  await line.locator(".code", { hasText: (await readFile(SOURCE, "utf8")).split("\n")[3] }).waitFor();
  assert.deepEqual(await line.locator("span").allInnerTexts().then((texts) => texts.slice(0, 3)), ["7 ms", "7 ms", "4"]);
  await page.keyboard.press("3");
  await page.locator("#table-view tbody tr", { hasText: "secret" }).click();
  await page.keyboard.press("6");
  await page.locator("#source-view .of", { hasText: "not in a folder that sources may be shown from" }).waitFor();
  assert.equal((await inspect(page, "source")).found, null);
  await page.context().close();
});

test("source that can't be had says why in a line", async () => {
  const page = await rig.open("profile=plain.folded&view=source");
  await page.waitForSelector("#source-view .nothing:has-text('Choose a function')");
  await page.goto(new URL("./?profile=plain.folded&view=flame", rig.address).href);
  const id = named(await flame(page), "app::lex").id;
  await page.goto(new URL(`./?profile=plain.folded&view=source&select=${id}`, rig.address).href);
  await page.waitForSelector("#source-view .of:has-text('the profile does not say in which file')");
  await page.context().close();
});

test("a function is focused, hidden, ignored and shown from by menu, bar and keys; chips take filters away", async () => {
  const page = await rig.open("profile=plain.folded&view=flame");
  const all = await flame(page);
  const total = (/** @type {any} */ shown) => shown.boxes.filter((/** @type {any} */ box) => box.depth === 0).reduce((/** @type {number} */ sum, /** @type {any} */ box) => sum + box.total, 0);
  const at = await middle(page, FLAME, named(all, "app::parse"));
  await page.mouse.click(at.x, at.y, { button: "right" });
  await page.getByRole("menuitem", { name: /^Hide ⇧H/ }).click();
  const hidden = await until(page, "flame", (shown) => !named(shown, "app::parse"), "it is hidden");
  assert.equal(total(hidden), total(all));
  assert.equal(named(hidden, "app::run").total, named(all, "app::run").total);
  await page.locator("#chips button").click();
  await until(page, "flame", (shown) => named(shown, "app::parse"), "it is back");
  await page.locator("#selection strong", { hasText: "app::parse" }).waitFor();
  await page.keyboard.press("Shift+F");
  await until(page, "flame", (shown) => total(shown) === 8, "it is focused");
  await page.locator("#selection").getByRole("button", { name: "Show from" }).click();
  await until(page, "flame", (shown) => shown.boxes[0].name === "app::parse", "stacks begin at it");
  assert.equal(await page.locator("#chips button").count(), 2);
  await page.keyboard.press("1");
  await untilDrawn(page, (drawn) => drawn.total === 8, "the graph is filtered too");
  await page.goto(new URL("./?profile=plain.folded&view=flame&hide=crate:core&hide=crate:alloc", rig.address).href);
  const without = await flame(page);
  assert.deepEqual(without.boxes.map((/** @type {any} */ box) => box.name), ["main", "app::run", "app::parse", "app::lex", "app::idle"]);
  assert.equal(await page.locator("#chips button").count(), 2);
  await page.context().close();
});

test("markup in names stays text in every view", async () => {
  const page = await rig.open("profile=markup.folded&view=flame");
  page.on("dialog", () => assert.fail("a name has run as a script"));
  const box = named(await flame(page), MARKUP);
  const at = await middle(page, FLAME, box);
  await page.mouse.move(at.x, at.y);
  await page.locator("#flame-view .card .name", { hasText: MARKUP }).waitFor();
  await page.mouse.click(at.x, at.y, { button: "right" });
  await page.getByRole("menuitem", { name: /^Focus/ }).click();
  await page.locator("#chips button", { hasText: "<img" }).waitFor();
  await page.locator("#selection strong", { hasText: MARKUP }).waitFor();
  for (const view of ["3", "4", "5", "6"]) {
    await page.keyboard.press(view);
    await page.waitForSelector(`#tabs button:nth-child(${view})[aria-pressed=true]`);
    assert.equal(await page.locator("main img, footer img, nav img, main b").count(), 0);
  }
  await page.keyboard.press("5");
  await page.locator("#sandwich-view .callees .name", { hasText: "<b>bold</b>" }).waitFor();
  await page.context().close();
});
