// The answers that a page which stands in one file brings along, in place of a server's.

/** By the part of the address behind `api/`; `null` for a page that a server has sent. @type {Record<string, any> | null} */
export const kept = /** @type {any} */ (globalThis).plopAnswers ?? null;

/** @param {string} path as the server is asked */
const nameOf = (path) => path.split(/[/?]/)[1];

/** The answer that is kept for a question, or nothing. @param {string} path */
export const keptAnswer = (path) => kept?.[nameOf(path)];

/** An address under which a kept answer can be fetched, by a worker too. @param {string} path */
export const keptAddress = (path) => URL.createObjectURL(new Blob([JSON.stringify(keptAnswer(path))], { type: "application/json" }));

/** In place of a server's events, of which there are none. */
export const silence = () => /** @type {EventSource} */ (/** @type {unknown} */ (Object.assign(new EventTarget(), { readyState: 0, close() {} })));
