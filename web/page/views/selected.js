// What views of the selected function alone begin with: the question, and what they say where there is no answer.

import * as api from "../api.js";

export const CHOOSE = "Choose a function in another view: a click selects it everywhere.";

/**
 * Asks about the selected function; gives nothing where none is selected, or no sample of the view passes through it, and has
 * the view say so.
 * @template T
 * @param {import("../look.js").Look} look
 * @param {(id: string, query: URLSearchParams, signal: AbortSignal) => Promise<T>} ask
 * @param {AbortSignal} signal
 * @param {{ clear: () => void, showNothing: (text: string) => void }} view
 * @param {Record<string, string>} [more] parameters
 * @returns {Promise<T | null>}
 */
export async function aboutSelected(look, ask, signal, view, more = {}) {
  if (!look.selected) {
    view.clear();
    return null;
  }
  const query = look.query();
  for (const [key, value] of Object.entries({ item: look.selected, ...more })) query.set(key, value);
  try {
    const answer = await ask(look.id, query, signal);
    return signal.aborted ? null : answer;
  } catch (error) {
    if (!(error instanceof api.Refused) || error.status !== 404) throw error;
    view.showNothing("No sample of this view passes through the selected function; a folded group is no function.");
    return null;
  }
}
