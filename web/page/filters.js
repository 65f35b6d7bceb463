// The filters: choosers of the bar, the row of fields, and a chip for each filter that is at work.

import * as api from "./api.js";

/** Parameters that the row of filters holds, besides the choosers of the bar. */
const ROW = ["focus", "ignore", "hide", "show_from", "label", "preset", "recursion", "generics", "color", "direction"];
/** What is typed is applied at once after a rest of so long, and else after the last letter. */
const TYPING_MS = 40;

/** What a chip calls each parameter. @type {Record<string, string>} */
const CHIPS = {
  focus: "focus", ignore: "ignore", hide: "hide", show_from: "show from", preset: "hide runtime of", thread: "thread", label: "label", recursion: "recursion", instances: "instances of",
};

export class Filters {
  /** @param {import("./look.js").Look} look */
  constructor(look) {
    this.look = look;
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
    this.row = /** @type {HTMLFormElement} */ (part("filter-row"));
    this.button = part("filters");
    this.error = part("filter-error");
    this.chips = part("chips");
    this.type = /** @type {HTMLSelectElement} */ (part("type"));
    this.thread = /** @type {HTMLSelectElement} */ (part("thread"));
    this.label = /** @type {HTMLSelectElement} */ (this.row.elements.namedItem("label"));
    look.on("profile", () => this.#fill());
    look.on("look", () => this.#show());
    this.type.addEventListener("change", () => look.go({ type: [this.type.value] }));
    this.thread.addEventListener("change", () => look.go({ thread: [this.thread.value] }));
    this.button.addEventListener("click", () => this.toggle());
    this.row.addEventListener("input", () => {
      if (this.typing === undefined) this.#apply();
      else this.isTyped = true;
      clearTimeout(this.typing);
      this.typing = setTimeout(() => {
        this.typing = undefined;
        if (this.isTyped) this.#apply();
      }, TYPING_MS);
    });
    this.row.addEventListener("change", () => (this.isNoted = false));
    this.row.addEventListener("submit", (event) => event.preventDefault());
    this.row.addEventListener("reset", (event) => {
      event.preventDefault();
      look.go(Object.fromEntries([...ROW, "open", "instances"].map((key) => [key, []])));
    });
  }

  /** Runs for a while after each letter. @type {ReturnType<typeof setTimeout> | undefined} */
  typing;
  /** Whether more was typed than was applied. */
  isTyped = false;
  /** Whether going back comes to before what is being typed: a word is one step, however many letters it has. */
  isNoted = false;

  toggle() {
    this.#setOpen(this.row.hidden);
    if (!this.row.hidden) /** @type {HTMLElement} */ (this.row.elements[0]).focus();
  }

  /** Says beside the fields why a filter can't be used. @param {string} text the empty string when all is well */
  say(text) {
    this.error.textContent = text;
    if (text) this.#setOpen(true);
  }

  /** @param {boolean} isOpen */
  #setOpen(isOpen) {
    this.row.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
  }

  /** Fills the choosers with what the profile has. */
  #fill() {
    const { info } = this.look;
    if (!info) return;
    this.type.replaceChildren(...info.sample_types.map((of) => new Option(`${of.type} (${of.unit})`, of.type)));
    const threads = info.labels.thread ?? [];
    this.thread.replaceChildren(new Option("all threads", ""), ...threads.map((name) => new Option(name, name)));
    this.thread.disabled = threads.length === 0;
    const labels = Object.entries(info.labels).filter(([key]) => key !== "thread").flatMap(([key, values]) => values.map((value) => `${key}=${value}`));
    this.label.replaceChildren(new Option("any", ""), ...labels.map((label) => new Option(label, label)));
    this.label.disabled = labels.length === 0;
    this.#show();
  }

  #show() {
    const { look } = this;
    this.type.value = look.first("type") || look.info?.default_sample_type || "";
    this.thread.value = look.first("thread");
    const presets = look.first("preset").split(",");
    for (const field of /** @type {HTMLCollectionOf<HTMLInputElement>} */ (/** @type {unknown} */ (this.row.elements))) {
      if (field.name === "preset") field.checked = presets.includes(field.value);
      else if (field.name === "recursion") field.checked = look.first("recursion") === "fold";
      else if (field.name === "generics") field.checked = look.first("generics") === "apart";
      else if (field.name === "color") field.value = look.first("color") || "crate";
      else if (field.name === "direction") field.value = look.first("direction") || "right";
      else if (field.name && field !== document.activeElement) field.value = look.first(field.name);
    }
    for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#export a"))) {
      const query = look.query();
      query.set("format", link.dataset.format ?? "");
      link.href = api.exportAddress(look.id, query);
    }
    this.#showChips();
  }

  #showChips() {
    const { look } = this;
    const chips = Object.entries(CHIPS).flatMap(([key, says]) => look.all(key).map((value) => this.#chip(key, says, value)));
    this.chips.replaceChildren(...chips);
  }

  /** @param {string} key @param {string} says @param {string} value */
  #chip(key, says, value) {
    const chip = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    const name = document.createElement("small");
    name.textContent = says;
    const text = document.createElement("span");
    text.textContent = value;
    const cross = document.createElement("span");
    cross.textContent = "×";
    cross.setAttribute("aria-hidden", "true");
    button.append(name, text, cross);
    button.title = `${says} ${value}: take the filter away`;
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", () => this.look.go({ [key]: this.look.all(key).filter((other) => other !== value) }));
    chip.append(button);
    return chip;
  }

  #apply() {
    this.isTyped = false;
    const data = new FormData(this.row);
    const text = (/** @type {string} */ key) => [String(data.get(key) ?? "")];
    // A field holds the first of its filters; more of them come from other views and stand as chips.
    const first = (/** @type {string} */ key) => [...text(key), ...this.look.all(key).slice(1)];
    this.look.go({
      focus: first("focus"), ignore: first("ignore"), hide: first("hide"), label: text("label"), show_from: text("show_from"), preset: [data.getAll("preset").join(",")],
      recursion: [data.has("recursion") ? "fold" : ""], generics: [data.has("generics") ? "apart" : ""],
      color: [data.get("color") === "crate" ? "" : String(data.get("color"))], direction: [data.get("direction") === "right" ? "" : String(data.get("direction"))],
    }, !this.isNoted);
    this.isNoted = true;
  }
}
