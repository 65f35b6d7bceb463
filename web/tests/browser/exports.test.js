// What plop-view exports for speedscope, opened by speedscope's own page.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { FLAGS, PROGRAM } from "./page.js";
import { chromium } from "playwright-core";

const RELEASE = join(dirname(createRequire(import.meta.url).resolve("speedscope/package.json")), "dist/release");

test("speedscope opens its export with the same functions and shares", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "plop-speedscope-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...FLAGS, "--allow-file-access-from-files"],
  });
  context.after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });
  const stacks = join(folder, "busy.folded");
  await writeFile(stacks, "main;parse;lex 60\nmain;parse 15\nmain;draw 25\n");
  const out = join(folder, "busy.speedscope.json");
  execFileSync(PROGRAM, ["export", "--format", "speedscope", stacks, "-o", out]);

  // As speedscope's own command hands a file to its page.
  const handed = join(folder, "busy.js");
  const text = (await readFile(out)).toString("base64");
  await writeFile(handed, `speedscope.loadFileFromBase64("busy.speedscope.json", "${text}")`);
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("dialog", (dialog) => {
    errors.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(`file://${RELEASE}/index.html#localProfilePath=${handed}`);
  await page.getByText("Sandwich").click();
  await page.getByText("Symbol Name").waitFor();
  const rows = await page.locator("tr", { hasText: "%" }).allInnerTexts();
  const cells = rows.map((row) => row.split(/\s+/).filter((cell) => cell).join(" "));
  assert.deepEqual(cells.sort(), ["100 (100%) 0 (<0.01%) main", "25 (25%) 25 (25%) draw", "60 (60%) 60 (60%) lex", "75 (75%) 15 (15%) parse"]);
  assert.deepEqual(errors, []);
});
