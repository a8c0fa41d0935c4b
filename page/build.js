// Bundles the page: node build.js OUT SOURCES, where SOURCES is written into index.html.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { buildSync } from "esbuild";

const [out, sources] = process.argv.slice(2);

const { outputFiles } = buildSync({
  entryPoints: { app: "app.jsx" },
  entryNames: "[name].[hash]",
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome116", "firefox124", "safari17.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  write: false,
});

const nameOf = (ending) => basename(outputFiles.find(({ path }) => path.endsWith(ending)).path);
const index = readFileSync("index.html", "utf8")
  .replace("SOURCES", sources)
  .replace("APP_CSS", nameOf(".css"))
  .replace("APP_JS", nameOf(".js"));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const { path, contents } of outputFiles) writeFileSync(path, contents);
writeFileSync(join(out, "index.html"), index); // last: it tells that the rest is there
