// The tree grid, by keys alone: what a screen reader is told, and that it keeps step with the graph.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { selected, settled, start } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "tree.folded"), "main;app::parse;app::lex 60\nmain;app::parse 20\nmain;app::draw 15\nmain;app::walk;app::walk 5\n");
});
after(() => rig.close());

/** What the focused row says. @param {import("playwright-core").Page} page */
const focused = (page) => page.evaluate(() => {
  const row = document.activeElement;
  return { name: row?.getAttribute("title"), level: row?.getAttribute("aria-level"), expanded: row?.getAttribute("aria-expanded") ?? null, role: row?.getAttribute("role") };
});
const press = async (/** @type {import("playwright-core").Page} */ page, /** @type {string[]} */ ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

test("no figure of a row is cut off", async () => {
  await writeFile(join(rig.folder, "long.pb"), pprof([{ stack: ["main", "app::parse"], value: 86.4e9 }, { stack: ["main"], value: 839e6 }]));
  const page = await rig.open("profile=long.pb&view=tree", { viewport: { width: 1280, height: 720 } });
  await page.waitForSelector(".tree-rows [role=row]");
  const cells = await page.locator(".tree-rows [role=gridcell]").evaluateAll((all) => all.map((cell) => ({ text: cell.textContent, isCut: cell.scrollWidth > cell.clientWidth })));
  assert.ok(cells.some(({ text }) => text?.startsWith("1.45 min")), JSON.stringify(cells));
  assert.deepEqual(cells.filter(({ isCut }) => isCut), []);
  await page.context().close();
});

test("rows open to callees and close by the keys of a tree grid", async () => {
  const page = await rig.open("profile=tree.folded&side=tree");
  await settled(page);
  await page.waitForSelector(".tree-rows [role=row]");
  await page.locator(".tree-rows [role=row]").first().focus();
  assert.deepEqual(await focused(page), { name: "main", level: "1", expanded: "false", role: "row" });
  await press(page, "ArrowRight");
  assert.equal((await focused(page)).expanded, "true");
  await press(page, "ArrowRight");
  assert.deepEqual(await focused(page), { name: "app::parse", level: "2", expanded: "false", role: "row" });
  await press(page, "ArrowRight", "ArrowDown");
  assert.deepEqual(await focused(page), { name: "app::lex", level: "3", expanded: null, role: "row" });
  await press(page, "Enter");
  await page.waitForSelector(".tree-rows [aria-selected=true]");
  const id = new URL(page.url()).searchParams.get("select");
  assert.ok(id, "the selection is the page's");
  await press(page, "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft");
  assert.deepEqual(await focused(page), { name: "main", level: "1", expanded: "false", role: "row" });
  await press(page, "End");
  assert.notEqual((await focused(page)).name, "main");
  await page.context().close();
});

test("recursion ends, callers can be had, and the graph's selection is the tree's", async () => {
  const page = await rig.open("profile=tree.folded&side=tree");
  const drawn = await settled(page);
  await page.waitForSelector(".tree-rows [role=row]");
  await page.locator(".tree-rows [role=row][title='app::walk']").focus();
  await press(page, "ArrowRight", "ArrowRight");
  assert.deepEqual(await focused(page), { name: "app::walk", level: "2", expanded: null, role: "row" });
  await page.locator(".tree-bar select").selectOption("callers");
  await page.locator(".tree-rows [role=row][title='app::lex']").focus();
  await press(page, "ArrowRight", "ArrowRight");
  assert.equal((await focused(page)).name, "app::parse");
  const item = drawn.items.find((/** @type {any} */ item) => item.name === "app::draw");
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.click(stage.x + item.screen.x, stage.y + item.screen.y);
  await selected(page, item.id);
  assert.equal(await page.locator(".tree-rows [aria-selected=true]").first().getAttribute("title"), "app::draw");
  await page.context().close();
});
