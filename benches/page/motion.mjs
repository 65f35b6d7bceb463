// What moves under the hand: the graph, the flame graph and the table, while a mouse sends events as a mouse does.

import { inspect, mouse, presented, seen, state, until } from "./rig.mjs";
import { row } from "./table.mjs";

export const FRAME_RATE = { must: 60, aim: 60, unit: "fps", more: true };
/** A timer that fires 60 times a second counts one frame more or less. */
export const counted = (/** @type {number} */ fps) => Math.round(fps);
const LONGEST = { must: 50, aim: 16, unit: "ms", note: "tasks below 50 ms count as 0" };

const percentile = (/** @type {number[]} */ values, /** @type {number} */ part) => values.sort((left, right) => left - right)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;

/** The frames a second in which the graph has followed the pointer: that it made, and that reached the screen. */
async function followed(page, moving) {
  const first = await state(page);
  const began = performance.now();
  const shown = await presented(page, moving);
  const made = ((await state(page)).frames - first.frames) / ((performance.now() - began) / 1000);
  // What it made is counted over a little more time than it moved; it makes none that are not for the screen.
  if (made < shown.fps / 2) throw new Error(`the screen showed ${shown.fps} frames a second of ${made} that the graph made`);
  return shown;
}

/** What turning the wheel comes to on a page with nothing but a square that moves: frames a second, and how late the events come. */
async function bare(rig) {
  const page = await rig.blank();
  await page.setContent(`<body style="margin:0;overflow:hidden"><div style="width:100px;height:100px;background:#888;will-change:transform">`);
  await page.evaluate(() => {
    const square = /** @type {HTMLElement} */ (document.querySelector("div"));
    let turned = 0;
    addEventListener("wheel", (event) => {
      // The page's own listeners have gone with what it was before.
      window.seen.delays.push(performance.now() - event.timeStamp);
      event.preventDefault();
      turned += event.deltaY;
      requestAnimationFrame(() => (square.style.transform = `translate(${500 + turned / 10}px, 400px)`));
    }, { passive: false });
  });
  await seen(page);
  const { fps } = await presented(page, () => zooming(page, { x: 800, y: 500 }));
  const { delays } = await seen(page);
  await page.close();
  return { fps, late: percentile(delays, 0.95) };
}

/** Turns the wheel to and fro for two seconds. @param {any} page @param {{ x: number, y: number }} at */
const zooming = (page, at) => mouse(page, 2000, (step) => ({ type: "mouseWheel", ...at, deltaY: step % 80 < 40 ? -20 : 20 }));

/** Pans and zooms as by hand for some seconds. */
export async function graph(rig, page) {
  const most = await bare(rig);
  const { width, height } = page.viewportSize();
  await page.mouse.move(width / 2, height / 2);
  for (let notch = 0; notch < 4; notch++) await page.mouse.wheel(0, -120);
  await until(page);
  const { x, y } = await free(page);
  await page.mouse.move(x, y);
  await seen(page);
  await page.mouse.down();
  const panned = await followed(page, () => mouse(page, 2000, (step) => ({ type: "mouseMoved", x: x + Math.round(200 * Math.sin(step / 24)), y: y + Math.round(150 * (Math.cos(step / 18) - 1)), button: "left", buttons: 1 })));
  await page.mouse.up();
  const zoomed = await followed(page, () => zooming(page, { x: width / 2, y: height / 2 }));
  const { fps, delays } = await seen(page);
  const missed = panned.missed + zoomed.missed;
  row("pan and zoom at 10,000", counted(Math.min(panned.fps, zoomed.fps)), { ...FRAME_RATE, note: `${counted(panned.fps)} panning, ${counted(zoomed.fps)} zooming, where a bare square comes to ${counted(most.fps)}; ${missed} of ${panned.frames + zoomed.frames + missed} frames missed; the main thread ran at ${counted(fps)}` });
  await until(page);
  await mouse(page, 2000, (step) => ({ type: "mouseMoved", x: 300 + ((4 * step) % 1000), y: 200 + ((step * 37) % 500) }));
  delays.push(...(await seen(page)).delays);
  row("input delay p95 at 10,000", percentile(delays, 0.95), { must: 25, aim: 16, unit: "ms", digits: 1, note: `from the event to its handler, ${delays.length} events; those of the wheel on a bare page: ${most.late.toFixed(1)} ms` });
}

