// Sources that lie elsewhere than where the profile says: under a folder that the user maps, in cargo's registry, among an
// installed toolchain's.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { start, viewer } from "./page.js";
import { pprof } from "./pprof.js";

/** @type {import("./page.js").Rig} */
let rig;
/** What is installed on the machine, as these tests have it. */
let machine = "";
const home = { cargo: process.env.CARGO_HOME, rustup: process.env.RUSTUP_HOME };
const COMMIT = "59807616e1fa2540724bfbac14d7976d7e4a3860";
const FILES = /** @type {Record<string, [string, number]>} */ ({
  "app::handle": ["/build/agent/app/src/handle.rs", 2],
  "app::elsewhere": ["/build/agent/application/src/handle.rs", 2],
  "itoa::write": ["/home/builder/.cargo/registry/src/index.crates.io-6f17d22bba15001f/itoa-1.0.9/src/lib.rs", 2],
  "core::num::parse": [`/rustc/${COMMIT}/library/core/src/num/mod.rs`, 2],
});

before(async () => {
  machine = await mkdtemp(join(tmpdir(), "plop-sources-"));
  const put = async (/** @type {string} */ path, /** @type {string} */ text) => {
    await mkdir(dirname(join(machine, path)), { recursive: true });
    await writeFile(join(machine, path), text);
  };
  await put("checkout/src/handle.rs", "//! handled\nfn handle() { <b>mapped</b> }\n");
  await put("cargo/registry/src/some-index/itoa-1.0.9/src/lib.rs", "//! itoa\nfn write() { /* of the registry */ }\n");
  await put("rustup/toolchains/made-up/lib/rustlib/src/rust/library/core/src/num/mod.rs", "//! num\nfn parse() { /* of the toolchain */ }\n");
  [process.env.CARGO_HOME, process.env.RUSTUP_HOME] = [join(machine, "cargo"), join(machine, "rustup")];
  rig = await start(viewer(["--source-path", `/build/agent/app=${join(machine, "checkout")}`]));
  const samples = Object.keys(FILES).map((name, at) => ({ stack: ["main", name], value: (at + 1) * 1e6 }));
  await writeFile(join(rig.folder, "elsewhere.pb"), pprof(samples, { files: FILES }));
});
after(async () => {
  for (const [name, value] of Object.entries({ CARGO_HOME: home.cargo, RUSTUP_HOME: home.rustup })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await rig.close();
  await rm(machine, { recursive: true });
});

/** Chooses a function in the table and opens its source by key. @param {string} name */
async function source(name) {
  const page = await rig.open("profile=elsewhere.pb&view=table");
  await page.locator(`#table-view td[title='${name}']`).click();
  await page.keyboard.press("Shift+O");
  return page;
}

for (const [name, line, remark] of [
  ["app::handle", "fn handle() { <b>mapped</b> }", ""],
  ["itoa::write", "fn write() { /* of the registry */ }", ""],
  ["core::num::parse", "fn parse() { /* of the toolchain */ }", "perhaps not the version that the program was built with"],
]) {
  test(`the source of ${name} is found where it lies on this machine`, async () => {
    const page = await source(name);
    const marked = page.locator("#source-view .source-line.marked");
    await marked.locator(".code", { hasText: line }).waitFor();
    assert.equal(await marked.locator(".code").innerText(), line);
    assert.equal(await marked.locator(".number").innerText(), "2");
    const head = await page.locator("#source-view .of").innerText();
    assert.ok(head.includes(remark), head);
    await page.context().close();
  });
}

test("a folder whose name only begins like a mapped one is none, and a line says what helps", async () => {
  const page = await source("app::elsewhere");
  await page.locator("#source-view .of", { hasText: "--source-path" }).waitFor();
  assert.equal(await page.locator("#source-view .code", { hasText: "handle" }).count(), 0, "no text is shown");
  assert.equal(await page.evaluate(() => /** @type {any} */ (window).plop.view("source").found), null);
  await page.context().close();
});
