// The timeline with a real pointer and real keys: a stretch is chosen, and everything follows.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, holds, settled, start, until } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "small.folded"), folded(40, 120));
  /** @type {import("./pprof.js").Sample[]} */
  const samples = [];
  for (let second = 0; second < 20; second++) {
    samples.push({ stack: ["main", second < 10 ? "app::warm_up" : "app::serve"], value: 1e9, thread: "main", second });
    for (let at = 0; at < 7; at++) samples.push({ stack: ["run", "app::work"], value: (at + 1) * 1e7, thread: `worker-${at}`, second });
  }
  await writeFile(join(rig.folder, "timed.pb"), pprof(samples, { seconds: 20 }));
});
after(() => rig.close());

/** The chart's box. @param {import("playwright-core").Page} page */
const chart = async (page) => /** @type {any} */ (await page.locator(".strip-chart").boundingBox());
const names = (/** @type {any} */ drawn) => drawn.items.map((/** @type {any} */ item) => item.name);

test("dragging over the strip chooses a stretch that graph and table follow; a click clears it", async () => {
  const page = await rig.open("profile=timed.pb&side=table");
  const all = await settled(page);
  assert.ok(names(all).includes("app::warm_up") && names(all).includes("app::serve"));
  await page.waitForSelector("#timeline:not([hidden]) svg path");
  assert.deepEqual(await page.locator(".strip-names > *").count(), 6, "five threads and the rest");
  const { x, y, width } = await chart(page);
  await page.mouse.move(x + 0.5 * width, y + 20);
  await page.mouse.down();
  await page.mouse.move(x + 0.75 * width, y + 25, { steps: 4 });
  await page.mouse.up();
  const part = await until(page, (drawn) => drawn.settled && drawn.total < 0.3 * all.total, "the stretch is shown");
  assert.ok(!names(part).includes("app::warm_up"));
  const { searchParams } = new URL(page.url());
  assert.deepEqual([searchParams.get("from"), searchParams.get("to")], ["10", "15"]);
  await holds(page, () => ![...document.querySelectorAll("tbody tr[data-id]")].some((row) => row.textContent?.includes("warm_up")));
  assert.match(await page.locator(".strip-text").innerText(), /^10 s to 15 s, 5 s: .*, 1\.28 cores$/);
  await page.mouse.click(x + 0.2 * width, y + 20);
  await until(page, (drawn) => drawn.settled && drawn.total === all.total, "all of it is back");
  await page.goBack();
  await until(page, (drawn) => drawn.settled && drawn.total === part.total, "back brings the stretch");
  await page.context().close();
});

test("a stretch is chosen by keys alone", async () => {
  const page = await rig.open("profile=timed.pb");
  const all = await settled(page);
  await page.locator(".strip-from").focus();
  await page.keyboard.press("Shift+ArrowRight");
  await page.locator(".strip-to").focus();
  for (let turn = 0; turn < 5; turn++) await page.keyboard.press("ArrowLeft");
  await until(page, (drawn) => drawn.settled && drawn.total === all.total / 4, "a quarter is shown");
  assert.equal(await page.locator(".strip-to").getAttribute("aria-valuetext"), "15 s");
  await page.keyboard.press("Escape");
  await until(page, (drawn) => drawn.settled && drawn.total === all.total, "all of it is back");
  await page.context().close();
});

test("a thread's row shows that thread alone, and windows count from the end", async () => {
  const page = await rig.open("profile=timed.pb");
  const all = await settled(page);
  await page.locator(".strip-names button", { hasText: "worker-6" }).click();
  await until(page, (drawn) => drawn.settled && drawn.total === 20 * 7e7, "the worker is shown");
  assert.equal(await page.locator(".strip-names > *").count(), 6, "the others stay to choose from");
  await page.locator(".strip-names button[aria-pressed=true]").click();
  await page.locator("[data-last='10']").click();
  const part = await until(page, (drawn) => drawn.settled && drawn.total === all.total / 2, "the last ten seconds are shown");
  assert.ok(!names(part).includes("app::warm_up"));
  await page.context().close();
});

test("a profile without times has no strip", async () => {
  const page = await rig.open("profile=small.folded");
  await settled(page);
  assert.ok(await page.locator("#timeline").isHidden());
  await page.context().close();
});
