// The viewer in its release build and Debian's Chromium on its page.

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "../..");
const require = createRequire(join(ROOT, "web/package.json"));
const { chromium } = require("playwright-core");
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Notes every frame, long task and event of the page from its beginning on. Runs in the page. */
function watch() {
  const seen = { frames: /** @type {number[]} */ ([]), tasks: /** @type {number[]} */ ([]), delays: /** @type {number[]} */ ([]) };
  Object.defineProperty(window, "seen", { value: seen });
  const frame = (/** @type {number} */ now) => {
    seen.frames.push(now);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask", buffered: true });
  const note = (/** @type {Event} */ event) => seen.delays.push(performance.now() - event.timeStamp);
  for (const kind of ["pointermove", "pointerdown", "pointerup", "wheel", "keydown", "input"]) addEventListener(kind, note, { capture: true, passive: true });
}

/** Debian's Chromium, without a GPU. */
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

export async function start() {
  const program = process.env.PLOP_VIEW ?? join(ROOT, "target/release/plop-view");
  if (!process.env.PLOP_VIEW) execFileSync("cargo", ["build", "--release", "--quiet", "--package", "plop-view"], { cwd: ROOT, stdio: "inherit" });
  const folder = await mkdtemp(join(tmpdir(), "plop-bench-"));
  const server = spawn(program, ["--no-open", "--port", "0", folder], { stdio: ["ignore", "pipe", "inherit"] });
  const address = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`${program} has ended`)));
    createInterface({ input: server.stdout }).once("line", (line) => resolve(line.trim()));
  });
  const browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
  await context.addInitScript(watch);
  const cookies = await (async () => {
    const page = await context.newPage();
    await page.goto(address);
    await page.close();
    return (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  })();
  const at = (/** @type {string} */ query) => new URL(`./?${query}`, address).href;
  return {
    folder,
    program,
    address: at,
    /** @param {string} query */
    async open(query) {
      const page = await context.newPage();
      await page.goto(at(query));
      return page;
    },
    /** A page with nothing in it. */
    blank: () => context.newPage(),
    /** @param {string} path */
    async get(path) {
      const response = await fetch(new URL(path, address), { headers: { cookie: cookies } });
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
      return response.json();
    },
    async close() {
      await browser.close();
      server.kill();
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Moves a mouse over the page for so long, as a mouse does: 125 times a second, whether the page keeps up or not.
 * @param {any} page @param {number} milliseconds
 * @param {(step: number) => { type: string, x: number, y: number, deltaY?: number, button?: string, buttons?: number }} at the event of each step
 */
export async function mouse(page, milliseconds, at) {
  const session = await page.context().newCDPSession(page);
  const sent = [];
  const began = performance.now();
  for (let step = 0; performance.now() - began < milliseconds; step++) {
    sent.push(session.send("Input.dispatchMouseEvent", { deltaX: 0, deltaY: 0, ...at(step) }));
    const rest = began + 8 * (step + 1) - performance.now();
    if (rest > 0) await new Promise((done) => setTimeout(done, rest));
  }
  await Promise.all(sent);
}

/**
 * What Chromium tells of itself while something is done: its trace's events of some categories.
 * @param {any} page @param {string[]} includedCategories @param {() => Promise<void>} what
 */
async function traced(page, includedCategories, what) {
  const session = await page.context().newCDPSession(page);
  /** @type {any[]} */
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const ended = new Promise((done) => session.once("Tracing.tracingComplete", done));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories } });
  await what();
  await session.send("Tracing.end");
  await ended;
  await session.detach();
  return events.sort((left, right) => left.ts - right.ts);
}

const VSYNC_MS = 1000 / 60;

/**
 * How many frames a second the compositor put on the screen while something moved all the time, by its own account, and how
 * many of the screen's frames passed without one: from its first frame to its last, since it begins between two of them.
 * @param {any} page @param {() => Promise<void>} moving
 */
export async function presented(page, moving) {
  const events = await traced(page, ["disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame"], moving);
  const shown = events.filter(({ name }) => name === "DrawFrame").map(({ ts }) => ts / 1000);
  const gaps = shown.slice(1).map((at, place) => at - shown[place]);
  const span = gaps.reduce((sum, gap) => sum + gap, 0);
  return { fps: span ? (1000 * gaps.length) / span : 0, missed: gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / VSYNC_MS) - 1), 0), frames: shown.length };
}

/**
 * How long the tasks of the page's main thread were while something was done, by Chromium's own account: all of them, where
 * the page itself is told of those above 50 ms only.
 * @param {any} page @param {() => Promise<any>} what
 */
export async function tasks(page, what) {
  const mark = "the page's main thread";
  const events = await traced(page, ["disabled-by-default-devtools.timeline", "blink.user_timing"], async () => {
    await page.evaluate((mark) => performance.mark(mark), mark);
    await what();
  });
  const main = events.find(({ name }) => name === mark);
  const lengths = events.filter(({ name, ph, pid, tid }) => name === "RunTask" && ph === "X" && pid === main?.pid && tid === main.tid).map(({ dur }) => dur / 1000);
  if (lengths.length === 0) throw new Error("Chromium has told of no task");
  return { longest: Math.max(...lengths), over: lengths.filter((length) => length > 16).length, all: lengths.length };
}

export const state = (page) => page.evaluate(() => window.plop.state());
export const inspect = (page) => page.evaluate(() => window.plop.inspect());

/**
 * Waits until the graph is settled on a picture after the given one, or has begun to show it; gives the page's time then.
 * @param {any} page @param {{ after?: number, settled?: boolean }} [wanted]
 */
export function until(page, { after = 0, settled = true } = {}) {
  return page.evaluate(([after, settled]) => new Promise((resolve, reject) => {
    const look = () => {
      const now = window.plop?.state();
      if (now && now.drawn > after && (now.settled || !settled)) resolve(performance.now());
      else if (performance.now() > 60_000) reject(new Error(`not settled within a minute: ${JSON.stringify(now)}`));
      else requestAnimationFrame(look);
    };
    look();
  }), [after, settled]);
}

/** What the page has noted since it was last asked. */
export const seen = (page) => page.evaluate(() => {
  const { frames, tasks, delays } = window.seen;
  const gaps = frames.slice(1).map((at, place) => at - frames[place]);
  const span = frames.length > 1 ? frames[frames.length - 1] - frames[0] : 0;
  const found = { fps: span ? (1000 * gaps.length) / span : 0, worst: Math.max(0, ...gaps), longest: Math.max(0, ...tasks), tasks: tasks.length, delays: [...delays] };
  frames.length = tasks.length = delays.length = 0;
  return found;
});
