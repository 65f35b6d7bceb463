// What axe-core finds on the page, in light and dark: in every view, with everything open; and that motion is left out where
// that is asked for.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, holds, settled, start } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "small.folded"), folded(40, 120));
  await writeFile(join(rig.folder, "less.folded"), folded(40, 100));
  /** @type {import("./pprof.js").Sample[]} */
  const samples = [];
  for (let second = 0; second < 9; second++) for (let at = 0; at < 7; at++) samples.push({ stack: ["run", `app::part_${at}`], value: (at + 1) * 1e8, thread: `worker-${at}`, second });
  await writeFile(join(rig.folder, "timed.pb"), pprof(samples, { seconds: 9 }));
});
after(() => rig.close());

/** What is serious on the page as it stands. @param {import("playwright-core").Page} page */
async function serious(page) {
  const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
  const found = violations.filter((/** @type {any} */ violation) => ["serious", "critical"].includes(violation.impact));
  return found.map((/** @type {any} */ violation) => `${violation.id}: ${violation.nodes.map((/** @type {any} */ node) => node.html).join(" ")}`);
}

/** @param {string} query @param {"light" | "dark"} colorScheme */
async function open(query, colorScheme) {
  const page = await rig.open(query, { colorScheme, bypassCSP: true });
  await settled(page);
  await page.addScriptTag({ content: await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8") });
  return page;
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe-core finds nothing serious in any view, ${colorScheme}`, async () => {
    const page = await open("profile=small.folded", colorScheme);
    await page.keyboard.press("h");
    await page.locator("#filters").click();
    for (const tab of await page.locator("#tabs button").all()) {
      await tab.click();
      await page.waitForSelector(`#tabs button[aria-pressed=true]:text-is("${await tab.innerText()}")`);
      await holds(page, () => document.querySelector(".view.shown canvas, .view.shown [role=row], .view.shown tr[data-id], .view.shown .nothing, .view.shown .of") !== null);
      assert.deepEqual(await serious(page), [], await tab.innerText());
    }
    await page.context().close();
  });

  test(`nor beside a view, in a comparison or on a timeline, ${colorScheme}`, async () => {
    const page = await open("profile=small.folded&base=less.folded&side=table", colorScheme);
    await page.waitForSelector("table.compared tbody tr[data-id]");
    assert.deepEqual(await serious(page), [], "a comparison");
    await page.locator("#side-tabs button", { hasText: "Tree" }).click();
    await page.waitForSelector(".tree-rows [role=row]");
    await page.locator(".tree-rows [role=row]").first().focus();
    await page.keyboard.press("ArrowRight");
    assert.deepEqual(await serious(page), [], "the tree");
    await page.context().close();
    const timed = await open("profile=timed.pb&from=2&to=5", colorScheme);
    await timed.waitForSelector("#timeline:not([hidden]) svg path");
    assert.deepEqual(await serious(timed), [], "a timeline");
    for (const key of ["?", "p"]) {
      await timed.keyboard.press(key);
      await timed.waitForSelector("dialog[open]");
      await timed.locator("dialog td", { hasText: /^…$/ }).first().waitFor({ state: "detached" });
      assert.deepEqual(await serious(timed), [], key);
      await timed.keyboard.press("Escape");
    }
    await timed.context().close();
  });
}

test("in a low window the sheet of keys begins with the first, and can be scrolled and closed by keys", async () => {
  const page = await rig.open("profile=small.folded", { viewport: { width: 800, height: 600 } });
  await settled(page);
  await page.keyboard.press("?");
  const places = () => page.locator("#keys").evaluate((sheet) => {
    const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (sheet.querySelector(selector)).getBoundingClientRect();
    return { first: part("h3").top - part(".list-scroll").top, close: innerHeight - part("button").bottom };
  });
  const { first, close } = await places();
  assert.ok(first >= 0 && close > 0, `${first} ${close}`);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("End");
  await holds(page, () => (document.querySelector("#keys .list-scroll")?.scrollTop ?? 0) > 0);
  assert.ok((await places()).close > 0);
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#keys").isHidden());
  await page.context().close();
});

test("who asks for less motion gets none", async () => {
  const page = await rig.open("profile=small.folded", { reducedMotion: "reduce" });
  await settled(page);
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
  await page.context().close();
});