/** Waits until a condition holds; the page lets no text be run as a script, as playwright's own wait does. @param {any} page @param {() => boolean} condition */
async function holds(page, condition) {
  for (const deadline = Date.now() + 60_000; !(await page.evaluate(condition)); ) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${condition}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** A place near the middle of the window where no circle would be dragged. */
async function free(page) {
  const { items, window } = await inspect(page);
  const stage = await page.locator("#canvas").boundingBox();
  const spots = Array.from({ length: 400 }, (_, at) => ({ x: window.width / 2 + at * Math.cos(at), y: window.height / 2 + at * Math.sin(at) }));
  const found = spots.find(({ x, y }) => items.every(({ screen }) => Math.hypot(screen.x - x, screen.y - y) > Math.max(2, screen.radius) + 8));
  if (!found) throw new Error("there is a circle everywhere");
  return { x: stage.x + found.x, y: stage.y + found.y };
}

/** Hovers over, scrolls and zooms a flame graph of thousands of boxes, which the main thread draws. */
export async function flame(rig) {
  const page = await rig.open("profile=stacks.folded&view=flame");
  await holds(page, () => (window.plop?.view("flame")?.boxes.length ?? 0) > 1000);
  const boxes = await page.evaluate(() => window.plop.view("flame").boxes.length);
  const { x, y, width, height } = await page.locator("#flame-view canvas").boundingBox();
  await seen(page);
  const at = (/** @type {number} */ step) => ({ x: x + (width * ((7 * step) % 200)) / 200, y: y + (height * ((3 * step) % 100)) / 110 });
  await mouse(page, 1500, (step) => ({ type: "mouseMoved", ...at(step) }));
  await mouse(page, 1500, (step) => ({ type: "mouseWheel", x: x + width / 2, y: y + height / 2, deltaY: step % 60 < 30 ? 30 : -30 }));
  for (let turn = 0; turn < 3; turn++) {
    await page.mouse.dblclick(x + width / 3, y + 50);
    await mouse(page, 500, (step) => ({ type: "mouseMoved", ...at(step) }));
    await page.keyboard.press("0");
    await mouse(page, 500, (step) => ({ type: "mouseMoved", ...at(step) }));
  }
  const { fps, longest } = await seen(page);
  // While it zooms, the worker that draws it has to come along too.
  const zoomed = await presented(page, async () => {
    await page.mouse.dblclick(x + width / 3, y + 50);
    await new Promise((done) => setTimeout(done, 200));
  });
  row("flame graph hovered, scrolled and zoomed", counted(fps), { ...FRAME_RATE, note: `${boxes.toLocaleString("en")} boxes of 100,000 stacks; of a zoom's frames ${zoomed.frames} were presented, ${zoomed.missed} missed` });
  row("  its longest task", longest, LONGEST);
  await page.close();
}

/** Turns the wheel over something for three seconds, and gives the frames that were presented in each. @param {any} page @param {{ x: number, y: number }} at */
const scrolled = async (page, { x, y }) => (await presented(page, () => mouse(page, 3000, (step) => ({ type: "mouseWheel", x, y, deltaY: step % 200 < 150 ? 40 : -40 })))).fps;

/** What is presented of a page with nothing but stripes to scroll: more is not possible on this machine at this moment. */
async function possible(rig, at) {
  const page = await rig.blank();
  await page.setContent(`<body style="margin:0;height:${26 * 10_000}px;background:repeating-linear-gradient(#fff 0 26px,#eee 26px 52px)">`);
  const shown = await scrolled(page, at);
  await page.close();
  return shown;
}

/** Scrolls a table of ten thousand rows. */
export async function table(rig) {
  const page = await rig.open("profile=10000.folded&view=table");
  await holds(page, () => (window.plop?.view("table")?.rows ?? 0) > 9000);
  const { x, y, width, height } = await page.locator("#table-view .table-scroll").boundingBox();
  const at = { x: x + width / 2, y: y + height / 2 };
  const most = await possible(rig, at);
  await seen(page);
  const shown = await scrolled(page, at);
  const { fps, longest } = await seen(page);
  row("table of 10,000 rows scrolled", counted(Math.min(fps, shown)), { ...FRAME_RATE, note: `${counted(shown)} frames presented of ${counted(most)} that bare stripes come to; the main thread ran at ${counted(fps)}` });
  row("  its longest task", longest, LONGEST);
  await page.close();
}
