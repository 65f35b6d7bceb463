// What is seen: the graph's encoding in pixels, what stands back when something is chosen, the focus, and dark and light.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inflateSync } from "node:zlib";
import { themes } from "../../page/graph/palette.js";
import { holds, selected, settled, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "crates.folded"), ["main;app::parse 60", "main;app::parse;app::lex 30", "main;db::read 45", "main;db::read;db::page 25", "main;net::send 40"].join("\n"));
});
after(() => rig.close());

/** The colour of a pixel of the window, 0 to 255 each. @param {import("playwright-core").Page} page @param {number} x @param {number} y @returns {Promise<number[]>} */
async function pixel(page, x, y) {
  const png = await page.screenshot({ clip: { x: Math.round(x), y: Math.round(y), width: 1, height: 1 } });
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  // Of one pixel the values stand behind the filter's byte, whatever the filter.
  return [...inflateSync(Buffer.concat(parts)).subarray(1, 4)];
}

const parsed = (/** @type {string} */ color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
const apart = (/** @type {number[]} */ one, /** @type {number[]} */ other) => Math.max(...one.map((value, at) => Math.abs(value - other[at])));
const named = (/** @type {any} */ drawn, /** @type {string} */ name) => drawn.items.find((/** @type {any} */ item) => item.name === name);

/** A circle's colour, below its middle, where no label stands. @param {import("playwright-core").Page} page @param {any} item */
async function seen(page, item) {
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  return pixel(page, stage.x + item.screen.x, stage.y + item.screen.y + 0.6 * item.screen.radius);
}

for (const scheme of /** @type {const} */ (["light", "dark"])) {
  test(`circles have their crate's colour and the area of their self time, ${scheme} as the system is`, async () => {
    const page = await rig.open("profile=crates.folded", { colorScheme: scheme });
    const drawn = await settled(page);
    const swatches = await page.locator("#legend button").evaluateAll((buttons) => buttons.map((button) => [button.getAttribute("title") ?? "", getComputedStyle(/** @type {Element} */ (button.querySelector(".swatch"))).backgroundColor]));
    for (const [crate, swatch] of swatches) {
      const item = drawn.items.find((/** @type {any} */ of) => of.crate === crate && of.self > 0);
      if (!item) continue;
      const color = await seen(page, item);
      assert.ok(themes[scheme].colors.some((of) => apart(parsed(of), color) <= 2), `${crate}: ${color}`);
      assert.ok(apart(swatch.match(/\d+/g)?.map(Number) ?? [], color) <= 2, `${crate}: the legend has ${swatch}, the graph ${color}`);
    }
    const [parse, page_] = [named(drawn, "app::parse"), named(drawn, "db::page")];
    const areas = (parse.radius / page_.radius) ** 2;
    // Radii come in tenths of a pixel.
    assert.ok(Math.abs(areas / (60 / 25) - 1) < 0.05, `${areas} for ${60 / 25}`);
    await page.context().close();
  });
}

test("a click brings what calls and is called forward and lets the rest stand back; Escape ends it", async () => {
  const page = await rig.open("profile=crates.folded");
  const drawn = await settled(page);
  const [read, leaf, other] = ["db::read", "db::page", "net::send"].map((name) => named(drawn, name));
  const before = [await seen(page, leaf), await seen(page, other)];
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.click(stage.x + read.screen.x, stage.y + read.screen.y);
  await selected(page, read.id);
  await page.mouse.move(2, 2);
  await settled(page);
  const now = [await seen(page, leaf), await seen(page, other)];
  assert.ok(apart(now[0], before[0]) <= 2, "what it calls is as it was");
  assert.ok(apart(now[1], before[1]) > 40 && apart(now[1], parsed(themes.light.ground)) < apart(before[1], parsed(themes.light.ground)), `what has nothing to do with it is paler: ${before[1]}, ${now[1]}`);
  await page.keyboard.press("Escape");
  await selected(page, null);
  await settled(page);
  assert.ok(apart(await seen(page, other), before[1]) <= 2, "all is as it was");
  await page.context().close();
});

test("a button of the legend lets all other crates stand back, by key too, until it is pressed again", async () => {
  const page = await rig.open("profile=crates.folded");
  const drawn = await settled(page);
  const [own, other] = [named(drawn, "db::page"), named(drawn, "net::send")];
  const before = [await seen(page, own), await seen(page, other)];
  const button = page.locator("#legend button[title=db]");
  for (const press of [() => button.click(), () => button.focus().then(() => page.keyboard.press("Enter"))]) {
    await press();
    await page.locator("#legend button[title=db][aria-pressed=true]").waitFor();
    await settled(page);
    assert.ok(apart(await seen(page, own), before[0]) <= 2 && apart(await seen(page, other), before[1]) > 40);
    await button.click();
    await page.locator("#legend button[title=db][aria-pressed=false]").waitFor();
    await settled(page);
    assert.ok(apart(await seen(page, other), before[1]) <= 2);
  }
  await page.context().close();
});

test("whatever the Tab key comes to shows that it has the focus, and nothing is a trap", async () => {
  const page = await rig.open("profile=crates.folded&side=table");
  await settled(page);
  await page.keyboard.press("i");
  await page.locator("#filter-row input").first().waitFor();
  /** @type {Set<string>} */
  const met = new Set();
  // Once around: the browser's own parts come after the last.
  for (let press = 0; press < 120; press++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const label = element.closest("label") ? getComputedStyle(/** @type {Element} */ (element.closest("label"))).outlineStyle : "none";
      return { name: element.id || element.outerHTML.slice(0, 80), isShown: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || label !== "none" };
    });
    if (!focus) continue;
    assert.ok(focus.isShown, `${focus.name} has the focus and does not show it`);
    met.add(focus.name);
  }
  for (const wanted of ["profile", "profiles", "type", "search", "filters", "compare", "theme", "help", "canvas", "side-toggle", "items"]) assert.ok(met.has(wanted), `${wanted} is reached: ${[...met].join(", ")}`);
  await page.context().close();
});

