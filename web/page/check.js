// The self-check: what the collector knows of its own faithfulness and cost, as it comes.

import { quantity } from "./quantity.js";

/** What each figure is called, and in which unit; those that the file does not have are left out. @type {[string, string, string][]} */
const FIGURES = [
  ["samples", "samples taken", "count"],
  ["lost", "lost for want of room", "count"],
  ["truncated", "stacks cut short", "count"],
  ["folded", "beyond the memory bound", "count"],
  ["unarmed_threads", "threads without a timer", "count"],
  ["blocked_threads", "threads that block the signal", "count"],
  ["handler_p50_ns", "signal handler, median", "nanoseconds"],
  ["handler_p99_ns", "signal handler, 99th percentile", "nanoseconds"],
  ["handler_max_ns", "signal handler, longest", "nanoseconds"],
  ["memory_bytes", "memory held", "bytes"],
];

/** @param {import("./look.js").Look} look @param {HTMLElement} menu */
export function showCheck(look, menu) {
  const summary = /** @type {HTMLElement} */ (menu.querySelector("summary"));
  const list = /** @type {HTMLElement} */ (menu.querySelector("dl"));
  look.on("profile", () => {
    const check = look.info?.self_check;
    menu.hidden = !check;
    if (!check || !look.info) return;
    const percent = (/** @type {number} */ part) => `${(100 * part).toFixed(1)} %`;
    const isWell = look.info.warnings.length === 0 && !check.lost;
    summary.textContent = `${isWell ? "✓" : "⚠"} ${check.coverage === null ? "self-check" : `${percent(check.coverage)} covered`}`;
    summary.title = "What the collector knows of its own faithfulness and cost";
    const cost = check.process_cpu_ns ? (check.handler_total_ns + check.drain_total_ns) / check.process_cpu_ns : NaN;
    const rows = /** @type {[string, string][]} */ ([
      ["CPU of the process that samples stand for", check.coverage === null ? "–" : percent(check.coverage)],
      ["the profiler's own share of the CPU", Number.isFinite(cost) ? `${(100 * cost).toFixed(3)} %` : "–"],
      ...FIGURES.filter(([key]) => check[key] !== undefined).map(([key, says, unit]) => [says, quantity(check[key], unit)]),
    ]);
    list.replaceChildren(...rows.flatMap(([says, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, text.textContent] = [says, value];
      return [term, text];
    }));
  });
}
