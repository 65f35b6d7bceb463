// The page: what is looked at stands in the address; this brings address, controls, graph, table and server together.

import * as address from "./address.js";
import * as api from "./api.js";
import { showCard } from "./card.js";
import { Graph } from "./graph/graph.js";
import { themes } from "./graph/palette.js";
import { bind } from "./keys.js";
import { showLegend } from "./legend.js";
import { share } from "./quantity.js";
import { Table } from "./table.js";

/** @typedef {import("./types.js").Picture} Picture */

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ ($(id));
const chooser = (/** @type {string} */ id) => /** @type {HTMLSelectElement} */ ($(id));
const filters = /** @type {HTMLFormElement} */ ($("filter-row"));

/** How many items the slider stands for, from its one end to the other. */
const ITEMS = { least: 8, most: 10000 };

/** How many items a window shows with room for their labels: 90 at 1600 × 1000. */
function fittingItems() {
  const { width, height } = graph.size;
  return Math.round(Math.min(120, Math.max(50, (90 * width * height) / 1_600_000)));
}

let state = address.read();
/** @type {import("./types.js").ProfileEntry[]} */
let entries = [];
/** @type {import("./types.js").ProfileInfo | null} */
let info = null;
/** @type {Picture | null} */
let picture = null;
/** @type {EventSource | null} */
let events = null;
let isPaused = false;
/** A newer version waits until the pointer has left the graph. */
let isWaiting = false;
/** @type {AbortController | null} */
let asking = null;
let sort = /** @type {"self" | "total"} */ ("self");

const graph = new Graph(/** @type {HTMLCanvasElement} */ ($("canvas")), {
  hovered: showHover,
  selected: (item) => select(picture?.items[item]?.id ?? ""),
  opened: toggleFold,
  due: (isDue) => $("relayout").classList.toggle("due", isDue),
});
const table = new Table($("table-panel"), (id) => select(id), (by) => {
  sort = by;
  loadTable();
});

// ---- what is looked at -----------------------------------------------------------------------------------------------

const first = (/** @type {string} */ key) => state[key]?.[0] ?? "";

/** Changes the address's parameters and shows what they say. @param {Record<string, string[]>} changes @param {boolean} [isNew] */
function go(changes, isNew = true) {
  state = { ...state, ...changes };
  address.write(state, isNew);
  showControls();
  loadPicture(false);
}

function currentId() {
  const wanted = first("profile");
  return entries.some((entry) => entry.id === wanted) || !entries.length ? wanted : entries[0].id;
}

async function loadProfiles() {
  try {
    entries = await api.profiles();
  } catch (error) {
    return showFailure(error);
  }
  chooser("profile").replaceChildren(...entries.map((entry) => {
    const when = new Date(entry.modified_ms).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    return new Option(`${entry.name}  ·  ${when}${entry.growing ? "  ·  live" : ""}`, entry.id);
  }));
  if (entries.length === 0) {
    showState("No profiles yet", "Link the collector into a program and run it, or name a file:", "plop-view FILE");
    setTimeout(loadProfiles, 2000);
    return;
  }
  await loadProfile();
}

async function loadProfile() {
  const id = currentId();
  chooser("profile").value = id;
  events?.close();
  graph.clear();
  picture = null;
  try {
    info = await api.profile(id);
  } catch (error) {
    return showFailure(error);
  }
  document.title = `${info.name} · plop`;
  showInfo();
  await loadPicture(true);
  follow(id);
}

function showInfo() {
  if (!info) return;
  const type = chooser("type");
  type.replaceChildren(...info.sample_types.map((of) => new Option(`${of.type} (${of.unit})`, of.type)));
  const threads = info.labels.thread ?? [];
  chooser("thread").replaceChildren(new Option("all threads", ""), ...threads.map((name) => new Option(name, name)));
  chooser("thread").disabled = threads.length === 0;
  const warnings = $("warnings");
  warnings.hidden = info.warnings.length === 0;
  warnings.textContent = info.warnings.map((warning) => `⚠ ${warning}.`).join(" ");
  showLive();
  // The choosers were filled anew.
  showControls();
}

function showControls() {
  chooser("type").value = first("type") || info?.default_sample_type || "";
  chooser("thread").value = first("thread");
  const presets = first("preset").split(",");
  for (const field of /** @type {HTMLCollectionOf<HTMLInputElement>} */ (/** @type {unknown} */ (filters.elements))) {
    if (field.name === "preset") field.checked = presets.includes(field.value);
    else if (field.name === "recursion") field.checked = first("recursion") === "fold";
    else if (field.name === "generics") field.checked = first("generics") === "apart";
    else if (field.name === "color") field.value = first("color") || "crate";
    else if (field.name === "direction") field.value = first("direction") || "right";
    else if (field.name && field !== document.activeElement) field.value = first(field.name);
  }
  input("items").value = String(itemsToSlider(Number(first("items")) || fittingItems()));
  const query = address.viewQuery(state);
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#export a"))) {
    const of = new URLSearchParams(query);
    of.set("format", link.dataset.format ?? "");
    link.href = api.exportAddress(currentId(), of);
  }
}