test("dark and light follow the system until they are chosen, and the choice is kept", async () => {
  const page = await rig.open("profile=crates.folded", { colorScheme: "light" });
  await settled(page);
  const theme = (/** @type {string} */ wanted) => holds(page, (wanted) => document.documentElement.dataset.theme === wanted, wanted);
  await page.emulateMedia({ colorScheme: "dark" });
  await theme("dark");
  await page.keyboard.press("d");
  await theme("light");
  await page.reload();
  await theme("light");
  await page.locator("#theme").click();
  await theme("dark");
  await page.context().close();
});

test("table and tree are in step with the graph: the same functions have the same values, filtered too", async () => {
  const page = await rig.open("profile=crates.folded&side=table");
  for (const focus of ["", "db"]) {
    if (focus) {
      await page.keyboard.press("i");
      await page.locator("input[name=focus]").fill(focus);
    }
    const drawn = await until(page, (now) => now.settled && now.items.length > 0 && (focus === "" || now.total === 70), "the graph is there");
    const values = drawn.items.map((/** @type {any} */ item) => `${item.name} ${item.self} ${item.total}`).sort();
    await holds(page, (values) => JSON.stringify([...document.querySelectorAll("#table-view tbody tr[data-id]")].map((row) => `${row.querySelector("td")?.title} ${[...row.querySelectorAll("td")].slice(1, 3).map((cell) => cell.innerText.replace(cell.querySelector("small")?.innerText ?? "", "").trim()).join(" ")}`).sort()) === values, JSON.stringify(values));
  }
  await page.locator("#side-tabs button", { hasText: "Tree" }).click();
  await page.locator(".tree-rows [role=row][title='main']", { hasText: "70" }).waitFor();
  await page.context().close();
});

test("search narrows the table and says how many are left; Enter goes through them", async () => {
  const page = await rig.open("profile=crates.folded&view=table");
  await page.waitForSelector("#table-view tbody tr[data-id]");
  await page.keyboard.press("/");
  await page.keyboard.type("DB::");
  await page.locator("#table-view .view-bar output", { hasText: "2 of 6" }).waitFor();
  assert.equal(await page.locator("#table-view tbody tr[data-id]").count(), 2);
  for (const name of ["db::read", "db::page"]) {
    await page.keyboard.press("Enter");
    await page.locator("#selection strong", { hasText: name }).waitFor();
  }
  await page.context().close();
});
