// Start and stop of the collector, where the service that mounts the viewer offers them.

import * as api from "./api.js";

/** @param {HTMLButtonElement} button @param {HTMLElement} announce @param {import("./types.js").Offers} offers */
export function showControls(button, announce, offers) {
  if (!offers.controls) return;
  let { running } = offers.controls;
  const show = () => {
    button.textContent = running ? "Stop" : "Start";
    button.title = running ? "Stop the collector; what it wrote stays" : "Start the collector";
  };
  button.hidden = false;
  show();
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await api.control(running ? "stop" : "start");
      running = answer.running;
      announce.textContent = answer.said;
      button.title = answer.said;
    } catch (error) {
      announce.textContent = error instanceof Error ? error.message : String(error);
      // Somebody else may have pressed it.
      running = (await api.offers().catch(() => null))?.controls?.running ?? running;
    }
    button.disabled = false;
    show();
  });
}
