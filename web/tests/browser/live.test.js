// The page of a service that profiles itself: what it shows while it grows, and the buttons that start, stop and mark.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { holds, inspect, settled, start, until } from "./page.js";

const EXAMPLE = process.env.BUSY_SERVER ?? join(import.meta.dirname, "../../../target/release/examples/busy_server");

/** On a busy machine the first samples take their time to be named and written. */
const PATIENCE = 60;

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start({ program: EXAMPLE, options: () => ["--no-open"] });
});
after(() => rig.close());

/** The live profile, once it has samples. */
async function open() {
  const page = await rig.open();
  await until(page, (drawn) => drawn.total > 0 && drawn.settled, "samples come", PATIENCE);
  await page.waitForSelector("#live:not([hidden])", { timeout: 1000 * PATIENCE });
  return page;
}

test("samples, windows, mark and the self-check's figures come as they are taken; the space bar pauses", async () => {
  const page = await open();
  const first = (await inspect(page)).total;
  await until(page, (drawn) => drawn.settled && drawn.total > first, "more samples come by themselves", PATIENCE);
  const covered = page.locator("#check summary");
  assert.match(await covered.innerText(), /covered|self-check/);
  const taken = () => page.locator("#check dl").evaluate((list) => Number(/samples taken([\d,]+)/.exec(list.textContent ?? "")?.[1].replaceAll(",", "")));
  const before = await taken();
  await holds(page, (before) => Number(/samples taken([\d,]+)/.exec(document.querySelector("#check dl")?.textContent ?? "")?.[1].replaceAll(",", "")) > before, before);
  await page.locator(".strip-mark").click();
  await page.waitForURL((address) => Number(address.searchParams.get("from")) > 0);
  await until(page, (drawn) => drawn.settled && drawn.total > 0, "what came since the mark is shown", PATIENCE);
  await page.locator("[data-last='10']").click();
  await page.waitForURL((address) => address.searchParams.get("from") === "-10");
  await page.locator("[data-last='0']").click();
  await page.waitForURL((address) => !address.searchParams.get("from"));
  await page.keyboard.press("Escape");
  await page.keyboard.press(" ");
  await page.waitForSelector("#live-text:text-is('paused')");
  const nothingComes = () => page.waitForResponse((response) => response.url().includes("/api/"), { timeout: 2500 }).catch(() => {});
  // What had been asked for still comes.
  await nothingComes();
  const paused = (await until(page, (drawn) => drawn.settled, "it stands still", PATIENCE)).total;
  // The server says that more has come, which a paused page does not show.
  await nothingComes();
  assert.equal((await inspect(page)).total, paused);
  await page.locator("#live").click();
  await until(page, (drawn) => drawn.settled && drawn.total > paused, "it goes on", PATIENCE);
  await page.context().close();
});

test("stop leaves a finished profile, start begins another, and both say so", async () => {
  const page = await open();
  const button = page.locator("#control");
  assert.equal(await button.innerText(), "Stop");
  await button.click();
  await page.locator("#announce", { hasText: "of CPU sampled" }).waitFor({ state: "attached" });
  assert.equal(await button.innerText(), "Start");
  await page.waitForSelector("#live", { state: "hidden" });
  assert.ok((await settled(page)).total > 0, "what was taken is still shown");
  await button.click();
  await page.locator("#announce", { hasText: "sampling" }).waitFor({ state: "attached" });
  assert.equal(await button.innerText(), "Stop");
  await page.keyboard.press("p");
  await page.locator("#profile-list tbody tr").nth(1).waitFor();
  await page.keyboard.press("Escape");
  await page.context().close();
});

test("a start that is none says why", async () => {
  const page = await open();
  const answer = await page.evaluate(() => fetch("api/controls/start", { method: "POST" }).then(async (of) => [of.status, await of.text()]));
  assert.deepEqual(answer, [409, "the collector is running already; stop it first\n"]);
  await page.context().close();
});
