// A drawing context that writes SVG: what is drawn on the canvas, drawn here, is a file that looks the same. Has what the
// scene uses of a canvas's context and no more. Names are text, never markup.

/** @param {number} value */
const short = (value) => String(Math.round(value * 100) / 100);

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

export class SvgContext {
  /** @param {{ width: number, height: number }} size @param {{ font: string, measureText(text: string): { width: number } }} ruler */
  constructor(size, ruler) {
    this.size = size;
    this.ruler = ruler;
    /** @type {string[]} */
    this.parts = [];
    this.path = "";
    /** @type {number[]} */
    this.dash = [];
    this.globalAlpha = 1;
    this.fillStyle = "#000";
    this.strokeStyle = "#000";
    this.lineWidth = 1;
    this.lineCap = "butt";
    this.lineJoin = "miter";
    this.font = "10px sans-serif";
    this.textAlign = "left";
    this.textBaseline = "alphabetic";
  }

  /** The file. */
  text() {
    const { width, height } = this.size;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">\n${this.parts.join("\n")}\n</svg>\n`;
  }

  /** @param {string} text */
  measureText(text) {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  /** @param {number[]} dash */
  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = "";
  }

  closePath() {
    this.path += "Z";
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path += `M${short(x)},${short(y)}`;
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path += `L${short(x)},${short(y)}`;
  }

  /** @param {number[]} points */
  bezierCurveTo(...points) {
    this.path += `C${points.map(short).join(",")}`;
  }

  /** @param {number} x @param {number} y @param {number} radius @param {number} from @param {number} to clockwise */
  arc(x, y, radius, from, to) {
    const at = (/** @type {number} */ angle) => `${short(x + radius * Math.cos(angle))},${short(y + radius * Math.sin(angle))}`;
    const turn = Math.min(to - from, 2 * Math.PI);
    if (turn <= 0) return;
    // An arc can't end where it began: a whole turn is two.
    const middle = from + turn / 2;
    this.path += `M${at(from)}A${short(radius)},${short(radius)},0,0,1,${at(middle)}A${short(radius)},${short(radius)},0,0,1,${at(from + turn)}`;
  }

  get #opacity() {
    return this.globalAlpha === 1 ? "" : ` opacity="${short(this.globalAlpha)}"`;
  }

  get #line() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.map(short).join(" ")}"` : "";
    const join = this.lineJoin === "miter" ? "" : ` stroke-linejoin="${this.lineJoin}"`;
    return `stroke="${this.strokeStyle}" stroke-width="${short(this.lineWidth)}"${dash}${join}`;
  }

  fill() {
    this.parts.push(`<path d="${this.path}" fill="${this.fillStyle}"${this.#opacity}/>`);
  }

  stroke() {
    if (this.path) this.parts.push(`<path d="${this.path}" fill="none" ${this.#line}${this.#opacity}/>`);
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  fillRect(x, y, width, height) {
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="${this.fillStyle}"${this.#opacity}/>`);
  }

  /** @param {string} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    this.#write(text, x, y, `fill="${this.fillStyle}"`);
  }

  /** @param {string} text @param {number} x @param {number} y */
  strokeText(text, x, y) {
    this.#write(text, x, y, `fill="none" ${this.#line}`);
  }

  /** @param {string} text @param {number} x @param {number} y @param {string} paint */
  #write(text, x, y, paint) {
    const anchor = this.textAlign === "center" ? ` text-anchor="middle"` : "";
    const size = Number(/([\d.]+)px/.exec(this.font)?.[1] ?? 10);
    // Not every reader of SVG knows baselines; the middle of lower-case letters is some third of the size above theirs.
    const down = this.textBaseline === "middle" ? 0.35 * size : this.textBaseline === "bottom" ? -0.2 * size : 0;
    const style = `${this.font.includes("italic") ? ` font-style="italic"` : ""}${this.font.includes("600") ? ` font-weight="600"` : ""}`;
    const family = escaped(this.font.slice(this.font.indexOf("px ") + 3));
    this.parts.push(`<text x="${short(x)}" y="${short(y + down)}" font-size="${short(size)}" font-family="${family}"${style}${anchor} ${paint}${this.#opacity}>${escaped(text)}</text>`);
  }
}
