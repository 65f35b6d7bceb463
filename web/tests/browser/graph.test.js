// The graph as a person uses it, with real clicks and keys on the real server.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { overlap } from "../../page/graph/obstacles.js";
import { folded, inspect, selected, settled, start, until } from "./page.js";

const SMALL = folded(40, 120);

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
  await writeFile(join(rig.folder, "small.folded"), SMALL);
  await writeFile(join(rig.folder, "large.folded"), folded(1000, 6000));
  await writeFile(join(rig.folder, "huge.folded"), folded(1500, 6000));
  await writeFile(join(rig.folder, "markup.folded"), "main;<img src=x onerror=alert(1)>;<b>bold</b> 7\nmain;</title><script>alert(2)</script> 5\nmain;plain 3\n");
});
after(() => rig.close());

/** @param {any} drawn */
function assertTidy(drawn) {
  const { items, labels, window } = drawn;
  for (const { screen, name } of items) {
    const inside = screen.x - screen.radius >= 0 && screen.y - screen.radius >= 0 && screen.x + screen.radius <= window.width && screen.y + screen.radius <= window.height;
    assert.ok(inside, `${name} is cut off at ${JSON.stringify(screen)}`);
  }
  labels.forEach((/** @type {any} */ label, /** @type {number} */ at) => {
    const { box } = label;
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= window.width && box.y + box.height <= window.height, `${label.text} is cut off`);
    for (const other of labels.slice(at + 1)) assert.ok(!overlap(box, other.box), `${label.text} and ${other.text} overlap`);
  });
}

for (const [width, height] of [[1600, 1000], [1280, 720]]) {
  test(`everything fits a window of ${width} × ${height} and no labels overlap`, async () => {
    for (const profile of ["small.folded", "large.folded"]) {
      const page = await rig.open(`profile=${profile}`, { viewport: { width, height } });
      const drawn = await settled(page);
      assertTidy(drawn);
      assert.ok(drawn.labels.length >= 0.9 * drawn.items.length, `${drawn.labels.length} labels for ${drawn.items.length} items`);
      await page.context().close();
    }
  });
}

test("a thousand items fit and keep their labels apart", async () => {
  const page = await rig.open("profile=large.folded&items=1000");
  const drawn = await settled(page);
  assert.ok(drawn.items.length > 900, `${drawn.items.length} items`);
  assertTidy(drawn);
  await page.context().close();
});

test("the slider shows more or fewer functions and loses no sample", async () => {
  const page = await rig.open("profile=large.folded");
  let drawn = await settled(page);
  const { total } = drawn;
  for (const at of ["10", "60", "30"]) {
    const version = drawn.items.length;
    await page.locator("#items").fill(at);
    drawn = await until(page, (now) => now.settled && now.items.length !== version, "another number of items");
    assert.equal(drawn.total, total);
    assert.equal(drawn.shown.self + drawn.folded.self, total);
    assert.equal(drawn.items.reduce((/** @type {number} */ sum, /** @type {any} */ item) => sum + item.self, 0), total);
    assert.match(await page.locator("#count-text").innerText(), /of 1,000 functions|of [\d,]+ functions, \d+/);
  }
  await page.context().close();
});

test("search counts its matches and Enter selects the heaviest", async () => {
  const page = await rig.open("profile=small.folded");
  const drawn = await settled(page);
  await page.keyboard.press("/");
  await page.keyboard.type("function_1");
  const matching = drawn.items.filter((/** @type {any} */ item) => item.name.includes("function_1"));
  // Those count too that stand in a fold or are passed over.
  const names = new Set(SMALL.match(/\w+::\w+::function_1\d*/g));
  await page.locator("#matches", { hasText: new RegExp(`^${names.size} · [\\d.]+ %$`) }).waitFor();
  await page.keyboard.press("Enter");
  const heaviest = matching.sort((/** @type {any} */ left, /** @type {any} */ right) => right.total - left.total)[0];
  await selected(page, heaviest.id);
  await page.context().close();
});

