// What others take for the same, in the same run: force-graph on 10,000 nodes, speedscope on 100,000 stacks, and Go's pprof
// for a filter. force-graph comes from npm into a folder of the bench's own; a peer that can't be had is passed over, and it
// is said.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { counted } from "./motion.mjs";
import { mouse, presented, seen, until } from "./rig.mjs";
import { passedOver, peer } from "./table.mjs";

const ROOT = join(import.meta.dirname, "../..");
const FORCE_GRAPH = "force-graph@1.52.0";

/** @param {any} rig */
export async function peers(rig) {
  for (const measure of [pprof, speedscope, forceGraph]) {
    await measure(rig).catch((error) => passedOver(measure.name, error instanceof Error ? error.message.split("\n")[0] : String(error)));
  }
}

/** Lays out and moves the graph that ours is measured on. */
async function forceGraph(rig) {
  const folder = join(rig.folder, "..", "plop-bench-peers");
  execFileSync("npm", ["install", "--silent", "--no-save", "--prefix", folder, FORCE_GRAPH], { stdio: ["ignore", "ignore", "inherit"] });
  const { items, edges } = await rig.get("api/picture/10000.folded?items=10000");
  const page = await rig.blank();
  await page.setContent("<body style='margin:0'><div id='graph'></div>");
  await page.addScriptTag({ path: join(folder, "node_modules/force-graph/dist/force-graph.min.js") });
  await seen(page);
  await page.evaluate(([nodes, links]) => {
    const element = document.getElementById("graph");
    const graph = new window.ForceGraph(element).cooldownTime(8000).graphData({ nodes: nodes.map((id) => ({ id })), links });
    window.settled = new Promise((done) => graph.onEngineStop(done));
  }, [items.map(({ id }) => id), edges.from.map((from, at) => ({ source: items[from].id, target: items[edges.to[at]].id }))]);
  await page.evaluate(() => window.settled);
  const { fps, longest } = await seen(page);
  peer("main thread while 10,000 nodes lay out", FORCE_GRAPH, `${counted(fps)} fps`, `its longest task ${Math.round(longest)} ms`);
  await page.mouse.move(40, 40);
  await page.mouse.down();
  const panned = await presented(page, () => mouse(page, 2000, (step) => ({ type: "mouseMoved", x: 240 + Math.round(200 * Math.sin(step / 24)), y: 240 + Math.round(150 * Math.cos(step / 18)), button: "left", buttons: 1 })));
  await page.mouse.up();
  const zoomed = await presented(page, () => mouse(page, 2000, (step) => ({ type: "mouseWheel", x: 800, y: 500, deltaY: step % 80 < 40 ? -20 : 20 })));
  const { fps: main, delays } = await seen(page);
  delays.sort((left, right) => left - right);
  peer("pan and zoom at 10,000", FORCE_GRAPH, `${counted(Math.min(main, panned.fps, zoomed.fps))} fps`, `input delay p95 ${Math.round(delays[Math.floor(delays.length * 0.95)] ?? 0)} ms`);
  await page.close();
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };

/** Opens 100,000 stacks. */
async function speedscope(rig) {
  const release = join(ROOT, "web/node_modules/speedscope/dist/release");
  await readFile(join(release, "index.html"));
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = path === "/stacks.folded" ? join(rig.folder, path) : join(release, path);
    const content = await readFile(file).catch(() => null);
    response.writeHead(content ? 200 : 404, { "content-type": TYPES[extname(file)] ?? "text/plain" }).end(content ?? "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${server.address().port}`;
  try {
    const ours = await rig.blank();
    const began = performance.now();
    await ours.goto(rig.address("profile=stacks.folded&items=91"));
    await until(ours);
    peer("100,000 stacks on a page opened anew", "plop-view", `${((performance.now() - began) / 1000).toFixed(2)} s`, "the server has read the file before");
    await ours.close();
    const page = await rig.blank();
    const start = performance.now();
    await page.goto(`${address}/index.html#profileURL=${encodeURIComponent(`${address}/stacks.folded`)}`);
    await page.getByText("Left Heavy").first().waitFor({ timeout: 120_000 });
    peer("100,000 stacks on a page opened anew", "speedscope", `${((performance.now() - start) / 1000).toFixed(1)} s`);
    await page.close();
  } finally {
    server.close();
  }
}

/** Has Go's pprof draw its graph again for a filter. */
async function pprof(rig) {
  const file = join(rig.folder, "..", `plop-bench-${process.pid}.pb.gz`);
  execFileSync(rig.program, ["export", "--format", "pprof", "--output", file, join(rig.folder, "stacks.folded")], { stdio: ["ignore", "ignore", "inherit"] });
  const port = 20_000 + (process.pid % 20_000);
  const server = spawn("go", ["tool", "pprof", "-no_browser", `-http=127.0.0.1:${port}`, file], { stdio: "ignore", detached: true });
  const failed = once(server, "error").then(([error]) => Promise.reject(error));
  try {
    const ask = (/** @type {string} */ query) => fetch(`http://127.0.0.1:${port}/ui/?${query}`).then(async (response) => (await response.text()).includes("<svg") && response.ok);
    const ready = async () => {
      for (const deadline = Date.now() + 60_000; ; ) {
        const isThere = await ask("f=nothing").catch(() => false);
        if (isThere || Date.now() > deadline) return;
        await new Promise((done) => setTimeout(done, 200));
      }
    };
    await Promise.race([ready(), failed]);
    const times = [];
    for (const filter of ["mod", "module", "module1"]) {
      const start = performance.now();
      if (!(await ask(`f=${filter}`))) throw new Error("it draws no graph (Debian: graphviz)");
      times.push((performance.now() - start) / 1000);
    }
    peer("filter to new picture, 100,000 stacks", "go tool pprof", `${times.sort((left, right) => left - right)[1].toFixed(1)} s`, "its page is loaded anew; 80 nodes at most");
  } finally {
    // go runs pprof as a process of its own.
    if (server.pid) process.kill(-server.pid);
  }
}
