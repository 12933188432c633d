/*
 * Bundles the dashboard into the files that the server embeds:
 *
 *   DIR/index.html                 the one page; every address of the dashboard gets it
 *   DIR/login.html                 the login, which needs nothing of it
 *   DIR/assets/NAME-HASH.EXT       everything else; the name changes with the content, so a
 *                                  browser may keep it for ever
 *
 * Addresses inside are relative, so the same files work under any base path. The same sources give
 * the same bytes: nothing depends on the time, the machine or the folder.
 *
 *   node build.mjs --out DIR       exit 1 when something does not build or is over its budget
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/* All JavaScript that the first page needs, compressed. */
const BUDGET_BYTES = 120 * 1024;

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({ options: { out: { type: "string" } } });
if (!options.out) {
    console.error("usage: node build.mjs --out DIR");
    process.exit(2);
}
const out = resolve(options.out);

const bundled = await build({
    absWorkingDir: here,
    entryPoints: { app: "src/app/main.tsx", boot: "src/app/boot.ts", login: "src/app/login.ts" },
    entryNames: "assets/[name]-[hash]",
    chunkNames: "assets/[name]-[hash]",
    outdir: "dist", // names only: nothing is written there
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    minify: true,
    splitting: true,
    target: ["es2022", "chrome100", "firefox104", "safari15.4"],
    write: false,
});

const files = new Map(
    bundled.outputFiles.map((f) => ["assets/" + basename(f.path), Buffer.from(f.contents)]),
);

function addHashed(path) {
    const content = readFileSync(join(here, path));
    const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
    const extension = extname(path);
    const name = `assets/${basename(path, extension)}-${hash}${extension}`;
    files.set(name, content);
    return name;
}

function outputOf(entry) {
    const found = Object.entries(bundled.metafile.outputs).find(([, o]) => o.entryPoint === entry);
    return "assets/" + basename(found[0]);
}

/* The chunks that a script pulls in at once; what it loads later is not initial. */
function initialScripts(name, seen = new Set()) {
    if (seen.has(name)) return seen;
    seen.add(name);
    for (const i of bundled.metafile.outputs["dist/" + name].imports)
        if (i.kind === "import-statement") initialScripts("assets/" + basename(i.path), seen);
    return seen;
}

const app = outputOf("src/app/main.tsx");
const boot = outputOf("src/app/boot.ts");
const login = outputOf("src/app/login.ts");
const styleOf = (name) => "assets/" + basename(bundled.metafile.outputs["dist/" + name].cssBundle);
/* What the application imports at once, so that the browser need not read it first to know. */
const preloads = [...initialScripts(app)].filter((name) => name !== app);
/* Pages that are fetched later bring no style that the application has not. */
for (const name of files.keys())
    if (name.endsWith(".css") && name !== styleOf(app) && name !== styleOf(login)) files.delete(name);
const addresses = {
    app,
    boot,
    login,
    loginStyle: styleOf(login),
    style: styleOf(app),
    icon: addHashed("src/app/favicon.svg"),
};
const preloadTag = (name) => `<link rel="modulepreload" href="./${name}" />`;
for (const name of ["index.html", "login.html"]) {
    const page = readFileSync(join(here, "src/app", name), "utf8").replace(
        /\{\{(\w+)\}\}/g,
        (_, key) => (key === "preloads" ? preloads.map(preloadTag).join("") : "./" + addresses[key]),
    );
    files.set(name, Buffer.from(page));
}

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "assets"), { recursive: true });
for (const [name, content] of [...files].sort()) writeFileSync(join(out, name), content);

let initial = 0;
for (const name of initialScripts(app, initialScripts(boot)))
    initial += gzipSync(files.get(name), { level: 9 }).length;
const kib = (bytes) => (bytes / 1024).toFixed(1) + " KiB";
console.log(
    `dashboard: ${files.size} files, initial JavaScript ${kib(initial)} gzip ` +
        `(budget ${kib(BUDGET_BYTES)})`,
);
if (initial > BUDGET_BYTES) {
    console.error("dashboard: initial JavaScript is over its budget");
    process.exit(1);
}
