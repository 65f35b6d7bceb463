// What an update of a live profile costs the page's own thread, which has to stay free for whoever is reading.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { folded, start, until } from "./page.js";

/** @type {import("./page.js").Rig} */
let rig;
before(async () => {
  rig = await start();
});
after(() => rig.close());

/** A longer task makes the page miss what is typed or pressed: the bound, in milliseconds of CPU. */
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
