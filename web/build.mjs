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
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { hashOf, joined } from "./join.mjs";

/* All JavaScript that the first page needs, compressed. */
const BUDGET_BYTES = 120 * 1024;

const here = dirname(fileURLToPath(import.meta.url));
const { values: given } = parseArgs({ options: { out: { type: "string" } } });
if (!given.out) {
    console.error("usage: node build.mjs --out DIR");
    process.exit(2);
}
const out = resolve(given.out);

const options = {
    absWorkingDir: here,
    outdir: "dist", // names only: nothing is written there
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    minify: true,
    target: ["es2022", "chrome100", "firefox104", "safari15.4"],
    write: false,
};

const boot = await build({ ...options, entryPoints: ["src/app/boot.ts"] });
const login = await build({ ...options, entryPoints: ["src/app/login.ts"] });
const split = await build({ ...options, entryPoints: ["src/app/main.tsx"], splitting: true });
const app = await joined(split, { ...options, entryNames: "[name]" });

const files = new Map();

/* The address of the only file with that ending. */
function add(outputFiles, ending) {
    const [file, other] = outputFiles.filter((f) => f.path.endsWith(ending));
    if (!file || other) throw new Error(`not one file ${ending}: ${outputFiles.map((f) => f.path)}`);
    const address = "assets/" + basename(file.path);
    files.set(address, Buffer.from(file.contents));
    return address;
}

function addHashed(path) {
    const content = readFileSync(join(here, path));
    const extension = extname(path);
    const name = `assets/${basename(path, extension)}-${hashOf(content)}${extension}`;
    files.set(name, content);
    return name;
}


for (const f of app.files) files.set("assets/" + basename(f.path), Buffer.from(f.contents));
const addresses = {
    app: "assets/" + app.app,
    boot: add(boot.outputFiles, ".js"),
    login: add(login.outputFiles, ".js"),
    style: add(split.outputFiles, ".css"), // for all: what is fetched later must bring none of its own
    loginStyle: add(login.outputFiles, ".css"),
    icon: addHashed("src/app/favicon.svg"),
};
for (const name of ["index.html", "login.html"]) {
    const page = readFileSync(join(here, "src/app", name), "utf8").replace(
        /\{\{(\w+)\}\}/g,
        (_, key) => "./" + addresses[key],
    );
    files.set(name, Buffer.from(page));
}

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "assets"), { recursive: true });
for (const [name, content] of [...files].sort()) writeFileSync(join(out, name), content);

const initial = [addresses.boot, addresses.app]
    .map((name) => gzipSync(files.get(name), { level: 9 }).length)
    .reduce((a, b) => a + b);
const kib = (bytes) => (bytes / 1024).toFixed(1) + " KiB";
console.log(
    `dashboard: ${files.size} files, initial JavaScript ${kib(initial)} gzip ` +
        `(budget ${kib(BUDGET_BYTES)})`,
);
if (initial > BUDGET_BYTES) {
    console.error("dashboard: initial JavaScript is over its budget");
    process.exit(1);
}
