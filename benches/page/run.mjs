// Measures the page: `npm --prefix web run bench`, or a part of it, `npm --prefix web run bench -- filter`. Builds plop-view,
// starts it, drives Debian's Chromium without a GPU, and prints one table. Figures of pictures come from the page's own
// layout, run here on the server's answers.
//
// The real profiles are those of ../shared/corpus beside the repository (or of PLOP_CORPUS) and of profiles/; without them the
// made-up ones stand alone. `dot` (Debian: graphviz) is compared with where it is installed.

import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packPicture, unpackPicture } from "../../web/page/graph/columns.js";
import { make, walks } from "./inputs.mjs";
import * as motion from "./motion.mjs";
import { peers } from "./peers.mjs";
import { dotCrossings, forward, laidOut, ourCrossings, shift } from "./pictures.mjs";
import { inspect, seen, start, state, tasks, until } from "./rig.mjs";
import { print, row } from "./table.mjs";

const middle = (/** @type {number[]} */ values) => values.sort((left, right) => left - right)[Math.floor(values.length / 2)];

/** The same picture laid out again on a page that is there already: so the page's own start is not measured. */
async function layingOut(rig, items) {
  const page = await rig.open(`profile=${items}.folded&items=${items}`);
  await until(page);
  await seen(page);
  const again = async () => {
    const { drawn } = await state(page);
    const began = await page.evaluate(() => {
      /** @type {any} */ (document.getElementById("relayout")).click();
      return performance.now();
    });
    return (await until(page, { after: drawn })) - began;
  };
  const took = await again();
  const { fps } = await seen(page);
  // Told of every task, Chromium takes longer: they are looked at by themselves.
  const { longest, over, all } = await tasks(page, again);
  const name = items.toLocaleString("en");
  row(`main thread while ${name} nodes lay out`, motion.counted(fps), motion.FRAME_RATE);
  row(`  its longest task`, longest, { must: 50, aim: 16, unit: "ms", note: `${over} of ${all} tasks are above 16 ms` });
  row(`${name} nodes settled`, took / 1000, { must: items > 1000 ? 5 : 1, aim: items > 1000 ? 0.7 : 0.1, unit: "s", digits: 2, note: "from asking the server to the whole picture drawn" });
  return page;
}

/** From the click that asks for a default picture until it stands, settled, on the page: nothing is painted before. */
async function defaultView(rig, names) {
  const times = [];
  for (const name of names) {
    const page = await rig.open(`profile=${encodeURIComponent(name)}`);
    await until(page);
    for (let turn = 0; turn < 3; turn++) {
      const before = await state(page);
      const began = await page.evaluate(() => {
        /** @type {any} */ (document.getElementById("relayout")).click();
        return performance.now();
      });
      times.push(((await until(page, { after: before.drawn, settled: false })) - began) / 1000);
    }
    await page.close();
  }
  row("default view settled before its first paint", middle(times), { must: 0.3, aim: 0.1, unit: "s", digits: 3, note: `median of ${times.length}; the slowest ${Math.max(...times).toFixed(2)} s` });
}

async function labels(rig, names) {
  let [overlaps, dropped, worst] = [0, 0, ""];
  for (const name of names) {
    const page = await rig.open(`profile=${encodeURIComponent(name)}&items=90`);
    await until(page);
    const { items, labels } = await inspect(page);
    const missing = (90 * (items.length - labels.length)) / items.length;
    if (missing > dropped) [dropped, worst] = [missing, name];
    labels.forEach(({ box }, at) => {
      for (const { box: other } of labels.slice(at + 1)) if (box.x < other.x + other.width && other.x < box.x + box.width && box.y < other.y + other.height && other.y < box.y + box.height) overlaps += 1;
    });
    await page.close();
  }
  row("label overlaps", overlaps, { must: 0, aim: 0, note: `${names.length} profiles` });
  row("labels dropped, of 90", dropped, { must: 4, aim: 0, digits: 1, note: worst && `most in ${worst}` });
}

