// Names that look like markup, in every view, menu, title and card, and in every format that a view is exported as.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { holds, settled, start, until } from "./page.js";
import { pprof } from "./pprof.js";

const SCRIPT = "</title></script><script>alert(1)</script>";
const IMAGE = "<img src=x onerror=alert(1)>";
const THREAD = "<b onclick=alert(1)>worker</b>";
const FILE = "<i>x</i>.rs";
const PROFILE = "<s>odd<s>.pb";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  /** @type {import("./pprof.js").Sample[]} */
  const samples = [];
  for (let second = 0; second < 4; second++) {
    samples.push({ stack: ["main", SCRIPT, IMAGE], value: 7e8, thread: THREAD, second, labels: { "<u>key": "<u>value" } });
    samples.push({ stack: ["main", SCRIPT], value: 2e8, thread: "main", second });
  }
  const files = /** @type {Record<string, [string, number]>} */ ({ [SCRIPT]: [FILE, 1], [IMAGE]: [FILE, 5] });
  await writeFile(join(rig.folder, PROFILE), pprof(samples, { seconds: 4, files }));
  await writeFile(join(rig.folder, "before.pb"), pprof(samples.slice(0, 4), { seconds: 2, files }));
});
after(() => rig.close());

/** Nothing of the profile has become an element. @param {import("playwright-core").Page} page @param {string} where */
async function assertText(page, where) {
  const made = await page.evaluate(() => [...document.querySelectorAll("img:not([src='icon.svg']), b, i, s, u, script:not([src]):not([type='application/json']), [onclick], [onerror]")].map((of) => of.outerHTML));
  assert.deepEqual(made, [], where);
}

/** @param {string} query */
async function open(query) {
  const page = await rig.open(`profile=${encodeURIComponent(PROFILE)}&${query}`);
  page.on("dialog", () => assert.fail("a name has run as a script"));
  return page;
}

test("markup stays text in every view, with everything open, alone and compared", async () => {
  for (const base of ["", "&base=before.pb"]) {
    const page = await open(`side=tree${base}`);
    const drawn = await settled(page);
    const at = drawn.items.findIndex((/** @type {any} */ item) => item.name.includes("img"));
    assert.ok(at >= 0, drawn.items.map((/** @type {any} */ item) => item.name).join());
    const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
    const { screen } = drawn.items[at];
    await page.mouse.move(stage.x + screen.x, stage.y + screen.y);
    await page.waitForSelector("#card:not([hidden])");
    await assertText(page, "the card");
    await page.mouse.click(stage.x + screen.x, stage.y + screen.y, { button: "right" });
    await page.getByRole("menuitem", { name: /^Focus/ }).waitFor();
    await assertText(page, "the menu");
    await page.keyboard.press("Escape");
    await page.locator("#selection strong", { hasText: "<img" }).waitFor();
    await page.locator(".tree-rows [role=row]").first().waitFor();
    for (const tab of await page.locator("#tabs button").all()) {
      await tab.click();
      const name = await tab.innerText();
      await page.waitForSelector(`#tabs button[aria-pressed=true]:text-is("${name}")`);
      await holds(page, () => document.querySelector(".view.shown canvas, .view.shown [role=row], .view.shown tr[data-id], .view.shown .of *") !== null);
      await assertText(page, `${name}${base}`);
    }
    await page.locator("#tabs button", { hasText: "Table" }).click();
    for (const rows of ["thread", "label:<u>key", "file", "module"]) {
      await page.locator("#table-view [name=rows]").selectOption(rows);
      await page.waitForURL((address) => address.searchParams.get("rows") === rows);
      await page.locator("#table-view tbody tr[data-at]").first().waitFor();
      await assertText(page, rows);
    }
    await page.context().close();
  }
});

