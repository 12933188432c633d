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

await run({
    "pages load without a complaint, charts say what they are, nothing moves": async () => {
        const server = await Server.start();
        const context = await launch();
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

    "only addresses of this server are asked, all pages are links in nav": async () => {
        const server = await Server.start();
        const context = await launch();
        const asked = [];
        context.on("request", (r) => asked.push(r.url()));
        const page = await openPage(context, server.address + "/");
        await isLive(page);
        const links = await page
            .locator("nav a")
            .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
        assert.deepEqual(links, ["/", "/interfaces"]);
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
        const context = await launch();
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

    "the interfaces page has a row for each device and opens its charts": async () => {
        const server = await Server.start();
        const context = await launch();
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
        const context = await launch();
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
    },
});
