// What a view is: one way of looking at the profile. The page has them in a list, shows one in its middle and perhaps
// another beside it, and asks each for itself only while it is in sight.

/**
 * What every answer of the server begins with.
 * @typedef {{ version: string, sample_type: { type: string, unit: string }, total: number, unfiltered_total: number, compared?: import("../types.js").Compared }} Head
 */

/**
 * @typedef {object} View
 * @property {string} name as the address has it
 * @property {string} title as its tab has it
 * @property {HTMLElement} element
 * @property {string[]} parameters of the address, besides the view's, that it is asked for again for
 * @property {boolean} [fitsBeside] whether it makes sense in the narrow room beside another
 * @property {HTMLElement} [tools] its controls, shown while it stands in the middle
 * @property {(signal: AbortSignal) => Promise<Head | null>} show asks the server and shows the answer; null if there was nothing to ask
 * @property {(id: string) => void} select
 * @property {(text: string) => void} search marks what the text is in; it comes in small letters
 * @property {() => void} [nextMatch]
 * @property {() => void} [restyle] the theme has changed
 * @property {() => boolean} [isHeld] whether somebody is reading what a newer version would move
 * @property {() => void} [clear] another profile comes
 * @property {() => unknown} [inspect] what is drawn where, for tests
 * @property {import("../keys.js").Binding[]} [keys] what works while it has the focus, or stands in the middle
 */

export {};
