/* The layers of the dashboard: who may import whom, and which package may be used where. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";

const SOURCE = join(process.env["WEB_ROOT"]!, "src");

const MAY_IMPORT: Record<string, readonly string[]> = {
    base: [],
    proto: ["base"],
    link: ["base", "proto"],
    domain: ["base"],
    store: ["base", "proto", "link", "domain"],
    charts: ["base", "domain"],
    widgets: ["base", "domain"],
    pages: ["base", "domain", "store", "charts", "widgets"],
    app: ["base", "proto", "link", "domain", "store", "charts", "widgets", "pages"],
};

const PACKAGES: Record<string, readonly string[]> = {
    "@preact/signals": ["store", "charts", "widgets", "pages", "app"],
    "preact": ["charts", "widgets", "pages", "app"],
    "preact/hooks": ["charts", "widgets", "pages", "app"],
    "echarts/core": ["charts"],
    "echarts/charts": ["charts"],
    "echarts/components": ["charts"],
    "echarts/renderers": ["charts"],
    "@tanstack/virtual-core": ["widgets"],
};

interface Import {
    file: string;
    layer: string;
    target: string;
}

function importsUnder(folder: string): Import[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry): Import[] => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return importsUnder(path);
        if (!/\.tsx?$/.test(path) || path.endsWith(".test.ts")) return [];
        const file = relative(SOURCE, path);
        const layer = file.split("/")[0]!;
        const text = readFileSync(path, "utf8");
        const found = text.matchAll(/(?:from\s+|import\s*\(?\s*)"([^"]+)"/g);
        return [...found].map((m) => ({ file, layer, target: m[1]! }));
    });
}

const imports = importsUnder(SOURCE);

test("there is something to check", () => {
    assert.ok(imports.length > 100);
    assert.deepEqual(
        imports.filter((i) => !(i.layer in MAY_IMPORT)),
        [],
    );
});

test("a layer imports only the layers below it", () => {
    const wrong = imports.filter(({ file, layer, target }) => {
        if (!target.startsWith(".")) return false;
        const other = relative(SOURCE, join(SOURCE, file, "..", target)).split("/")[0]!;
        return other !== layer && !MAY_IMPORT[layer]?.includes(other);
    });
    assert.deepEqual(wrong, []);
});

test("a package is imported only where it belongs", () => {
    const wrong = imports.filter(
        ({ layer, target }) => !target.startsWith(".") && !PACKAGES[target]?.includes(layer),
    );
    assert.deepEqual(wrong, []);
});

test("no markup carries a style, which the page's policy would refuse", () => {
    const html = readFileSync(join(SOURCE, "app/index.html"), "utf8");
    assert.doesNotMatch(html, /\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=/);
});
