// Differences between answers: those that the server writes, and xdelta3's, which uses more of the format; and what of the
// answers is kept for them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { Answers } from "../page/answers.js";
import { applied } from "../page/delta.js";

/** `xdelta3` is what `xdelta3 -e -n -S none -A -s OLD NEW` writes; `delta` is the server's, which a test of its own holds to that.
 * @type {{ what: string, old: string, new: string, xdelta3: string, delta: string }[]} */
const cases = JSON.parse(await readFile(new URL("deltas.json", import.meta.url), "utf8"));
const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
const unpacked = (/** @type {string} */ base64) => new Uint8Array(Buffer.from(base64, "base64"));

for (const { what, old, new: wanted, xdelta3, delta } of cases) {
  for (const [writer, written] of Object.entries({ server: delta, xdelta3 })) {
    test(`${what}: the ${writer}'s difference makes the new text of the old`, () => {
      assert.equal(new TextDecoder().decode(applied(bytes(old), unpacked(written))), wanted);
    });
  }
}

test("a difference that is torn, or of another text, is refused and not misread", () => {
  const { old, delta } = cases[0];
  const whole = unpacked(delta);
  for (let length = 6; length < whole.length; length++) assert.throws(() => applied(bytes(old), whole.subarray(0, length)), Error, `${length} bytes`);
  assert.throws(() => applied(bytes(old.slice(1)), whole), /longer text/);
  assert.throws(() => applied(bytes(old), bytes("{\"json\": true}")), /VCDIFF/);
});

const { fetch } = globalThis;
after(() => (globalThis.fetch = fetch));

/** A server that answers one question after the other, and remembers what was asked with. @param {((asked: Headers) => Response)[]} answers */
function serve(answers) {
  /** @type {Headers[]} */
  const asked = [];
  globalThis.fetch = async (_, options) => {
    asked.push(new Headers(options?.headers));
    return answers[asked.length - 1](asked[asked.length - 1]);
  };
  return asked;
}

test("of an answer that has changed only the difference travels, of one that has not nothing", async () => {
  const { old, new: wanted, delta } = cases[0];
  const asked = serve([
    () => new Response(old, { headers: { ETag: "\"1\"" } }),
    () => new Response(unpacked(delta), { status: 226, headers: { ETag: "\"2\"", "Delta-Base": "\"1\"" } }),
    () => new Response(null, { status: 304, headers: { ETag: "\"2\"" } }),
  ]);
  const answers = new Answers();
  for (const text of [old, wanted, wanted]) assert.equal(await (await answers.ask("api/top/a")).text(), text);
  assert.deepEqual(asked.map((headers) => [headers.get("If-None-Match"), headers.get("A-IM")]), [[null, null], ["\"1\"", "vcdiff"], ["\"2\"", "vcdiff"]]);
});

test("a difference that can't be read is asked for again, whole; an answer without a tag is not kept", async () => {
  const asked = serve([
    () => new Response("[1]", { headers: { ETag: "\"1\"" } }),
    () => new Response("no difference", { status: 226, headers: { ETag: "\"2\"" } }),
    () => new Response("[2]", { headers: { ETag: "\"2\"" } }),
    () => new Response("[3]"),
    () => new Response("[4]"),
  ]);
  const answers = new Answers();
  assert.equal(await (await answers.ask("a")).text(), "[1]");
  assert.equal(await (await answers.ask("a")).text(), "[2]");
  for (const text of ["[3]", "[4]"]) assert.equal(await (await answers.ask("b")).text(), text);
  assert.deepEqual(asked.map((headers) => headers.get("If-None-Match")), [null, "\"1\"", null, null, null]);
});

test("what is kept is bounded: the address that was asked for last stays, the oldest goes", async () => {
  const large = "x".repeat(1 << 23);
  const text = (/** @type {string} */ of) => () => new Response(of, { headers: { ETag: "\"1\"" } });
  const asked = serve([text(large), text("small"), text(large), text("small"), text(large)]);
  const answers = new Answers();
  for (const address of ["first", "small", "second", "small", "first"]) await answers.ask(address);
  assert.deepEqual(asked.map((headers) => headers.has("If-None-Match")), [false, false, false, true, false]);
});
