// What has become of something between two profiles, by a sign and in words: colour is never the only one to say it.

/** From what part of a change on it is worth a sign. */
const SIGNED = 0.02;

/** The sign before a label. @param {number} delta from −1 to 1, growth as a part of the larger side */
export function changeSign(delta) {
  return Math.abs(delta) < SIGNED ? "" : delta > 0 ? "+ " : "− ";
}

/** In words: how much more or less there is than before; 0 if chance alone could have made it. @param {number} delta */
export function change(delta) {
  if (delta >= 1) return "+ new";
  if (delta <= -1) return "− gone";
  const percent = delta > 0 ? 100 * (1 / (1 - delta) - 1) : 100 * delta;
  const size = Math.abs(percent);
  if (size < 0.05) return "no sure change";
  return `${delta > 0 ? "+" : "−"} ${size < 9.95 ? size.toFixed(1) : Math.round(size).toLocaleString("en")} %`;
}
