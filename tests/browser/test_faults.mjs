/*
 * What hardly ever happens: a full disk, a hundred devices that come and go, numbers that are none.
 * Runs in a network of its own, where that is permitted.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chart, isLive, launch, openPage, run, Server, Skip, until } from "./harness.mjs";

const DEVICES = 100;
const OUTAGE_MS = 4_000; // some steps of the history of a minute

function ip(lines) {
    const done = spawnSync("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n`, encoding: "utf8" });
    if (done.status !== 0) throw new Error(`ip: ${done.stderr ?? done.error}`);
}

const pairs = Array.from({ length: DEVICES / 2 }, (_, i) => [`many${i}a`, `many${i}b`]);
const adding = pairs.flatMap(([a, b]) => [
    `link add ${a} type veth peer name ${b}`,
    `link set ${a} up`,
    `link set ${b} up`,
]);
const removing = pairs.map(([a]) => `link del ${a}`);

/* Messages of ticks with these numbers in turn, as they stand in JSON. */
async function withNumbers(context, numbers) {
    let next = 0;
    await context.routeWebSocket(/api\/v1\/stream/, (socket) => {
        const upstream = socket.connectToServer();
        upstream.onMessage((text) => {
            const message = JSON.parse(String(text));
            if (message.type !== "metrics") {
                socket.send(text);
                return;
            }
            const number = numbers[next++ % numbers.length];
            const values = message.values.map(([id]) => `[${id},${number}]`).join();
            const { type, seq, t } = message;
            socket.send(`{"type":"${type}","seq":${seq},"t":${t},"values":[${values}]}`);
        });
    });
}

async function noNonsense(page) {
    for (const words of await page.locator("main").allInnerTexts())
        assert.doesNotMatch(words, /NaN|Infinity|undefined|\[object|null/);
    assert.deepEqual(page.complaints, []);
}

await run({
    "a full disk is told, the present goes on, and history, too, when there is room again": async () => {
        const server = await Server.start();
        await server.holdsTicks(5);
        server.limitFiles(1);
        const page = await openPage(await launch(), `${server.address}/`);
        await isLive(page);
        const strip = page.locator('[data-problem="store"]');
        await strip.waitFor();
        assert.match(await strip.innerText(), /History is not being written: \d+ ticks .*free some space/s);
        assert.equal(await page.locator("main").getAttribute("data-liveness"), "live");
        await chart(page, "throughput").and(page.locator('[data-state="live"]')).waitFor();
        const written = async () => {
            const metrics = await (await fetch(`${server.address}/metrics`)).text();
            return Number(/^netsonde_store_ticks_written_total (\d+)/m.exec(metrics)[1]);
        };
        const before = await written();
        server.limitFiles("unlimited");
        await until("history is written again", async () => (await written()) > before + 5);
        await noNonsense(page);
    },

    "a hundred devices come, are shown, and go": async () => {
        if (!process.env.OWN_NETWORK) throw new Skip("no network namespace may be made here");
        const server = await Server.start();
        const page = await openPage(await launch(), `${server.address}/interfaces`);
        await isLive(page);
        const rows = page.locator('tr[data-device^="many"]');
        const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
        await until("the page is at rest", async () => (await rows.count()) === 0);
        const before = await nodes();
        for (let round = 0; round < 3; round++) {
            ip(adding);
            await until("all are there", async () => (await rows.count()) === DEVICES);
            ip(removing);
            await until("all are gone", async () => (await rows.count()) === 0);
        }
        await isLive(page);
        const after = await nodes();
        assert.ok(after < before + 200, `${before} elements before, ${after} after`);
        await page.goto(`${server.address}/explore?metric=node_network_receive_bytes_total`);
        await page.locator("figure").first().waitFor();
        // Chromium drops what is on its way when the machine's devices change, and says so itself.
        page.complaints = page.complaints.filter((c) => !c.includes("net::ERR_NETWORK_CHANGED"));
        await noNonsense(page);
    },

    "the timeline of links says when nothing was recorded": async () => {
        if (!process.env.OWN_NETWORK) throw new Skip("no network namespace may be made here");
        ip(adding.slice(0, 3));
        try {
            const server = await Server.start();
            await server.holdsTicks(30);
            await server.stop();
            const stopped = Date.now();
            await until("it was away for a while", () => Date.now() > stopped + OUTAGE_MS);
            await server.start();
            await server.holdsTicks(45);
            const page = await openPage(await launch(), `${server.address}/events?from=now-5m&to=now`);
            await isLive(page);
            const figure = chart(page, "links");
            await figure.locator(".legend").getByText("not recorded").waitFor();
            await figure.locator(".plot canvas").waitFor();
            await figure.locator(".plot").focus();
            await page.keyboard.press("Home");
            for (const state of ["not recorded", "up", "not recorded", "up"]) {
                await figure.locator(".readout", { hasText: ` ${state} · ` }).waitFor();
                await page.keyboard.press("ArrowRight");
            }
            // On the open page as after a link: each window has gaps of its own.
            const to = stopped - 600_000;
            await page.evaluate((t) => {
                history.pushState(null, "", `/events?from=${t - 60_000}&to=${t}`);
                dispatchEvent(new PopStateEvent("popstate"));
            }, to);
            const legend = figure.locator(".legend");
            await until("then nothing", async () => (await legend.innerText()).trim() === "not recorded");
            await page.goBack();
            await until("both again", async () => {
                const states = (await legend.locator("li").allInnerTexts()).map((t) => t.trim());
                return states.includes("up") && states.includes("not recorded");
            });

            // While the page is held its picture ends where it was held.
            const newest = async () => {
                await figure.locator(".plot").focus();
                await page.keyboard.press("End");
                return figure.locator(".readout").innerText();
            };
            await page.getByRole("button", { name: "Pause" }).click();
            await page.locator('main[data-liveness="paused"]').waitFor();
            const ticks = await server.ticks();
            await server.holdsTicks(ticks + 5);
            const held = await newest();
            await server.holdsTicks(ticks + 20);
            assert.equal(await newest(), held);
            await page.getByRole("button", { name: "Go on" }).click();
            await until("it goes on", async () => (await newest()) !== held);
            await noNonsense(page);
        } finally {
            ip(removing.slice(0, 1));
        }
    },

    "nothing, 10^15, more than there is and no number at all are drawn as what they are": async () => {
        const server = await Server.start();
        const context = await launch();
        await withNumbers(context, ["0", "1e15", "1e300", "1e999", "-1e999", "null", "1e-9"]);
        for (const path of ["/", "/tcp", "/interfaces?device=lo"]) {
            const page = await openPage(context, server.address + path);
            await isLive(page);
            if (path === "/")
                await until("petabits are shown", async () =>
                    /\d\s?Pbit\/s/.test(await page.locator("main").innerText()),
                );
            const from = await server.ticks();
            await until("each number came twice", async () => {
                await noNonsense(page);
                return (await server.ticks()) > from + 14;
            });
            const box = await page.locator("figure .plot").first().boundingBox();
            await page.mouse.move(box.x + box.width - 5, box.y + box.height / 2);
            await noNonsense(page);
            await page.close();
        }
    },
});
