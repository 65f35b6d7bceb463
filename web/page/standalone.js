// Starts the page where it stands in one file with its answers and no server. It is no module, since such a file's modules
// have no addresses: each gets one here, made of its text, in which those that it imports are named by theirs.

(() => {
  /** @type {{ files: Record<string, string>, answers: Record<string, unknown> }} */
  const { files, answers } = JSON.parse(document.getElementById("plop-data")?.textContent ?? "{}");
  Object.defineProperty(globalThis, "plopAnswers", { value: Object.freeze(answers) });
  /** @type {Map<string, string>} */
  const addresses = new Map();

  /** @param {string} from a file @param {string} to as it names another */
  const resolve = (from, to) => new URL(to, `file:///${from}`).pathname.slice(1);

  /** @param {string} path @returns {string} */
  function address(path) {
    const known = addresses.get(path);
    if (known) return known;
    const text = files[path].replace(/^((?:import|export)\s[^;]*?from\s*|import\s*)"(\.[^"]+)"/gm, (_, before, to) => `${before}"${address(resolve(path, to))}"`);
    const made = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    addresses.set(path, made);
    return made;
  }

  // On a page from disk a worker's modules can't be named so: its origin is another. What would run in workers runs here.
  Object.defineProperty(globalThis, "Worker", { value: undefined });
  import(address("app.js"));
})();
