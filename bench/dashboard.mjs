/*
 * What a page of live charts costs the browser's main thread: 12 charts of 6 series by 3,600 points at
 * 10 Hz, drawn by the dashboard's own code, by plain uPlot and by ECharts, in turns in one Chromium
 * without a screen. Counted is the thread time of all tasks of the renderer's main thread (scripting,
 * style, layout, painting; a canvas without a GPU is painted there, too) from a trace, for an update.
 *
 * Then an hour of ticks through the dashboard's code, to see whether its heap grows, and with
 * --netsonde=PROGRAM when the first chart is painted, in a new profile and the next time in the same,
 * how long each change of page takes, and what a hidden tab of the whole dashboard does.
 *
 *   node bench/dashboard.mjs [--netsonde=PROGRAM] [--rounds=3] [--seconds=8] [--only=frames,hour,first,changes,hidden]
 *
 * Prints rows of bench/RESULTS.md. Chromium as for the browser tests, or CHROMIUM=PATH.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const { values: options } = parseArgs({
    options: {
        netsonde: { type: "string" },
        rounds: { type: "string", default: "3" },
        seconds: { type: "string", default: "8" },
        only: { type: "string", default: "frames,hour,first,changes,hidden" },
    },
});
const ROUNDS = Number(options.rounds);
const SECONDS = Number(options.seconds);
const PARTS = options.only.split(",");
const TICK_MS = 100;
const WARM_TICKS = 20;
const HOUR_TICKS = 36_000;
const VIEWPORT = { width: 1440, height: 1040 };
const ENTRIES = { netsonde: "own.tsx", uPlot: "plain.ts", ECharts: "echarts.ts" };

const executablePath =
    process.env.CHROMIUM ??
    ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find((path) => existsSync(path));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--js-flags=--expose-gc"];
const undo = [];

async function serve() {
    const out = mkdtempSync(join(tmpdir(), "netsonde-bench-"));
    undo.push(() => rmSync(out, { recursive: true, force: true }));
    await build({
        absWorkingDir: here,
        entryPoints: Object.values(ENTRIES).map((e) => join(here, "dashboard", e)),
        outdir: out,
        bundle: true,
        format: "esm",
        jsx: "automatic",
        jsxImportSource: "preact",
        minify: true,
        nodePaths: [join(here, "../web/node_modules")],
        logLevel: "error",
    });
    writeFileSync(join(out, "page.css"), readFileSync(join(here, "dashboard/page.css")));
    const server = createServer((request, response) => {
        const name = request.url.slice(1);
        const types = { js: "text/javascript", css: "text/css" };
        const type = types[name.split(".").pop()];
        if (type && existsSync(join(out, name))) {
            response.setHeader("content-type", type);
            response.end(readFileSync(join(out, name)));
            return;
        }
        response.setHeader("content-type", "text/html");
        const style = existsSync(join(out, `${name}.css`)) ? `<link rel="stylesheet" href="/${name}.css">` : "";
        response.end(
            `<!doctype html><html data-theme="dark"><body>${style}` +
                `<link rel="stylesheet" href="/page.css"><script type="module" src="/${name}.js"></script>`,
        );
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    undo.push(() => server.close());
    return `http://127.0.0.1:${server.address().port}/`;
}

/* ---- the trace --------------------------------------------------------------------------- */

const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"];
const SCRIPT = new Set(["FunctionCall", "EvaluateScript", "TimerFire", "FireAnimationFrame", "RunMicrotasks", "V8.GC_SCAVENGER", "MajorGC", "MinorGC"]);