test("a module or a crate closes in place and opens again, and nothing is lost", async () => {
  const page = await rig.open("profile=large.folded");
  let drawn = await settled(page);
  const { total } = drawn;
  const item = drawn.items.find((/** @type {any} */ item) => item.kind === "function" && item.module !== item.crate && !item.strip);
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  const inside = (/** @type {any} */ now) => now.items.filter((/** @type {any} */ other) => other.module === item.module && other.kind === "function").length;
  const before = inside(drawn);
  await page.mouse.click(stage.x + item.screen.x, stage.y + item.screen.y);
  await selected(page, item.id);
  await page.keyboard.press("Backspace");
  drawn = await until(page, (now) => now.settled && inside(now) === 0, "the module is closed");
  assert.equal(new URL(page.url()).searchParams.get("close"), `module:${item.module}`);
  assert.equal(drawn.shown.self + drawn.folded.self, total);
  assertTidy(drawn);
  const fold = drawn.items.find((/** @type {any} */ other) => other.kind === "fold" && other.module === item.module);
  await page.mouse.dblclick(stage.x + fold.screen.x, stage.y + fold.screen.y);
  drawn = await until(page, (now) => now.settled && inside(now) === before, "the module is open again");
  assert.equal(drawn.items.reduce((/** @type {number} */ sum, /** @type {any} */ other) => sum + other.self, 0), total);
  await page.goBack();
  await until(page, (now) => now.settled && inside(now) === 0, "back closes it");
  await page.context().close();
});

test("a reload brings back where everything was, what was dragged too", async () => {
  const page = await rig.open("profile=small.folded");
  const drawn = await settled(page);
  const item = drawn.items.find((/** @type {any} */ item) => item.screen.radius > 8 && !item.strip);
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.move(stage.x + item.screen.x, stage.y + item.screen.y);
  await page.mouse.down();
  await page.mouse.move(stage.x + item.screen.x + 60, stage.y + item.screen.y - 30, { steps: 5 });
  await page.mouse.up();
  const before = await settled(page);
  await page.reload();
  const after = await settled(page);
  for (const { id, place } of after.items) {
    const old = before.items.find((/** @type {any} */ other) => other.id === id).place;
    // Kept to a tenth of a pixel.
    assert.ok(Math.hypot(place.x - old.x, place.y - old.y) < 0.2, `${id}: ${JSON.stringify([old, place])}`);
  }
  await page.context().close();
});

test("what is seen can be saved as SVG, with the camera and the drags that it has", async () => {
  const page = await rig.open("profile=markup.folded");
  const drawn = await settled(page);
  await page.locator("#export summary").click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#svg").click()]);
  const svg = await readFile(/** @type {string} */ (await download.path()), "utf8");
  assert.match(download.suggestedFilename(), /\.svg$/);
  for (const { screen } of drawn.items) assert.ok(svg.includes(`A${Math.round(screen.radius * 100) / 100},`), `a circle of ${screen.radius}`);
  assert.ok(svg.includes("&lt;b&gt;bold&lt;/b&gt;") && !svg.includes("<b>") && !svg.includes("<script"));
  await page.context().close();
});

test("thousands of functions can be shown, panned, and found on the small map", async () => {
  const page = await rig.open("profile=huge.folded&items=1500");
  let drawn = await settled(page);
  assert.ok(drawn.items.length > 700, `${drawn.items.length} items`);
  assert.equal(drawn.shown.self + drawn.folded.self, drawn.total);
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.move(stage.x + 800, stage.y + 400);
  await page.mouse.wheel(0, -900);
  const near = await until(page, (now) => now.settled && now.camera.k > 1.5 * drawn.camera.k, "the graph is nearer");
  // The map stands in the lower right corner: its middle shows the graph's middle.
  await page.mouse.click(stage.x + stage.width - 112, stage.y + stage.height - 60);
  await until(page, (now) => now.settled && (now.camera.x !== near.camera.x || now.camera.y !== near.camera.y), "the map was followed");
  await page.keyboard.press("f");
  drawn = await until(page, (now) => now.settled && now.camera.k < near.camera.k, "all is in the window again");
  assertTidy(drawn);
  await page.context().close();
});

