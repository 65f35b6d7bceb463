// Profiles from the reader's own disk: dropped on the page or chosen, and handed to the server, which keeps them in memory.

import * as api from "./api.js";

const MIB = 1 << 20;

export class Files {
  /**
   * @param {HTMLElement} overlay shown while files hang over the page
   * @param {HTMLInputElement} input where files are chosen without dragging
   * @param {number} most the largest file that is taken, in bytes; 0 if none is
   * @param {{ received: (ids: string[]) => void, failed: (error: unknown) => void, say: (text: string) => void }} page
   */
  constructor(overlay, input, most, page) {
    this.most = most;
    this.page = page;
    const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      // Taken or not, the browser shall not leave the page for the file.
      event.preventDefault();
      overlay.hidden = false;
      overlay.textContent = most ? "Drop profiles to open them" : "This viewer takes no files; open them with plop-view FILE";
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) overlay.hidden = true;
    });
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      overlay.hidden = true;
      if (most) this.take([...(event.dataTransfer?.files ?? [])]);
    });
    input.addEventListener("change", () => {
      this.take([...(input.files ?? [])]);
      input.value = "";
    });
  }

  /** Hands files to the server, one after the other. @param {File[]} files */
  async take(files) {
    /** @type {string[]} */
    const ids = [];
    for (const file of files) {
      this.page.say(`opening ${file.name}`);
      try {
        if (file.size > this.most) throw new api.Refused(413, `${file.name}: larger than ${this.most / MIB} MiB; open it with plop-view FILE`);
        ids.push((await api.receive(file)).id);
      } catch (error) {
        this.page.failed(error);
      }
    }
    if (ids.length > 0) this.page.received(ids);
  }
}
