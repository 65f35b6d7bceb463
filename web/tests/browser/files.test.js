// Files dropped on the page, the list of profiles, and what a live profile's page offers, with real clicks and keys.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { settled, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "first.folded"), "main;app::parse 60\n");
  await writeFile(join(rig.folder, "prose.txt"), "no profile here, only prose\n");
});
after(() => rig.close());

/** Drops a file as a pointer would. @param {import("playwright-core").Page} page @param {string} name @param {string} text */
async function drop(page, name, text) {
  const data = await page.evaluateHandle(([name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name));
    return transfer;
  }, [name, text]);
  await page.dispatchEvent("body", "dragover", { dataTransfer: data });
  assert.ok(await page.locator("#drop").isVisible(), "the page says that it takes the file");
  await page.dispatchEvent("body", "drop", { dataTransfer: data });
}

test("a dropped profile is opened, listed, and can be compared; one that is none is refused with its reason", async () => {
  const page = await rig.open("profile=first.folded");
  await settled(page);
  await drop(page, "<b>dropped<b>.folded", "main;app::draw 40\nmain;app::lex 5\n");
  await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.name === "app::draw"), "the dropped profile is shown");
  await page.keyboard.press("p");
  const row = page.locator("#profile-list tbody tr", { hasText: "dropped" });
  await row.getByText("45").waitFor();
  assert.equal(await page.locator("#profile-list b").count(), 0, "a file's name stays text");
  await page.locator("#profile-list tbody tr", { hasText: "prose.txt" }).getByText("no profile of a known format").waitFor();
  await page.locator("#profile-list tbody tr", { hasText: "first.folded" }).getByRole("button", { name: "Compare with" }).click();
  await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.delta === 1), "the two are compared");
  await page.keyboard.press("c");
  await drop(page, "prose.txt", "this is not a profile either\n");
  await page.waitForSelector("#state:not([hidden]) >> text=no profile of a known format");
  await page.context().close();
});

test("files can be chosen without dragging", async () => {
  const page = await rig.open("profile=first.folded");
  await settled(page);
  await page.keyboard.press("p");
  await page.locator("#file-input").setInputFiles({ name: "chosen.folded", mimeType: "text/plain", buffer: Buffer.from("main;app::chosen 7\n") });
  await until(page, (drawn) => drawn.settled && drawn.items.some((/** @type {any} */ item) => item.name === "app::chosen"), "the chosen profile is shown");
  assert.ok(await page.locator("#profile-list").isHidden());
  await page.context().close();
});

test("a live profile that says no times gets a timeline, a mark and a pause", async () => {
  const path = join(rig.folder, "live.folded");
  const write = (/** @type {number} */ parse, /** @type {number} */ draw) => writeFile(path, `main;app::parse ${parse}\n${draw ? `main;app::draw ${draw}\n` : ""}`);
  await write(50, 0);
  const page = await rig.open("profile=live.folded");
  await settled(page);
  await page.waitForSelector("#live:not([hidden])");
  await write(60, 0);
  await until(page, (drawn) => drawn.settled && drawn.total === 60, "the update is shown");
  await page.waitForSelector("#timeline:not([hidden]) .strip-mark:not([hidden])");
  await page.keyboard.press("m");
  await page.waitForURL((address) => address.searchParams.has("from"));
  await write(60, 30);
  const marked = await until(page, (drawn) => drawn.settled && drawn.total === 30, "what came since the mark is shown");
  assert.ok(marked.items.some((/** @type {any} */ item) => item.name === "app::draw") && !marked.items.some((/** @type {any} */ item) => item.name === "app::parse"));
  await page.locator("[data-last='0']").click();
  await until(page, (drawn) => drawn.settled && drawn.total === 90, "all of it is shown");
  // A button that has the focus takes the space bar for itself.
  await page.keyboard.press("Escape");
  await page.keyboard.press(" ");
  await page.waitForSelector("#live-text:text-is('paused')");
  await page.context().close();
});
