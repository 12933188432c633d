/*
 * Every page of the dashboard: loads without a complaint, stands at each width, says something about
 * each chart that is pointed at, and has nothing that axe objects to. Beside it what the pages of TCP's
 * health and of events, and the overview's panels, tell of real traffic.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { axePath, chart, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const PAGES = [
    "",
    "interfaces",
    "connections",
    "processes",
    "flows",
    "dns",
    "tcp",
    "events",
    "alerts",
    "explore?metric=node_network_receive_bytes_total",
    "baselines",
    "performance",
    "settings",
];

/* What a browser says of an answer that a page asks for to learn why there is no table. */
const EXPECTED = /status of 503/;

const axe = readFileSync(axePath, "utf8");

function complaints(page) {
    return page.complaints.filter((c) => !EXPECTED.test(c));
}

/* One server with a little traffic between two ends of its own; an exchange every 50 ms. */
async function busyServer() {
    const echo = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
    await new Promise((ready) => echo.listen(0, "127.0.0.1", ready));
    const timer = setInterval(() => {
        const socket = connect(echo.address().port, "127.0.0.1", () => socket.end("x".repeat(3000)));
        socket.on("error", () => undefined).resume();
    }, 50);
    timer.unref();
    echo.unref();
    const server = await Server.start();
    await server.holdsTicks(15);
    return server;
}

async function open(server, context, path) {
    const page = await openPage(context, `${server.address}/${path}`);
    await isLive(page);
    await page.locator("main h1").first().waitFor({ state: "attached" });
    return page;
}

async function pointAtEveryChart(page) {
    for (const figure of await page.locator("figure[data-chart]").all()) {
        await figure.scrollIntoViewIfNeeded();
        const plot = figure.locator(".plot");
        const box = await plot.boundingBox();
        for (const x of [0.2, 0.5, 0.8]) await page.mouse.move(box.x + box.width * x, box.y + box.height / 2);
        await plot.focus();
        await page.keyboard.press("ArrowLeft");
    }
}

await run({
    "every page loads, and every chart on it is pointed at, without a complaint": async () => {
        const server = await busyServer();
        const context = await launch();
        for (const path of PAGES) {
            const page = await open(server, context, path);
            await pointAtEveryChart(page);
            assert.deepEqual(complaints(page), [], path);
            await page.close();
        }
    },

    "no page is wider than the screen, from a phone to the widest": async () => {
        const server = await busyServer();
        for (const width of [390, 2560]) {
            const context = await launch({ viewport: { width, height: 900 } });
            for (const path of PAGES) {
                const page = await open(server, context, path);
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                assert.ok(wide <= width, `/${path} is ${wide} px wide on ${width}`);
                await page.close();
            }
            await context.close();
        }
    },

    "axe finds nothing on any page, dark and light": async () => {
        const server = await busyServer();
        for (const colorScheme of ["dark", "light"]) {
            const context = await launch({ colorScheme });
            for (const path of PAGES) {
                const page = await open(server, context, path);
                await page.evaluate(axe);
                const found = await page.evaluate(async () => {
                    const { violations } = await window.axe.run(document, {
                        resultTypes: ["violations"],
                    });
                    return violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}`);
                });
                assert.deepEqual(found, [], `/${path}, ${colorScheme}`);
                await page.close();
            }
            await context.close();
        }
    },

    "the page of TCP's health tells of real connections": async () => {
        const server = await busyServer();
        const page = await open(server, await launch(), "tcp?from=now-1m");
        await page.locator("h1 strong").filter({ hasText: /TCP is well|loses packets|threw|too slowly/ }).waitFor();
        for (const key of ["tcp-again", "tcp-states", "tcp-opens"])
            await chart(page, key).locator("xpath=self::*[@data-state='live']").waitFor();
        for (const [key, kind] of [["tcp-rtt-spread", "heatmap"], ["tcp-connect", "histogram"], ["drops", "sankey"]])
            assert.equal(await chart(page, key).getAttribute("data-chart"), kind);
        const opened = chart(page, "tcp-opens").locator(".plot");
        await opened.focus();
        await page.keyboard.press("End");
        await until("a rate is read", async () =>
            /[1-9]/.test(await chart(page, "tcp-opens").locator(".legend").innerText()));
        assert.deepEqual(complaints(page), []);
    },

    "events are listed by kind, filtered, and the address says so": async () => {
        const server = await busyServer();
        const page = await open(server, await launch(), "events?from=now-5m");
        const rows = page.locator(".event-lines tbody tr");
        await page.getByRole("button", { name: "Connections" }).click();
        assert.match(new URL(page.url()).searchParams.get("show"), /connections/);
        await chart(page, "links").waitFor();
        if ((await (await fetch(`${server.address}/api/v1/events?kind=connection_closed`)).json()).total > 0) {
            await rows.first().waitFor();
            const before = await rows.count();
            await page.locator("#filter").fill("no such thing anywhere");
            await page.locator(".table-empty").waitFor();
            await page.locator("#filter").fill("");
            await until("all again", async () => (await rows.count()) >= Math.min(before, 1));
        }
        await page.reload();
        assert.equal(
            await page.getByRole("button", { name: "Connections" }).getAttribute("aria-pressed"),
            "true",
        );
        assert.deepEqual(complaints(page), []);
    },

    "the overview names who talks, and leads there": async () => {
        const server = await busyServer();
        const page = await open(server, await launch(), "");
        const talker = page.locator(".talkers tbody th a");
        await talker.first().waitFor();
        const name = await talker.first().innerText();
        await talker.first().click();
        await page.waitForURL(/\/processes\?/);
        assert.equal(new URL(page.url()).searchParams.get("filter"), `process:${name}`);
        assert.deepEqual(complaints(page), []);
    },
});
