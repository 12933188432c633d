/*
 * What every browser test stands on: a real server in a directory of its own, a real Chromium with
 * an empty profile, and TAP lines on stdout. Everything has a time limit, every wait is for a
 * condition, and what was started is stopped, whatever happens.
 *
 *   NETSONDE=path/to/netsonde [CHROMIUM=path] [CASE=words] node tests/browser/test_pages.mjs
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const SKIPPED = 77;
const CASE_LIMIT_MS = 120_000; // a bound for what hangs, not a measure of what is slow
const START_LIMIT_MS = 15_000;

export const INTERVAL_MS = 200;
export const WAIT_MS = 15_000; // for anything that is due within a second or two

function runnable(path) {
    try {
        accessSync(path, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

function findChromium() {
    if (process.env.CHROMIUM) return process.env.CHROMIUM;
    const names = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"];
    for (const name of names)
        for (const folder of (process.env.PATH ?? "").split(delimiter))
            if (runnable(join(folder, name))) return join(folder, name);
    return undefined;
}

function skip(why) {
    console.log(`1..0 # SKIP ${why}`);
    process.exit(SKIPPED);
}

const binary = process.env.NETSONDE;
if (!binary || !runnable(binary)) skip("NETSONDE names no program");
const chromiumPath = findChromium();
if (!chromiumPath) skip("no Chromium (apt install chromium)");

const web = createRequire(new URL("../../web/package.json", import.meta.url));
let playwright;
try {
    playwright = web("playwright-core");
} catch {
    skip("playwright-core is not installed (npm ci in web/)");
}
const axe = readFileSync(web.resolve("axe-core/axe.min.js"), "utf8");

/* Thrown by a case that cannot be tried here. */
export class Skip extends Error {}

/* ---- undoing ----------------------------------------------------------------------------- */

const undo = [];

function temporaryFolder(name) {
    const path = mkdtempSync(join(tmpdir(), `netsonde-${name}-`));
    undo.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
    return path;
}

async function undoAll() {
    while (undo.length)
        await Promise.resolve(undo.pop()()).catch((error) => console.log(`# undoing: ${error}`));
}

for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () =>
        void undoAll()
            .then(() => browser?.close())
            .finally(() => process.exit(1)),
    );

/* ---- waiting ----------------------------------------------------------------------------- */

/* Asks ever less often: each time costs the browser, or whoever is asked, some milliseconds. */
export async function until(what, condition, limitMs = WAIT_MS) {
    const deadline = Date.now() + limitMs;
    for (let pause = 10; ; pause = Math.min(pause * 1.5, 100)) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
        await new Promise((r) => setTimeout(r, pause));
    }
}

/* ---- the server -------------------------------------------------------------------------- */

