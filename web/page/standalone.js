// What a page in one file does before its other scripts: it takes the answers that stand there in place of a server's.

Object.defineProperty(globalThis, "plopAnswers", { value: Object.freeze(JSON.parse(document.getElementById("plop-data")?.textContent ?? "{}")) });
// A page from disk may start no workers: their origin would be another. What would run in them runs on the page.
Object.defineProperty(globalThis, "Worker", { value: undefined });
