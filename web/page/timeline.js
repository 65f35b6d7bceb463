// The timeline: what each thread used over time, as a strip below the views; a stretch of it can be chosen by pointer or
// keys, and everything follows. Profiles that don't say when their samples were taken have none.

import * as api from "./api.js";
import { quantity, share } from "./quantity.js";
import { span } from "./times.js";

/** @typedef {import("./types.js").Timeline} Timeline */

/** Parameters that the strip is there to choose; they do not narrow what it shows. */
const CHOSEN = ["from", "to", "thread", "base", "base_from", "base_to", "normalize"];
/** Threads that have a row of their own; fewer in a low window, where the view needs the room. */
const rowsShown = () => (innerHeight < 700 ? 2 : 5);
/** A bin is at least so many pixels wide. */
const BIN_PIXELS = 4;
const ROW_HEIGHT = 18;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} tag @param {Record<string, string | number>} attributes */
function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

export class TimelineStrip {
  /** @param {import("./look.js").Look} look @param {HTMLElement} element @param {{ keepStretch: () => void }} page */
  constructor(look, element, page) {
    this.look = look;
    this.element = element;
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (element.querySelector(`.${name}`));
    this.names = part("strip-names");
    this.chart = part("strip-chart");
    this.text = part("strip-text");
    this.range = part("strip-range");
    this.baseRange = part("strip-base-range");
    this.baseButton = part("strip-base");
    this.handles = { from: part("strip-from"), to: part("strip-to") };
    /** @type {Timeline | null} */
    this.timeline = null;
    this.isOpen = true;
    /** The moment where dragging began, in milliseconds. */
    this.anchor = NaN;
    look.on("profile", () => this.#load());
    look.on("look", (keys) => {
      if ([...keys].some((key) => !CHOSEN.includes(key))) this.#load();
      else this.#show();
    });
    look.on("chosen", () => this.#clear());
    part("strip-clear").addEventListener("click", () => this.choose());
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-last]"))) {
      button.addEventListener("click", () => this.last(Number(button.dataset.last)));
    }
    this.baseButton.addEventListener("click", () => page.keepStretch());
    part("strip-mark").addEventListener("click", () => this.mark());
    this.#listen();
    new ResizeObserver(() => this.#draw()).observe(this.chart);
  }

  /** @type {AbortController | null} */
  #asking = null;

  #clear() {
    this.timeline = null;
    this.element.hidden = true;
  }

