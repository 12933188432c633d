/*
 * Alerts: the page, the editor, what calls for somebody. States that take hours, floods and hostile
 * names are put in front of a real server (fake_alerts.mjs); the last case has nothing faked: real
 * traffic over the loopback makes a real alert fire, be acknowledged and resolve.
 */
import assert from "node:assert/strict";
import { createServer, connect } from "node:net";
import {
    chart,
    fitsEverybody,
    isLive,
    launch,
    openPage,
    pixelsOf,
    run,
    Server,
    until,
} from "./harness.mjs";
import { alertOf, channelOf, FakeAlerts, ruleOf } from "./fake_alerts.mjs";

const RECEIVED = "node_network_receive_bytes_total";

/* A page with faked alerts; `prepare` sets them before it is opened. */
async function open(path, prepare = () => undefined, options = {}) {
    const server = await Server.start();
    const context = await launch(options);
    const fake = await FakeAlerts.before(context);
    await prepare(fake, server);
    const page = await openPage(context, server.address + path);
    await isLive(page);
    return { server, context, fake, page };
}

const row = (page, id) => page.locator(`li[data-alert="${id}"]`);
const sentence = (page) => page.locator("h1.sentence");

async function says(locator, pattern) {
    let text = "";
    await until(`it says ${pattern}`, async () => pattern.test((text = await locator.innerText())));
    return text;
}

/* Eighty megabytes a second over the loopback, until it is stopped. */
async function traffic() {
    const sink = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise((resolve) => sink.listen(0, "127.0.0.1", resolve));
    const source = connect(sink.address().port, "127.0.0.1");
    source.on("error", () => undefined);
    const block = Buffer.alloc(4 << 20);
    const timer = setInterval(() => source.writableLength === 0 && source.write(block), 50);
    return () => {
        clearInterval(timer);
        source.destroy();
        sink.close();
    };
}

async function backTestOf(server, fired) {
    const path = `/api/v1/series?metric=${RECEIVED}&match=device=lo`;
    const [lo] = await (await fetch(server.address + path)).json();
    const series = `${RECEIVED}{device="lo"}`;
    const to = Math.floor(Date.now() / 288_000) * 288_000;
    const from = to - 86_400_000;
    const points = Array.from({ length: 300 }, (_, i) => [
        from + i * 288_000,
        i % 100 > 95 ? 2e6 : 5e5,
        0.1,
        5e5,
        1e5,
    ]);
    return {
        from,
        to,
        step_ms: 288_000,
        tier: "minute",
        fired,
        truncated: false,
        alerts: Array.from({ length: Math.min(fired, 3) }, (_, i) =>
            alertOf(0, {
                state: "resolved",
                series,
                unit: "bytes/s",
                value: 2e6,
                threshold: 1e6,
                severity: i === 1 ? "critical" : "warning",
                started: from + (96 + 100 * i) * 288_000,
                resolved: from + (100 + 100 * i) * 288_000,
            }),
        ),
        series: [{ id: lo.id, series, points }],
    };
}

