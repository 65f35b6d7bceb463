// From the start of a viewer to the graph on the screen, for `cargo bench -p plop-benches --bench open`:
//   node open.mjs MODE PROGRAM FILE ROUNDS
// MODE is `plop-view` (PROGRAM is its path), `speedscope` (PROGRAM is its dist/release folder) or `go` (PROGRAM is go's). Drives
// Debian's Chromium, which runs already when the clock starts. Prints one line of JSON: the medians of seconds and of the
// peaks of resident memory, of the server, of the process that the page runs in, and of such a process with an empty page, most
// of which is the browser's code.

import { spawn } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { launch, until } from "./rig.mjs";

const [mode, program, file, rounds] = process.argv.slice(2);

/** The most memory that a process has had resident, in MB. */
function peak(/** @type {number} */ pid) {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kib?.[1] ?? 0) / 1024;
}

const servers = {
  /** plop-view says its address once it serves; its page says when the graph stands. */
  async "plop-view"() {
    const server = spawn(program, ["--no-open", "--port", "0", file], { stdio: ["ignore", "pipe", "inherit"] });
    const address = await new Promise((resolve, reject) => {
      server.once("exit", () => reject(new Error(`${program} has ended`)));
      createInterface({ input: server.stdout }).once("line", resolve);
    });
    return { address, painted: (/** @type {any} */ page) => until(page, { settled: false }), memory: () => peak(server.pid), stop: () => server.kill() };
  },

  /** speedscope is a page without a server: it is served with the profile beside it, and names the profile in its title once it stands. */
  async speedscope() {
    const types = /** @type {Record<string, string>} */ ({ ".html": "text/html", ".js": "text/javascript", ".css": "text/css" });
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      const from = path === "/profile" ? file : join(program, path.replaceAll("..", ""));
      response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream");
      createReadStream(from).on("error", () => response.writeHead(404).end()).pipe(response);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
    const base = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
    return {
      address: `${base}/index.html#profileURL=${encodeURIComponent(`${base}/profile`)}&title=loaded`,
      painted: (/** @type {any} */ page) => page.waitForFunction(() => document.title.includes("loaded") && document.querySelector("canvas"), null, { timeout: 300_000 }),
      memory: () => 0,
      stop: () => server.close(),
    };
  },

  /** go tool pprof's first page is its graph, which graphviz lays out before the page is sent. */
  async go() {
    const host = `localhost:${await freePort()}`;
    const server = spawn(program, ["tool", "pprof", `-http=${host}`, "-no_browser", file], { stdio: ["ignore", "ignore", "pipe"], detached: true });
    const address = await new Promise((resolve, reject) => {
      server.once("exit", () => reject(new Error("go tool pprof has ended")));
      createInterface({ input: server.stderr }).on("line", (line) => {
        if (line.includes(host)) resolve(`http://${host}/`);
      });
    });
    // `go tool` starts pprof as a process of its own.
    const child = () => Number(readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ")[0] || server.pid);
    return { address, painted: (/** @type {any} */ page) => page.waitForSelector("svg"), memory: () => peak(child()), stop: () => process.kill(-(/** @type {number} */ (server.pid))) };
  },
};

/** A port that nobody listens at. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", () => resolve(null)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One viewer started, looked at, and stopped. */
async function once() {
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
    const page = await context.newPage();
    const session = await browser.newBrowserCDPSession();
    const renderer = async () => {
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      // A browser keeps a spare process for the next page; the one with the page has more memory.
      return Math.max(...processInfo.filter((/** @type {any} */ { type }) => type === "renderer").map((/** @type {any} */ { id }) => peak(id)));
    };
    await page.goto("about:blank");
    const empty_mb = await renderer();
    const began = performance.now();
    const server = await servers[/** @type {keyof typeof servers} */ (mode)]();
    try {
      await page.goto(server.address, { timeout: 300_000 });
      await server.painted(page);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const seconds = (performance.now() - began) / 1000;
      return { seconds, server_mb: server.memory(), page_mb: await renderer(), empty_mb };
    } finally {
      server.stop();
    }
  } finally {
    await browser.close();
  }
}

const runs = [];
for (let round = 0; round < Number(rounds); round++) runs.push(await once());
const median = (/** @type {keyof typeof runs[0]} */ of) => runs.map((run) => run[of]).sort((left, right) => left - right)[Math.floor(runs.length / 2)];
console.log(JSON.stringify({ seconds: median("seconds"), server_mb: median("server_mb"), page_mb: median("page_mb"), empty_mb: median("empty_mb") }));
process.exit(0);
