/*
 * What a table of 50,000 connections costs the browser's main thread: the dashboard's own component
 * and stores over made rows, in a Chromium without a screen. Counted is the thread time of single
 * tasks of the renderer's main thread (scripting, style, layout, painting), from a trace, so what
 * else the machine does is not in it.
 *
 *   node bench/tables.mjs [--rounds=5]
 *
 * Prints rows of bench/RESULTS.md. Chromium as for the browser tests, or CHROMIUM=PATH.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const web = createRequire(join(here, "../web/package.json"));
const { chromium } = web("playwright-core");
const { build } = web("esbuild");
const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const ROUNDS = Number(options.rounds);
const FRAMES = 240;
const executablePath =
    process.env.CHROMIUM ??
    ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find((path) => existsSync(path));

const out = mkdtempSync(join(tmpdir(), "netsonde-bench-"));
await build({
    absWorkingDir: here,
    entryPoints: [join(here, "tables/page.tsx")],
    outfile: join(out, "page.js"),
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    nodePaths: [join(here, "../web/node_modules")],
    logLevel: "error",
});
const style = ["tokens", "app", "pages", "tables"]
    .map((n) => readFileSync(join(here, `../web/src/app/style/${n}.css`), "utf8"))
    .join("\n");
const server = createServer((request, response) => {
    if (request.url === "/page.js") {
        response.setHeader("Content-Type", "text/javascript");
        response.end(readFileSync(join(out, "page.js")));
        return;
    }
    response.setHeader("Content-Type", "text/html");
    response.end(
        `<!doctype html><style>${style}</style><main id="app"></main><script type="module" src="/page.js"></script>`,
    );
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction(() => window.bench?.ready(), undefined, { timeout: 60_000 });

/* The longest tasks of the page's main thread while `work` runs, in ms of thread time. */
async function tasks(work, argument) {
    await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
    await page.evaluate(work, argument);
    const trace = JSON.parse((await browser.stopTracing()).toString());
    const main = trace.traceEvents.find((e) => e.name === "thread_name" && e.args.name === "CrRendererMain");
    return trace.traceEvents
        .filter((e) => e.name === "ThreadControllerImpl::RunTask" && e.pid === main.pid && e.tid === main.tid && e.tdur !== undefined)
        .map((e) => e.tdur / 1000)
        .sort((a, b) => b - a);
}

function median(list) {
    const sorted = [...list].sort((a, b) => a - b);
    const at = (sorted.length - 1) / 2;
    return (sorted[Math.floor(at)] + sorted[Math.ceil(at)]) / 2;
}
const ms = (v) => `${v.toFixed(1)} ms`;
const seek = ([filter, sort]) => {
    window.bench.seek(filter, sort);
    return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)));
};

console.log("| 50,000 connections | asked | longest task, median (worst) of " + ROUNDS + " |");
console.log("| --- | --- | --- |");
for (const [name, filter, sort] of [
    ["usual order: five keys", "", null],
    ["order by a number", "", "-rtt_ms"],
    ["order by an address", "", "remote"],
    ["filter `process-4`", "process-4", "-rtt_ms"],
    ["filter `443`: any cell, digits of numbers too", "443", "-rtt_ms"],
    ["filter `7.5`: any cell, written numbers", "7.5", "-rtt_ms"],
    ["filter `rx_rate>500000 -unit:unit-7`", "rx_rate>500000 -unit:unit-7", "-rtt_ms"],
]) {
    const longest = [];
    for (let i = 0; i < ROUNDS; i++) {
        await page.evaluate(seek, [filter ? "" : "zzz", filter ? sort : "id"]);
        longest.push((await tasks(seek, [filter, sort]))[0]);
    }
    console.log(`| ${name} | under 50 ms | ${ms(median(longest))} (${ms(Math.max(...longest))}) |`);
}

await page.evaluate(seek, ["", "-rtt_ms"]);
const tick = [];
for (let i = 0; i < ROUNDS; i++)
    tick.push((await tasks(() => {
        window.bench.tick(2000);
        return new Promise((done) => setTimeout(done, 1200));
    }))[0]);
console.log(`| a tick that changes 2,000 rows, in order again | – | ${ms(median(tick))} (${ms(Math.max(...tick))}) |`);

/* Each frame a step of the wheel, then jumps to anywhere. */
const scroll = ({ frames, step }) =>
    new Promise((done) => {
        const table = document.querySelector(".data-table");
        let n = 0;
        const next = () => {
            if (n++ === frames) return done();
            table.scrollTop = step ? table.scrollTop + step : ((n * 7919) % 50_000) * 32;
            requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
    });
for (const [name, step] of [["scrolling, 120 px a frame", 120], ["scrolling, a page a frame", 800], ["scrolling, anywhere each frame", 0]]) {
    await page.evaluate(() => (document.querySelector(".data-table").scrollTop = 0));
    const all = await tasks(scroll, { frames: FRAMES, step });
    const over = all.filter((v) => v > 16.7).length;
    const per = all.reduce((a, b) => a + b, 0) / FRAMES;
    console.log(`| ${name}, ${FRAMES} frames | none over 16.7 ms | ${ms(per)} a frame, longest ${ms(all[0])}, ${over} over |`);
}
await browser.close();
server.close();
rmSync(out, { recursive: true, force: true });