// The slider is logarithmic: from a handful of items to ten thousand.
const itemsToSlider = (/** @type {number} */ items) => Math.round((100 * Math.log(items / ITEMS.least)) / Math.log(ITEMS.most / ITEMS.least));
const sliderToItems = (/** @type {number} */ at) => Math.round(ITEMS.least * Math.pow(ITEMS.most / ITEMS.least, at / 100));

function pictureQuery() {
  const query = address.pictureQuery(state, graph.size);
  if (!query.has("items")) query.set("items", String(fittingItems()));
  return query;
}

/** Asks for the picture and shows it. @param {boolean} again whether to lay everything out again */
async function loadPicture(again) {
  const id = currentId();
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    const found = await api.picture(id, pictureQuery(), signal);
    if (signal.aborted) return;
    picture = found;
  } catch (error) {
    if (!signal.aborted) showFailure(error);
    return;
  }
  $("filter-error").textContent = "";
  isWaiting = false;
  if (picture.items.length === 0) {
    graph.clear();
    const filtered = picture.unfiltered_total !== 0;
    showState(filtered ? "No sample passes the filters" : "No samples yet", filtered ? "Loosen focus, ignore, thread or show-from." : "They appear here as they come.");
  } else $("state").hidden = true;
  graph.selectedId = first("select");
  graph.show(picture, again);
  showCount();
  showGroups();
  search();
  loadTable();
}

function showCount() {
  if (!picture) return;
  const { shown, functions, total, unfiltered_total } = picture;
  const part = share(shown.self, total);
  const of = total !== unfiltered_total ? ` of ${share(total, unfiltered_total)} kept by the filters` : "";
  $("count-text").textContent = `${shown.functions.toLocaleString("en")} of ${functions.toLocaleString("en")} functions, ${part} of samples${of}`;
}

const theme = () => themes[document.documentElement.dataset.theme === "dark" ? "dark" : "light"];

function showGroups() {
  if (!picture) return;
  showLegend($("legend"), picture, theme(), graph.group, (group) => {
    graph.setGroup(group);
    showGroups();
  });
  sendTaken();
}

function sendTaken() {
  const stage = $("stage").getBoundingClientRect();
  const boxes = [...document.querySelectorAll(".legend li, .count")].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x: x - stage.x, y: y - stage.y, width, height };
  });
  graph.setTaken(boxes);
}

async function loadTable() {
  if ($("table-panel").hidden || !info) return;
  const query = address.viewQuery(state);
  query.set("sort", sort);
  try {
    const top = await api.top(currentId(), query);
    table.show(top, input("search").value, picture, theme());
    table.select(first("select"));
  } catch (error) {
    showFailure(error);
  }
}

// ---- states and failures ---------------------------------------------------------------------------------------------

/** @param {string} title @param {string} text @param {string} [code] */
function showState(title, text, code) {
  const strong = document.createElement("strong");
  strong.textContent = title;
  const line = document.createElement("span");
  line.textContent = text;
  const parts = [strong, line];
  if (code) {
    const command = document.createElement("code");
    command.textContent = code;
    parts.push(command);
  }
  $("state").replaceChildren(...parts);
  $("state").hidden = false;
}

/** @param {unknown} error */
function showFailure(error) {
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof api.Refused && error.status === 400) {
    $("filter-error").textContent = text;
    filters.hidden = false;
    return;
  }
  if (error instanceof api.Refused) showState("This profile can't be shown", text);
  else showState("The server does not answer", "Is plop-view still running? The page goes on by itself when it is back.");
}

// ---- live ------------------------------------------------------------------------------------------------------------

/** @param {string} id */
function follow(id) {
  events = api.events(id);
  events.addEventListener("changed", (event) => {
    const { version, growing } = JSON.parse(/** @type {MessageEvent} */ (event).data);
    if (info) info.growing = growing;
    showLive();
    if (version !== picture?.version) update();
  });
  events.addEventListener("gone", () => {
    events?.close();
    if (info) info.growing = false;
    showLive();
    showState("The profile was removed", "Choose another above.");
  });
  events.addEventListener("error", () => showLive("reconnecting"));
}

/** Shows the newer version, unless somebody is reading. */
async function update() {
  isWaiting = isPaused || graph.isOver || graph.isHeld;
  showLive();
  if (isWaiting) return;
  const id = currentId();
  try {
    info = await api.profile(id);
  } catch {
    return;
  }
  showInfo();
  await loadPicture(false);
}

