/*
 * The gallery, bundled as the dashboard is and served with the policy that the dashboard's own server
 * sends.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const web = new URL("../../web/", import.meta.url);
const require = createRequire(new URL("package.json", web));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Gallery</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="gallery.css"></head>
<body><div id="app"></div><script type="module" src="gallery.js"></script></body></html>`;

/* The style sheets that the dashboard has, in its order. */
function styles() {
    const app = readFileSync(new URL("src/app/main.tsx", web), "utf8");
    return [...app.matchAll(/^import "\.\/(style\/.+\.css)";$/gm)]
        .map(([, name]) => readFileSync(new URL(`src/app/${name}`, web), "utf8"))
        .join("\n");
}

const TYPES = { js: "text/javascript", css: "text/css", html: "text/html; charset=utf-8" };

/* policy: the header's value. Returns its address and how it is ended. */
export async function serveGallery(policy) {
    const { build } = require("esbuild");
    const made = await build({
        entryPoints: [here("gallery.tsx")],
        outdir: "out",
        bundle: true,
        format: "esm",
        jsx: "automatic",
        jsxImportSource: "preact",
        logLevel: "warning",
        minify: true,
        nodePaths: [fileURLToPath(new URL("node_modules", web))],
        splitting: true,
        target: ["es2022", "chrome100"],
        write: false,
    });
    const files = new Map(
        made.outputFiles.map((f) => ["/" + f.path.split("/").at(-1), f.contents]),
    );
    files.set("/index.html", PAGE);
    files.set("/gallery.css", styles());
    const server = createServer((request, response) => {
        const path = request.url === "/" ? "/index.html" : request.url;
        const content = files.get(path);
        if (content === undefined) {
            response.writeHead(404).end();
            return;
        }
        const type = TYPES[path.split(".").at(-1)];
        response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": policy });
        response.end(content);
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    return {
        address: `http://127.0.0.1:${server.address().port}/`,
        files,
        stop: () => new Promise((done) => server.close(done)),
    };
}
