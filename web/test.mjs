/*
 * Runs the unit tests: bundles every src/**\/*.test.ts for node and hands the result to node's own
 * test runner. Exit code as the runner's.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

function testsUnder(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return testsUnder(path);
        return entry.name.endsWith(".test.ts") ? [path] : [];
    });
}

const out = mkdtempSync(join(tmpdir(), "netsonde-web-"));
try {
    const entryPoints = testsUnder(join(here, "src")).sort();
    if (entryPoints.length === 0) throw new Error("no tests found");
    await build({
        absWorkingDir: here,
        entryPoints,
        outbase: join(here, "src"),
        outdir: out,
        outExtension: { ".js": ".mjs" },
        bundle: true,
        platform: "node",
        format: "esm",
        target: "node18",
        define: { "process.env.WEB_ROOT": JSON.stringify(here) },
        sourcemap: "inline",
        logLevel: "warning",
    });
    const files = entryPoints.map((path) =>
        join(out, path.slice(join(here, "src").length).replace(/\.ts$/, ".mjs")),
    );
    const args = [
        "--enable-source-maps",
        "--test",
        "--test-reporter=tap",
        ...process.argv.slice(2),
        ...files,
    ];
    process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
} finally {
    rmSync(out, { recursive: true, force: true });
}
