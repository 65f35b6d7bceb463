// Dark or light: what the reader chose, or else what the system says.

const KEPT = "plop-theme";
const preference = matchMedia("(prefers-color-scheme: dark)");

/** @returns {"light" | "dark"} */
function wanted() {
  const kept = localStorage.getItem(KEPT);
  if (kept === "dark" || kept === "light") return kept;
  return preference.matches ? "dark" : "light";
}

/** @param {import("./look.js").Look} look */
function apply(look) {
  look.theme = wanted();
  document.documentElement.dataset.theme = look.theme;
  look.tell("theme");
}

/** @param {import("./look.js").Look} look */
export function followTheme(look) {
  apply(look);
  preference.addEventListener("change", () => apply(look));
}

/** @param {import("./look.js").Look} look */
export function switchTheme(look) {
  localStorage.setItem(KEPT, look.theme === "dark" ? "light" : "dark");
  apply(look);
}
