// Builds the page into src/allbrains/report/page: two plain scripts, for a page opened from a disk may not
// load modules. NiiVue is one of its own: it is loaded when a brain is opened in 3-D.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { build } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));
const page = process.env.PAGE ?? join(here, "../src/allbrains/report/page");
const shared = { configFile: false, root: here, publicDir: false, logLevel: "error" };

async function bundle(entry, name) {
  await build({
    ...shared,
    // NiiVue reads Zarr with it; a report's volumes come as arrays, and its codecs are a third of the bundle
    resolve: { alias: { zarrita: join(here, "src/no-zarr.ts") } },
    build: {
      outDir: page,
      emptyOutDir: false,
      target: "es2022",
      minify: true,
      lib: { entry: join(here, "src", entry), formats: ["iife"], name: "_", fileName: () => name, cssFileName: "app" },
    },
  });
}

await bundle("main.tsx", "app.js");
await bundle("niivue.ts", "niivue.js");
copyFileSync(join(here, "src/index.html"), join(page, "index.html"));

const packages = ["@niivue/niivue", "preact", "uplot", "gl-matrix", "nifti-reader-js", "fflate", "@lukeed/uuid", "@ungap/structured-clone", "array-equal"];
const told = packages.map((name) => {
  const folder = join(here, "node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const spare = join(here, "licences", `${name.replace("/", "-")}.txt`);
  const text = file ? readFileSync(join(folder, file), "utf8") : existsSync(spare) ? readFileSync(spare, "utf8") : "";
  return `${name} ${about.version} (${about.license})\n\n${text.trim()}\n`;
});
writeFileSync(join(page, "LICENSES.txt"), told.join("\n" + "-".repeat(72) + "\n\n"));

// tests compare this with the sources, so that nobody forgets to build
const sources = ["package-lock.json", "build.mjs", ...readdirSync(join(here, "src")).sort().map((one) => `src/${one}`)];
const sum = createHash("sha256");
for (const one of sources) sum.update(`${one}\0`).update(readFileSync(join(here, one))).update("\0");
writeFileSync(join(page, "sources.sha256"), sum.digest("hex") + "\n");