function freePort() {
    return new Promise((resolve, reject) => {
        const probe = createServer();
        probe.once("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}

export class Server {
    #child;
    #output = "";

    /* environment: more variables of the server's; base: its serve.base_path, without the last /. */
    static async start({ intervalMs = INTERVAL_MS, environment = {}, base = "" } = {}) {
        const server = new Server();
        server.base = base;
        server.environment = base ? { ...environment, NETSONDE_SERVE_BASE_PATH: base } : environment;
        server.folder = temporaryFolder("data");
        server.port = await freePort();
        server.address = `http://127.0.0.1:${server.port}`;
        server.intervalMs = intervalMs;
        undo.push(() => server.stop());
        await server.start();
        return server;
    }

    /* Again on the same port and the same data. */
    async start() {
        const args = ["run", "--listen", `127.0.0.1:${this.port}`, "--data-dir", this.folder];
        args.push("--interval", `${this.intervalMs}ms`);
        const child = spawn(binary, args, {
            stdio: ["ignore", "pipe", "pipe"],
            env: { ...process.env, ...this.environment },
        });
        this.#child = child;
        child.ended = new Promise((resolve) => child.once("exit", resolve));
        for (const stream of [child.stdout, child.stderr])
            stream.on("data", (text) => (this.#output += text));
        await until(
            "the server is ready",
            async () => {
                if (child.exitCode !== null) throw new Error(`the server ended:\n${this.#output}`);
                return fetch(`${this.address}${this.base}/readyz`).then(
                    (r) => r.ok,
                    () => false,
                );
            },
            START_LIMIT_MS,
        );
    }

    /* `netsonde token …` on the server's data, as if on a terminal: what it says. */
    token(...words) {
        const command = [binary, "token", ...words, "--data-dir", this.folder];
        const quoted = command.map((w) => `'${w}'`).join(" ");
        const done = spawnSync("script", ["-qec", quoted, "/dev/null"], {
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"],
            env: { ...process.env, ...this.environment },
        });
        if (done.status !== 0) throw new Error(`token ${words}: ${done.stdout}${done.stderr}`);
        return done.stdout;
    }

    get output() {
        return this.#output;
    }

    signal(name) {
        this.#child.kill(name);
    }

    /* From now on what it writes beyond so many bytes of a file fails, as on a full disk. */
    limitFiles(bytes) {
        const done = spawnSync("prlimit", ["--pid", String(this.#child.pid), `--fsize=${bytes}:`]);
        if (done.status !== 0) throw new Error(`prlimit: ${done.stderr ?? done.error}`);
    }

    async stop() {
        const child = this.#child;
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGCONT");
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
        await child.ended;
        clearTimeout(timer);
    }

    /* How many ticks the history holds. */
    async ticks() {
        const path =
            "/api/v1/query?metric=node_network_receive_bytes_total&match=device=lo&from=now-10m&points=10000";
        const answer = await (await fetch(this.address + path)).json();
        return (answer.series?.[0]?.points ?? []).filter((p) => p[1] !== null).length;
    }

    /* Waits until it holds at least so many. */
    async holdsTicks(count) {
        await until(`${count} ticks of history`, async () => (await this.ticks()) >= count);
    }
}

/* ---- the browser ------------------------------------------------------------------------- */

const FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site", // pages of one server share a process: they start in two thirds of the time
];

let browser; // one of a program: starting it costs a second

/* A profile of its own: nothing is stored or fetched before. args: those of the program's browser. */
export async function launch({ args = FLAGS, ...options } = {}) {
    browser ??= await playwright.chromium.launch({
        executablePath: chromiumPath,
        headless: true,
        args,
    });
    browser.once("disconnected", () => (browser = undefined)); // it crashed: the next case has another
    const context = await browser.newContext({
        viewport: { width: 1280, height: 900 },
        colorScheme: "dark",
        reducedMotion: "reduce", // frames between two states cost much without a GPU; test_pages has them
        ...options,
    });
    undo.push(async () => {
        // An answer that is on its way to a page that is closed is no mistake.
        for (const routed of [context, ...context.pages()]) await routed.unrouteAll({ behavior: "ignoreErrors" });
        await context.close();
    });
    context.setDefaultTimeout(WAIT_MS);
    return context;
}

/* A page that collects everything it should not say: errors, refusals of the content policy. */
export async function openPage(context, address) {
    const page = await context.newPage();
    page.complaints = [];
    page.on("console", (m) => {
        if (m.type() !== "error" && m.type() !== "warning") return;
        const { url } = m.location(); // of what could not be loaded: its text does not say it
        page.complaints.push(url ? `${m.text()} (${url})` : m.text());
    });
    page.on("pageerror", (e) => page.complaints.push(String(e.stack ?? e)));
    await page.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (e) =>
            console.error(`policy refused ${e.violatedDirective} ${e.blockedURI}`),
        );
    });
    await page.goto(address);
    return page;
}

export function chart(page, key) {
    return page.locator(`figure[data-key="${key}"]`);
}

/* Ticks arrive, and what is below the screen has come. */
export async function isLive(page) {
    await page.locator('main[data-liveness="live"]').waitFor();
    await page.locator(".below").waitFor({ state: "detached" });
}

/* How many pixels of the chart have the colour of the token: what is really drawn. */
export function pixelsOf(page, key, token) {
    return page.evaluate(
        ([key, token]) => {
            const canvas = document.querySelector(`figure[data-key="${key}"] canvas`);
            if (!canvas || canvas.width === 0) return 0;
            // A copy: what is read often is kept elsewhere by browsers, which say so.
            const copy = document.createElement("canvas");
            copy.width = canvas.width;
            copy.height = canvas.height;
            const probe = copy.getContext("2d", { willReadFrequently: true });
            probe.fillStyle = getComputedStyle(document.documentElement)
                .getPropertyValue(token)
                .trim();
            probe.fillRect(0, 0, 1, 1);
            const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
            probe.clearRect(0, 0, 1, 1);
            probe.drawImage(canvas, 0, 0);
            const { data } = probe.getImageData(0, 0, canvas.width, canvas.height);
            let n = 0;
            for (let i = 0; i < data.length; i += 4) {
                const far =
                    Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
                if (data[i + 3] > 200 && far < 24) n++;
            }
            return n;
        },
        [key, token],
    );
}

/* ---- everybody --------------------------------------------------------------------------- */

/* As the page is now, axe objects to nothing. */
export async function axeFindsNothing(page, what) {
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
    const found = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, {
            runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
            resultTypes: ["violations"],
            preload: false, // only rules on trial need the texts of style sheets
        });
        return violations.map((v) => [v.id, v.nodes.map((n) => n.html + n.failureSummary)]);
    });
    assert.deepEqual(found, [], what);
}

/*
 * In both themes, wide and on a phone: axe objects to nothing and nothing sticks out. arrange: makes
 * what is to be looked at, after each change.
 */
export async function fitsEverybody(page, what, arrange = () => undefined) {
    for (const [theme, width] of [
        ["dark", 1280],
        ["light", 1280],
        ["light", 390],
        ["dark", 390],
    ]) {
        await page.setViewportSize({ width, height: 900 });
        await wearsTheme(page, theme, () => arrange(width));
        await axeFindsNothing(page, `${what}, ${theme}, ${width} px`);
        const [wide, room] = await page.evaluate(() => [
            document.documentElement.scrollWidth,
            document.documentElement.clientWidth,
        ]);
        assert.ok(wide <= room, `${what}: ${wide} px wide on ${room}`);
    }
}

/* The system has this theme; so has the page, once `arrange` has made it do what it takes. */
export async function wearsTheme(page, theme, arrange = () => undefined) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await arrange();
    await until(`the theme is ${theme}`, () =>
        page.evaluate((t) => document.documentElement.dataset.theme === t, theme),
    );
}

/* ---- TAP --------------------------------------------------------------------------------- */

function limited(promise, ms) {
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`longer than ${ms} ms`)), ms);
    });
    return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/* cases: name -> async function. Prints one line each; exit code 0 or 1. With CASE in the
 * environment only those whose name has it. */
export async function run(cases) {
    const { CASE = "" } = process.env;
    const names = Object.keys(cases).filter((name) => name.includes(CASE));
    if (names.length === 0) throw new Error(`no case is called ${CASE}`);
    console.log(`1..${names.length}`);
    let failed = 0;
    for (const [i, name] of names.entries()) {
        const began = performance.now();
        try {
            await limited(cases[name](), CASE_LIMIT_MS);
            console.log(`ok ${i + 1} - ${name}`);
        } catch (error) {
            if (error instanceof Skip) {
                console.log(`ok ${i + 1} - ${name} # SKIP ${error.message.trim()}`);
                await undoAll();
                continue;
            }
            failed++;
            console.log(`not ok ${i + 1} - ${name}`);
            for (const line of String(error.stack ?? error).split("\n")) console.log(`# ${line}`);
        }
        await undoAll();
        console.log(`# ${((performance.now() - began) / 1000).toFixed(1)} s`);
    }
    await browser?.close();
    process.exit(failed ? 1 : 0);
}