/** Types into the focus field, letter by letter, and waits for each picture. */
async function filtering(rig) {
  const page = await rig.open("profile=stacks.folded");
  await until(page);
  await page.keyboard.press("i");
  await page.evaluate(() => addEventListener("keydown", (event) => (window.pressed = event.timeStamp), true));
  const times = [];
  for (const letter of "module1") {
    const before = await state(page);
    await page.keyboard.type(letter);
    const shown = await until(page, { after: before.drawn, settled: false });
    times.push(shown - (await page.evaluate(() => window.pressed)));
  }
  row("filter keystroke to new picture, 100,000 stacks", middle(times), { must: 150, aim: 50, unit: "ms", note: `the slowest of ${times.length}: ${Math.max(...times).toFixed(0)} ms` });
  await page.close();
}

const picture = async (rig, name, items = 90) => unpackPicture(packPicture(await rig.get(`api/picture/${encodeURIComponent(name)}?items=${items}`)));

async function figures(rig, names) {
  let [least, where, ours, dots, shifts] = [1, "", 0, 0, /** @type {number[]} */ ([])];
  for (const name of names) {
    const found = await picture(rig, name);
    const places = laidOut(found);
    const share = forward(found, places);
    if (share < least) [least, where] = [share, name];
    const dot = dotCrossings(found);
    if (dot !== null) [ours, dots] = [ours + ourCrossings(found, places), dots + dot];
    shifts.push(shift(found, await picture(rig, name, 104)));
  }
  row("weighted calls that point forward, hidden ones too", 100 * least, { must: 88, aim: 97, unit: "%", more: true, digits: 1, note: where && `the least of ${names.length}: ${where}` });
  row("crossings, as a part of dot's on the same edges", dots ? ours / dots : null, { must: 0.9, aim: 0.6, digits: 2, note: dots ? `${ours} of ${dots} in ${names.length} profiles` : "there is no dot here (Debian: graphviz)" });
  row("mean shift of stayers, 15 % more items", 100 * Math.max(...shifts), { must: 5, aim: 2, unit: "%", digits: 2, note: "the most, of the layout's radius" });
}

async function live(rig) {
  await writeFile(join(rig.folder, "grows.folded"), walks(3000, 400));
  const before = await picture(rig, "grows.folded");
  await writeFile(join(rig.folder, "grows.folded"), walks(3000, 400, 3) + walks(4000, 500));
  row("mean shift of stayers, live update", 100 * shift(before, await picture(rig, "grows.folded")), { must: 5, aim: 2, unit: "%", digits: 2 });
}

async function weight() {
  const folder = join(import.meta.dirname, "../../web/page");
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !entry.name.endsWith(".d.ts"));
  const sizes = await Promise.all(files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  row("page weight, everything", sizes.reduce((sum, size) => sum + size, 0) / 1024, { must: 600, aim: 300, unit: "KB", note: `${files.length} files` });
}

/** The parts of the table, each by a name that the command can be given; all of them without any. @type {Record<string, (rig: any, names: string[]) => Promise<void>>} */
const PARTS = {
  middle: async (rig) => (await layingOut(rig, 1000)).close(),
  large: async (rig) => {
    const page = await layingOut(rig, 10000);
    await motion.graph(rig, page);
    await page.close();
  },
  first: (rig, names) => defaultView(rig, names.slice(0, 6)),
  picture: async (rig, names) => figures(rig, names.length > 1 ? names.slice(0, -1) : names),
  live,
  labels,
  filter: filtering,
  flame: motion.flame,
  table: motion.table,
  weight,
  peers,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in PARTS));
if (unknown) {
  console.error(`there is no part ${unknown}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
const rig = await start();
try {
  const real = await make(rig.folder);
  process.stderr.write(`${real.length} real profiles\n`);
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.length && !wanted.includes(name)) continue;
    try {
      await measure(rig, [...real, "recursive.folded"]);
    } catch (error) {
      // What fails is said, and the rest measured all the same.
      process.exitCode = 1;
      process.stderr.write(`not measured: ${name}: ${error instanceof Error ? error.message : error}\n`);
    }
  }
} finally {
  await rig.close();
}
print();
