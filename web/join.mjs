/*
 * One file for what the first page needs. esbuild gives all that two pages share a file of its own:
 * forty for the first page, and a browser asks for six at a time. Here they become one, and what is
 * loaded later takes its share from that one.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build, version } from "esbuild";

export const hashOf = (content) => createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();

/* The names that a script pulls in at once, itself first; what it loads later is not among them. */
function pulledIn(outputs, name, seen = new Set()) {
    if (seen.has(name)) return seen;
    seen.add(name);
    for (const i of outputs["dist/" + name].imports)
        if (i.kind === "import-statement") pulledIn(outputs, basename(i.path), seen);
    return seen;
}

/*
 * split: what esbuild made of one entry point, with `splitting` and hashes in the names; options:
 * those of the result. That has its files, and `app`: the address of the first one.
 */
export async function joined(split, options) {
    const { outputs } = split.metafile;
    const texts = new Map(
        split.outputFiles.filter((f) => f.path.endsWith(".js")).map((f) => [basename(f.path), f.text]),
    );
    const app = [...texts.keys()].find((name) => outputs["dist/" + name].entryPoint?.endsWith("main.tsx"));
    const first = pulledIn(outputs, app);
    const shared = [...first].filter((name) => name !== app);
    const later = [...texts.keys()].filter((name) => !first.has(name));

    /* The files import each other in a circle, so each name changes when anything does that they are
     * made of: the texts, which are in the names of `split`, and how they are joined. */
    const self = readFileSync(fileURLToPath(import.meta.url), "utf8");
    const all = [...texts.keys()].sort().join() + self + version;
    const addressOf = (name) => `${name.replace(/-[^-]*$/, "")}-${hashOf(name + all)}.js`;

    const outside = (name, e) => `from${shared.indexOf(name)}_${e}`; // the app's name for an export
    const exportsOf = (name) => outputs["dist/" + name].exports;
    const sources = {
        part: (name) => texts.get(name),
        // The application as it was, which also gives away what its parts exported.
        app: () =>
            [
                `import "./${app}";`,
                ...shared.map(
                    (name) => `export {${exportsOf(name).map((e) => `${e} as ${outside(name, e)}`)}} from "./${name}";`,
                ),
            ].join("\n"),
        // What a later file takes for a part of it.
        share: (name) => `export {${exportsOf(name).map((e) => `${outside(name, e)} as ${e}`)}} from "./${app}";`,
    };
    function resolved({ path, kind, importer, namespace }) {
        const name = basename(path);
        if (kind === "entry-point") return { path: name, namespace: name === app ? "app" : "part" };
        const isPart = kind === "import-statement" && first.has(name) && namespace !== "share";
        if (!isPart) return { path: "./" + addressOf(name), external: true };
        return { path: name, namespace: namespace === "app" || first.has(importer) ? "part" : "share" };
    }
    const parts = {
        name: "parts",
        setup({ onResolve, onLoad }) {
            onResolve({ filter: /./ }, resolved);
            for (const [namespace, source] of Object.entries(sources))
                onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: source(path) }));
        },
    };
    const made = await build({
        ...options,
        entryPoints: [app, ...later].map((name) => ({ in: name, out: addressOf(name).replace(/\.js$/, "") })),
        plugins: [parts],
    });
    return { files: made.outputFiles, app: addressOf(app) };
}