test("a circle goes where it is dragged and stays there", async () => {
  const page = await rig.open("profile=small.folded");
  const drawn = await settled(page);
  const item = drawn.items.find((/** @type {any} */ item) => item.screen.radius > 8 && !item.strip);
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.move(stage.x + item.screen.x, stage.y + item.screen.y);
  await page.mouse.down();
  await page.mouse.move(stage.x + item.screen.x + 80, stage.y + item.screen.y + 40, { steps: 5 });
  await page.mouse.up();
  const moved = await until(page, (now) => now.items.some((/** @type {any} */ other) => other.id === item.id && Math.abs(other.screen.x - item.screen.x - 80) < 2), "the circle has moved");
  const now = moved.items.find((/** @type {any} */ other) => other.id === item.id);
  assert.ok(Math.abs(now.screen.y - item.screen.y - 40) < 2);
  for (const other of moved.items) {
    if (other.id !== item.id) assert.deepEqual(other.place, drawn.items.find((/** @type {any} */ old) => old.id === other.id).place);
  }
  await page.context().close();
});

test("hovering tells an item's whole name, a click selects it, Escape lets go", async () => {
  const page = await rig.open("profile=small.folded");
  const drawn = await settled(page);
  const item = drawn.items.reduce((/** @type {any} */ best, /** @type {any} */ item) => (item.self > best.self ? item : best));
  const stage = /** @type {any} */ (await page.locator("#canvas").boundingBox());
  await page.mouse.move(stage.x + item.screen.x, stage.y + item.screen.y);
  await page.waitForSelector("#card:not([hidden])");
  assert.match(await page.locator("#card .name").innerText(), new RegExp(item.name));
  await page.mouse.down();
  await page.mouse.up();
  await selected(page, item.id);
  await page.keyboard.press("Escape");
  await selected(page, null);
  await page.context().close();
});

test("a live update moves no node that stays", async () => {
  const path = join(rig.folder, "live.folded");
  await writeFile(path, folded(120, 200));
  const page = await rig.open("profile=live.folded");
  const first = await settled(page);
  await writeFile(path, folded(150, 500, 3));
  const second = await until(page, (now) => now.settled && now.total !== first.total, "the update is shown");
  const places = new Map(first.items.map((/** @type {any} */ item) => [item.id, item.place]));
  const [xs, ys] = [first.items.map((/** @type {any} */ item) => item.place.x), first.items.map((/** @type {any} */ item) => item.place.y)];
  const radius = Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) / 2;
  const stayed = second.items.filter((/** @type {any} */ item) => places.has(item.id));
  assert.ok(stayed.length > 0.5 * first.items.length, `${stayed.length} of ${first.items.length} stayed`);
  for (const item of stayed) {
    const place = /** @type {any} */ (places.get(item.id));
    assert.ok(Math.hypot(item.place.x - place.x, item.place.y - place.y) < 0.05 * radius, `${item.name} has moved`);
  }
  assert.equal(await page.locator("#type").inputValue(), "samples", "the measure stays chosen");
  assert.notDeepEqual(second.items.map((/** @type {any} */ item) => item.self), first.items.map((/** @type {any} */ item) => item.self));
  await page.context().close();
});

test("what has changed grows and shrinks by and by, and at once for who wants less motion", async () => {
  const path = join(rig.folder, "tweened.folded");
  const write = (/** @type {number} */ of) => writeFile(path, `main;app::one ${of}\nmain;app::two ${100 - of}\n`);
  /** How often something new was shown until the update stood. @param {"reduce" | "no-preference"} reducedMotion */
  const shown = async (reducedMotion) => {
    await write(90);
    const page = await rig.open("profile=tweened.folded", { reducedMotion });
    const first = await settled(page);
    const radius = (/** @type {any} */ drawn) => drawn.items.find((/** @type {any} */ item) => item.name === "app::one").radius;
    await write(10);
    const second = await until(page, (now) => now.settled && radius(now) < radius(first) / 2, "the update stands");
    await page.context().close();
    return second.frames - first.frames;
  };
  const [moving, still] = [await shown("no-preference"), await shown("reduce")];
  assert.ok(moving >= 3 + still, `${moving} frames of change, ${still} without motion`);
});

