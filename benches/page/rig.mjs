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
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
  await context.addInitScript(watch);
  const cookies = await (async () => {
    const page = await context.newPage();
    await page.goto(address);
    await page.close();
    return (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  })();
  return {
    folder,
    /** @param {string} query */
    async open(query) {
      const page = await context.newPage();
      await page.goto(new URL(`./?${query}`, address).href);
      return page;
    },
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
