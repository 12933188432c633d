/* The server stalls, dies, comes back, loses its history: the page says so and mends itself. */
import assert from "node:assert/strict";
import { chart, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const OVER = "/interfaces?device=lo&from=now-1m&to=now";

/* What the page subscribes and unsubscribes from now on. */
function subscriptions(page) {
    const sent = [];
    page.on("websocket", (socket) =>
        socket.on("framesent", ({ payload }) => {
            const message = JSON.parse(String(payload));
            if (/subscribe$/.test(message.op)) sent.push(message);
        }),
    );
    return sent;
}

await run({
    "a server that stalls makes the page stale within two intervals, and fresh when it goes on":
        async () => {
            const server = await Server.start({ intervalMs: 500 });
            const page = await openPage(await launch(), server.address + OVER);
            await isLive(page);
            await page.locator('figure[data-key="throughput"][data-state="live"]').waitFor();
            server.signal("SIGSTOP");
            const stopped = Date.now();
            await page.locator('figure[data-key="throughput"][data-state="stale"]').waitFor();
            assert.ok(Date.now() - stopped < 2500, `stale after ${Date.now() - stopped} ms`);
            assert.match(await page.locator(".pill").innerText(), /stale since \d\d:\d\d:\d\d/);
            assert.match(await page.title(), /^\(stale\)/);
            assert.match(
                await page.locator("h1").innerText(),
                /^lo was there when last heard of, \d\d:\d\d:\d\d: /,
            );
            server.signal("SIGCONT");
            await isLive(page);
            await page.locator('figure[data-key="throughput"][data-state="live"]').waitFor();
            assert.deepEqual(page.complaints, []);
        },

    "a server that restarts is found again, and asked for what came since": async () => {
        const server = await Server.start();
        const context = await launch();
        const page = await context.newPage();
        const sent = subscriptions(page);
        await page.goto(server.address + OVER);
        await isLive(page);
        await server.holdsTicks(10);
        await server.stop();
        const stoppedAt = Date.now();
        const strip = page.locator('[data-problem="link"]');
        await strip.waitFor();
        assert.match(
            await strip.innerText(),
            /No connection: .*What you see is from \d\d:\d\d:\d\d/,
        );
        await until("a countdown", async () =>
            /reconnecting in \d+ s/.test(await page.locator(".pill").innerText()),
        );
        await chart(page, "throughput").and(page.locator('[data-state="stale"]')).waitFor();

        // Less than a step of the chart is no stretch.
        await until("a few seconds without a server", () => Date.now() - stoppedAt > 3000);
        const before = sent.length;
        await server.start();
        await page
            .getByRole("button", { name: "Try now" })
            .click({ timeout: 2000 })
            .catch(() => undefined);
        await isLive(page);
        await strip.waitFor({ state: "detached" });
        const again = sent.slice(before).find((m) => m.channel === "metrics");
        assert.ok(
            Number.isInteger(again?.since) && again.since > 0,
            JSON.stringify(sent.slice(before)),
        );
        await page.locator('figure[data-key="throughput"][data-state="live"]').waitFor();

        // The time without a server is a stretch that was not measured, and its end has a flag.
        const readout = chart(page, "throughput").locator(".readout");
        await chart(page, "throughput").locator(".plot").focus();
        await until("a rate of the new run", async () => {
            await page.keyboard.press("End");
            return /receive \d/.test(await readout.innerText());
        });
        await page.getByRole("button", { name: "Pause" }).click();
        await chart(page, "throughput").locator(".plot").focus();
        await page.keyboard.press("End");
        const told = [];
        for (let i = 0; i < 120; i++) {
            told.push(await readout.innerText());
            await page.keyboard.press("ArrowLeft");
        }
        assert.ok(
            told.some((text) => /not measured \d\d:\d\d:\d\d – \d\d:\d\d:\d\d/.test(text)),
            told.join("\n"),
        );
        assert.ok(
            told.some((text) => text.includes("netsonde was started")),
            told.join("\n"),
        );
    },

    "a hidden tab asks for nothing but alerts and catches up when it is seen again": async () => {
        const server = await Server.start();
        const context = await launch();
        const page = await context.newPage();
        const sent = subscriptions(page);
        await page.goto(server.address + OVER);
        await isLive(page);
        const hide = (hidden) =>
            page.evaluate((hidden) => {
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }, hidden);
        const newest = (channel) => sent.filter((m) => m.channel === channel).pop();
        await hide(true);
        for (const channel of ["metrics", "interfaces", "events"])
            await until(`no ${channel}`, () => newest(channel).op === "unsubscribe");
        assert.equal(newest("alerts").op, "subscribe");
        const asked = page.waitForRequest((r) => r.url().includes("/api/v1/query"));
        await hide(false);
        await asked;
        for (const channel of ["metrics", "interfaces", "events"])
            await until(`${channel} again`, () => newest(channel).op === "subscribe");
        await isLive(page);
    },

    "a page opened while history fails says so, shows what is live, and can read again":
        async () => {
            const server = await Server.start();
            const context = await launch();
            let broken = true;
            await context.route("**/api/v1/query*", (route) =>
                broken
                    ? route.fulfill({
                          status: 503,
                          contentType: "application/json",
                          body: '{"error":{"code":"history_unavailable","message":"the database is locked"}}',
                      })
                    : route.continue(),
            );
            const page = await context.newPage();
            await page.goto(server.address + OVER);
            const problem = page.locator('[data-problem="history"]');
            await problem.waitFor();
            assert.match(
                await problem.innerText(),
                /History could not be read: the database is locked/,
            );
            await page.locator('figure[data-key="throughput"][data-state="live"]').waitFor();
            broken = false;
            await problem.getByRole("button", { name: "Read again" }).click();
            await problem.waitFor({ state: "detached" });
            await isLive(page);
        },

    "a server that talks nonsense is told apart from one that is gone": async () => {
        const server = await Server.start();
        const context = await launch();
        await context.routeWebSocket(/api\/v1\/stream/, (socket) => {
            const upstream = socket.connectToServer();
            upstream.onMessage((m) => {
                socket.send(m);
                if (String(m).includes('"hello"')) socket.send("}{");
            });
        });
        const page = await openPage(context, server.address + OVER);
        await page.locator('[data-problem="protocol"]').waitFor();
        await isLive(page); // what can be understood still counts
        await page
            .locator('[data-problem="protocol"]')
            .getByRole("button", { name: "Dismiss" })
            .click();
        await page.locator('[data-problem="protocol"]').waitFor({ state: "detached" });
        assert.deepEqual(page.complaints, []);
    },
});
