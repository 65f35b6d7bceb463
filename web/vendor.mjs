// Makes page/vendor/d3-force.js, one module without imports, so that a worker can load it: `npm run vendor`.
import { build } from "esbuild";
import { copyFile } from "node:fs/promises";

await build({
  stdin: {
    contents: 'export { forceSimulation, forceX, forceY, forceManyBody, forceLink } from "d3-force";',
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  format: "esm",
  minify: true,
  legalComments: "none",
  banner: { js: "// d3-force, d3-quadtree, d3-timer, d3-dispatch. Copyright Mike Bostock, ISC licence: see LICENSE beside this file." },
  outfile: "page/vendor/d3-force.js",
});
await copyFile("node_modules/d3-force/LICENSE", "page/vendor/LICENSE");
