// What the page says when there is nothing to show, or something else than was asked for; and that it goes on from there.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { holds, inspect, settled, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
});
after(() => rig.close());

const write = (/** @type {string} */ name, text = "main;app::parse 60\nmain;app::lex 40\n") => writeFile(join(rig.folder, name), text);

/** @param {import("playwright-core").Page} page @param {string} title @param {string} text */
const says = (page, title, text) => page.locator("#state:not([hidden])", { hasText: title }).filter({ hasText: text }).waitFor();

test("an empty folder says what to do, offers nothing else, and shows the first profile that comes", async () => {
  const page = await rig.open();
  await says(page, "No profiles yet", "plop-view FILE");
  for (const control of ["#type", "#filters", "#compare", "#export", "#tabs", "#items"]) assert.ok(await page.locator(control).isHidden(), control);
  await write("first.folded");
  const drawn = await settled(page);
  assert.equal(drawn.total, 100);
  for (const control of ["#type", "#filters", "#tabs", "#items"]) assert.ok(await page.locator(control).isVisible(), control);
  assert.ok(await page.locator("#state").isHidden());
  await page.context().close();
});

test("a file that is no profile is refused with its reason, and another can be chosen", async () => {
  await write("first.folded");
  await write("prose.txt", "no profile here, only prose\n");
  const page = await rig.open("profile=prose.txt");
  await says(page, "This profile can't be shown", "no profile of a known format");
  await page.keyboard.press("p");
  const broken = page.locator("#profile-list tr", { hasText: "prose.txt" });
  await broken.getByText("⚠").waitFor();
  assert.ok(await broken.getByRole("button", { name: "Compare with" }).isDisabled());
  const room = /** @type {any} */ (await page.locator("#profile-list").boundingBox());
  for (const button of await page.locator("#profile-list tbody button").all()) {
    const box = /** @type {any} */ (await button.boundingBox());
    assert.ok(box.x + box.width <= room.x + room.width, "nothing sticks out of the list");
  }
  await page.getByTitle("Open first.folded").click();
  assert.equal((await settled(page)).total, 100);
  await page.context().close();
});

test("an address of a profile that is not there says so beside the newest", async () => {
  await write("first.folded", "main 7\n");
  await write("newest.folded");
  const page = await rig.open("profile=absent.pb");
  await page.locator("#warnings", { hasText: "absent.pb is not among the profiles: this is the newest" }).waitFor();
  await page.locator("#profile").selectOption("first.folded");
  await until(page, (drawn) => drawn.settled && drawn.total === 7, "what was chosen is shown");
  assert.equal(await page.locator("#warnings:not([hidden])").allInnerTexts().then(String), "");
  await page.context().close();
});

test("filters that no sample passes say so, and taking one away brings all back", async () => {
  await write("first.folded");
  const page = await rig.open("profile=first.folded&focus=nothing_of_the_kind");
  await says(page, "No sample passes the filters", "Loosen");
  await page.locator("#chips button").click();
  assert.equal((await settled(page)).total, 100);
  assert.ok(await page.locator("#state").isHidden());
  await page.context().close();
});

test("a profile that is removed while it is looked at is said to be gone", async () => {
  await write("first.folded");
  await write("removed.folded");
  const page = await rig.open("profile=removed.folded");
  await settled(page);
  await rm(join(rig.folder, "removed.folded"));
  await says(page, "The profile was removed", "Choose another");
  await page.locator("#profile").selectOption("first.folded");
  await until(page, (drawn) => drawn.settled && drawn.total === 100, "another is shown");
  assert.ok(await page.locator("#state").isHidden());
  await page.context().close();
});

test("long names stay apart in the choosers, and are told whole", async () => {
  const [before, now] = ["before", "after"].map((word) => `checkout-service-2026-11-27T00-12-44Z-canary-${word}-the-cache-change.folded`);
  await write(before);
  await write(now);
  const page = await rig.open(`profile=${now}&base=${before}`);
  await settled(page);
  for (const [chooser, word, name] of [["#profile", "after", now], ["#base", "before", before]]) {
    assert.match(await page.locator(`${chooser} option:checked`).innerText(), new RegExp(`^check.*…-?${word}-the-cache`));
    assert.equal(await page.locator(chooser).getAttribute("title"), name);
  }
  await page.context().close();
});

test("a server that has ended is said to, and what was shown stays", async () => {
  const other = await start();
  await writeFile(join(other.folder, "last.folded"), "main;app::parse 60\nmain;app::lex 40\n");
  const page = await other.open("profile=last.folded");
  await settled(page);
  await page.route("**/api/**", (route) => route.abort());
  await page.keyboard.press("Shift+R");
  await says(page, "The server does not answer", "Is plop-view still running?");
  assert.equal((await inspect(page)).total, 100);
  await page.unroute("**/api/**");
  await page.keyboard.press("Shift+R");
  await holds(page, () => document.getElementById("state")?.hidden);
  await page.context().close();
  await other.close();
});