/* Of the busiest main thread of a renderer: thread time of its tasks, in ms. */
function tasksOf(trace) {
    const { traceEvents } = JSON.parse(trace);
    const mains = traceEvents.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain");
    const found = mains.map(({ pid, tid }) => {
        const own = traceEvents.filter((e) => e.pid === pid && e.tid === tid && e.ph === "X");
        const tasks = own.filter((e) => e.name === "RunTask");
        const busy = tasks.reduce((sum, e) => sum + (e.tdur ?? e.dur), 0) / 1000;
        // Outermost calls of script: others lie in them.
        let end = 0;
        let script = 0;
        for (const e of own.filter((e) => SCRIPT.has(e.name)).sort((a, b) => a.ts - b.ts)) {
            if (e.ts < end) continue;
            end = e.ts + e.dur;
            script += (e.tdur ?? e.dur) / 1000;
        }
        const longest = Math.max(0, ...tasks.map((e) => (e.tdur ?? e.dur) / 1000));
        const longestWall = Math.max(0, ...tasks.map((e) => e.dur / 1000));
        return { busy, script, longest, longestWall };
    });
    return found.sort((a, b) => b.busy - a.busy)[0];
}

let traces = 0;

async function traced(browser, page, run) {
    await browser.startTracing(page, { categories: CATEGORIES });
    const value = await run();
    const trace = (await browser.stopTracing()).toString();
    if (process.env.TRACE) writeFileSync(`${process.env.TRACE}.${++traces}`, trace); // to look into
    return { value, ...tasksOf(trace) };
}

/* ---- one contender ------------------------------------------------------------------------ */

async function openContender(browser, base, name) {
    const page = await browser.newPage({ viewport: VIEWPORT });
    page.on("pageerror", (e) => console.error(name, e));
    await page.goto(base + ENTRIES[name].split(".")[0]);
    await page.waitForFunction(() => window.contender);
    return page;
}

/* As many ticks as the interval gives, which is fewer when the page cannot follow. */
const drive = (page, ms, every) =>
    page.evaluate(
        ([ms, every]) =>
            new Promise((resolve) => {
                let n = 0;
                const end = performance.now() + ms;
                const timer = setInterval(() => {
                    window.contender.tick();
                    n++;
                    if (performance.now() < end) return;
                    clearInterval(timer);
                    requestAnimationFrame(() => setTimeout(() => resolve(n), 0));
                }, every);
            }),
        [ms, every],
    );

async function measure(browser, base, name) {
    const page = await openContender(browser, base, name);
    await drive(page, WARM_TICKS * TICK_MS, TICK_MS);
    const run = await traced(browser, page, () => drive(page, SECONDS * 1000, TICK_MS));
    await page.close();
    return { ...run, each: run.busy / run.value, script: run.script / run.value };
}

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const ms = (v) => `${v.toFixed(v < 10 ? 2 : v < 100 ? 1 : 0)} ms`;
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);

async function frames(browser, base) {
    const rounds = [];
    for (let r = 0; r < ROUNDS; r++) {
        const round = {};
        for (const name of Object.keys(ENTRIES)) round[name] = await measure(browser, base, name);
        rounds.push(round);
    }
    const of = (name, what) => median(rounds.map((r) => r[name][what]));
    const ratio = (peer) => rounds.map((r) => r.netsonde.each / r[peer].each);
    const said = (all) =>
        `${median(all).toFixed(3)} (${Math.min(...all).toFixed(3)} to ${Math.max(...all).toFixed(3)})`;
    const what = "12 live charts of 6 series by 3,600 points at 10 Hz, main thread for an update";
    row(`${what}: netsonde / plain uPlot`, "at most 0.3", said(ratio("uPlot")));
    row(`${what}: netsonde / ECharts`, "at most 0.03", said(ratio("ECharts")));
    for (const name of Object.keys(ENTRIES))
        row(
            `the same, ${name}`,
            name === "netsonde" ? "–" : "peer",
            `${ms(of(name, "each"))}, of it script ${ms(of(name, "script"))}; ` +
                `longest task ${ms(of(name, "longest"))} of thread time, ${ms(of(name, "longestWall"))} by the clock; ` +
                `${of(name, "value")} updates in ${SECONDS} s`,
        );
}

/* ---- an hour --------------------------------------------------------------------------------- */

