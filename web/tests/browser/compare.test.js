// Two profiles compared, with real clicks and keys: chosen, swapped, scaled, ended; and two stretches of one.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { holds, settled, start, until } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  const [old, now] = [["main;app::parse 60", "main;app::lex 40"], ["main;app::parse 60", "main;app::draw 140"]];
  await writeFile(join(rig.folder, "before.folded"), `${old.join("\n")}\n`);
  await writeFile(join(rig.folder, "after.folded"), `${now.join("\n")}\n`);
  /** @type {import("./pprof.js").Sample[]} */
  const samples = [];
  for (let second = 0; second < 20; second++) samples.push({ stack: ["main", second < 10 ? "app::warm_up" : "app::serve"], value: second < 10 ? 1e9 : 5e8, thread: "main", second });
  await writeFile(join(rig.folder, "timed.pb"), pprof(samples, { seconds: 20 }));
});
after(() => rig.close());

/** What became of each function. @param {any} drawn */
const deltas = (drawn) => Object.fromEntries(drawn.items.map((/** @type {any} */ item) => [item.name, item.delta]));

test("a base is chosen by keys, the graph says what grew, came and went, and the two can be swapped", async () => {
  const page = await rig.open("profile=after.folded");
  await settled(page);
  await page.keyboard.press("c");
  await page.waitForSelector("#compare-bar:not([hidden])");
  await page.locator("#base").selectOption("before.folded");
  const compared = await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.delta === -1), "what has gone is shown");
  assert.deepEqual(deltas(compared), { main: 0, "app::parse": -0.5, "app::draw": 1, "app::lex": -1 });
  assert.equal(await page.locator("#compare-totals").innerText(), "before 100, after 200, +100.0 %; before counts × 2");
  await page.locator("#swap").click();
  const swapped = await until(page, (drawn) => drawn.settled && deltas(drawn)["app::draw"] === -1, "before and after have changed places");
  assert.deepEqual(deltas(swapped), { main: 0, "app::parse": 0.5, "app::draw": -1, "app::lex": 1 });
  assert.equal(new URL(page.url()).searchParams.get("profile"), "before.folded");
  await page.goBack();
  await until(page, (drawn) => drawn.settled && deltas(drawn)["app::draw"] === 1, "back takes the swap back");
  await page.locator("#normalize").selectOption("none");
  await until(page, (drawn) => drawn.settled && deltas(drawn)["app::parse"] === 0, "unscaled, parse has not changed");
  await page.locator("#compare-end").click();
  await until(page, (drawn) => drawn.settled && drawn.items.every((/** @type {any} */ item) => item.delta === undefined), "the comparison has ended");
  assert.ok(await page.locator("#compare-bar").isHidden());
  await page.context().close();
});

test("the sandwich, its tables and the selected function say what has changed, and what has gone can be chosen", async () => {
  const page = await rig.open("profile=after.folded&base=before.folded&view=table");
  await page.locator("#table-view tbody tr", { hasText: "lex" }).click();
  await page.locator("#selection .figures", { hasText: "self 80 → 0, total 80 → 0, − gone" }).waitFor();
  await page.keyboard.press("5");
  await page.locator("#sandwich-view .of", { hasText: "self 80 → 0" }).waitFor();
  await page.locator("#sandwich-view .callers li", { hasText: "80 → 0" }).waitFor();
  await page.keyboard.press("3");
  await page.locator("#table-view tbody tr", { hasText: "main" }).click();
  await page.keyboard.press("5");
  const callees = page.locator("#sandwich-view .callees li");
  await callees.filter({ hasText: "draw" }).waitFor();
  const texts = await callees.allInnerTexts();
  assert.deepEqual(texts.map((text) => text.replace(/\s+/g, " ").trim()), ["app::parse 120 → 60 − 50 %", "app::draw 0 → 140 + new", "app::lex 80 → 0 − gone"]);
  await page.context().close();
});

test("the list of profiles offers the comparison", async () => {
  const page = await rig.open("profile=after.folded");
  await settled(page);
  await page.keyboard.press("p");
  await page.locator("tr", { hasText: "before.folded" }).getByRole("button", { name: "Compare with" }).click();
  await until(page, (drawn) => drawn.settled && deltas(drawn)["app::lex"] === -1, "the two are compared");
  await page.context().close();
});

test("two stretches of one profile are compared on its timeline", async () => {
  const page = await rig.open("profile=timed.pb");
  await settled(page);
  await page.locator(".strip-to").focus();
  await page.keyboard.press("Shift+ArrowLeft");
  await page.locator(".strip-base").click();
  const compared = await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.delta === 1), "what came is shown");
  assert.deepEqual(deltas(compared), { main: 0, "app::warm_up": -1, "app::serve": 1 });
  assert.match(await page.locator("#compare-totals").innerText(), /^before \(start to 10 s\) 10 s, after 5 s, −50\.0 %.*; chance is not told from change, since nothing says how many samples these are$/);
  assert.ok(await page.locator(".strip-base-range").isVisible());
  await page.locator("#normalize").selectOption("time");
  await until(page, (drawn) => drawn.settled && deltas(drawn).main === -0.5, "half as much a second");
  await page.context().close();
});

test("profiles that can't be compared say why", async () => {
  const page = await rig.open("profile=after.folded&base=timed.pb");
  await page.waitForSelector("#filter-error:text('no sample type in common')");
  await page.context().close();
});

test("flame graph, table, tree and card say what has changed, in signs and words too", async () => {
  const page = await rig.open("profile=after.folded&base=before.folded&view=flame&side=table");
  await holds(page, () => /** @type {any} */ (window).plop.state !== undefined);
  await page.waitForSelector("table.compared tbody tr[data-id]");
  const rows = await page.locator("tbody#rows tr[data-id]").evaluateAll((lines) => lines.map((line) => [line.querySelector("td")?.textContent, line.querySelector(".change")?.textContent]));
  assert.deepEqual(rows, [["app::draw", "+140+ new"], ["app::lex", "−80− gone"], ["app::parse", "−60− 50 %"], ["main", "0"]]);
  await page.goto(page.url().replace("view=flame", "view=graph").replace("side=table", "side=tree"));
  await settled(page);
  await page.waitForSelector(".tree-rows [role=row]");
  assert.match(await page.locator(".tree-rows [role=row][title='app::draw']").innerText(), /\+ new/);
  await page.context().close();
});
