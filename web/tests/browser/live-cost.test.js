// What an update of a live profile costs: the page's own thread, which has to stay free for whoever is reading, and the wire.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
});
after(() => rig.close());

/** A longer task makes the page miss what is typed or pressed: the issue's bound, in milliseconds of CPU. */
const MOST_MS = 50;
const UPDATES = 3;

/** The CPU time of the page's own thread, task by task, in milliseconds, from a trace. @param {Buffer} trace @returns {number[]} */
function tasks(trace) {
  /** @type {{ name: string, ph: string, pid: number, tid: number, tdur?: number, args: { name?: string } }[]} */
  const events = JSON.parse(trace.toString()).traceEvents;
  const mains = new Set(events.filter((of) => of.name === "thread_name" && of.args.name === "CrRendererMain").map((of) => `${of.pid} ${of.tid}`));
  return events.filter((of) => /RunTask$/.test(of.name) && of.ph === "X" && mains.has(`${of.pid} ${of.tid}`)).map((of) => (of.tdur ?? 0) / 1000);
}

// A debug build of the server would take minutes to lay out the ten thousand that a release build shows.
for (const items of process.env.PLOP_VIEW ? [300, 10_000] : [300, 1000]) {
  test(`an update of ${items.toLocaleString("en")} items is no task of more than ${MOST_MS} ms for the page`, async (context) => {
    const name = `grows-${items}.folded`;
    const write = (/** @type {number} */ factor) => writeFile(join(rig.folder, name), folded(2 * items, 5 * items, factor));
    await write(1);
    const page = await rig.open(`profile=${name}&items=${items}`);
    let { total, items: shown } = await until(page, (drawn) => drawn.settled && drawn.items.length > 0, "the graph is settled", 60);
    // Asking what is drawn in full would be the test's own cost.
    const state = () => page.evaluate(() => new Promise((done) => setTimeout(() => done(/** @type {any} */ (window).plop.state()), 50)));
    await rig.browser.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline", "devtools.timeline"] });
    for (let update = 2; update < 2 + UPDATES; update++) {
      await write(update);
      const deadline = Date.now() + 60_000;
      for (let now = await state(); !(now.settled && now.total !== total); now = await state()) assert.ok(Date.now() < deadline, "the update comes");
      ({ total } = await state());
    }
    const times = tasks(await rig.browser.stopTracing()).sort((left, right) => right - left);
    assert.ok(times.length > 100, `${times.length} tasks`);
    context.diagnostic(`${shown.length} items, the longest of ${times.length} tasks: ${times.slice(0, 5).map((of) => of.toFixed(1)).join(", ")} ms`);
    assert.ok(times[0] < MOST_MS, `${times.slice(0, 5).join(", ")} ms`);
    await page.context().close();
  });
}

/**
 * Stands between browsers and the server, and counts what the server sends.
 * @param {boolean} differences whether it lets browsers say that they take those
 * @returns {Promise<{ address: string, sent: () => number, close: () => void }>}
 */
async function between(differences) {
  const { hostname, port, search } = new URL(rig.address);
  let sent = 0;
  const proxy = createServer((browser) => {
    const server = connect(Number(port), hostname);
    browser.on("data", (bytes) => server.write(differences ? bytes : bytes.toString("latin1").replace(/^a-im:/gim, "x-im:"), "latin1"));
    server.on("data", (bytes) => {
      sent += bytes.length;
      browser.write(bytes);
    });
    for (const [one, other] of [[browser, server], [server, browser]]) one.on("close", () => other.destroy()).on("error", () => other.destroy());
  });
  await new Promise((listening) => proxy.listen(0, "127.0.0.1", () => listening(undefined)));
  const { port: own } = /** @type {import("node:net").AddressInfo} */ (proxy.address());
  return { address: `http://127.0.0.1:${own}/${search}`, sent: () => sent, close: () => proxy.close() };
}

/** What a second of a program adds at 100 samples a second: one to each of so many stacks. @param {string} text folded stacks @param {number} second */
function grown(text, second) {
  const lines = text.trimEnd().split("\n");
  for (let sample = 0; sample < 100; sample++) {
    const at = (1009 * second + 31 * sample * sample) % lines.length;
    lines[at] = lines[at].replace(/\d+$/, (value) => String(Number(value) + 1));
  }
  return `${lines.join("\n")}\n`;
}

/** What a difference may take of the whole. */
const MOST_PART = 1 / 4;

for (const windows of [1, 10]) {
  test(`of an update only what has changed travels: at most a quarter, with ${windows === 1 ? "one window" : `${windows} windows`}`, async (context) => {
    /** What the server sent for each update and window. @type {number[]} */
    const costs = [];
    for (const differences of [false, true]) {
      const name = `second-${windows}-${differences}.folded`;
      let text = folded(600, 1500);
      const write = () => writeFile(join(rig.folder, name), text);
      await write();
      const wire = await between(differences);
      const pages = await Promise.all(Array.from({ length: windows }, () => rig.open(`profile=${name}&side=table`, {}, wire.address)));
      for (const page of pages) await until(page, (drawn) => drawn.settled && drawn.items.length > 0, "the graph is settled", 60);
      const before = wire.sent();
      for (let second = 1; second <= UPDATES; second++) {
        text = grown(text, second);
        const total = text.match(/\d+$/gm)?.reduce((sum, value) => sum + Number(value), 0);
        const tables = pages.map((page) => page.waitForResponse((response) => response.url().includes("/api/top/")).then((response) => response.finished()));
        await write();
        for (const page of pages) await until(page, (drawn) => drawn.settled && drawn.total === total, "the update comes", 60);
        await Promise.all(tables);
      }
      costs.push((wire.sent() - before) / UPDATES / windows);
      await Promise.all(pages.map((page) => page.context().close()));
      wire.close();
    }
    const [whole, difference] = costs;
    context.diagnostic(`${(whole / 1024).toFixed(1)} KB for the whole, ${(difference / 1024).toFixed(1)} KB for what has changed`);
    assert.ok(difference < MOST_PART * whole, `${difference} of ${whole} bytes`);
  });
}
