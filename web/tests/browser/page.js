// A browser with the real viewer in it: plop-view on a folder of profiles, and Debian's Chromium on its page.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

export const PROGRAM = process.env.PLOP_VIEW ?? join(import.meta.dirname, "../../../target/debug/plop-view");
export const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/**
 * @typedef {object} Rig
 * @property {string} folder where profiles are looked for
 * @property {string} address
 * @property {import("playwright-core").Browser} browser
 * @property {(query?: string, options?: import("playwright-core").BrowserContextOptions, at?: string) => Promise<import("playwright-core").Page>} open a window of its own, perhaps at another address of the server
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} Served a program that says where its page is
 * @property {string} program
 * @property {(folder: string) => string[]} options
 */

/** The viewer of a folder. @param {string[]} [more] options @returns {Served} */
export const viewer = (more = []) => ({ program: PROGRAM, options: (folder) => ["--no-open", "--port", "0", ...more, folder] });

/** @param {Served} [served] it runs in a folder of its own if it is not the viewer @returns {Promise<Rig>} */
export async function start(served = viewer()) {
  const folder = await mkdtemp(join(tmpdir(), "plop-page-"));
  const { program } = served;
  const server = spawn(program, served.options(folder), { stdio: ["ignore", "pipe", "inherit"], cwd: program === PROGRAM ? undefined : folder });
  /** @type {string} */
  const address = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`${program} has ended`)));
    createInterface({ input: /** @type {import("node:stream").Readable} */ (server.stdout) }).on("line", (line) => {
      const found = /http:\S+/.exec(line);
      if (found) resolve(found[0]);
    });
  });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  return {
    folder,
    address,
    browser,
    async open(query = "", options = {}, at = address) {
      const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, ...options });
      const page = await context.newPage();
      page.on("pageerror", (error) => {
        throw error;
      });
      await page.goto(at);
      if (query) await page.goto(new URL(`./?${query}`, at).href);
      return page;
    },
    async close() {
      await browser.close();
      server.kill();
      await rm(folder, { recursive: true });
    },
  };
}

/** What the page says is drawn. @param {import("playwright-core").Page} page @returns {Promise<any>} */
export const inspect = (page) => page.evaluate(() => /** @type {any} */ (window).plop.inspect());

/**
 * Waits until a condition on what is drawn holds; fails after ten seconds, or as many as are given.
 * @param {import("playwright-core").Page} page
 * @param {(drawn: any) => boolean} condition
 * @param {string} what
 * @param {number} [seconds]
 */
export async function until(page, condition, what, seconds = 10) {
  const deadline = Date.now() + 1000 * seconds;
  for (;;) {
    const drawn = await inspect(page);
    if (condition(drawn)) return drawn;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} seconds: ${what}`);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }
}

/**
 * Waits until a condition holds in the page; fails after ten seconds. In place of Playwright's own, which the page's
 * content-security policy keeps from asking a second time.
 * @template T
 * @param {import("playwright-core").Page} page
 * @param {(given: T) => unknown} condition
 * @param {T} [given]
 */
export async function holds(page, condition, given) {
  const deadline = Date.now() + 10_000;
  while (!(await page.evaluate(/** @type {any} */ (condition), given))) {
    if (Date.now() > deadline) throw new Error(`not within ten seconds: ${condition}`);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
  }
}

/** Waits until the address says that this item is selected. @param {import("playwright-core").Page} page @param {string | null} id */
export const selected = (page, id) => page.waitForURL((address) => address.searchParams.get("select") === id, { timeout: 10_000 });

/** @param {import("playwright-core").Page} page */
export const settled = (page) => until(page, (drawn) => drawn.settled && drawn.items.length > 0, "the graph is settled");

/** Folded stacks of a made-up program. @param {number} functions @param {number} stacks @param {number} [factor] */
export function folded(functions, stacks, factor = 1) {
  let seed = 7;
  const random = (/** @type {number} */ below) => (seed = (seed * 16807) % 2147483647) % below;
  const name = (/** @type {number} */ at) => `crate${at % 6}::module${at % 17}::function_${at}`;
  const lines = [];
  for (let stack = 0; stack < stacks; stack++) {
    const path = [0];
    const depth = 3 + random(8);
    while (path.length < depth) path.push((path[path.length - 1] * 3 + 1 + random(3)) % functions);
    lines.push(`${path.map(name).join(";")} ${factor * (1 + random(40))}`);
  }
  return `${lines.join("\n")}\n`;
}
