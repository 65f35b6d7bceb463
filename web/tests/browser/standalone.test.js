// A whole view as one file, opened from disk without a server.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { inspect, settled, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
/** Where the file lies. */
let file = "";
const MARKUP = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--<script>", "'\"&amp`${x}"];
before(async () => {
  rig = await start();
  const lines = ["main;app::parse 60", ...MARKUP.map((name, at) => `main;app::parse;${name} ${10 + at}`), "main;app::lex;core::fmt 40"];
  await writeFile(join(rig.folder, "kept.folded"), `${lines.join("\n")}\n`);
  // As the page saves it.
  const page = await rig.open("profile=kept.folded");
  await settled(page);
  await page.locator("#export summary").click();
  const [saved] = await Promise.all([page.waitForEvent("download"), page.locator("a[data-format=html]").click()]);
  file = join(rig.folder, "kept.html");
  await saved.saveAs(file);
  await page.context().close();
});
after(() => rig.close());

/** @param {import("playwright-core").BrowserContextOptions} [options] */
async function open(options = {}) {
  const context = await rig.browser.newContext({ viewport: { width: 1600, height: 1000 }, offline: true, ...options });
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  page.on("dialog", () => assert.fail("a name has run as a script"));
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector("#count-text:not(:empty)");
  return page;
}

test("graph, table and search work from disk, and names stay text", async () => {
  const page = await open();
  const drawn = await settled(page);
  const names = drawn.items.map((/** @type {any} */ item) => item.name);
  for (const name of MARKUP) assert.ok(names.includes(name), `${name} is drawn: ${names.join(" ")}`);
  assert.equal(await page.locator("script").count(), 3, "no name has become a script");
  await page.keyboard.press("t");
  await page.waitForSelector("tbody tr[data-id]");
  const rows = await page.locator("tbody tr[data-id] td:first-child").allInnerTexts();
  assert.ok(rows.some((text) => text.includes(MARKUP[0])), rows.join());
  await page.keyboard.press("/");
  await page.keyboard.type("lex");
  await page.locator("tbody tr[data-id]", { hasText: "parse" }).first().waitFor({ state: "detached" });
  await page.locator("tbody tr[data-id]").click();
  await page.waitForSelector("tbody tr[aria-selected=true]");
  await page.keyboard.press("Escape");
  assert.equal((await inspect(page)).items.length, drawn.items.length);
  await page.context().close();
});

test("a file shows nothing that only a server could do", async () => {
  const page = await open({ colorScheme: "dark" });
  await settled(page);
  for (const id of ["filters", "compare", "profiles", "items", "thread"]) assert.ok(await page.locator(`#${id}`).isHidden(), id);
  await page.keyboard.press("?");
  const sheet = await page.locator("dialog[open]").innerText();
  assert.ok(!sheet.includes("filters") && !sheet.includes("open the selected fold") && sheet.includes("search"));
  await page.keyboard.press("Escape");
  await until(page, (drawn) => drawn.settled, "it is still there");
  await page.context().close();
});

test("the flame graph works from disk, and zooms", async () => {
  const page = await open();
  await settled(page);
  await page.locator("#tabs button", { hasText: "Flame" }).click();
  await page.locator(".flame-scroll canvas").click({ position: { x: 300, y: 30 } });
  await page.keyboard.press("Enter");
  await page.locator(".crumbs li").nth(1).waitFor();
  await page.context().close();
});

test("nothing in the file can reach the network or run what it does not name", async () => {
  const text = await readFile(file, "utf8");
  const policy = /content="(default-src [^"]*)"/.exec(text)?.[1] ?? "";
  assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+' 'sha256-[^']+'; style-src 'sha256-[^']+';/);
  assert.ok(!/unsafe|https?:/.test(policy), policy);
  assert.ok(text.length < 400_000, `${text.length} bytes`);
});

test("a comparison in one file says what has changed", async () => {
  await writeFile(join(rig.folder, "before.folded"), "main;app::old 90\nmain;app::parse 60\n");
  const page = await rig.open("profile=kept.folded&base=before.folded");
  await settled(page);
  await page.locator("#export summary").click();
  const [saved] = await Promise.all([page.waitForEvent("download"), page.locator("a[data-format=html]").click()]);
  file = join(rig.folder, "compared.html");
  await saved.saveAs(file);
  await page.context().close();
  const kept = await open();
  const drawn = await settled(kept);
  assert.equal(drawn.items.find((/** @type {any} */ item) => item.name === "app::old").delta, -1);
  assert.ok(await kept.locator("#compare-legend").isVisible());
  assert.match(await kept.locator("#compare-totals").innerText(), /^before 150, after/);
  assert.ok(await kept.locator("#swap").isHidden());
  await kept.context().close();
});
