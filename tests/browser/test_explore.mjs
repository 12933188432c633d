/*
 * The page /explore: a metric chosen by keyboard, split, in every kind of chart, compared, saved and
 * opened again; a link shows the same to somebody else; whatever stands in an address is text.
 */
import assert from "node:assert/strict";
import { axeFindsNothing, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const RECEIVE = "node_network_receive_bytes_total";
const EVIL = `<img src=x onerror=alert(1)>\u202e${"😀".repeat(40)}`;

async function opened(path, options) {
    const server = await Server.start();
    await server.holdsTicks(10);
    const context = await launch(options);
    const page = await openPage(context, server.address + path);
    await isLive(page);
    return { server, context, page };
}

const figure = (page, kind) => page.locator(`.explore [data-chart="${kind}"]`).first();

async function drawn(page, kind) {
    await until(`a chart of kind ${kind} with data`, async () => {
        const f = figure(page, kind);
        return (await f.count()) > 0 && ((await f.getAttribute("data-state")) ?? "empty") !== "empty";
    });
}

async function quiet(page) {
    assert.deepEqual(page.complaints, []);
}

const params = (page) => new URL(page.url()).searchParams;

await run({
    "a metric is found and taken by keyboard, split, and drawn in every kind of chart": async () => {
        const { page } = await opened("/explore");
        await page.locator(".sentence", { hasText: "Ask anything" }).waitFor();
        await page.getByRole("combobox", { name: /Metric of a new question/ }).focus();
        await page.keyboard.type("receive bytes");
        await page.getByRole("option", { name: /node_network_receive_bytes_total/ }).waitFor();
        await page.keyboard.press("Enter");
        await until("the address has it", () => params(page).get("a.metric") === RECEIVE);
        await drawn(page, "line");
        await page.getByLabel("Split question A by").selectOption("device");
        await until("the address has the split", () => params(page).get("a.by") === "device");
        await page.locator('.statistics tr[data-trace="lo"]').waitFor();
        for (const [button, kind] of [
            ["area", "area"],
            ["stacked", "area"],
            ["bar", "bar"],
            ["histogram", "histogram"],
            ["heatmap", "heatmap"],
            ["week", "calendar"],
            ["gauge", "gauge"],
            ["spark", "sparkline"],
        ]) {
            await page.getByRole("group", { name: "Chart", exact: true }).getByText(button, { exact: true }).click();
            await drawn(page, kind);
            assert.equal(params(page).get("a.metric"), RECEIVE, `the question stays with ${button}`);
        }
        await page.goBack();
        await drawn(page, "gauge");
        await quiet(page);
    },

    "a histogram has quantiles, a counter totals": async () => {
        const { page } = await opened(`/explore?metric=netsonde_collect_seconds&from=now-5m&to=now`);
        const what = page.getByRole("group", { name: /What of it/ });
        await what.getByText("p99").waitFor();
        assert.deepEqual(await what.getByRole("button").allTextContents(), ["mean", "median", "p90", "p99", "total"]);
        await what.getByText("p99").click();
        await until("p99 is asked", () => params(page).get("a.agg") === "p99");
        await drawn(page, "line");
        await page.goto(page.url().replace(/\?.*/, `?metric=${RECEIVE}`));
        await what.getByText("lowest").waitFor();
        assert.deepEqual(await what.getByRole("button").allTextContents(), [
            "mean",
            "lowest",
            "highest",
            "newest",
            "total",
        ]);
        await quiet(page);
    },

    "questions are added and taken away, up to six; a link shows the same to another": async () => {
        const { page, context } = await opened(`/explore?a.metric=${RECEIVE}&a.by=device&a.agg=max&layout=each`);
        for (let i = 1; i < 6; i++) {
            await page.getByRole("button", { name: "+ another question" }).click();
            await page.keyboard.type("node_sockstat_TCP_inuse");
            await page.getByRole("option", { name: /node_sockstat_TCP_inuse/ }).first().waitFor();
            await page.keyboard.press("Enter");
            await page.locator(`[data-query="${"ABCDEF"[i]}"]`).waitFor();
        }
        assert.equal(await page.getByRole("button", { name: "+ another question" }).count(), 0);
        await page.locator(".explore figure").nth(5).waitFor();
        const other = await openPage(context, page.url());
        await isLive(other);
        await other.locator(".explore figure").nth(5).waitFor();
        const titles = (p) => p.locator(".explore figure h3").allTextContents();
        assert.deepEqual(await titles(other), await titles(page));
        await page.getByRole("button", { name: "Remove question A" }).click();
        await until("five are left", () => params(page).get("f.metric") === null);
        assert.equal(params(page).get("a.metric"), "node_sockstat_TCP_inuse");
        await quiet(page);
        await quiet(other);
    },

    "conditions keep some series; statistics are sorted by a click": async () => {
        const { page } = await opened(`/explore?a.metric=node_network_*_bytes_total&a.by=device`);
        await page.locator(".statistics tbody tr").nth(1).waitFor();
        await page.getByRole("button", { name: "Only some series of question A" }).click();
        await page.getByLabel("Value of", { exact: false }).fill("lo");
        await page.keyboard.press("Enter");
        await until("the address has it", () => params(page).get("a.match") === "device=lo");
        await until("only lo is left", async () => (await page.locator(".statistics tbody tr").count()) === 2);
        const head = page.locator(".statistics thead th").first();
        await head.getByRole("button").click();
        assert.equal(await head.getAttribute("aria-sort"), "ascending");
        const names = await page.locator(".statistics tbody th").allTextContents();
        assert.ok(names[0].includes("receive") && names[1].includes("transmit"), String(names));
        await page.getByRole("button", { name: /Remove the condition device=lo/ }).click();
        await until("it is gone", () => params(page).get("a.match") === null);
        await quiet(page);
    },

    "a comparison says so, also when there is nothing of that time": async () => {
        const { page } = await opened(`/explore?a.metric=${RECEIVE}&a.agg=max`);
        await drawn(page, "line");
        await page.getByLabel("Compare with").selectOption("7d");
        await until("the address has it", () => params(page).get("compare") === "7d");
        await page.locator("figure .method", { hasText: "history has nothing of that time" }).waitFor();
        await page.locator(".sentence", { hasText: "a week before" }).waitFor();
        await quiet(page);
    },

    "what changed: a series that began to move is found, and a click adds it": async () => {
        const { server, page } = await opened(`/explore?a.metric=${RECEIVE}`);
        // As long before it hardly anything does: the page goes, and what it moved is long ago.
        await page.goto("about:blank");
        await server.holdsTicks((await server.ticks()) + 30);
        const from = Date.now();
        await until("what moves has moved for a while", async () => {
            await Promise.all(Array.from({ length: 4 }, () => fetch(`${server.address}/api/v1/series`)));
            return Date.now() - from > 4000;
        });
        const to = Date.now();
        await page.goto(`${server.address}/explore?a.metric=${RECEIVE}&from=${from}&to=${to}`);
        await page.getByRole("button", { name: "Look", exact: true }).click();
        const first = page.locator(".change").first();
        await first.waitFor();
        await first.click();
        await until("it is a question", () => params(page).get("b.metric") !== null);
        assert.ok(params(page).get("b.metric").startsWith("node_network"));
        await quiet(page);
    },

    "a dashboard is saved, opened, renamed and deleted": async () => {
        const { server, page } = await opened(`/explore?a.metric=${RECEIVE}&a.by=device&type=stacked`);
        const name = page.locator("#dashboard-name");
        await name.fill("no good");
        await page.getByText("A name has up to 64").waitFor();
        await name.fill("uplink");
        await page.getByRole("button", { name: "Save these questions" }).click();
        await page.locator('[data-dashboard="uplink"]').waitFor();
        await until("the address is short", () => params(page).get("dashboard") === "uplink");
        const stored = await (await fetch(`${server.address}/api/v1/dashboards/uplink`)).json();
        assert.equal(stored.version, 1);
        await page.goto(`${server.address}/explore?dashboard=uplink`);
        await drawn(page, "area");
        assert.equal(await page.locator(".query input").first().inputValue(), RECEIVE);
        await page.getByRole("group", { name: "Chart", exact: true }).getByText("bar", { exact: true }).click();
        await page.getByText("changed, not saved").waitFor();
        await name.fill("edge");
        await page.getByRole("button", { name: "Rename" }).click();
        await page.locator('[data-dashboard="edge"]').waitFor();
        await until("the old one is gone", async () => (await page.locator('[data-dashboard="uplink"]').count()) === 0);
        await page.getByRole("button", { name: "Delete dashboard edge" }).click();
        await page.getByRole("button", { name: "Really delete dashboard edge" }).click();
        await page.locator('[data-empty="dashboards"]').waitFor();
        await quiet(page);
    },

    "whatever stands in an address is text, and a question that nothing answers says so": async () => {
        const q = new URLSearchParams({ "a.metric": EVIL, "a.match": `device=${EVIL}`, "type": "<b>", "b.metric": "nothing_is_called_so" });
        const { page } = await opened(`/explore?${q}`);
        await page.locator(".chart-empty", { hasText: "No series is called so" }).first().waitFor();
        assert.equal(await page.locator(".explore img").count(), 0);
        await page.locator(".query input").first().waitFor();
        assert.equal(await page.locator(".query input").first().inputValue(), EVIL);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await quiet(page);
    },

    "nobody is kept out: axe finds nothing, wide and narrow, the list of metrics open": async () => {
        const { page } = await opened(`/explore?a.metric=${RECEIVE}&a.by=device&b.metric=netsonde_collect_seconds`);
        await drawn(page, "line");
        await axeFindsNothing(page, "the chart");
        await page.locator(".query input").first().click();
        await page.getByRole("option").first().waitFor();
        await axeFindsNothing(page, "the list of metrics");
        await page.keyboard.press("Escape");
        await page.setViewportSize({ width: 390, height: 844 });
        await drawn(page, "line");
        assert.ok(
            await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
            "nothing is wider than a phone",
        );
        await axeFindsNothing(page, "the chart, on a phone");
        await page.locator(".query input").first().click();
        await page.getByRole("option").first().waitFor();
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
        await quiet(page);
    },
});
