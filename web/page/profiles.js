// Which profile is shown: the list of them, the chooser, and what is known of the chosen one.

import * as api from "./api.js";

/** How often an empty folder is looked at again. */
const EMPTY_MS = 2000;

/** So much of a name a chooser has room for: its beginning and, since that is what many have in common, more of its end. */
const ROOM = { begin: 8, end: 30 };

/** A profile's name as a chooser shows it. @param {string} name */
export function shortened(name) {
  const letters = [...name];
  return letters.length <= ROOM.begin + ROOM.end + 1 ? name : `${letters.slice(0, ROOM.begin).join("")}…${letters.slice(-ROOM.end).join("")}`;
}

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
      return new Option(`${shortened(entry.name)}${entry.modified_ms ? `  ·  ${when}` : ""}${entry.growing ? "  ·  live" : ""}`, entry.id);
    }));
    chooser.value = look.id;
    chooser.title = look.id;
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
    chooser.title = look.id;
    look.info = null;
    try {
      look.info = await api.profile(look.id);
    } catch (error) {
      return listener.failed(error);
    } finally {
      document.body.classList.toggle("blank", !look.info);
    }
    look.tell("profile");
    look.tell("look");
    look.tell("select");
  }

  look.on("chosen", load);
  look.on("profile", () => {
    if (!look.info) return;
    document.title = `${look.info.name} · plop`;
    const wanted = look.first("profile");
    const missing = wanted && wanted !== look.id ? [`${wanted} is not among the profiles: this is the newest`] : [];
    const all = [...missing, ...look.info.warnings];
    warnings.hidden = all.length === 0;
    warnings.textContent = all.map((warning) => `⚠ ${warning}.`).join(" ");
  });
  chooser.addEventListener("change", () => look.go({ profile: [chooser.value], select: [], open: [], zoom: [], from: [], to: [], mark: [] }));
  list();
  return { refresh };
}
