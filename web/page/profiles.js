// Which profile is shown: the list of them, the chooser, and what is known of the chosen one.

import * as api from "./api.js";

/** How often an empty folder is looked at again. */
const EMPTY_MS = 2000;

/**
 * @param {import("./look.js").Look} look
 * @param {HTMLSelectElement} chooser
 * @param {HTMLElement} warnings
 * @param {{ failed: (error: unknown) => void, empty: () => void }} listener
 * @returns {{ refresh: () => Promise<void> }}
 */
export function profiles(look, chooser, warnings, listener) {
  /** Asks which profiles there are. */
  async function refresh() {
    look.entries = await api.profiles();
    chooser.replaceChildren(...look.entries.map((entry) => {
      const when = new Date(entry.modified_ms).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
      return new Option(`${entry.name}${entry.modified_ms ? `  ·  ${when}` : ""}${entry.growing ? "  ·  live" : ""}`, entry.id);
    }));
    chooser.value = look.id;
  }

  async function list() {
    try {
      await refresh();
    } catch (error) {
      return listener.failed(error);
    }
    if (look.entries.length > 0) return load();
    listener.empty();
    setTimeout(list, EMPTY_MS);
  }

  /** Asks for what is known of the profile, and has everything shown. */
  async function load() {
    chooser.value = look.id;
    look.info = null;
    try {
      look.info = await api.profile(look.id);
    } catch (error) {
      return listener.failed(error);
    }
    look.tell("profile");
    look.tell("look");
    look.tell("select");
  }

  look.on("chosen", load);
  look.on("profile", () => {
    if (!look.info) return;
    document.title = `${look.info.name} · plop`;
    warnings.hidden = look.info.warnings.length === 0;
    warnings.textContent = look.info.warnings.map((warning) => `⚠ ${warning}.`).join(" ");
  });
  chooser.addEventListener("change", () => look.go({ profile: [chooser.value], select: [], open: [], zoom: [], from: [], to: [], mark: [] }));
  list();
  return { refresh };
}
