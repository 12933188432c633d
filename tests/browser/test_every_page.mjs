/*
 * Every page of the dashboard: loads without a complaint, stands at each width, says something about
 * each chart that is pointed at, and has nothing that axe objects to. Beside it what the pages of TCP's
 * health and of events, and the overview's panels, tell of real traffic.
 */
import assert from "node:assert/strict";
import { createServer, connect } from "node:net";
import {
    axeFindsNothing,
    chart,
    isLive,
    launch,
    openPage,
    run,
    Server,
    until,
    wearsTheme,
} from "./harness.mjs";

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

async function pointAt(page, figure) {
    await figure.scrollIntoViewIfNeeded();
    const plot = figure.locator(".plot");
    const box = await plot.boundingBox();
    for (const x of [0.2, 0.5, 0.8]) await page.mouse.move(box.x + box.width * x, box.y + box.height / 2);
    await plot.focus();
    await page.keyboard.press("ArrowLeft");
}

/* Also at those that come while others are pointed at, and take the place of one. */
async function pointAtEveryChart(page) {
    const charts = page.locator("figure[data-chart]");
    const keys = () => charts.evaluateAll((all) => all.map((f) => f.dataset.key));
    const done = new Set();
    for (let left = await keys(); left.length; left = (await keys()).filter((k) => !done.has(k))) {
        const figure = page.locator(`figure[data-key="${left[0]}"]`).first();
        try {
            await pointAt(page, figure);
        } catch (error) {
            if (await figure.count()) throw error; // else another stands in its place
        }
        done.add(left[0]);
    }
}

/* One page, one visit: charts, widths, both themes. */
async function visit(server, context, path) {
    const page = await open(server, context, path);
    await pointAtEveryChart(page);
    for (const width of [390, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `/${path} is ${wide} px wide on ${width}`);
        const cut = await page
            .locator(".figures :is(dt, dd)")
            .evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent));
        assert.deepEqual(cut, [], `/${path}: figures that run into each other at ${width}`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    for (const theme of ["dark", "light"]) {
        await wearsTheme(page, theme);
        await axeFindsNothing(page, `/${path}, ${theme}`);
    }
    assert.deepEqual(complaints(page), [], path);
    await page.close();
}

async function visitAll(paths) {
    const server = await busyServer();
    const context = await launch();
    for (const path of paths) await visit(server, context, path);
}

await run({
    "the first pages: no complaint, every chart pointed at, no width too small, axe content": () =>
        visitAll(PAGES.slice(0, 5)),

    "the next ones": () => visitAll(PAGES.slice(5, 9)),

    "the last ones": () => visitAll(PAGES.slice(9)),

    "the page of TCP's health tells of real connections": async () => {
        const server = await busyServer();
        const page = await open(server, await launch(), "tcp?from=now-1m");
        await page.locator("h1 strong").filter({ hasText: /TCP is well|loses packets|threw|too slowly/ }).waitFor();
        for (const key of ["tcp-again", "tcp-states", "tcp-opens"])
            await chart(page, key).locator("xpath=self::*[@data-state='live']").waitFor();
        for (const [key, kind] of [["tcp-rtt-spread", "heatmap"], ["tcp-connect", "histogram"], ["drops", "sankey"]])
            assert.equal(await chart(page, key).getAttribute("data-chart"), kind);
        const sent = page.locator(".figures .figure-note").filter({ hasText: "segments" });
        assert.match(await sent.innerText(), /^(\d+|[\d.]+\s?[kM]) of (\d+|[\d.]+\s?[kM]) segments$/); // whole ones
        await until("connections of the server's own are counted", async () => {
            const list = await (await fetch(`${server.address}/api/v1/query?metric=node_netstat_Tcp_ActiveOpens&agg=sum&points=1&from=now-1m`)).json();
            return list.series[0]?.points[0]?.[1] > 0;
        });
        await chart(page, "tcp-opens").scrollIntoViewIfNeeded();
        await chart(page, "tcp-opens").locator("canvas").first().waitFor(); // then there is something to read
        await chart(page, "tcp-opens").locator(".plot").focus();
        await until("a moment is read", async () => {
            await page.keyboard.press("End"); // before the chart has values there is none to read
            return /\d\d:\d\d/.test(await chart(page, "tcp-opens").locator(".readout").innerText());
        });
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
