// A profile that grows: the server says so, and what is shown follows, unless somebody pauses it or is reading.

import * as api from "./api.js";

export class Live {
  /**
   * @param {import("./look.js").Look} look
   * @param {HTMLButtonElement} button
   * @param {{ isHeld: () => boolean, gone: () => void }} page whether somebody is reading; what to do when the profile is removed
   */
  constructor(look, button, page) {
    this.look = look;
    this.button = button;
    this.page = page;
    this.isPaused = false;
    /** A newer version waits until it may be shown. */
    this.isWaiting = false;
    /** @type {EventSource | null} */
    this.events = null;
    this.followed = "";
    look.on("profile", () => this.#follow());
    button.addEventListener("click", () => this.pause());
    // A browser has six connections to a server for all its windows; those that nobody sees give theirs back.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#end();
      else this.#follow();
    });
  }

  #end() {
    this.events?.close();
    this.followed = "";
  }

  #follow() {
    this.#show();
    const { id } = this.look;
    if (!this.look.info || document.hidden) return;
    if (this.followed === id && this.events?.readyState !== EventSource.CLOSED) return;
    this.followed = id;
    this.events?.close();
    this.events = api.events(id);
    this.events.addEventListener("changed", (event) => {
      const { version, growing } = JSON.parse(/** @type {MessageEvent} */ (event).data);
      const { info } = this.look;
      if (!info) return;
      info.growing = growing;
      this.#show();
      if (version !== info.version) this.update();
    });
    this.events.addEventListener("gone", () => {
      this.events?.close();
      if (this.look.info) this.look.info.growing = false;
      this.#show();
      this.page.gone();
    });
    this.events.addEventListener("error", () => this.#show("reconnecting"));
  }

  /** Shows the newer version, unless somebody is reading. */
  async update() {
    this.isWaiting = this.isPaused || this.page.isHeld();
    this.#show();
    if (this.isWaiting) return;
    const { id } = this.look;
    const info = await api.profile(id).catch(() => null);
    if (!info || id !== this.look.id) return;
    // Meanwhile somebody may have paused.
    this.isWaiting = this.isPaused;
    if (this.isWaiting) return;
    this.look.info = info;
    this.look.tell("profile");
    this.look.tell("look");
  }

  /** Nobody reads any more. */
  release() {
    if (this.isWaiting && !this.isPaused) this.update();
  }

  pause() {
    this.isPaused = !this.isPaused;
    this.#show();
    if (!this.isPaused) this.update();
  }

  /** @param {string} [text] */
  #show(text) {
    this.button.hidden = !this.look.info?.growing && !this.isPaused;
    this.button.setAttribute("aria-pressed", String(this.isPaused));
    const shown = this.button.querySelector("#live-text");
    if (shown) shown.textContent = text ?? (this.isPaused ? "paused" : this.isWaiting ? "live, held" : "live");
  }
}
