// The bar of a comparison: which profile is compared with, how the two are made comparable, what the colours mean.

import { kept } from "./kept.js";
import { shortened } from "./profiles.js";
import { quantity } from "./quantity.js";
import { span } from "./times.js";

/** What the address says of a comparison. */
const PARAMETERS = ["base", "base_from", "base_to", "normalize"];

export class CompareBar {
  /** @param {import("./look.js").Look} look @param {HTMLElement} element @param {HTMLElement} button */
  constructor(look, element, button) {
    this.look = look;
    this.element = element;
    this.button = button;
    const part = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
    this.base = /** @type {HTMLSelectElement} */ (part("base"));
    this.normalize = /** @type {HTMLSelectElement} */ (part("normalize"));
    this.totals = part("compare-totals");
    this.legend = part("compare-legend");
    this.swapButton = /** @type {HTMLButtonElement} */ (part("swap"));
    this.isOpen = false;
    this.base.addEventListener("change", () => this.compareWith(this.base.value));
    this.normalize.addEventListener("change", () => look.go({ normalize: this.normalize.value === "total" ? [] : [this.normalize.value] }));
    this.swapButton.addEventListener("click", () => this.swap());
    part("compare-end").addEventListener("click", () => this.end());
    button.addEventListener("click", () => this.toggle());
    look.on("profile", () => this.#show());
    look.on("look", () => this.#show());
  }

  /** Shows what has changed since another profile, or a stretch of this one. @param {string} id the empty string for none @param {string[]} [from] @param {string[]} [to] */
  compareWith(id, from = [], to = []) {
    this.look.go({ base: id ? [id] : [], base_from: from, base_to: to });
  }

  /** Takes the stretch that is looked at as what the next one is compared with. */
  keepStretch() {
    const { look } = this;
    look.go({ base: [look.id], base_from: look.all("from"), base_to: look.all("to"), from: look.all("to"), to: [] });
  }

  /** Before becomes after. */
  swap() {
    const { look } = this;
    const base = look.first("base");
    if (!base) return;
    look.go({ profile: [base], base: [look.id], from: look.all("base_from"), to: look.all("base_to"), base_from: look.all("from"), base_to: look.all("to") });
  }

  end() {
    this.isOpen = false;
    this.look.go(Object.fromEntries(PARAMETERS.map((key) => [key, []])));
    this.#show();
    this.button.focus();
  }

  toggle() {
    if (this.look.first("base")) return this.end();
    this.isOpen = !this.isOpen;
    this.#show();
    if (this.isOpen) this.base.focus();
  }

  #show() {
    const { look } = this;
    const base = look.first("base");
    this.element.hidden = !base && !this.isOpen;
    this.button.setAttribute("aria-expanded", String(!this.element.hidden));
    if (this.element.hidden) return;
    const named = look.entries.some((entry) => entry.id === base) || !base ? [] : [new Option(base, base)];
    this.base.replaceChildren(new Option("choose a profile…", ""), ...look.entries.map(({ id, name }) => new Option(id === look.id ? `${shortened(name)} (this one)` : shortened(name), id)), ...named);
    this.base.value = base;
    this.base.title = base;
    this.normalize.value = look.first("normalize") || "total";
    this.swapButton.disabled = !base;
    this.legend.hidden = !base;
    if (!base) this.totals.textContent = "What has changed since the chosen profile is shown by colour and sign.";
  }

  /** Says what an answer has compared. @param {import("./types.js").Compared | undefined} compared @param {string} unit */
  tell(compared, unit) {
    if (!compared) return;
    // A page that stands in one file can't compare with another, and its address says nothing.
    if (kept) this.element.hidden = this.legend.hidden = false;
    const { before, after } = compared.measured;
    const unsure = compared.judged ? "" : "; chance is not told from change, since nothing says how many samples these are";
    const change = before ? `, ${after >= before ? "+" : "−"}${Math.abs((100 * (after - before)) / before).toFixed(1)} %` : "";
    const scaled = Math.abs(compared.factor - 1) > 1e-9 ? `; before counts × ${Number(compared.factor.toPrecision(3))}` : "";
    const stretch = ["base_from", "base_to"].map((key) => this.look.first(key)).some(Boolean) ? ` (${this.#stretch()})` : "";
    this.totals.textContent = `before${stretch} ${quantity(before, unit)}, after ${quantity(after, unit)}${change}${scaled}${unsure}`;
  }

  #stretch() {
    const [from, to] = ["base_from", "base_to"].map((key) => this.look.first(key));
    return `${from ? span(1000 * Number(from)) : "start"} to ${to ? span(1000 * Number(to)) : "end"}`;
  }
}