/** @param {string} [text] */
function showLive(text) {
  const button = $("live");
  button.hidden = !info?.growing && !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  $("live-text").textContent = text ?? (isPaused ? "paused" : isWaiting ? "live, held" : "live");
}

function pause() {
  isPaused = !isPaused;
  showLive();
  if (!isPaused) update();
}

// ---- selection, hover, search ----------------------------------------------------------------------------------------

/** @param {string} id */
function select(id) {
  state = { ...state, select: id ? [id] : [] };
  address.write(state, false);
  graph.select(id);
  table.select(id);
  const item = picture?.items.find((item) => item.id === id);
  if (item && picture) $("announce").textContent = `${item.name}: self ${share(item.self, picture.total)}, total ${share(item.total, picture.total)}`;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let splitTimer;

/** @param {number} item @param {import("./types.js").Point | null} at */
function showHover(item, at) {
  clearTimeout(splitTimer);
  if (item < 0 || !at || !picture || graph.isHeld) {
    $("card").hidden = true;
    if (!at && isWaiting && !isPaused) update();
    return;
  }
  showCard($("card"), picture, item, at, graph.size);
  const id = picture.items[item].id;
  splitTimer = setTimeout(async () => {
    const query = pictureQuery();
    query.set("item", id);
    const split = await api.item(currentId(), query).catch(() => null);
    if (split && graph.hover === item && picture?.items[item].id === id) graph.setSplit(split.edges);
  }, 180);
}

/** @param {number} item */
function toggleFold(item) {
  const found = picture?.items[item];
  if (found?.kind === "fold") go({ open: [...(state.open ?? []), found.id] });
}

function search() {
  const wanted = input("search").value.trim().toLowerCase();
  /** @type {number[] | null} */
  let matches = null;
  if (wanted && picture) {
    matches = [];
    for (const [at, item] of picture.items.entries()) if (item.name.toLowerCase().includes(wanted)) matches.push(at);
  }
  graph.setMatches(matches);
  $("matches").textContent = matches ? String(matches.length) : "";
}

/** Goes to the heaviest match, or the one after the selected. */
function nextMatch() {
  const matches = graph.matches ?? [];
  if (!picture || matches.length === 0) return;
  const { items } = picture;
  const order = [...matches].sort((left, right) => items[right].total - items[left].total);
  const at = order[(order.indexOf(graph.selected) + 1) % order.length];
  select(items[at].id);
  graph.reveal(at);
}

/** Follows the heaviest edge to a caller or a callee, or goes to the nearest item above or below. @param {"ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"} key */
function walk(key) {
  if (!picture || !graph.places) return;
  const { items, edges } = picture;
  const from = graph.selected;
  let next = -1;
  if (from < 0) next = items.reduce((best, item, at) => (item.total > (items[best]?.total ?? -1) ? at : best), -1);
  else if (key === "ArrowRight" || key === "ArrowLeft") {
    const [mine, other] = key === "ArrowRight" ? /** @type {const} */ (["from", "to"]) : /** @type {const} */ (["to", "from"]);
    const ways = edges.filter((edge) => edge[mine] === from && edge.from !== edge.to).sort((left, right) => right.weight - left.weight);
    next = ways[0]?.[other] ?? -1;
  } else {
    const here = graph.places.items[from];
    const side = key === "ArrowDown" ? 1 : -1;
    let nearest = Infinity;
    graph.places.items.forEach(({ x, y }, at) => {
      const away = side * (y - here.y);
      const far = away + 2 * Math.abs(x - here.x);
      if (at !== from && away > 2 && far < nearest) [next, nearest] = [at, far];
    });
  }
  if (next < 0) return;
  select(items[next].id);
  graph.reveal(next);
}

/** Selects the functions on the heaviest way from the outermost caller, one at each press. */
function hotPath() {
  if (!picture) return;
  if (graph.selected < 0) {
    const called = new Set(picture.edges.filter((edge) => edge.from !== edge.to).map((edge) => edge.to));
    const roots = picture.items.map((_, at) => at).filter((at) => !called.has(at));
    const items = picture.items;
    const root = (roots.length ? roots : items.map((_, at) => at)).reduce((best, at) => (items[at].total > items[best].total ? at : best));
    select(items[root].id);
    graph.reveal(root);
  } else walk("ArrowRight");
}

// ---- controls --------------------------------------------------------------------------------------------------------

chooser("profile").addEventListener("change", () => {
  state = { ...state, profile: [chooser("profile").value], select: [], open: [] };
  address.write(state, true);
  loadProfile();
});
chooser("type").addEventListener("change", () => go({ type: [chooser("type").value] }));
chooser("thread").addEventListener("change", () => go({ thread: [chooser("thread").value] }));
input("search").addEventListener("input", () => {
  search();
  loadTable();
});
input("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") nextMatch();
});
input("items").addEventListener("input", () => go({ items: [String(sliderToItems(Number(input("items").value)))] }, false));

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
filters.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const data = new FormData(filters);
    const text = (/** @type {string} */ key) => [String(data.get(key) ?? "")];
    go({
      focus: text("focus"), ignore: text("ignore"), hide: text("hide"), show_from: text("show_from"), preset: [data.getAll("preset").join(",")],
      recursion: [data.has("recursion") ? "fold" : ""], generics: [data.has("generics") ? "apart" : ""],
      color: [data.get("color") === "crate" ? "" : String(data.get("color"))], direction: [data.get("direction") === "right" ? "" : String(data.get("direction"))],
    });
  }, 200);
});
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", (event) => {
  event.preventDefault();
  go({ focus: [], ignore: [], hide: [], show_from: [], preset: [], recursion: [], generics: [], color: [], direction: [], open: [] });
});

