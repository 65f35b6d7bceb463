// What axe-core finds on the page, in light and dark, with everything open.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, settled, start } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "small.folded"), folded(40, 120));
});
after(() => rig.close());

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe-core finds nothing serious, ${colorScheme}`, async () => {
    const page = await rig.open("profile=small.folded", { colorScheme, bypassCSP: true });
    await settled(page);
    await page.keyboard.press("t");
    await page.waitForSelector("tbody tr[data-id]");
    await page.locator("#filters").click();
    await page.addScriptTag({ content: await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8") });
    const { violations } = await page.evaluate(() => /** @type {any} */ (window).axe.run());
    const serious = violations.filter((/** @type {any} */ found) => ["serious", "critical"].includes(found.impact));
    assert.deepEqual(serious.map((/** @type {any} */ found) => `${found.id}: ${found.nodes.map((/** @type {any} */ node) => node.html).join(" ")}`), []);
    await page.context().close();
  });
}
