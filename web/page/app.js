// The page: its views in a list, one in the middle and perhaps another beside it, and the parts around them. Each knows what
// is looked at (look.js) and nothing of the others; what ties them together stands here.

import * as api from "./api.js";
import { showCheck } from "./check.js";
import { CompareBar } from "./compare.js";
import { showControls } from "./controls.js";
import { Files } from "./files.js";
import { Filters } from "./filters.js";
import { GraphView } from "./graph/view.js";
import { kept } from "./kept.js";
import { bind } from "./keys.js";
import { Live } from "./live.js";
import { Look } from "./look.js";
import { ProfileList } from "./profile-list.js";
import { profiles } from "./profiles.js";
import { share } from "./quantity.js";
import { Selection } from "./selection.js";
import { followTheme, switchTheme } from "./theme.js";
import { TimelineStrip } from "./timeline.js";
import { FlameView } from "./views/flame.js";
import { SandwichView } from "./views/sandwich.js";
import { SourceView } from "./views/source.js";
import { Stage } from "./views/stage.js";
import { TableView } from "./views/table.js";
import { TreeView } from "./views/tree.js";

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const searchBox = /** @type {HTMLInputElement} */ ($("search"));

const look = new Look();
/** What the views ask of the page. */
const page = {
  released: () => live.release(),
  ask: (/** @type {import("./types.js").Point} */ at) => selection.ask(at),
  open: () => stage.open("sandwich"),
  showInstances: (/** @type {string} */ family) => selection.showInstances(family),
  mergeInstances: () => selection.mergeInstances(),
};
const graph = new GraphView(look, $("graph-view"), page);
/** @type {import("./views/view.js").View[]} */
const views = [graph, new FlameView(look, $("flame-view"), page), new TableView(look, $("table-view"), page), new TreeView(look, $("tree-view"))];
// These two ask for each function anew.
if (!kept) views.push(new SandwichView(look, $("sandwich-view"), page), new SourceView(look, $("source-view")));
const stage = new Stage(look, views, { shown: showEmptiness, failed: showFailure });
const selection = new Selection(look, $("selection"), $("menu"), (view) => stage.open(view));
const live = new Live(look, /** @type {HTMLButtonElement} */ ($("live")), {
  isHeld: () => stage.isHeld(),
  gone: () => showState("The profile was removed", "Choose another above."),
});
const filters = new Filters(look);
const compareBar = new CompareBar(look, $("compare-bar"), $("compare"));
const timeline = new TimelineStrip(look, $("timeline"), { keepStretch: () => compareBar.keepStretch() });
showCheck(look, $("check"));

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

/** @param {import("./views/view.js").Head} answer */
function showEmptiness({ version, total, unfiltered_total, compared, sample_type }) {
  compareBar.tell(compared, sample_type.unit);
  if (look.info) look.info.version = version;
  live.isWaiting = false;
  filters.say("");
  if (total !== 0) $("state").hidden = true;
  else if (unfiltered_total !== 0) showState("No sample passes the filters", "Loosen focus, ignore, thread or show-from.");
  else showState("No samples yet", "They appear here as they come.");
}

/** @param {unknown} error */
function showFailure(error) {
  if (!(error instanceof api.Refused)) showState("The server does not answer", "Is plop-view still running? The page goes on by itself when it is back.");
  else if (error.status === 400) filters.say(error.message);
  else showState("This profile can't be shown", error.message);
}

// ---- search ----------------------------------------------------------------------------------------------------------

/** So long after the last letter, the server counts what was found. */
const TYPING_MS = 100;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
/** @type {AbortController | null} */
let counting = null;

function search() {
  look.search = searchBox.value.trim().toLowerCase();
  look.tell("search");
  clearTimeout(typing);
  typing = setTimeout(countMatches, TYPING_MS);
}

/** How many functions match, and how much of all samples passes through one of them. */
async function countMatches() {
  counting?.abort();
  const asking = (counting = new AbortController());
  if (!look.search || !look.info) return void ($("matches").textContent = "");
  const query = look.query();
  query.set("search", look.search);
  const found = await api.matches(look.id, query, asking.signal).catch(() => null);
  if (found && !asking.signal.aborted) $("matches").textContent = `${found.functions.toLocaleString("en")} · ${share(found.weight, found.total)}`;
}
look.on("look", countMatches);
searchBox.addEventListener("input", search);
searchBox.addEventListener("keydown", (event) => {
  if (event.key === "Enter") stage.main.nextMatch?.();
});