test("markup stays text in the timeline, the filters, the chips and the lists", async () => {
  const page = await open(`thread=${encodeURIComponent(THREAD)}&label=${encodeURIComponent("<u>key=<u>value")}&focus=${encodeURIComponent("<img")}`);
  await settled(page);
  await page.waitForSelector("#timeline:not([hidden]) .strip-names button");
  assert.equal(await page.locator("#chips button").count(), 3);
  await assertText(page, "the chips and the timeline");
  assert.equal(await page.title(), `${PROFILE} · plop`);
  await page.keyboard.press("i");
  await page.locator("input[name=ignore]").fill("<img(");
  await page.waitForSelector("#filter-error:text('is no regular expression')");
  await assertText(page, "a refusal");
  for (const key of ["p", "?"]) {
    await page.keyboard.press("Escape");
    await page.locator("h1").click();
    await page.keyboard.press(key);
    await page.waitForSelector("dialog[open]");
    await assertText(page, key);
    await page.keyboard.press("Escape");
  }
  await page.context().close();
});

/** Formats that a browser reads as markup. */
const READ_AS_MARKUP = ["flamegraph", "svg", "html"];

test("all fourteen formats keep the names as they are, and none that a browser opens runs them", async () => {
  const page = await open("");
  await settled(page);
  const formats = ["flamegraph", "folded", "pprof", "speedscope", "firefox", "callgrind", "dot", "edges", "edges-json", "top", "top-csv", "top-json", "svg", "html"];
  const refusal = await page.evaluate((id) => fetch(`api/export/${id}?format=none`).then((answer) => answer.text()), encodeURIComponent(PROFILE));
  assert.ok(refusal.trim().endsWith(`there are ${formats.join(", ")}`), `every format is in this test: ${refusal}`);
  for (const base of ["", "&base=before.pb"]) {
    for (const format of formats) {
      const { bytes, type, disposition, status } = await page.evaluate(async (address) => {
        const answer = await fetch(address);
        return { bytes: [...new Uint8Array(await answer.arrayBuffer())], type: answer.headers.get("content-type") ?? "", disposition: answer.headers.get("content-disposition") ?? "", status: answer.status };
      }, `api/export/${encodeURIComponent(PROFILE)}?format=${format}${base}`);
      if (status === 400) {
        assert.ok(base && ["speedscope", "firefox", "callgrind"].includes(format), format);
        continue;
      }
      const packed = Buffer.from(bytes);
      const text = (packed[0] === 0x1f ? gunzipSync(packed) : packed).toString();
      assert.match(disposition, /^attachment; filename="[A-Za-z0-9._-]+"$/, format);
      if (READ_AS_MARKUP.includes(format)) {
        const opened = await rig.browser.newPage();
        opened.on("dialog", () => assert.fail(`${format}: a name has run as a script`));
        await opened.route("**/exported", (route) => route.fulfill({ body: packed, contentType: type }));
        await opened.goto("http://exported.invalid/exported");
        await opened.waitForLoadState();
        const scripts = await opened.evaluate(() => [...document.querySelectorAll("img[onerror], script")].filter((of) => of.outerHTML.includes("alert(1)") && of.id !== "plop-data").length);
        assert.equal(scripts, 0, format);
        assert.ok(text.includes("&lt;img") || text.includes("\\u003cimg"), `${format} has the name, escaped`);
        await opened.close();
      } else {
        assert.ok(!/html|xml|svg/.test(type), `${format} is ${type}`);
        assert.ok(text.includes("<img src=x onerror=alert(1)>"), `${format} has the name as it is`);
      }
    }
  }
  await page.context().close();
});

test("a selection keeps its name as text when it is gone from the view", async () => {
  const page = await open("");
  const drawn = await settled(page);
  const item = drawn.items.find((/** @type {any} */ of) => of.name === IMAGE);
  await page.goto(new URL(`./?profile=${encodeURIComponent(PROFILE)}&select=${item.id}&ignore=${encodeURIComponent("<img")}`, rig.address).href);
  await until(page, (now) => now.settled && now.total < drawn.total, "it is ignored");
  await assertText(page, "the selection");
  await page.context().close();
});
