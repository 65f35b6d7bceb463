// The list of profiles: name, time, duration, samples and warnings of each; one is opened, another compared with.

import * as api from "./api.js";
import { quantity } from "./quantity.js";
import { span } from "./times.js";

/** @typedef {import("./types.js").ProfileEntry} Entry */
/** @typedef {import("./types.js").Summary} Summary */

export class ProfileList {
  /** @param {import("./look.js").Look} look @param {HTMLDialogElement} dialog @param {() => Promise<void>} refresh asks for the list anew */
  constructor(look, dialog, refresh) {
    this.look = look;
    this.dialog = dialog;
    this.refresh = refresh;
    this.body = /** @type {HTMLElement} */ (dialog.querySelector("tbody"));
    /** What is known of each, by id and version of its file. @type {Map<string, Summary>} */
    this.known = new Map();
  }

  async open() {
    if (!this.dialog.open) this.dialog.showModal();
    await this.refresh();
    const { entries } = this.look;
    const rows = entries.map((entry) => this.#row(entry));
    this.body.replaceChildren(...rows.map((row) => row.line));
    // One after the other: each is a file to read.
    for (const [at, entry] of entries.entries()) {
      if (!this.dialog.open) return;
      rows[at].show(await this.#summary(entry));
    }
  }

  /** @param {Entry} entry @returns {Promise<Summary | string>} a text where it can't be read */
  async #summary(entry) {
    const key = `${entry.id} ${entry.modified_ms} ${entry.bytes}`;
    const known = entry.summary ?? this.known.get(key);
    if (known) return known;
    try {
      const summary = await api.summary(entry.id);
      this.known.set(key, summary);
      return summary;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** @param {Entry} entry */
  #row(entry) {
    const line = document.createElement("tr");
    const { look } = this;
    const isShown = entry.id === look.id;
    line.setAttribute("aria-current", String(isShown));
    const cell = (/** @type {string} */ text) => {
      const made = document.createElement("td");
      made.textContent = text;
      line.append(made);
      return made;
    };
    const name = cell("");
    const open = document.createElement("button");
    open.type = "button";
    open.textContent = entry.name;
    open.title = `Open ${entry.name}`;
    open.addEventListener("click", () => {
      this.dialog.close();
      look.go({ profile: [entry.id], select: [], open: [], zoom: [], from: [], to: [], mark: [] });
    });
    const warnings = document.createElement("p");
    name.append(open, entry.growing ? " live" : "", warnings);
    const when = cell(new Date(entry.modified_ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
    const [lasted, samples] = [cell("…"), cell("…")];
    const base = document.createElement("button");
    base.type = "button";
    base.textContent = "Compare with";
    base.title = `Show what has changed since ${entry.name}`;
    base.disabled = isShown;
    base.addEventListener("click", () => {
      this.dialog.close();
      look.go({ base: [entry.id], base_from: [], base_to: [] });
    });
    cell("").append(base);
    const show = (/** @type {Summary | string} */ summary) => {
      if (typeof summary === "string") {
        [lasted.textContent, samples.textContent, warnings.textContent] = ["–", "–", `⚠ ${summary}`];
        base.disabled = true;
        return;
      }
      if (summary.time_ms) when.textContent = new Date(summary.time_ms).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
      lasted.textContent = summary.duration_ns ? span(summary.duration_ns / 1e6) : "–";
      samples.textContent = quantity(summary.samples, summary.unit);
      warnings.textContent = summary.warnings.map((warning) => `⚠ ${warning}`).join("; ");
      line.title = summary.format;
    };
    return { line, show };
  }
}
