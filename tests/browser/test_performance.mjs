/*
 * The page of performance: what netsonde costs comes from the real server; benchmarks, which take
 * minutes and other machines, are put in front of it (fake_documents.mjs).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chart, fitsEverybody, isLive, launch, openPage, pixelsOf, run, Server, until } from "./harness.mjs";
import { FakeDocuments, MACHINE, runOf } from "./fake_documents.mjs";

const HOUR = 3_600_000;
const QUICK = { environment: { NETSONDE_SERVE_PERFORMANCE_INTERVAL: "1s" } };

async function open(path, prepare = () => undefined, options = {}) {
    const server = await Server.start(QUICK);
    const context = await launch(options);
    const fake = await FakeDocuments.before(context);
    await prepare(fake, server);
    const page = await openPage(context, server.address + path);
    await isLive(page);
    return { server, context, fake, page };
}

async function says(locator, pattern) {
    let text = "";
    await until(`it says ${pattern}`, async () => pattern.test((text = await locator.innerText())));
    return text.replace(/\u2009/g, " ");
}

function pointsOf(page, key) {
    return chart(page, key)
        .locator("polyline[data-series]")
        .evaluateAll((all) =>
            all.map((l) => [
                l.dataset.series,
                l
                    .getAttribute("points")
                    .split(" ")
                    .map((p) => p.split(",").map(Number)),
            ]),
        );
}

await run({
    "what it costs: sentence, figures, charts, stages, viewers, all from the real server": async () => {
        const { page, server } = await open("/performance?from=now-1m&to=now");
        const said = await says(
            page.locator("h1.sentence"),
            /netsonde takes [<\d.]+\s*% of one CPU and [\d.]+\s*MB of memory/,
        );
        assert.ok(said.length < 400);
        const { process } = await (await fetch(server.address + "/api/v1/performance")).json();
        const [, memory] = /and ([\d.]+) MB/.exec(said);
        assert.ok(
            Math.abs(Number(memory) * 1e6 - process.rss_bytes) < 0.5 * process.rss_bytes,
            `${memory} MB against ${process.rss_bytes}`,
        );
        await says(page.locator(".performance-figures"), /Viewers\s*1[\s\S]*\d+ messages/);
        for (const stage of ["collect", "seal", "store", "detect", "encode", "fan-out"])
            await page.locator(`tr[data-stage="${stage}"]`).waitFor();
        const cells = (stage) =>
            page
                .locator(`tr[data-stage="${stage}"] .number-cell`)
                .evaluateAll((all) => all.map((c) => Number(c.textContent.replace("<", ""))));
        const [p50, p90, p99, max] = await cells("collect");
        assert.ok(p50 <= p90 && p90 <= p99 && p99 <= max && max > 0, `${[p50, p90, p99, max]}`);
        await says(page.locator("tr[data-client]"), /127\.0\.0\.1:\d+[\s\S]*metrics/);
        for (const key of ["self-cpu", "self-memory", "stages", "viewers", "messages", "sent", "disk"]) {
            const figure = chart(page, key);
            await figure.scrollIntoViewIfNeeded();
            await page.locator(`figure[data-key="${key}"]:not([data-state="empty"])`).waitFor();
            assert.match(await figure.getAttribute("data-chart"), /^(line|area)$/);
        }
        await until(
            "memory is drawn",
            async () => (await pixelsOf(page, "self-memory", "--category-1")) > 20,
        );
        await page.locator('figure[data-key="latency"]').waitFor();
        assert.deepEqual(page.complaints, []);
    },

    "viewers are no admins: no rows, and what it takes": async () => {
        const server = await Server.start(QUICK);
        const context = await launch();
        const fake = await FakeDocuments.before(context);
        fake.admin = false;
        await context.routeWebSocket(/api\/v1\/stream/, (socket) => {
            const real = socket.connectToServer();
            real.onMessage((text) => {
                const m = JSON.parse(text);
                delete m.clients; // as a viewer gets it
                socket.send(JSON.stringify(m));
            });
        });
        const page = await openPage(context, server.address + "/performance");
        await isLive(page);
        await says(page.locator('[data-empty="clients"]'), /admins only[\s\S]*netsonde token new/);
        assert.equal(await page.locator("tr[data-client]").count(), 0);
        assert.deepEqual(page.complaints, []);
    },

    "no benchmark yet: why, and the command": async () => {
        const { page, fake } = await open("/performance");
        await says(page.locator('[data-empty="benchmarks"]'), /netsonde bench fanout --publish/);
        fake.failing = 503;
        await page.reload();
        await page.getByText("Benchmarks could not be read: the history cannot be read").waitFor();
        assert.deepEqual(
            page.complaints.filter((c) => !/status of 503/.test(c)),
            [],
        );
    },

    "a run shows its progress live, then its results against the run before": async () => {
        const { page, fake } = await open("/performance", (fake) => {
            fake.benchmarks = [runOf(Date.now() - 24 * HOUR, 1)];
        });
        await until("it is listened to", () => fake.listening("benchmark"));
        const whole = runOf(Date.now(), 1.5);
        const at = (n, progress) => ({
            ...whole,
            state: "running",
            progress,
            results: whole.results.slice(0, n),
        });
        fake.tellBenchmark(at(0, 0.05));
        const running = page.locator(`.bench-running[data-run="${whole.id}"]`);
        await says(running, /fanout is running: 5\s*%[\s\S]*0 results so far/);
        fake.tellBenchmark(at(12, 0.6));
        await says(running, /60\s*%[\s\S]*12 results/);
        assert.equal(await running.locator("progress").getAttribute("value"), "60");
        await until("the run grows on the chart", async () =>
            (await pointsOf(page, "bench-p99_ms")).some(
                ([s, points]) => /running$/.test(s) && points.length === 3,
            ),
        );
        fake.tellBenchmark(whole);
        await running.waitFor({ state: "detached" });
        const rows = await page
            .locator("tr[data-result]")
            .evaluateAll((all) => all.map((r) => [r.dataset.result, r.dataset.verdict]));
        assert.equal(rows.length, whole.results.length);
        assert.deepEqual(rows.slice(0, 4), [
            ["p50_ms", "regressed"],
            ["p99_ms", "regressed"],
            ["rss_bytes", "unchanged"],
            ["cpu_us_per_message", "regressed"],
        ]);
        await says(page.locator("tr[data-result]").first(), /\+50\.0\s*%/);
        assert.deepEqual(page.complaints, []);
    },

    "results against the number of clients, on a logarithm, runs over each other; and over time":
        async () => {
            const now = Date.now();
            const { page } = await open("/performance", (fake) => {
                fake.benchmarks = [1, 1.2, 1.5].map((f, i) => runOf(now - (i + 1) * 24 * HOUR, f));
            });
            const figure = chart(page, "bench-p99_ms");
            await figure.scrollIntoViewIfNeeded();
            await figure.locator("polyline[data-series]").first().waitFor();
            assert.equal(await figure.getAttribute("data-chart"), "line");
            const curves = await pointsOf(page, "bench-p99_ms");
            assert.equal(curves.length, 3);
            for (const [, points] of curves) {
                assert.equal(points.length, 5);
                const steps = points.slice(1).map((p, i) => p[0] - points[i][0]);
                assert.ok(
                    steps.every((s) => Math.abs(s - steps[0]) < 0.5),
                    `ten times as many are equally far: ${steps}`,
                );
                assert.ok(points[4][1] < points[0][1], "more clients, more time: further up");
            }
            const legend = await figure.locator(".legend .name").allInnerTexts();
            assert.equal(new Set(legend).size, 3);

            const time = chart(page, "bench-history-ms-0");
            await time.scrollIntoViewIfNeeded();
            const lines = await pointsOf(page, "bench-history-ms-0");
            assert.deepEqual(
                lines.map(([s, p]) => [s, p.length]),
                [
                    ["p50_ms", 3],
                    ["p99_ms", 3],
                ],
            );
            assert.ok(lines[0][1][0][1] < lines[0][1][2][1], "it became faster: further down");
            await time.locator(".plot").focus();
            await page.keyboard.press("Home");
            await says(time.locator(".readout"), /p50_ms [\d.]+\s*ms/);
            await page.keyboard.press("Enter");
            await page.waitForURL(/run=fanout-/);
            const chosen = page.locator("tr.chosen");
            await says(chosen, /AMD EPYC 7B13, 2 cores, 8\.59\s*GB/);
            await says(chosen, /message_bytes 1024/);
            assert.deepEqual(page.complaints, []);
        },

    "subjects apart, hostile names are names, a failed run says so": async () => {
        const evil = '"><img src=x onerror="window.hacked=1">';
        const now = Date.now();
        const { page } = await open("/performance", (fake) => {
            fake.benchmarks = [
                runOf(now - HOUR, 1, { state: "failed", results: [] }),
                {
                    ...runOf(now - 2 * HOUR),
                    id: "store-1",
                    subject: "store",
                    machine: { ...MACHINE, cpu: evil },
                    results: [1, 10].map((n) => ({
                        name: evil,
                        labels: { series: String(n), note: evil },
                        value: n,
                        unit: evil,
                        kind: "throughput",
                        better: "higher",
                    })),
                },
            ];
        });
        await says(page.locator("tr[data-run]"), /failed/);
        await page.locator(".segmented").getByRole("button", { name: "store", exact: true }).click();
        await page.waitForURL(/bench=store/);
        await says(page.locator("tr[data-run]"), /<img src=x/);
        const figure = page.locator('figure[data-key^="bench-"]').first();
        await figure.locator("polyline[data-series]").waitFor();
        await figure.locator("summary").click();
        const [download] = await Promise.all([
            page.waitForEvent("download"),
            figure.getByRole("button", { name: /^SVG/ }).click(),
        ]);
        assert.match(download.suggestedFilename(), /^netsonde-[\w.-]+\.svg$/);
        const svg = readFileSync(await download.path(), "utf8");
        const parsed = await page.evaluate((text) => {
            const d = new DOMParser().parseFromString(text, "image/svg+xml");
            return [
                d.querySelector("parsererror")?.textContent ?? "",
                d.querySelectorAll("img, script, [onerror]").length,
                d.querySelectorAll("polyline[data-series]").length,
            ];
        }, svg);
        assert.deepEqual(parsed, ["", 0, 1]);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
        assert.deepEqual(page.complaints, []);
    },

    "real: what is published to the server appears while it runs, and stays": async () => {
        const server = await Server.start(QUICK);
        const page = await openPage(await launch(), server.address + "/performance");
        await isLive(page);
        await page.locator('[data-empty="benchmarks"]').waitFor();
        const whole = runOf(Date.now());
        const publish = async (run) => {
            const answer = await fetch(server.address + "/api/v1/benchmarks", {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify(run),
            });
            assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
        };
        await publish({
            ...whole,
            state: "running",
            progress: 0.25,
            results: whole.results.slice(0, 4),
        });
        const running = page.locator(`.bench-running[data-run="${whole.id}"]`);
        await says(running, /fanout is running: 25\s*%[\s\S]*4 results/);
        await publish(whole);
        await running.waitFor({ state: "detached" });
        await chart(page, "bench-p99_ms").locator("polyline[data-series]").waitFor();
        await page.reload();
        await says(page.locator(`tr[data-run="${whole.id}"]`), /done[\s\S]*AMD EPYC[\s\S]*20/);
        assert.equal(await page.locator("tr[data-result]").count(), whole.results.length);
        assert.deepEqual(page.complaints, []);
    },

    "axe finds nothing, nothing sticks out, both themes, wide and on a phone": async () => {
        const now = Date.now();
        const { page, fake } = await open("/performance", (fake) => {
            fake.benchmarks = [1, 1.5].map((f, i) => runOf(now - (i + 1) * 24 * HOUR, f));
        });
        await page.locator("tr[data-client]").waitFor();
        await until("it is listened to", () => fake.listening("benchmark"));
        fake.tellBenchmark(runOf(now, 1, { state: "running", progress: 0.4 }));
        await page.locator("progress").waitFor();
        await fitsEverybody(page, "/performance");
        assert.deepEqual(page.complaints, []);
    },
});