  async #load() {
    const { info } = this.look;
    if (!info?.times) return this.#clear();
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const query = this.look.query();
    for (const key of CHOSEN) query.delete(key);
    query.set("bins", String(Math.max(20, Math.floor((this.chart.clientWidth || 1200) / BIN_PIXELS))));
    query.set("rows", String(rowsShown()));
    // A filter that can't be used is said where it stands; the strip stays as it is.
    const timeline = await api.timeline(this.look.id, query, asking.signal).catch(() => undefined);
    if (asking.signal.aborted || timeline === undefined) return;
    if (!timeline) return this.#clear();
    this.timeline = timeline;
    this.element.hidden = !this.isOpen;
    this.#showNames();
    this.#draw();
  }

  toggle() {
    this.isOpen = !this.isOpen;
    this.element.hidden = !this.isOpen || !this.timeline;
  }

  get #bins() {
    return this.timeline ? (this.timeline.threads[0]?.values.length ?? 0) : 0;
  }

  get #end() {
    return this.timeline ? this.timeline.start_ms + this.#bins * this.timeline.bin_ms : 0;
  }

  /** What is chosen, in milliseconds from the profile's start; the whole strip if nothing is. */
  get #stretch() {
    return this.#stretchOf("from", "to");
  }

  /** @param {string} from @param {string} to the two parameters */
  #stretchOf(from, to) {
    const start = this.timeline?.start_ms ?? 0;
    const end = this.look.info?.times?.end_ms ?? this.#end;
    const moment = (/** @type {string} */ key, /** @type {number} */ none) => {
      const text = this.look.first(key);
      if (text === "") return none;
      const at = Math.round(Number(text) * 1000);
      return Math.min(this.#end, Math.max(start, at < 0 ? end + at : at));
    };
    return { from: moment(from, start), to: moment(to, this.#end), isWhole: !this.look.first(from) && !this.look.first(to) };
  }

  /** Looks at a stretch of the profile; at all of it without. @param {number} [from] in milliseconds @param {number} [to] @param {boolean} [isNew] */
  choose(from, to, isNew = true) {
    if (!this.timeline) return;
    const { start_ms } = this.timeline;
    const text = (/** @type {number | undefined} */ at, /** @type {number} */ none) => (at === undefined || at === none ? [] : [String(at / 1000)]);
    this.look.go({ from: text(from, start_ms), to: text(to, this.#end) }, isNew);
  }

  /** Looks at the last so many seconds, also while they go on. @param {number} seconds 0 for all */
  last(seconds) {
    if (this.timeline) this.look.go({ from: seconds ? [String(-seconds)] : [], to: [] });
  }

  /** Looks at what comes from now on. */
  mark() {
    const { times } = this.look.info ?? {};
    if (times && this.timeline) this.look.go({ from: [String(times.end_ms / 1000)], to: [], mark: [String(times.end_ms / 1000)] });
  }

  #showNames() {
    const { threads, rest, total, sample_type } = /** @type {Timeline} */ (this.timeline);
    const chosen = this.look.all("thread");
    const rows = threads.map(({ name, total: part }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name || "(no name)";
      button.disabled = !name;
      const isChosen = chosen.includes(name);
      button.setAttribute("aria-pressed", String(isChosen));
      const value = `${quantity(part, sample_type.unit)}, ${share(part, total)}`;
      button.title = `${name}: ${value}. ${isChosen ? "Show all threads" : "Show this thread alone"}`;
      const figure = document.createElement("small");
      figure.textContent = share(part, total);
      button.append(figure);
      button.addEventListener("click", () => this.look.go({ thread: isChosen ? [] : [name] }));
      return button;
    });
    const more = document.createElement("span");
    more.textContent = rest ? `${rest.threads} more` : "";
    this.names.replaceChildren(...rows, ...(rest ? [more] : []));
  }

  /** Draws the rows: a step for each bin, all in one scale. */
  #draw() {
    if (!this.timeline) return;
    const { threads, rest } = this.timeline;
    const rows = [...threads.map((thread) => thread.values), ...(rest ? [rest.values] : [])];
    const bins = this.#bins;
    const most = Math.max(1, ...rows.flat());
    const height = rows.length * ROW_HEIGHT;
    const picture = drawn("svg", { viewBox: `0 0 ${bins} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    rows.forEach((values, row) => {
      const base = (row + 1) * ROW_HEIGHT;
      const steps = values.map((value, at) => `V${(base - (Math.max(0, value) / most) * (ROW_HEIGHT - 3)).toFixed(2)}H${at + 1}`);
      picture.append(drawn("path", { d: `M0 ${base}${steps.join("")}V${base}Z`, class: row < threads.length ? "thread" : "others" }));
    });
    this.chart.style.height = `${height}px`;
    this.chart.querySelector("svg")?.remove();
    this.chart.prepend(picture);
    this.#show();
  }

  /** Shows what is chosen. */
  #show() {
    if (!this.timeline) return;
    const { start_ms, bin_ms, threads, rest, total, untimed, sample_type } = this.timeline;
    const { from, to, isWhole } = this.#stretch;
    const length = Math.max(1, this.#end - start_ms);
    const place = (/** @type {number} */ at) => `${(100 * (at - start_ms)) / length}%`;
    this.range.style.left = place(from);
    this.range.style.width = `${(100 * Math.max(0, to - from)) / length}%`;
    this.range.classList.toggle("whole", isWhole);
    const base = this.#stretchOf("base_from", "base_to");
    this.baseRange.hidden = this.look.first("base") !== this.look.id || base.isWhole;
    this.baseRange.style.left = place(base.from);
    this.baseRange.style.width = `${(100 * Math.max(0, base.to - base.from)) / length}%`;
    this.baseButton.hidden = isWhole;
    for (const [key, at] of /** @type {["from" | "to", number][]} */ ([["from", from], ["to", to]])) {
      const handle = this.handles[key];
      handle.style.left = place(at);
      handle.setAttribute("aria-valuemin", String(start_ms / 1000));
      handle.setAttribute("aria-valuemax", String(this.#end / 1000));
      handle.setAttribute("aria-valuenow", String(at / 1000));
      handle.setAttribute("aria-valuetext", span(at));
    }
    let inside = 0;
    const first = Math.round((from - start_ms) / bin_ms);
    const last = Math.round((to - start_ms) / bin_ms);
    for (const { values } of [...threads, ...(rest ? [rest] : [])]) for (let bin = first; bin < last; bin++) inside += values[bin] ?? 0;
    const value = quantity(isWhole ? total : inside, sample_type.unit);
    const before = isWhole && untimed ? `, ${quantity(untimed, sample_type.unit)} of it at a time that is not known` : "";
    const cores = this.#cores(isWhole ? total - untimed : inside, to - from);
    this.text.textContent = isWhole ? `${span(length)}: ${value}${cores}${before}` : `${span(from)} to ${span(to)}, ${span(to - from)}: ${value}${cores}`;
    /** @type {HTMLElement} */ (this.element.querySelector(".strip-clear")).hidden = isWhole;
    const wanted = this.look.first("from");
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.element.querySelectorAll("[data-last]"))) {
      const seconds = Number(button.dataset.last);
      button.setAttribute("aria-pressed", String(seconds ? Number(wanted) === -seconds : isWhole));
    }
    const mark = /** @type {HTMLElement} */ (this.element.querySelector(".strip-mark"));
    mark.hidden = !this.look.info?.growing;
    mark.setAttribute("aria-pressed", String(wanted !== "" && wanted === this.look.first("mark")));
    this.#showNames();
  }

  /** CPU time over time is so many cores. @param {number} value @param {number} length in milliseconds */
  #cores(value, length) {
    const per = { nanoseconds: 1e6, microseconds: 1e3, milliseconds: 1 }[this.timeline?.sample_type.unit ?? ""];
    return per && length > 0 ? `, ${(value / per / length).toFixed(2)} cores` : "";
  }

  /** The edge of a bin nearest to a point of the page. @param {number} x */
  #momentAt(x) {
    const { left, width } = this.chart.getBoundingClientRect();
    const { start_ms, bin_ms } = /** @type {Timeline} */ (this.timeline);
    const bin = Math.round(((x - left) / Math.max(1, width)) * this.#bins);
    return start_ms + Math.min(this.#bins, Math.max(0, bin)) * bin_ms;
  }

  #listen() {
    const { chart } = this;
    let moved = false;
    chart.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.timeline) return;
      const { from, to } = this.#stretch;
      // A handle moves its own edge; the other stays.
      this.anchor = event.target === this.handles.from ? to : event.target === this.handles.to ? from : this.#momentAt(event.clientX);
      moved = false;
      chart.setPointerCapture(event.pointerId);
    });
    chart.addEventListener("pointermove", (event) => {
      if (Number.isNaN(this.anchor)) return;
      const at = this.#momentAt(event.clientX);
      if (at === this.anchor) return;
      this.choose(Math.min(at, this.anchor), Math.max(at, this.anchor), !moved);
      moved = true;
    });
    const release = (/** @type {PointerEvent} */ event) => {
      const isClick = event.type === "pointerup" && !moved && !Number.isNaN(this.anchor);
      this.anchor = NaN;
      if (isClick && !(event.target instanceof HTMLElement && event.target.role === "slider")) this.choose();
    };
    chart.addEventListener("pointerup", release);
    chart.addEventListener("pointercancel", release);
    for (const [key, handle] of Object.entries(this.handles)) {
      handle.addEventListener("keydown", (event) => this.#step(/** @type {"from" | "to"} */ (key), event));
    }
  }

  /** @param {"from" | "to"} key @param {KeyboardEvent} event */
  #step(key, event) {
    if (!this.timeline) return;
    const { start_ms, bin_ms } = this.timeline;
    const { from, to } = this.#stretch;
    const large = event.shiftKey ? 10 : 1;
    const steps = { ArrowLeft: -large, ArrowDown: -large, ArrowRight: large, ArrowUp: large, PageDown: -10, PageUp: 10, Home: -this.#bins, End: this.#bins }[event.key];
    if (steps !== undefined) {
      const at = (key === "from" ? from : to) + steps * bin_ms;
      // At least one bin stays between the two.
      if (key === "from") this.choose(Math.max(start_ms, Math.min(at, to - bin_ms)), to, false);
      else this.choose(from, Math.min(this.#end, Math.max(at, from + bin_ms)), false);
    } else if (event.key === "Escape" || event.key === "Delete" || event.key === "Backspace") this.choose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