// ---- keys ------------------------------------------------------------------------------------------------------------

const showKeys = () => {
  writeSheet();
  /** @type {HTMLDialogElement} */ ($("keys")).showModal();
};

/** What asks the server anew. @type {import("./keys.js").Binding[]} */
const served = kept ? [] : [
  ...selection.keys,
  { keys: ["R"], says: "fold direct recursion, or not", run: () => look.go({ recursion: look.first("recursion") ? [] : ["fold"] }) },
  { keys: ["i"], says: "filters", run: () => filters.toggle() },
  { keys: ["c"], says: "compare with another profile; again: end it", run: () => compareBar.toggle() },
  { keys: ["o"], says: "timeline: CPU over time", run: () => timeline.toggle() },
  { keys: ["m"], says: "mark: look at what comes from now on", run: () => timeline.mark() },
  { keys: ["p"], says: "list of profiles", run: () => profileList.open() },
  { keys: [" "], says: "pause a live profile, or go on", run: () => live.pause() },
];
/** @type {import("./keys.js").Binding[]} */
const everywhere = [
  { keys: ["/"], says: "search; Enter goes from match to match", run: () => searchBox.focus() },
  ...stage.views.map((view, at) => ({ keys: [String(at + 1)], says: view.title.toLowerCase(), run: () => stage.choose(view) })),
  { keys: ["t"], says: "table of functions beside the view", run: () => stage.toggleSide() },
  ...served,
  { keys: ["d"], says: "dark or light", run: () => switchTheme(look) },
  { keys: ["Escape"], says: "drop selection and search", run: () => {
    searchBox.value = "";
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    graph.drop();
    search();
    look.select("");
  } },
  { keys: ["?"], says: "this sheet", run: showKeys },
];
const ofView = (/** @type {import("./views/view.js").View} */ view) => ({ title: view.title, bindings: view.keys ?? [] });
const writeSheet = bind(
  () => [ofView(stage.active), { title: "", bindings: everywhere }],
  () => [{ title: "Everywhere", bindings: everywhere }, ...stage.views.map(ofView).filter((part) => part.bindings.length > 0)],
  $("key-list"),
);

// ---- the bar ---------------------------------------------------------------------------------------------------------

$("theme").addEventListener("click", () => switchTheme(look));
$("help").addEventListener("click", showKeys);
document.addEventListener("click", (event) => {
  for (const menu of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.menu[open]"))) {
    if (!(event.target instanceof Node && menu.querySelector("summary")?.contains(event.target))) menu.open = false;
  }
});

look.on("chosen", () => stage.clear());

/** For tests, and for whoever drives the page by script: what is drawn where. Read only. */
Object.defineProperty(window, "plop", {
  value: Object.freeze({
    inspect: () => graph.graph.inspect(),
    state: () => graph.graph.state,
    view: (/** @type {string} */ name) => views.find((view) => view.name === name)?.inspect?.(),
  }),
});

followTheme(look);
const { refresh } = profiles(look, /** @type {HTMLSelectElement} */ ($("profile")), $("warnings"), {
  failed: showFailure,
  empty: () => showState("No profiles yet", "Link the collector into a program and run it, drop a file here, or name one:", "plop-view FILE"),
});
const profileList = new ProfileList(look, /** @type {HTMLDialogElement} */ ($("profile-list")), refresh);
$("profiles").addEventListener("click", () => profileList.open());

// ---- what the server lets the page do besides looking ----------------------------------------------------------------

/** @param {import("./types.js").Offers} offers */
function takeOffers(offers) {
  showControls(/** @type {HTMLButtonElement} */ ($("control")), $("announce"), offers);
  $("choose-files").hidden = offers.receives_bytes === 0;
  new Files($("drop"), /** @type {HTMLInputElement} */ ($("file-input")), offers.receives_bytes, {
    async received(ids) {
      await refresh();
      /** @type {HTMLDialogElement} */ ($("profile-list")).close();
      $("announce").textContent = "";
      look.go({ profile: [ids[ids.length - 1]], select: [], open: [], zoom: [], from: [], to: [], mark: [] });
    },
    failed: showFailure,
    say: (text) => ($("announce").textContent = text),
  });
}
api.offers().then(takeOffers, () => {});