async function hour(browser, base) {
    const page = await openContender(browser, base, "netsonde");
    const session = await page.context().newCDPSession(page);
    const heap = async () => {
        await session.send("HeapProfiler.collectGarbage");
        return (await session.send("Runtime.getHeapUsage")).usedSize / 1024 / 1024;
    };
    const advance = async (ticks) => {
        for (let left = ticks; left > 0; left -= 300)
            await page.evaluate((n) => window.contender.run(n), Math.min(left, 300));
    };
    await advance(POINTS_ROUND);
    const before = await heap();
    await advance(HOUR_TICKS);
    const after = await heap();
    row(
        "heap of that page after an hour of ticks (36,000, every tenth painted)",
        "flat",
        `${before.toFixed(2)} MB before, ${after.toFixed(2)} MB after`,
    );
    await page.close();
}

const POINTS_ROUND = 4_600; // the window and the room beside it have been filled once

/* ---- the whole dashboard --------------------------------------------------------------------- */

async function startNetsonde() {
    const folder = mkdtempSync(join(tmpdir(), "netsonde-bench-"));
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = spawn(options.netsonde,
        ["run", "--listen", `127.0.0.1:${port}`, "--data-dir", folder], { stdio: "ignore" });
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    undo.push(() => server.kill("SIGTERM"));
    const address = `http://127.0.0.1:${port}/`;
    for (let i = 0; i < 200; i++) {
        if (await fetch(address + "readyz").then((r) => r.ok, () => false)) break;
        await new Promise((r) => setTimeout(r, 50));
    }
    return address;
}

const FIRST_ROUNDS = 11;
const FIRST_SETTLED_MS = 2_000;
const FIRST_TICKS_MS = 8_000; // of history, so that there is something to draw

/* Notes the first frame in which a chart's canvas has several colours. Nothing else runs in the page
 * meanwhile: what a driver would bring along takes longer than some of what is measured. */