/** @param {string} button @param {HTMLElement} part @param {() => void} [opened] */
function toggle(button, part, opened) {
  part.hidden = !part.hidden;
  $(button).setAttribute("aria-expanded", String(!part.hidden));
  if (!part.hidden) opened?.();
}
const toggleFilters = () => toggle("filters", filters, () => /** @type {HTMLElement} */ (filters.elements[0]).focus());
const toggleTable = () => toggle("table-toggle", $("table-panel"), loadTable);
const relayout = () => loadPicture(true);

/** @param {"light" | "dark"} name */
function setTheme(name) {
  document.documentElement.dataset.theme = name;
  graph.setTheme(name);
  showGroups();
  loadTable();
}
function switchTheme() {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("plop-theme", name);
  setTheme(name);
}

async function savePng() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await graph.capture());
  link.download = `${currentId()}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}

$("filters").addEventListener("click", toggleFilters);
$("table-toggle").addEventListener("click", toggleTable);
$("relayout").addEventListener("click", relayout);
$("fit").addEventListener("click", () => graph.fit());
$("live").addEventListener("click", pause);
$("theme").addEventListener("click", switchTheme);
$("png").addEventListener("click", savePng);
const showKeys = () => /** @type {HTMLDialogElement} */ ($("keys")).showModal();
$("help").addEventListener("click", showKeys);

bind([
  { keys: ["/"], says: "search; Enter goes from match to match", run: () => input("search").focus() },
  { keys: ["ArrowLeft", "ArrowRight"], says: "to the heaviest caller or callee", run: (event) => walk(/** @type {"ArrowLeft"} */ (event.key)) },
  { keys: ["ArrowUp", "ArrowDown"], says: "to the item above or below", run: (event) => walk(/** @type {"ArrowUp"} */ (event.key)) },
  { keys: ["h"], says: "the hot path, one call further at each press", run: hotPath },
  { keys: ["Enter"], says: "open the selected fold", run: () => toggleFold(graph.selected) },
  { keys: ["Escape"], says: "drop selection and search", run: () => {
    input("search").value = "";
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    graph.setGroup(-1);
    showGroups();
    search();
    select("");
    loadTable();
  } },
  { keys: ["f", "0"], says: "fit to the window", run: () => graph.fit() },
  { keys: ["+", "="], says: "zoom in", run: () => graph.zoom(1.25) },
  { keys: ["-"], says: "zoom out", run: () => graph.zoom(0.8) },
  { keys: ["l"], says: "lay out again", run: relayout },
  { keys: ["i"], says: "filters", run: toggleFilters },
  { keys: ["t"], says: "table of functions", run: toggleTable },
  { keys: [" "], says: "pause a live profile, or go on", run: pause },
  { keys: ["d"], says: "dark or light", run: switchTheme },
  { keys: ["?"], says: "this sheet", run: showKeys },
], $("key-list"));

addEventListener("popstate", () => {
  const before = currentId();
  state = address.read();
  showControls();
  if (currentId() === before) loadPicture(false);
  else loadProfile();
});
document.addEventListener("click", (event) => {
  const menu = /** @type {HTMLDetailsElement} */ ($("export"));
  if (menu.open && !(event.target instanceof Node && menu.querySelector("summary")?.contains(event.target))) menu.open = false;
});

const preference = matchMedia("(prefers-color-scheme: dark)");
const preferred = () => (preference.matches ? "dark" : "light");
const stored = localStorage.getItem("plop-theme");
setTheme(stored === "dark" || stored === "light" ? stored : preferred());
preference.addEventListener("change", () => {
  if (!localStorage.getItem("plop-theme")) setTheme(preferred());
});

/** For tests, and for whoever drives the page by script: what is drawn where. Read only. */
Object.defineProperty(window, "plop", { value: Object.freeze({ inspect: () => graph.inspect() }) });

loadProfiles();
