// What the page is measured on: made-up programs as folded stacks, the same at every run, and real profiles where there are some.

import { existsSync } from "node:fs";
import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Park and Miller's numbers: the same at every run. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return (/** @type {number} */ below) => (state = (state * 16807) % 2147483647) % below;
}

const name = (/** @type {number} */ at) => `crate${at % 11}::module${at % 37}::function_${at}`;

/**
 * A program of so many functions and three times as many calls: a tree of threes, and two more callees for each function
 * somewhere behind it; one stack for each call, from the outermost function on.
 * @param {number} functions
 */
export function program(functions) {
  const random = numbers(functions);
  const lines = [];
  const path = (/** @type {number} */ at) => {
    const names = [];
    for (let of = at; of > 0; of = Math.floor((of - 1) / 3)) names.unshift(name(of));
    return [name(0), ...names];
  };
  for (let at = 0; at < functions; at++) {
    if (at > 0) lines.push(`${path(at).join(";")} ${1 + random(60)}`);
    const callees = new Set();
    while (callees.size < 2 && at + 2 < functions) callees.add(at + 1 + random(functions - at - 1));
    for (const callee of callees) if (Math.floor((callee - 1) / 3) !== at) lines.push(`${[...path(at), name(callee)].join(";")} ${1 + random(40)}`);
  }
  return `${lines.join("\n")}\n`;
}

/**
 * So many distinct stacks of a program of some thousand functions, some of which call back.
 * @param {number} stacks
 * @param {number} functions
 * @param {number} [factor] of every weight
 */
export function walks(stacks, functions, factor = 1) {
  const random = numbers(stacks + functions);
  const lines = new Map();
  while (lines.size < stacks) {
    const path = [0];
    const depth = 4 + random(22);
    while (path.length < depth) {
      const last = path[path.length - 1];
      path.push(random(40) === 0 ? Math.floor(last / 3) : (last * 3 + 1 + random(4)) % functions);
    }
    lines.set(path.map(name).join(";"), factor * (1 + random(30)));
  }
  return `${[...lines].map(([stack, weight]) => `${stack} ${weight}`).join("\n")}\n`;
}

/** Real profiles of several languages, where the corpus of public profiles lies: see viewer/tests/conformance.rs. */
const REAL = [
  "inferno/tests__data__collapse-perf__results__perf-rust-Yamakaky-dcpu-collapsed-all.txt",
  "flamegraph/test__results__perf-rust-Yamakaky-dcpu-collapsed-kernel.txt",
  "flamegraph/test__results__perf-java-stacks-01-collapsed-all.txt",
  "flamegraph/test__results__perf-iperf-stacks-pidtid-01-collapsed-tid.txt",
  "flamegraph/test__results__perf-vertx-stacks-01-collapsed-jit.txt",
  "speedscope/sample__profiles__stackcollapse__perf-vertx-stacks-01-collapsed-all.txt",
  "inferno/tests__data__flamegraph__colors__async-profiler-collapsed-part.txt",
  "plop/demo__profiles__sample.out",
  "pyroscope/pkg__pprof__testdata__gotruncatefix__cpu_go_truncated_1.pb.gz",
  "pyroscope/pkg__phlaredb__symdb__testdata__profile.pb.gz",
  "pyroscope/pkg__og__convert__jfr__testdata__cortex-dev-01__kafka-0__cpu__1.jfr.gz.process_cpu_cpu_nanoseconds_cpu_nanoseconds.17241709254077376921.pb.gz",
];

/** Puts all inputs into a folder; gives the names of the real ones. @param {string} folder */
export async function make(folder) {
  await writeFile(join(folder, "1000.folded"), program(1000));
  await writeFile(join(folder, "10000.folded"), program(10000));
  await writeFile(join(folder, "stacks.folded"), walks(100_000, 5000));
  await writeFile(join(folder, "recursive.folded"), walks(4000, 250));
  const root = join(import.meta.dirname, "../..");
  const corpus = process.env.PLOP_CORPUS ?? join(root, "../shared/corpus");
  const real = [];
  for (const file of REAL) {
    if (!existsSync(join(corpus, file))) continue;
    const short = file.replaceAll("/", "-").replace(/\.gz$/, "");
    await copyFile(join(corpus, file), join(folder, short));
    real.push(short);
  }
  // What plop has written on this machine, as `cargo run --release --example busy_server` does.
  const own = join(root, "profiles");
  for (const file of existsSync(own) ? await readdir(own) : []) {
    await copyFile(join(own, file), join(folder, `own-${file}`));
    real.push(`own-${file}`);
  }
  return real;
}