function watchCharts() {
    const look = () => {
        for (const canvas of document.querySelectorAll("figure canvas")) {
            if (!canvas.width || !canvas.height) continue;
            const copy = document.createElement("canvas");
            copy.width = copy.height = 64;
            const ctx = copy.getContext("2d", { willReadFrequently: true });
            ctx.drawImage(canvas, 0, 0, 64, 64);
            const { data } = ctx.getImageData(0, 0, 64, 64);
            const colours = new Set();
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 40) colours.add(`${data[i] >> 5} ${data[i + 1] >> 5} ${data[i + 2] >> 5}`);
            if (colours.size > 3) {
                window.firstChart = performance.now();
                return;
            }
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}

async function first(browser) {
    const address = await startNetsonde();
    await new Promise((r) => setTimeout(r, FIRST_TICKS_MS));
    const times = { "new profile": [], "the next time": [], "first contentful paint, new profile": [] };
    for (let round = 0; round < FIRST_ROUNDS; round++) {
        const context = await browser.newContext({ viewport: VIEWPORT });
        const page = await context.newPage();
        await page.addInitScript(watchCharts);
        for (const way of ["new profile", "the next time"]) {
            await page.goto(address, { waitUntil: "commit" });
            await new Promise((r) => setTimeout(r, FIRST_SETTLED_MS));
            const [chart, paint] = await page.evaluate(() => [
                window.firstChart,
                performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
            ]);
            times[way].push(chart);
            if (way === "new profile") times["first contentful paint, new profile"].push(paint);
        }
        await context.close();
    }
    for (const [way, all] of Object.entries(times)) {
        all.sort((a, b) => a - b);
        const [least, middle, most] = [all[0], all[all.length >> 1], all.at(-1)].map((t) => t.toFixed(0));
        row(`first chart after navigation: ${way}`, "400 ms", `median of ${all.length}: ${middle} ms, ${least} to ${most}`);
    }
}

const CHANGE_ROUNDS = 7;
const CHANGE_REST_MS = 700;

/* Runs in the page. From the click on a link to after the frame that has the new page's heading. */
function changeTo(address) {
    const link = document.querySelector(`.pages a[href="${address}"]`);
    const before = document.querySelector("main h1");
    return new Promise((resolve) => {
        const began = performance.now();
        const look = () => {
            const heading = document.querySelector("main h1");
            if (!heading || heading === before) {
                requestAnimationFrame(look);
                return;
            }
            const { port1, port2 } = new MessageChannel(); // heard when the frame is painted
            port1.onmessage = () => resolve(performance.now() - began);
            port2.postMessage("");
        };
        link.click();
        requestAnimationFrame(look);
    });
}

async function changes(browser) {
    const address = await startNetsonde();
    const times = { "for the first time": new Map(), "again": new Map() };
    for (let round = 0; round < CHANGE_ROUNDS; round++) {
        const context = await browser.newContext({ viewport: VIEWPORT });
        const page = await context.newPage();
        await page.goto(address);
        await page.locator('main[data-liveness="live"]').waitFor();
        await page.waitForTimeout(FIRST_SETTLED_MS);
        const links = await page.locator(".pages a:not([aria-current])").evaluateAll((all) =>
            all.map((a) => a.getAttribute("href")));
        for (const of of Object.values(times))
            for (const link of links) {
                of.set(link, [...(of.get(link) ?? []), await page.evaluate(changeTo, link)]);
                await page.waitForTimeout(CHANGE_REST_MS);
            }
        await context.close();
    }
    for (const [way, of] of Object.entries(times)) {
        const medians = [...of].map(([link, all]) => [all.sort((a, b) => a - b)[all.length >> 1], link]);
        medians.sort(([a], [b]) => a - b);
        const worst = Math.max(...[...of.values()].flat());
        row(
            `a change of page, ${way}: ${of.size} pages, ${CHANGE_ROUNDS} rounds`,
            "100 ms",
            `medians ${medians[0][0].toFixed(0)} to ${medians.at(-1)[0].toFixed(0)} ms (${medians.at(-1)[1]}); ` +
                `worst of all ${worst.toFixed(0)} ms`,
        );
    }
}

async function hidden(browser) {
    const address = await startNetsonde();
    const page = await browser.newPage({ viewport: VIEWPORT });
    let received = 0;
    page.on("websocket", (ws) => ws.on("framereceived", () => received++));
    await page.goto(address);
    await page.locator('main[data-liveness="live"]').waitFor();
    await page.waitForTimeout(3000);
    const watch = async (seconds, which = page) => {
        const before = received;
        const run = await traced(browser, which, () => which.waitForTimeout(seconds * 1000));
        return { share: (100 * run.busy) / (seconds * 1000), rate: (received - before) / seconds };
    };
    const shown = await watch(10);
    // A browser without a screen hides nothing: what a real one does is done here.
    await page.evaluate(() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        window.requestAnimationFrame = () => 0;
    });
    await page.waitForTimeout(3000);
    const gone = await watch(60);
    const later = await watch(60);
    row(
        "main thread of a hidden tab (overview, 1 s)",
        "under 0.1 %",
        `${gone.share.toFixed(3)} % of a core in the first minute, in which the browser collects garbage, ` +
            `${later.share.toFixed(3)} % in the second, ${gone.rate.toFixed(2)} messages/s; ` +
            `in sight ${shown.share.toFixed(2)} %, ${shown.rate.toFixed(1)} messages/s`,
    );
    await page.close();
    const blank = await browser.newPage({ viewport: VIEWPORT });
    await blank.waitForTimeout(3000);
    const { share } = await watch(60, blank);
    row("the same of an empty page", "peer", `${share.toFixed(3)} % of a core`);
    await blank.close();
}

const browser = await chromium.launch({ executablePath, args });
try {
    const base = await serve();
    if (PARTS.includes("frames")) await frames(browser, base);
    if (PARTS.includes("hour")) await hour(browser, base);
    if (PARTS.includes("first") && options.netsonde) await first(browser);
    if (PARTS.includes("changes") && options.netsonde) await changes(browser);
    if (PARTS.includes("hidden") && options.netsonde) await hidden(browser);
} finally {
    await browser.close();
    for (const back of undo.reverse()) back();
}