await run({
    "quiet: the page says so and explains what is empty": async () => {
        const { page } = await open("/alerts", (fake) => (fake.rules = []));
        await says(sentence(page), /^All quiet\. Nothing has fired in the last 24 hours\.$/);
        for (const what of ["active", "history", "silences"])
            await page.locator(`[data-empty="${what}"]`).waitFor();
        assert.doesNotMatch(await page.title(), /^\(/);
        assert.deepEqual(page.complaints, []);
    },

    "what fires: sentence, order, words and shapes, count in nav, title and icon": async () => {
        const { page, fake } = await open("/alerts", (fake) => {
            fake.active = [
                alertOf(1),
                alertOf(2, { severity: "critical", rule: "link_down", summary: "eth1 is down" }),
                alertOf(3, { state: "acknowledged", by: "admin kim", severity: "critical" }),
                alertOf(4, { inhibited_by: 2 }),
                alertOf(5, { state: "pending", started: null }),
                alertOf(6, { state: "silenced", silence: 9 }),
            ];
        });
        await says(sentence(page), /^2 alerts are firing, the worst: eth1 is down\./);
        const order = await page
            .locator("li[data-alert]")
            .evaluateAll((all) => all.map((e) => Number(e.dataset.alert)));
        assert.deepEqual(order, [2, 1, 3, 6, 4, 5]);
        assert.equal(await row(page, 2).locator(".mark-critical").count(), 1);
        assert.equal(await row(page, 1).locator(".mark-warning").count(), 1);
        assert.match(await row(page, 2).innerText(), /critical, firing/);
        assert.match(await row(page, 3).innerText(), /acknowledged by admin kim/);
        assert.match(await row(page, 4).innerText(), /Muted by alert 2/);
        assert.match(await row(page, 6).innerText(), /Held by silence 9/);
        const nav = page.locator('nav#pages a[href="/alerts"]');
        assert.match(await nav.innerText(), /Alerts\s+2/);
        assert.equal(await nav.locator(".mark-critical").count(), 1);
        await until("the title counts", async () => (await page.title()).startsWith("(2) "));
        const icon = () => page.locator('link[rel="icon"]').getAttribute("href");
        assert.match(await icon(), /^data:image\/png/);
        fake.state([]);
        await until("it is quiet", async () => !(await page.title()).startsWith("("));
        assert.match(await icon(), /favicon.*\.svg$/);
        assert.deepEqual(page.complaints, []);
    },

    "the filter stands in the address and survives a reload": async () => {
        const { page } = await open("/alerts", (fake) => {
            fake.active = [
                alertOf(1),
                alertOf(2, { severity: "critical", summary: "the sky falls" }),
                alertOf(3, { state: "acknowledged" }),
            ];
        });
        await row(page, 3).waitFor();
        const shown = () => page.locator("li[data-alert]").count();
        await page.getByLabel("Severity", { exact: true }).selectOption("critical");
        await until("one is left", async () => (await shown()) === 1);
        assert.match(page.url(), /severity=critical/);
        await page.reload();
        await row(page, 2).waitFor();
        assert.equal(await shown(), 1);
        await page.getByLabel("Severity", { exact: true }).selectOption("");
        await page.getByLabel("State", { exact: true }).selectOption("acknowledged");
        await row(page, 3).waitFor();
        await page.keyboard.press("Tab");
        await page.locator("#filter").fill("nothing like it");
        await page.getByText("None of the 3 active alerts passes the filter").waitFor();
        await page.getByRole("button", { name: "Show all" }).click();
        await until("all are back", async () => (await shown()) === 3);
        assert.doesNotMatch(page.url(), /filter|state|severity/);
    },

    "acknowledge and silence: what is sent, and what the page says then": async () => {
        const { page, fake } = await open("/alerts", (fake) => {
            fake.active = [
                alertOf(1),
                alertOf(2, { rule: "r*", series: 'm{device="a[0]"}', summary: "odd names" }),
            ];
        });
        await row(page, 1)
            .getByRole("button", { name: /^Acknowledge/ })
            .click();
        await page.locator('li[data-alert="1"][data-state="acknowledged"]').waitFor();
        const [ack] = fake.requests;
        assert.deepEqual(
            [ack.method, ack.path, ack.body, ack.type],
            ["POST", "alerts/1/ack", {}, "application/json"],
        );

        await row(page, 2)
            .getByRole("button", { name: /^Silence/ })
            .click();
        const form = row(page, 2).getByRole("form");
        await until("the first choice has the focus", () =>
            page.evaluate(() => document.activeElement.type === "radio"),
        );
        await form.getByLabel("4 hours").check();
        await form.getByLabel("Comment").fill("being repaired");
        await form.getByRole("button", { name: /^Silence until/ }).click();
        await form.waitFor({ state: "detached" });
        const silence = fake.requests[1];
        assert.equal(silence.path, "silences");
        const { rule, series, comment, to } = silence.body;
        assert.deepEqual(
            [rule, series, comment],
            ["r\\*", 'm{device="a\\[0\\]"}', "being repaired"],
        );
        assert.ok(Math.abs(to - Date.now() - 4 * 3_600_000) < 60_000);
        const line = page.locator('li[data-silence="1"]');
        await says(line, /being repaired by admin test[\s\S]*left, until/);
        await line.getByRole("button", { name: /^End the silence/ }).click();
        await line.waitFor({ state: "detached" });
        assert.deepEqual(
            fake.requests[2].method + " " + fake.requests[2].path,
            "DELETE silences/1",
        );
        assert.deepEqual(page.complaints, []);
    },

    "a viewer is told what it takes, a refusal is told in the server's words": async () => {
        const { page, fake } = await open("/alerts", (fake) => {
            fake.admin = false;
            fake.active = [alertOf(1)];
        });
        const button = row(page, 1).getByRole("button", { name: /^Acknowledge/ });
        await until(
            "the role is known",
            async () => (await button.getAttribute("aria-disabled")) === "true",
        );
        await button.click({ force: true }); // it is marked as not for everybody
        await says(
            row(page, 1).getByRole("alert"),
            /Only an admin may do this.*netsonde token new/,
        );
        assert.deepEqual(fake.requests, []);
        fake.admin = true;
        await page.reload();
        await row(page, 1).waitFor();
        fake.refusal = { status: 409, message: "alert 1 is acknowledged already" };
        await row(page, 1)
            .getByRole("button", { name: /^Acknowledge/ })
            .click();
        await says(row(page, 1).getByRole("alert"), /^alert 1 is acknowledged already\.$/);
    },

    "new alerts lie over every page, the critical ones assertively, and go when they are over":
        async () => {
            const { page, fake } = await open("/");
            const regions = await page
                .locator(".toast-region")
                .evaluateAll((all) => all.map((e) => e.getAttribute("aria-live")));
            assert.deepEqual(regions, ["assertive", "polite"]);
            const critical = alertOf(1, { severity: "critical", summary: "eth1 is down" });
            fake.state([critical]);
            fake.tell(critical, { suppressed: 12 });
            await says(page.locator(".sentence"), /^1 alert is firing: eth1 is down\./);
            const toast = page.locator('.toast-region[aria-live="assertive"] [data-toast="1"]');
            await says(toast, /critical firing: eth1 is down[\s\S]*12 more held back/);
            fake.state([]);
            fake.tell({ ...critical, state: "resolved", resolved: Date.now() });
            await says(toast, /critical resolved/);
            fake.tell(alertOf(2, { summary: "a test" }), { test: true });
            await says(page.locator('[data-toast="2"]'), /A test: nothing is wrong/);
            await page
                .locator('[data-toast="2"]')
                .getByRole("button", { name: /^Dismiss/ })
                .click();
            await page.locator('[data-toast="2"]').waitFor({ state: "detached" });
            await page.mouse.move(10, 10); // nothing goes away while somebody points at it
            await toast.waitFor({ state: "detached" });
            assert.deepEqual(page.complaints, []);
        },

    "notification and sound are off until somebody wants them, and then come": async () => {
        const { page, context, fake } = await open("/alerts");
        await context.grantPermissions(["notifications"]);
        await page.evaluate(() => {
            window.told = [];
            window.tones = 0;
            window.Notification = class {
                static requestPermission = async () => "granted";
                constructor(title, options) {
                    window.told.push([title, options.body]);
                }
                close() {}
            };
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function (...rest) {
                window.tones++;
                return start.apply(this, rest);
            };
        });
        const hide = (hidden) =>
            page.evaluate((hidden) => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }, hidden);
        const told = () => page.evaluate(() => [window.told, window.tones]);
        const fire = (id) => {
            const a = alertOf(id, { severity: "critical", summary: `number ${id}` });
            fake.tell(a);
            fake.state([a]);
        };
        fire(1);
        await until("the title counts", async () => (await page.title()).startsWith("(1) "));
        assert.deepEqual(await told(), [[], 0]);
        await page.getByText("Attention…").click();
        await page.getByLabel(/^Notify through the browser/).check();
        await page.getByLabel(/^Sound/).check();
        await until("one hears what it is like", async () => (await told())[1] === 2);
        const heard = Date.now();
        await hide(true);
        await until("tones keep a distance", () => Date.now() - heard > 2000);
        fire(2);
        await until("it is told", async () => (await told())[0].length === 1);
        assert.deepEqual((await told())[0][0][0], "critical: number 2");
        await until("and heard", async () => (await told())[1] === 6);
        assert.match(await page.title(), /^\(1\) /);
        await hide(false);
        await page.reload();
        await page.getByText("Attention…").click();
        assert.ok(await page.getByLabel(/^Sound/).isChecked());
        assert.deepEqual(page.complaints, []);
    },

    "a flood and hostile names: bounded, text only, nothing runs": async () => {
        const evil = '<img src=x onerror="window.hacked=1">';
        const { page, fake } = await open("/alerts", (fake) => {
            fake.rules = [
                ruleOf("a", { metric: evil, status: { matched: 0, active: 0, note: evil } }),
            ];
            fake.channels = [channelOf(evil, { last_error: evil, target: evil })];
            fake.silences = [
                {
                    id: 1,
                    rule: evil,
                    series: evil,
                    comment: evil,
                    by: evil,
                    from: 0,
                    to: Date.now() + 1e6,
                    active: true,
                },
            ];
            fake.past = [alertOf(9, { state: "resolved", resolved: Date.now(), summary: evil })];
        });
        const nasty = { summary: evil, series: `m{device="${evil}"}`, by: evil };
        for (let round = 0; round < 20; round++) {
            const all = Array.from({ length: 500 }, (_, i) => alertOf(i + 1, nasty));
            fake.active = all;
            fake.state(all);
            fake.tell(all[round], { suppressed: 99 });
        }
        const listed = () => page.locator("li[data-alert]").count();
        await until("all are listed", async () => (await listed()) === 500);
        await until(
            "few lie over the page",
            async () => (await page.locator("[data-toast]").count()) === 3,
        );
        fake.raw('{"type":"alert"}'); // no alert at all: told in the strip, nothing else happens
        await page.locator('[data-problem="protocol"]').waitFor();
        fake.raw('{"type":"alert_state","t":1,"alerts":[null,{"id":"x"}]}');
        await until("what is no alert is not listed", async () => (await listed()) === 0);
        fake.state([alertOf(1, nasty)]);
        await row(page, 1).waitFor();
        assert.ok((await row(page, 1).innerText()).includes(evil));
        assert.equal(await page.locator("main img, .toasts img").count(), 0);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
        assert.deepEqual(page.complaints, []);
    },

    "channels and rules tell how they are; a test message is sent": async () => {
        const note = "no engine here gives netsonde_dns_lookup_seconds";
        const { page, fake } = await open("/alerts", (fake) => {
            fake.channels.push(
                channelOf("ops", {
                    type: "webhook",
                    held_back: 12,
                    last_error: "connection refused",
                }),
            );
            fake.rules = [
                ruleOf("dns_slow", { status: { matched: 0, active: 0, note } }),
                ruleOf("mine", { source: "api", enabled: false }),
            ];
        });
        const ops = page.locator('li[data-channel="ops"]');
        await says(ops, /12 held back by the rate limit[\s\S]*|connection refused/);
        assert.match(await ops.innerText(), /Last error: connection refused/);
        await ops.getByRole("button", { name: /^Send a test/ }).click();
        await says(ops.getByRole("status"), /on its way/);
        assert.equal(fake.requests[0].path, "channels/ops/test");
        await says(page.locator('li[data-rule="dns_slow"]'), new RegExp(note));
        await says(page.locator('li[data-rule="mine"]'), /made here[\s\S]*off/);
        await page.locator('li[data-rule="mine"] a').click();
        await page.waitForURL(/\/alerts\?rule=mine/);
        await page.getByRole("form", { name: "The rule" }).waitFor();
        await page.keyboard.press("Escape");
        await page.waitForURL(/\/alerts$/);
    },

    "a new rule: metric, limits on the chart, back-test, a mistake beside its field, saved":
        async () => {
            const { page, fake, server } = await open("/alerts?new=1");
            const field = (name) => page.getByLabel(name, { exact: true });
            await field("Metric").fill(RECEIVED);
            await field("Metric").blur();
            assert.equal(await field("Name").inputValue(), "network_receive_bytes");
            await page.getByRole("button", { name: "Add a label" }).click();
            assert.equal(await field("Label 1").inputValue(), "device");
            await field("Pattern 1").fill("lo");
            await says(page.locator(".editor-view"), /One series matches/);
            await page.locator('figure[data-key="rule"][data-state="live"]').waitFor();
            await field("Warning").fill("8Mbit");
            await field("Critical").fill("16Mbit");
            await until(
                "limits are drawn",
                async () => (await pixelsOf(page, "rule", "--critical")) > 20,
            );
            await says(sentence(page), /warns above 8Mbit, is critical above 16Mbit/);

            // A line is dragged up by a fifth of the picture.
            const over = await chart(page, "rule").locator(".plot-area").boundingBox();
            const end = await page.evaluate(() =>
                document.querySelector('figure[data-key="rule"] .plot-area').getBoundingClientRect(),
            );
            assert.ok(end.height > 50);
            const find = async () => {
                for (let y = over.y + 2; y < over.y + over.height; y += 3) {
                    await page.mouse.move(over.x + over.width / 2, y);
                    const near = await page
                        .locator('figure[data-key="rule"] .plot-area.at-limit')
                        .count();
                    if (near) return y + 4;
                }
                throw new Error("no line can be taken");
            };
            const y = await find(); // the upper one: critical
            await page.mouse.move(over.x + over.width / 2, y);
            await page.mouse.down();
            await page.mouse.move(over.x + over.width / 2, y + over.height / 4, { steps: 5 });
            await page.mouse.up();
            const dragged = await field("Critical").inputValue();
            assert.match(dragged, /^\d+(\.\d+)?Mbit$/);
            assert.ok(parseFloat(dragged) < 16, dragged);
            assert.doesNotMatch(page.url(), /from=\d{13}/); // no stretch was marked by it

            const test = await backTestOf(server, 3);
            fake.backTest = () => test;
            await page.getByRole("button", { name: /^Try it/ }).click();
            await says(
                page.locator("[data-fired]"),
                /would have fired 3 times in the last 24 hours/,
            );
            assert.equal(await page.locator(".backtest-list li").count(), 3);
            await until(
                "marks are drawn",
                async () => (await pixelsOf(page, "backtest", "--critical")) > 20,
            );
            assert.equal(fake.requests[0].path, "rules/test");
            assert.deepEqual(fake.requests[0].body.rule.match, { device: "lo" });

            fake.refusal = {
                status: 400,
                message: "expected a duration, such as 5m",
                field: "for",
            };
            await field("For").fill("soon");
            await page.getByRole("button", { name: "Save", exact: true }).click();
            await says(page.locator("#rule-for-error"), /expected a duration/);
            await until("the field has the focus", () =>
                page.evaluate(() => document.activeElement.id === "rule-for"),
            );
            assert.equal(await field("For").getAttribute("aria-invalid"), "true");
            await field("For").fill("10s");
            await page.locator("#rule-for-error").waitFor({ state: "detached" });
            await page.getByRole("button", { name: "Save", exact: true }).click();
            await page.waitForURL(/rule=network_receive_bytes/);
            const saved = fake.requests.at(-1);
            assert.deepEqual([saved.method, saved.path, saved.body.for], ["POST", "rules", "10s"]);
            await page.getByRole("button", { name: "Delete" }).click();
            await page.getByRole("button", { name: "Really delete it" }).click();
            await page.waitForURL(/\/alerts$/);
            assert.deepEqual(
                page.complaints.filter((c) => !/status of 400|Canvas2D/.test(c)),
                [],
            );
        },

    "rules of the file are read-only and say why, those that ship are replaced": async () => {
        const { page, fake } = await open("/alerts?rule=of_file", (fake) => {
            fake.rules = [ruleOf("of_file", { source: "file" }), ruleOf("shipped", { warning: 1 })];
        });
        await says(page.locator('[data-source="file"]'), /configuration file/);
        assert.ok(await page.getByLabel("Warning", { exact: true }).isDisabled());
        assert.equal(await page.getByRole("button", { name: /^Save/ }).count(), 0);
        await page.goto(page.url().replace("of_file", "shipped"));
        await says(page.locator('[data-source="default"]'), /ships with netsonde/);
        await page.getByLabel("Warning", { exact: true }).fill("2");
        await page.getByRole("button", { name: "Save as my own" }).click();
        await until("it is sent", () => fake.requests.length === 1);
        const [{ method, path, body }] = fake.requests;
        assert.deepEqual([method, path, body.warning], ["PUT", "rules/shipped", 2]);
        await page.goto(page.url().replace("shipped", "nobody"));
        await says(sentence(page), /There is no rule nobody/);
    },

    "a page that cannot be fetched any more says so, the others go on": async () => {
        const { page, context } = await open("/");
        await context.route(/assets\/alerts-\w+\.js/, (route) => route.abort());
        await page.click('nav#pages a[href="/alerts"]');
        await says(sentence(page), /This page could not be fetched\..*Reload/s);
        await page.click('nav a[href="/interfaces"]');
        await page.locator('tr[data-device="lo"]').waitFor();
        await context.unroute(/assets\/alerts-\w+\.js/);
        await page.goto(page.url().replace("interfaces", "alerts"));
        await says(sentence(page), /^All quiet/);
    },

    "charts shade what is usual and mark where alerts fired": async () => {
        let ids = [];
        const { page, fake } = await open(
            "/interfaces?device=lo&from=now-1m&to=now",
            async (fake, server) => {
                for (const way of ["receive", "transmit"]) {
                    const path = `/api/v1/series?metric=node_network_${way}_bytes_total&match=device=lo`;
                    ids.push((await (await fetch(server.address + path)).json())[0].id);
                }
                const now = Date.now();
                const points = Array.from({ length: 60 }, (_, i) => [
                    now - 60_000 + i * 1000,
                    0,
                    1e5,
                    2e4,
                ]);
                fake.anomalies = () => ({
                    from: now - 60_000,
                    to: now,
                    step_ms: 1000,
                    series: ids.map((id) => ({ id, name: "", labels: {}, unit: "", points })),
                });
                fake.past = [
                    alertOf(1, {
                        severity: "critical",
                        state: "resolved",
                        started: now - 40_000,
                        resolved: now - 20_000,
                        series: 'm{device="lo"}',
                        summary: "lo was unusual",
                    }),
                    alertOf(2, {
                        state: "resolved",
                        started: now - 30_000,
                        resolved: now,
                        series: 'm{device="other0"}',
                    }),
                ];
            },
        );
        const figure = chart(page, "throughput");
        await says(figure, /shaded: usual ± 2\.5 σ/);
        await until(
            "a mark is drawn",
            async () => (await pixelsOf(page, "throughput", "--critical")) > 5,
        );
        fake.anomaly(ids.map((id) => [id, 0.5, 1e5, 2e4]));
        await page.getByRole("button", { name: "Pause" }).click();
        const box = await figure.locator(".plot-area").boundingBox();
        const told = new Set();
        for (let x = 2; x < box.width; x += 6) {
            await page.mouse.move(box.x + x, box.y + 20);
            told.add((await figure.locator(".readout").innerText()).replace(/^\S+ · /, ""));
        }
        assert.ok(told.has("lo was unusual"), [...told].join("\n"));
        assert.ok(![...told].some((text) => text.includes("other0")));
        assert.deepEqual(page.complaints, []);
    },

    "axe finds nothing, nothing sticks out: list and editor, both themes, wide and narrow":
        async () => {
            const server = await Server.start();
            const context = await launch();
            const fake = await FakeAlerts.before(context);
            fake.active = [
                alertOf(1, { severity: "critical" }),
                alertOf(2, { state: "pending" }),
                alertOf(3, { state: "acknowledged", by: "kim" }),
            ];
            fake.past = [alertOf(4, { state: "resolved", resolved: Date.now() })];
            fake.rules = [
                ruleOf("a", { status: { matched: 0, active: 1, note: "not here" } }),
                ruleOf("b", { enabled: false, source: "api" }),
            ];
            fake.channels.push(channelOf("ops", { last_error: "refused" }));
            const test = await backTestOf(server, 3);
            fake.backTest = () => test;
            for (const path of ["/alerts", `/alerts?new=1&metric=${RECEIVED}&match=device=lo`]) {
                const page = await openPage(context, server.address + path);
                await isLive(page);
                if (path === "/alerts") {
                    fake.tell(fake.active[0]);
                    await page.locator("[data-toast]").waitFor();
                    await row(page, 1)
                        .getByRole("button", { name: /^Silence/ })
                        .click();
                } else {
                    await page.locator('figure[data-key="rule"]').waitFor();
                    await page.getByRole("button", { name: /^Try it/ }).click();
                    await page.locator('figure[data-key="backtest"]').waitFor();
                }
                await fitsEverybody(page, path);
                await page.close();
            }
        },

    "real: traffic fires an alert, it is seen, acknowledged, resolved and kept": async () => {
        const server = await Server.start();
        await server.holdsTicks(10); // of fewer, half of the picture may be from before the first
        const context = await launch();
        const page = await openPage(context, server.address + "/alerts?new=1");
        await isLive(page);
        const field = (name) => page.getByLabel(name, { exact: true });
        await field("Metric").fill(RECEIVED);
        await page.getByRole("button", { name: "Add a label" }).click();
        await field("Label 1").fill("device");
        await field("Pattern 1").fill("lo");
        await field("Name").fill("lo_busy");
        await field("Warning").fill("240Mbit");
        await field("Summary").fill("{device} is busy");
        await page.getByRole("button", { name: /^Try it/ }).click();
        await says(
            page.locator("[data-fired]"),
            /would (not )?have fired[\s\S]*Nothing was measured before \d\d:\d\d:\d\d/,
        );
        await until(
            "what was measured fills the chart",
            async () => (await pixelsOf(page, "backtest", "--receive")) > 100,
        );
        await field("Keep").fill("soon");
        await page.getByRole("button", { name: "Save", exact: true }).click();
        await says(page.locator("#rule-keep-error"), /./);
        await field("Keep").fill("1s");
        await page.getByRole("button", { name: "Save", exact: true }).click();
        await page.waitForURL(/rule=lo_busy/);
        await page.getByRole("link", { name: "All alerts and rules" }).click();
        await says(page.locator('li[data-rule="lo_busy"]'), /made here[\s\S]*watches 1 series/);

        const other = await openPage(context, server.address + "/interfaces?device=lo");
        await isLive(other);
        const stop = await traffic();
        try {
            await says(other.locator("[data-toast]").filter({ hasText: "lo is busy" }), /warning/);
            await until("its title counts", async () => /^\(\d+\) /.test(await other.title()));
            const alert = page.locator("li[data-alert]").filter({ hasText: "lo_busy" });
            await says(alert, /lo is busy[\s\S]*warning, firing[\s\S]*limit 240\s*Mbit\/s/);
            await says(sentence(page), /firing/);
            await alert.getByRole("button", { name: /^Acknowledge/ }).click();
            await says(alert, /warning, acknowledged/);
            const answer = await fetch(server.address + "/api/v1/alerts?state=acknowledged");
            const { alerts } = await answer.json();
            assert.deepEqual(
                alerts.map((a) => a.rule),
                ["lo_busy"],
            );
            stop();
            await alert.waitFor({ state: "detached" });
        } finally {
            stop();
        }
        const past = page.locator(".history tr").filter({ hasText: "lo_busy" });
        await says(past, /lo is busy/);
        await until(
            "the chart has its mark",
            async () => (await pixelsOf(other, "throughput", "--warning")) > 5,
        );
        await page.locator('li[data-rule="lo_busy"] a').click();
        await page.getByRole("button", { name: "Delete" }).click();
        await page.getByRole("button", { name: "Really delete it" }).click();
        await page.waitForURL(/\/alerts$/);
        await page.locator('li[data-rule="lo_busy"]').waitFor({ state: "detached" });
        const unexpected = (p) => p.complaints.filter((c) => !/status of 400|Canvas2D/.test(c));
        assert.deepEqual([...unexpected(page), ...unexpected(other)], []);
    },
});