test("a window that nobody sees asks for nothing, and shows what has come once it is seen again", async () => {
  const path = join(rig.folder, "hidden.folded");
  await writeFile(path, folded(60, 100));
  const [hidden, seen] = [await rig.open("profile=hidden.folded"), await rig.open("profile=hidden.folded")];
  const first = await settled(hidden);
  await settled(seen);
  const show = (/** @type {boolean} */ isHidden) => hidden.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
  await show(true);
  /** @type {string[]} */
  const asked = [];
  hidden.on("request", (request) => asked.push(request.url()));
  await writeFile(path, folded(60, 100, 5));
  await until(seen, (now) => now.total === 5 * first.total, "the other window shows the update");
  assert.deepEqual(asked, []);
  assert.equal((await inspect(hidden)).total, first.total);
  await show(false);
  await until(hidden, (now) => now.total === 5 * first.total, "the update is shown");
  for (const page of [hidden, seen]) await page.context().close();
});

test("under the pointer nothing changes until it has left", async () => {
  const path = join(rig.folder, "held.folded");
  await writeFile(path, folded(60, 100));
  const page = await rig.open("profile=held.folded");
  const first = await settled(page);
  await page.mouse.move(800, 600);
  await writeFile(path, folded(60, 100, 5));
  await page.waitForSelector("#live-text:text-is('live, held')", { state: "attached" });
  assert.equal((await inspect(page)).total, first.total);
  await page.mouse.move(300, 20);
  await until(page, (now) => now.total === 5 * first.total, "the update is shown");
  await page.context().close();
});

test("markup in names stays text", async () => {
  const page = await rig.open("profile=markup.folded");
  page.on("dialog", () => assert.fail("a name has run as a script"));
  const drawn = await settled(page);
  assert.ok(drawn.items.some((/** @type {any} */ item) => item.name === "<b>bold</b>"));
  await page.keyboard.press("t");
  await page.waitForSelector("tbody tr[data-id]");
  const texts = await page.locator("tbody tr[data-id] td:first-child").allInnerTexts();
  assert.ok(texts.some((text) => text.includes("<b>bold</b>")), texts.join());
  assert.equal(await page.locator("tbody b, tbody img, #legend img, #card img").count(), 0);
  await page.context().close();
});

test("filters stand in the address, and back takes them away", async () => {
  const page = await rig.open("profile=small.folded");
  const all = await settled(page);
  await page.keyboard.press("i");
  await page.locator("input[name=focus]").fill("function_13");
  const some = await until(page, (now) => now.settled && now.total < all.total, "the filter is applied");
  assert.equal(new URL(page.url()).searchParams.get("focus"), "function_13");
  assert.match(await page.locator("#count-text").innerText(), /kept by the filters/);
  await page.reload();
  assert.equal((await settled(page)).total, some.total);
  await page.goBack();
  await until(page, (now) => now.settled && now.total === all.total, "the filter is gone");
  await page.context().close();
});

test("a bad expression is said beside the filters", async () => {
  const page = await rig.open("profile=small.folded");
  await settled(page);
  await page.keyboard.press("i");
  await page.locator("input[name=focus]").fill("(");
  await page.waitForSelector("#filter-error:text('is no regular expression')");
  await page.context().close();
});

test("the graph can be walked by keys alone, and the sheet lists them", async () => {
  const page = await rig.open("profile=small.folded");
  const drawn = await settled(page);
  await page.locator("#canvas").focus();
  await page.keyboard.press("h");
  const root = drawn.items.reduce((/** @type {any} */ best, /** @type {any} */ item) => (item.total > best.total ? item : best));
  await selected(page, root.id);
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((address) => ![null, root.id].includes(address.searchParams.get("select")), { timeout: 10_000 });
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open] kbd");
  await page.keyboard.press("Escape");
  await page.context().close();
});

test("the table has the same functions and shares the selection", async () => {
  const page = await rig.open("profile=small.folded");
  await settled(page);
  await page.keyboard.press("t");
  await page.waitForSelector("tbody tr[data-id]");
  await page.locator("tbody tr[data-id]").nth(2).click();
  const id = await page.locator("tbody tr[data-id]").nth(2).getAttribute("data-id");
  await selected(page, id);
  assert.equal(await page.locator("tbody tr[aria-selected=true]").count(), 1);
  await page.locator("thead button[data-sort=total]").click();
  await page.waitForSelector("th[aria-sort] button[data-sort=total]");
  await page.context().close();
});

test("direction and colours can be changed", async () => {
  for (const query of ["direction=down", "direction=free", "color=module", "color=file"]) {
    const page = await rig.open(`profile=small.folded&${query}`);
    assertTidy(await settled(page));
    await page.context().close();
  }
});
