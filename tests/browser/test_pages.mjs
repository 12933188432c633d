/* Every page loads clean, paints from history first, follows the present and keeps its promises. */
import assert from "node:assert/strict";
import { chart, isLive, launch, openPage, pixelsOf, run, Server, until } from "./harness.mjs";

const PAGES = ["/", "/interfaces", "/interfaces?device=lo"];
const KINDS = [
    "line",
    "area",
    "bar",
    "gauge",
    "heatmap",
    "histogram",
    "scatter",
    "sankey",
    "sparkline",
    "timeline",
    "calendar",
];
const STATES = ["live", "paused", "stale", "empty"];

const MOVING = { reducedMotion: "no-preference" }; // as most people have it

await run({
    "pages load without a complaint, charts say what they are, nothing moves": async () => {
        const server = await Server.start();
        const context = await launch(MOVING);
        for (const path of PAGES) {
            const page = await openPage(context, server.address + path);
            await page.evaluate(() => {
                window.shift = 0;
                new PerformanceObserver((list) => {
                    for (const entry of list.getEntries()) window.shift += entry.value;
                }).observe({ type: "layout-shift", buffered: true });
            });
            await isLive(page);
            await page.locator('[data-chart][data-state="live"]').first().waitFor();
            const charts = await page
                .locator("[data-chart]")
                .evaluateAll((all) => all.map((e) => [e.dataset.chart, e.dataset.state]));
            assert.ok(charts.length > 0);
            for (const [kind, state] of charts) {
                assert.ok(KINDS.includes(kind), kind);
                assert.ok(STATES.includes(state), state);
            }
            const beat = () => page.locator(".pulse").getAttribute("class");
            const first = await beat();
            await until("another tick", async () => (await beat()) !== first);
            assert.ok((await page.evaluate(() => window.shift)) < 0.05, "the layout moved");
            assert.deepEqual(page.complaints, []);
            await page.close();
        }
    },

    "what a page asks first is asked before the application runs, and once": async () => {
        const server = await Server.start();
        const context = await launch();
        const ways = { "/": /\/(info|interfaces)\?|\/query\?.*receive_bytes.*points=900/, "/tcp": /\/(info|interfaces)\?/ };
        for (const [path, early] of Object.entries(ways)) {
            const asked = [];
            const page = await context.newPage();
            let running = false; // the application opens the stream with its first breath
            page.on("websocket", () => (running = true));
            page.on("request", (r) => asked.push({ url: r.url() + "?", running }));
            await page.goto(server.address + path);
            await isLive(page);
            await page.locator('[data-chart][data-state="live"]').first().waitFor();
            const first = asked.filter((a) => early.test(a.url) && !a.running).map((a) => a.url);
            assert.equal(first.length, path === "/" ? 3 : 2, first.join("\n"));
            for (const url of first) assert.equal(asked.filter((a) => a.url === url).length, 1, url);
            await page.close();
        }
    },

    "only addresses of this server are asked, all pages are links in nav": async () => {
        const server = await Server.start();
        const context = await launch(MOVING);
        const asked = [];
        context.on("request", (r) => asked.push(r.url()));
        const page = await openPage(context, server.address + "/");
        await isLive(page);
        const links = await page
            .locator("nav#pages a")
            .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
        assert.equal(new Set(links).size, links.length, "each once");
        for (const known of ["/", "/interfaces", "/alerts", "/baselines", "/performance", "/settings"])
            assert.ok(links.includes(known), `${known} among ${links}`);
        for (const href of links) assert.equal((await fetch(server.address + href)).status, 200);
        await page.click('nav a[href="/interfaces"]');
        await page.locator('tr[data-device="lo"]').waitFor();
        assert.equal(new URL(page.url()).pathname, "/interfaces");
        await page.goBack();
        await chart(page, "throughput").waitFor();
        const outside = asked.filter(
            (u) => !u.startsWith(server.address) && !u.startsWith("data:"),
        );
        assert.deepEqual(outside, []);
        assert.deepEqual(page.complaints, []);
    },

    "after a restart the first paint comes from history, before any live tick": async () => {
        const server = await Server.start();
        await server.holdsTicks(15);
        await server.stop();
        await server.start();
        const context = await launch(MOVING);
        await context.routeWebSocket(/api\/v1\/stream/, () => undefined); // nothing live comes through
        const page = await openPage(
            context,
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await page.locator('figure[data-key="throughput"]:not([data-state="empty"])').waitFor();
        await until(
            "the history is drawn",
            async () => (await pixelsOf(page, "throughput", "--receive")) > 20,
        );
        assert.notEqual(await page.getAttribute("main", "data-liveness"), "live");
    },

    "what was not measured is hatched and told, the rest is not": async () => {
        const server = await Server.start();
        const page = await openPage(
            await launch(MOVING),
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await isLive(page);
        await server.holdsTicks(15);
        const figure = chart(page, "throughput");
        /* Hatching covers its ground; where there is data, the canvas is empty but for lines. */
        const covered = (from, to) =>
            figure.evaluate(
                (f, [from, to]) => {
                    const canvas = f.querySelector("canvas");
                    const over = f.querySelector(".plot-area").getBoundingClientRect();
                    const frame = canvas.getBoundingClientRect();
                    const px = canvas.width / frame.width;
                    const x = (over.left - frame.left + over.width * from) * px;
                    const y = (over.top - frame.top) * px;
                    const width = Math.max(1, over.width * (to - from) * px);
                    const { data } = canvas
                        .getContext("2d")
                        .getImageData(x, y, width, (over.height / 8) * px);
                    let n = 0;
                    for (let i = 3; i < data.length; i += 4) if (data[i] === 255) n++;
                    return n / (data.length / 4);
                },
                [from, to],
            );
        await until("the past is hatched", async () => (await covered(0.02, 0.1)) > 0.99);
        assert.ok((await covered(0.985, 0.995)) < 0.5);
        const box = await figure.locator(".plot-area").boundingBox();
        await page.mouse.move(box.x + box.width * 0.1, box.y + 20);
        const readout = figure.locator(".readout");
        await until("the reading line says so", async () =>
            /not measured before \d\d:\d\d:\d\d/.test(await readout.innerText()),
        );
        await page.mouse.move(box.x + box.width - 2, box.y + 20);
        await until("and not where there is data", async () =>
            /^\d\d:\d\d:\d\d$/.test(await readout.innerText()),
        );
    },

    "nothing is called unmeasured while history is on its way": async () => {
        const server = await Server.start();
        await server.holdsTicks(5);
        const context = await launch(MOVING);
        const held = [];
        let hold = true;
        await context.route("**/api/v1/query*", (route) =>
            hold ? held.push(route) : route.continue(),
        );
        const page = await openPage(
            context,
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await isLive(page);
        const figure = chart(page, "throughput");
        await figure.getByText("Reading history…").waitFor();
        const point = async (part) => {
            const box = await figure.locator(part).boundingBox();
            await page.mouse.move(box.x + box.width * 0.1, box.y + 20);
        };
        await point(".plot");
        assert.doesNotMatch(await figure.innerText(), /not measured|Nothing was measured/);
        hold = false;
        for (const route of held) await route.continue();
        await figure.and(page.locator('[data-state="live"]')).waitFor();
        await point(".plot-area");
        await until("then it is", async () =>
            /not measured/.test(await figure.locator(".readout").innerText()),
        );
    },

    "events are flags that say what happened": async () => {
        const server = await Server.start();
        await server.holdsTicks(5);
        const context = await launch(MOVING);
        const t = Date.now() - 30_000;
        await context.route("**/api/v1/events*", (route) =>
            route.fulfill({
                contentType: "application/json",
                body: JSON.stringify({
                    total: 2,
                    events: [
                        {
                            seq: 2,
                            t,
                            kind: "link",
                            device: "lo",
                            change: "state",
                            before: "up",
                            state: "down",
                        },
                        {
                            seq: 1,
                            t: t - 10_000,
                            kind: "link",
                            device: "other0",
                            change: "removed",
                        },
                    ],
                }),
            }),
        );
        const page = await openPage(
            context,
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await isLive(page);
        await until(
            "a flag is drawn",
            async () => (await pixelsOf(page, "throughput", "--flag")) > 5,
        );
        await page.getByRole("button", { name: "Pause" }).click();
        const figure = chart(page, "throughput");
        const box = await figure.locator(".plot-area").boundingBox();
        const told = new Set();
        for (let x = 2; x < box.width; x += 8) {
            await page.mouse.move(box.x + x, box.y + 20);
            told.add((await figure.locator(".readout").innerText()).replace(/^\S+ · /, ""));
        }
        assert.ok(told.has("lo: up → down"), [...told].join("\n"));
        assert.ok(told.has("netsonde was started"), [...told].join("\n"));
        assert.ok(![...told].some((text) => text.includes("other0")));
    },

    "the interfaces page has a row for each device and opens its charts": async () => {
        const server = await Server.start();
        const context = await launch(MOVING);
        const page = await openPage(context, server.address + "/interfaces");
        const row = page.locator('tr[data-device="lo"]');
        await row.waitFor();
        const table = await (await fetch(server.address + "/api/v1/interfaces")).json();
        assert.equal(await page.locator("tbody tr").count(), table.rows.length);
        await row.locator('canvas[data-chart="sparkline"][data-state="live"]').waitFor();
        assert.match(await row.locator(".col-rx-total").innerText(), /\d.*B/);
        await row.locator(".col-state").click();
        await page.waitForURL("**/interfaces?device=lo");
        assert.match(await page.locator("h1").innerText(), /^lo /);
        await chart(page, "throughput").waitFor();
        assert.deepEqual(page.complaints, []);
    },

    "the table sorts and filters, and the address says so": async () => {
        const server = await Server.start();
        const context = await launch(MOVING);
        const page = await openPage(context, server.address + "/interfaces");
        await page.locator('tr[data-device="lo"]').waitFor();
        const names = () => page.locator("tbody th a").allInnerTexts();
        const upwards = await names();
        await page.getByRole("button", { name: "Interface" }).click();
        assert.match(page.url(), /sort=-device/);
        assert.deepEqual(await names(), [...upwards].reverse());
        await page.getByRole("button", { name: "Received" }).click();
        assert.match(page.url(), /sort=-rx_bytes/);
        await page.fill("#filter", "loopback");
        await until("one row is left", async () => (await names()).join() === "lo");
        assert.match(page.url(), /filter=loopback/);
        await page.fill("#filter", "no such thing");
        await page.getByText("No interface matches").waitFor();
        await page.getByRole("button", { name: "Show all" }).click();
        assert.deepEqual((await names()).sort(), [...upwards].sort());
    },
});
