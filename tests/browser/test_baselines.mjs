/*
 * The page of baselines: verdict in words, counts that filter, metrics, the trend as a line, making
 * and deleting. Weeks of comparisons are put in front of a real server (fake_documents.mjs).
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart, fitsEverybody, isLive, launch, openPage, run, Server, until } from "./harness.mjs";
import { baselineOf, changeOf, comparisonOf, EXAMPLE, FakeDocuments } from "./fake_documents.mjs";

async function open(path, prepare = () => undefined, options = {}) {
    const server = await Server.start();
    const context = await launch(options);
    const fake = await FakeDocuments.before(context);
    await prepare(fake, server);
    const page = await openPage(context, server.address + path);
    await isLive(page);
    return { server, context, fake, page };
}

async function says(locator, pattern) {
    let text = "";
    await until(`it says ${pattern}`, async () => pattern.test((text = await locator.innerText()))).catch(
        (error) => {
            throw new Error(`${error.message}, but “${text}”`);
        },
    );
    return text.replace(/\u2009/g, " ");
}

const sentence = (page) => page.locator("h1.sentence");
const metrics = (page) =>
    page.locator("tr[data-metric]").evaluateAll((all) => all.map((r) => r.dataset.metric));

await run({
    "the verdict comes first, then counts, then metrics: what is worse on top": async () => {
        const { page, fake } = await open("/baselines");
        await says(
            sentence(page),
            /^Worse than “before”: 2 of 7 metrics\. Most of all node_network_receive_errs_total of eth0, up to 22 times as much\. 1 better, 2 different/,
        );
        const counts = await page
            .locator("[data-verdict] .verdict-number")
            .evaluateAll((all) => all.map((e) => e.textContent));
        assert.deepEqual(counts, ["2", "1", "2", "2", "1"]);
        assert.deepEqual(
            await metrics(page),
            EXAMPLE.slice(0, 5).map((m) => m.name),
        );
        const rtt = page.locator('tr[data-metric="netsonde_tcp_rtt_seconds"]');
        const said = await says(rtt, /12\.0\s*ms[\s\S]*19\.0\s*ms[\s\S]*\+58/);
        assert.match(said, /\+0\.90[\s\S]*0\.004/);
        const length = (name) =>
            page
                .locator(`tr[data-metric="${name}"] .change-length`)
                .evaluate((r) => [Number(r.getAttribute("x")), Number(r.getAttribute("width"))]);
        const [x, width] = await length("node_network_receive_errs_total");
        assert.deepEqual([x, width], [48, 48], "×22 is off the end");
        const [left, less] = await length("node_network_transmit_bytes_total");
        assert.ok(left + less === 48 && less === 16, "half as much goes as far as double would");
        /* The default window is too short for a verdict: the last hour is compared. */
        const [asked] = fake.requests;
        assert.equal(asked.path, "baselines/before/comparison");
        assert.deepEqual(asked.query, { from: "now-1h", to: "now" });
        assert.deepEqual(page.complaints, []);
    },

    "counts and words filter, the address keeps it, units follow the choice": async () => {
        const { page } = await open("/baselines");
        await page.locator('button[data-verdict="unchanged"]').click();
        await until("two are left", async () => (await metrics(page)).length === 2);
        assert.match(page.url(), /verdict=unchanged/);
        await page.reload();
        await until("still two", async () => (await metrics(page)).length === 2);
        await page.locator("#filter").fill("TCP_alloc");
        await until("one", async () => (await metrics(page)).length === 1);
        await page.locator("#filter").fill("no such metric");
        await page.locator('[data-empty="metrics"]').waitFor();
        await page.getByRole("button", { name: "Show all" }).click();
        await until("what is notable", async () => (await metrics(page)).length === 5);
        const bytes = page.locator('tr[data-metric="node_network_receive_bytes_total"]');
        await says(bytes, /9\.60\s*Mbit\/s/);
        await page.getByRole("button", { name: "bytes", exact: true }).click();
        await says(bytes, /1\.20\s*MB\/s/);
        assert.deepEqual(page.complaints, []);
    },

    "over time: improvement shows as a line, a point opens its comparison, new ones come live":
        async () => {
            const { page, fake } = await open("/baselines");
            const trend = chart(page, "baseline-trend");
            await trend.locator("polyline[data-series='worse']").waitFor();
            assert.equal(await trend.getAttribute("data-chart"), "line");
            const points = await trend
                .locator("polyline[data-series='worse']")
                .evaluate((l) => l.getAttribute("points").split(" ").map((p) => p.split(",").map(Number)));
            assert.equal(points.length, 200);
            assert.ok(points[0][1] < points[100][1], "it was worse before: further up");
            assert.ok(points.every((p, i) => i === 0 || p[0] >= points[i - 1][0]));

            await until("it is listened to", () => fake.listening("baseline"));
            const now = Date.now();
            fake.tellComparison(
                comparisonOf(EXAMPLE.slice(0, 2), { t: now, reason: "link" }),
            );
            await says(page.locator(`tr[data-comparison="${now}"]`), /after a link change[\s\S]*worse/);
            fake.tellComparison(comparisonOf(EXAMPLE.slice(2, 3), { t: now, reason: "link" }));
            await says(page.locator(`tr[data-comparison="${now}"]`), /better/);
            assert.equal(await page.locator(`tr[data-comparison="${now}"]`).count(), 1);

            await trend.locator(".plot").focus();
            await page.keyboard.press("End");
            await page.keyboard.press("ArrowLeft");
            await says(trend.locator(".readout"), /hourly: [\d.]+\s*% worse/);
            const oldest = fake.comparisons[0];
            await page.keyboard.press("Enter");
            await page.waitForURL(new RegExp(`from=${oldest.from_ms}&to=${oldest.to_ms}`));
            await until("that stretch is compared", () =>
                fake.requests.some((r) => r.query?.from === String(oldest.from_ms)),
            );
            assert.deepEqual(page.complaints, []);
        },

    "what was compared after a change has no name: a point of its own, opened as it was kept":
        async () => {
            const { page, fake } = await open("/baselines");
            await until("it is listened to", () => fake.listening("baseline"));
            const t = Date.now();
            fake.tellComparison(
                comparisonOf(EXAMPLE.slice(1, 4), { t, baseline: "", reason: "address" }),
            );
            const row = page.locator(`tr[data-comparison="${t}"]`);
            await says(row, /the time before[\s\S]*after an address change[\s\S]*worse/);
            const names = () => chart(page, "baseline-trend").locator(".legend .name").allInnerTexts();
            await until("it is in the legend", async () =>
                (await names()).includes("worse after a change"),
            );
            const asked = fake.requests.length;
            await row.locator("a").click();
            await page.waitForURL(new RegExp(`comparison=${t}`));
            await says(page.locator("h1.sentence"), /^Worse than the time before: 1 of 3 metrics\./);
            assert.deepEqual(
                await metrics(page),
                EXAMPLE.slice(1, 4).map((m) => m.name),
            );
            assert.ok(
                fake.requests.slice(asked).every((r) => !/baselines\/\/comparison/.test(r.path)),
                "it cannot be made again, so it is not asked for",
            );
            await page.locator(".baseline-choice select").selectOption("auto");
            await says(page.locator("h1.sentence"), /usual at this hour of the week/);
            assert.doesNotMatch(page.url(), /comparison=/);
            assert.deepEqual(page.complaints, []);
        },

    "making and deleting: what is sent, what the page says then": async () => {
        const { page, fake } = await open("/baselines?from=now-6h&to=now");
        const form = page.getByRole("form", { name: "Make a baseline" });
        const save = form.getByRole("button", { name: /^Save the last 6/ });
        await save.click();
        await says(form.getByRole("status"), /It needs a name/);
        await form.getByLabel("Name").fill("no spaces please");
        await says(form.getByRole("status"), /up to 64 letters/);
        await form.getByLabel("Name").fill("after-update.1");
        await form.getByLabel("Comment").fill("kernel 6.1");
        await save.click();
        await page.locator('tr[data-baseline="after-update.1"]').waitFor();
        const post = fake.requests.find((r) => r.method === "POST");
        assert.deepEqual(
            [post.path, post.body, post.type],
            [
                "baselines",
                {
                    name: "after-update.1",
                    comment: "kernel 6.1",
                    from: "now-6h",
                    to: "now",
                    replace: false,
                },
                "application/json",
            ],
        );
        await says(form.getByRole("status"), /Saved as “after-update\.1”/);
        await form.getByLabel("Name").fill("after-update.1");
        fake.refusal = { status: 400, message: "the window holds 3 minutes only", field: "from" };
        await form.getByRole("button", { name: /^Replace it by/ }).click();
        await says(form.getByRole("status"), /^the window holds 3 minutes only\.$/);
        assert.equal(fake.requests.at(-1).body.replace, true);

        const row = page.locator('tr[data-baseline="after-update.1"]');
        await row.getByRole("button", { name: /^Delete/ }).click();
        await row.getByRole("button", { name: "Keep it" }).click();
        await row.getByRole("button", { name: /^Delete/ }).click();
        await row.getByRole("button", { name: /^Really delete/ }).click();
        await row.waitFor({ state: "detached" });
        const sent = fake.requests.find((r) => r.method === "DELETE");
        assert.equal(sent.path, "baselines/after-update.1");
        assert.equal(
            await page.locator('tr[data-baseline="auto"] button').count(),
            0,
            "the automatic one cannot be deleted",
        );
        assert.deepEqual(
            page.complaints.filter((c) => !/status of 400/.test(c)),
            [],
        );
    },

    "a viewer reads everything and is told what changing takes": async () => {
        const { page, fake } = await open("/baselines", (fake) => (fake.admin = false));
        await page.locator("tr[data-metric]").first().waitFor();
        const form = page.getByRole("form", { name: "Make a baseline" });
        await form.getByLabel("Name").fill("mine");
        const save = form.getByRole("button", { name: /^Save/ });
        await until(
            "the role is known",
            async () => (await save.getAttribute("aria-disabled")) === "true",
        );
        await save.click({ force: true });
        await says(form.getByRole("status"), /Only an admin may do this.*netsonde token new/);
        assert.ok(fake.requests.every((r) => r.method === "GET"));
        assert.deepEqual(page.complaints, []);
    },

    "empty, on its way, failing: each says so, and what to do": async () => {
        const { page, fake } = await open("/baselines", (fake) => {
            fake.baselines = [];
            fake.comparisons = [];
        });
        await says(sentence(page), /^There is nothing to compare with yet\. Save how things are now/);
        await says(page.locator('[data-empty="comparison"]'), /netsonde baseline save before/);
        await page.locator('[data-empty="baselines"]').waitFor();
        assert.equal(await chart(page, "baseline-trend").getAttribute("data-state"), "empty");

        let go;
        fake.delay = new Promise((resolve) => (go = resolve));
        fake.baselines = [baselineOf("before")];
        fake.comparison = () =>
            comparisonOf([changeOf("m", "not_enough_data", 1, 1)], {
                from_ms: Date.now() - 600_000,
            });
        await page.reload();
        await page.locator(".skeleton").first().waitFor();
        await says(sentence(page), /^Comparing…/);
        go();
        fake.delay = undefined;
        await says(sentence(page), /^Not enough data for a verdict\. .*at least 30 whole minutes/);

        fake.failing = 503;
        await page.reload();
        await says(sentence(page), /^Baselines could not be read\. the history cannot be read/);
        fake.failing = undefined;
        fake.comparison = () => comparisonOf(EXAMPLE.slice(5, 7));
        await page.getByRole("button", { name: "Try again" }).click();
        await says(sentence(page), /^As “before”\. None of 2 metrics is better or worse\./);
        assert.deepEqual(
            page.complaints.filter((c) => !/status of 503/.test(c)),
            [],
        );
    },

    "hostile names stay names, and many metrics are shown page by page": async () => {
        const evil = '<img src=x onerror="window.hacked=1">';
        const { page } = await open("/baselines", (fake) => {
            fake.baselines = [baselineOf("before", { comment: evil })];
            const many = Array.from({ length: 250 }, (_, i) =>
                changeOf(`metric_${i}`, "regressed", 1, 2, { labels: { device: evil } }),
            );
            fake.comparison = () => comparisonOf(many);
        });
        await until("a page of them", async () => (await metrics(page)).length === 100);
        await page.getByRole("button", { name: "Show more" }).first().click();
        await until("more", async () => (await metrics(page)).length === 200);
        await says(page.locator('tr[data-baseline="before"]'), /<img src=x/);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
        assert.deepEqual(page.complaints, []);
    },

    "what is saved: the trend as SVG, the metrics as CSV": async () => {
        const { page } = await open("/baselines");
        await page.locator("tr[data-metric]").first().waitFor();
        const save = async (menu, name) => {
            await menu.locator("summary").click();
            const [download] = await Promise.all([
                page.waitForEvent("download"),
                menu.getByRole("button", { name }).click(),
            ]);
            return readFileSync(await download.path(), "utf8");
        };
        const table = page.locator('.save-menu:has(summary[aria-label*="Comparison with"])');
        const lines = (await save(table, /^CSV/)).trimEnd().split("\r\n");
        assert.equal(lines.length, 1 + 5, "as filtered");
        assert.match(lines[1], /^regressed,node_network_receive_errs_total,"device=""eth0""",packets,/);
        const svg = await save(chart(page, "baseline-trend").locator(".save-menu"), /^SVG/);
        const parsed = await page.evaluate((text) => {
            const d = new DOMParser().parseFromString(text, "image/svg+xml");
            return {
                error: d.querySelector("parsererror")?.textContent ?? "",
                series: [...d.querySelectorAll("polyline[data-series]")].map((l) => l.dataset.series),
            };
        }, svg);
        assert.deepEqual(parsed, { error: "", series: ["worse", "better"] });
        assert.deepEqual(page.complaints, []);
    },

    "real: what the server refuses and cannot read is told in its words, and deleted": async () => {
        // A minute that ends meanwhile would be one that can be compared with.
        await until("a minute that lasts", () => new Date().getSeconds() < 35, 30_000);
        const server = await Server.start();
        await server.holdsTicks(5);
        const folder = join(server.folder, "baselines");
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(join(folder, "broken.json"), "{}", { mode: 0o600 });
        const page = await openPage(await launch(), server.address + "/baselines?from=now-1h&to=now");
        await isLive(page);
        await page.locator('tr[data-baseline="auto"]').waitFor();
        await page.goto(server.address + "/baselines?from=now-1h&to=now&baseline=auto");
        await says(sentence(page), /^Not enough data for a verdict\. .*in the weeks before/);
        await says(page.locator('[data-empty="metrics"]'), /^No metric could be compared\.$/);
        const form = page.getByRole("form", { name: "Make a baseline" });
        await form.getByLabel("Name").fill("before");
        await form.getByRole("button", { name: /^Save/ }).click();
        await says(form.getByRole("status"), /^the history has no whole minute of such series/);
        const row = page.locator('tr[data-baseline="broken"]');
        await says(row, /It cannot be read: \S/);
        await row.getByRole("button", { name: /^Delete/ }).click();
        await row.getByRole("button", { name: /^Really delete/ }).click();
        await row.waitFor({ state: "detached" });
        const left = await (await fetch(server.address + "/api/v1/baselines")).json();
        assert.deepEqual(
            left.baselines.map((b) => b.name),
            ["auto"],
        );
        assert.deepEqual(
            page.complaints.filter((c) => !/status of (4\d\d|500|503)/.test(c)),
            [],
        );
    },

    "axe finds nothing, nothing sticks out, both themes, wide and on a phone": async () => {
        const { page } = await open("/baselines");
        await page.locator("tr[data-metric]").first().waitFor();
        await fitsEverybody(page, "/baselines");
        assert.deepEqual(page.complaints, []);
    },
});
