/* Charts over time: zoom and panning by wheel and keys, legend, table, full screen, one reading line. */
import assert from "node:assert/strict";
import { chart, isLive, launch, openPage, pixelsOf, run, Server, until } from "./harness.mjs";

const MINUTE_MS = 60_000;

async function open(path, ticks = 15) {
    const server = await Server.start();
    await server.holdsTicks(ticks);
    const page = await openPage(await launch(), server.address + path);
    await isLive(page);
    await page.locator('figure[data-state="live"]').first().waitFor();
    return { server, page };
}

const device = "/interfaces?device=lo&from=now-1m&to=now";

function rangeOf(page) {
    const query = new URL(page.url()).searchParams;
    return { from: query.get("from"), to: query.get("to") };
}

const isFixed = (page) => /^\d{13}$/.test(rangeOf(page).from ?? "");
const spanOf = (page) => Number(rangeOf(page).to) - Number(rangeOf(page).from);

async function areaOf(page, key) {
    return chart(page, key).locator(".plot-area").boundingBox();
}

/* Several notches in one movement. */
async function wheel(page, by, notches) {
    await page.keyboard.down("Shift");
    await Promise.all(Array.from({ length: notches }, () => page.mouse.wheel(0, by)));
    await page.keyboard.up("Shift");
}

await run({
    "shift and the wheel go closer around the pointer, the way back is one step, then the present":
        async () => {
            const { page } = await open(device);
            const box = await areaOf(page, "throughput");
            await page.mouse.move(box.x + box.width / 2, box.y + 40);
            await page.mouse.wheel(0, -100); // without Shift it is the page's
            const before = page.url();
            const around = Date.now() - MINUTE_MS / 2;
            await wheel(page, -100, 4);
            await until("a stretch that stands still", () => isFixed(page) && spanOf(page) < 30_000);
            const { from, to } = rangeOf(page);
            assert.ok(Math.abs((Number(from) + Number(to)) / 2 - around) < 5000, `${from} ${to}`);
            await page.goBack();
            await until("one step back is where it began", () => page.url() === before);
            await isLive(page);
            await page.goForward();
            await until("and forth", () => rangeOf(page).from === from);
            await page.mouse.move(box.x + box.width / 2, box.y + 40);
            await wheel(page, 100, 12);
            await until("far enough away it follows the present", () => rangeOf(page).to === "now");
            assert.deepEqual(page.complaints, []);
        },

    "keys zoom and pan the focused chart; beyond the present it follows again": async () => {
        const { page } = await open(device);
        const plot = chart(page, "throughput").locator(".plot");
        await plot.focus();
        await page.keyboard.press("Shift+ArrowLeft");
        await until("it stands still", () => isFixed(page));
        assert.ok(Math.abs(spanOf(page) - MINUTE_MS) < 1500, `${spanOf(page)}`);
        assert.ok(Math.abs(Number(rangeOf(page).to) - (Date.now() - MINUTE_MS / 4)) < 5000);
        await page.locator('main[data-liveness="paused"]').waitFor();
        await page.keyboard.press("+");
        await until("half as long", () => Math.abs(spanOf(page) - MINUTE_MS / 2) < 1500);
        await page.keyboard.press("-");
        await until("as before", () => Math.abs(spanOf(page) - MINUTE_MS) < 1500);
        for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowRight");
        await until("the present", () => rangeOf(page).from === "now-1m");
        await isLive(page);
        assert.deepEqual(page.complaints, []);
    },

    "a double click goes back to the window that the stretch was marked in": async () => {
        const { page } = await open(device);
        const box = await areaOf(page, "throughput");
        const y = box.y + 60;
        await page.mouse.move(box.x + box.width * 0.3, y);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.6, y, { steps: 3 });
        assert.ok(await chart(page, "throughput").locator(".plot-marked").isVisible());
        await page.mouse.up();
        await until("it is marked", () => isFixed(page));
        await page.mouse.dblclick(box.x + box.width * 0.5, y);
        await until("back", () => rangeOf(page).from === "now-1m");
        assert.deepEqual(page.complaints, []);
    },

    "the legend hides and shows, alone with Shift, by keys, and the address says so": async () => {
        const { page } = await open(device);
        const item = (name) => chart(page, "throughput").getByRole("button", { name, exact: true });
        const drawn = (token) => pixelsOf(page, "throughput", token);
        await until("both are drawn", async () =>
            (await drawn("--receive")) > 20 && (await drawn("--transmit")) > 20);
        await item("receive").click();
        await until("receive is gone", async () => (await drawn("--receive")) === 0);
        assert.ok((await drawn("--transmit")) > 20);
        assert.equal(await item("receive").getAttribute("aria-pressed"), "false");
        assert.deepEqual(new URL(page.url()).searchParams.getAll("hide"), ["throughput/receive"]);

        await page.reload();
        await isLive(page);
        await until("a link shows the same", async () => (await drawn("--transmit")) > 20);
        assert.equal(await drawn("--receive"), 0);
        await item("receive").press("Enter");
        await until("and it is back", async () => (await drawn("--receive")) > 20);
        assert.equal(new URL(page.url()).searchParams.has("hide"), false);

        await item("receive").click({ modifiers: ["Shift"] });
        await until("alone", async () => (await drawn("--transmit")) === 0);
        assert.ok((await drawn("--receive")) > 20);
        await item("receive").click({ modifiers: ["Shift"] });
        await until("all again", async () => (await drawn("--transmit")) > 20);
        assert.deepEqual(page.complaints, []);
    },

    "the values as a table: newest first, over the picture, nothing moves": async () => {
        const { page } = await open(device);
        const figure = chart(page, "throughput");
        const before = await figure.boundingBox();
        await figure.hover();
        await figure.getByRole("button", { name: "Throughput as a table" }).click();
        const table = figure.getByRole("region", { name: "Throughput, values" });
        const heads = await table.locator("th").allInnerTexts();
        assert.match(heads[0], /^time \(UTC/);
        assert.deepEqual(heads.slice(1), ["receive (bit/s)", "transmit (bit/s)"]);
        const times = await table.locator("td:first-child").allInnerTexts();
        assert.ok(times.length > 30, `${times.length} rows`);
        assert.match(times[0], /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
        assert.ok(times[0] > times[times.length - 1]);
        await until("it goes on", async () =>
            (await table.locator("td:first-child").first().innerText()) > times[0]);
        await until("rates are there", async () =>
            (await table.locator("td.number-cell").allInnerTexts()).some((t) => /^[1-9]/.test(t)));
        assert.deepEqual(await figure.boundingBox(), before);
        await figure.getByRole("button", { name: "Throughput as a table" }).click();
        await table.waitFor({ state: "detached" });
        assert.deepEqual(page.complaints, []);
    },

    "a chart on the full screen fills it": async () => {
        const { page } = await open(device);
        const figure = chart(page, "packets");
        const height = (await areaOf(page, "packets")).height;
        await figure.hover();
        await figure.getByRole("button", { name: /on the full screen/ }).click();
        await until("it is larger", async () => (await areaOf(page, "packets")).height > 2 * height);
        await until("the picture is, too", () =>
            figure.evaluate((f) => {
                const canvas = f.querySelector("canvas");
                return canvas.height / devicePixelRatio > innerHeight / 2;
            }),
        );
        await figure.getByRole("button", { name: /on the full screen/ }).click();
        await until("and back", async () => (await areaOf(page, "packets")).height === height);
        assert.deepEqual(page.complaints, []);
    },

    "one reading line through all charts, at the same moment and the same place": async () => {
        const { page } = await open(device, 25);
        await page.getByRole("button", { name: "Pause" }).click();
        await page.locator('main[data-liveness="paused"]').waitFor();
        const box = await areaOf(page, "throughput");
        await page.mouse.move(box.x + box.width - 4, box.y + 30);
        const lines = await until("three lines and three times", async () => {
            const all = await page.evaluate(() =>
                [...document.querySelectorAll("figure.chart")].map((f) => {
                    const area = f.querySelector(".plot-area").getBoundingClientRect();
                    const line = f.querySelector(".plot-cursor");
                    return {
                        shown: !line.hidden,
                        part: (line.getBoundingClientRect().left - area.left) / area.width,
                        said: f.querySelector(".readout").innerText,
                    };
                }),
            );
            return all.length === 3 && all.every((l) => l.shown && l.said) && all;
        });
        assert.equal(new Set(lines.map((l) => l.said)).size, 1, JSON.stringify(lines));
        for (const l of lines) assert.ok(Math.abs(l.part - lines[0].part) < 0.01);
        const spilled = await chart(page, "throughput").evaluate((figure) => {
            figure.style.width = "390px"; // and before anything is drawn for that
            const by = figure.scrollWidth - figure.clientWidth;
            figure.style.width = "";
            return by;
        });
        assert.equal(spilled, 0, "a line that is where the wide chart was makes no page wider");
        await page.mouse.move(2, 2);
        await until("no line is left", () =>
            page.evaluate(() =>
                [...document.querySelectorAll(".plot-cursor")].every((l) => l.hidden),
            ),
        );
        assert.deepEqual(page.complaints, []);
    },

    "what is far below is not read, until it is in sight": async () => {
        const { page } = await open("/?from=now-1m&to=now");
        await page.getByRole("button", { name: "Pause" }).click();
        await page.locator('main[data-liveness="paused"]').waitFor();
        await until("every chart is drawn", async () => (await page.locator(".plot:not(:has(canvas))").count()) === 0);
        const figures = page.locator("figure:has(> .plot)");
        const said = (figure) => figure.locator(".readout").innerText();
        const first = figures.first();
        await first.locator(".plot").press("ArrowLeft");
        await until("the first one is read", async () => (await said(first)) !== "");
        assert.equal(await said(figures.last()), "");
        await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
        await until("so is the last one", async () => (await said(figures.last())) !== "");
        assert.deepEqual(page.complaints, []);
    },

    "every chart of the pages can be hovered, wheeled and walked through without a complaint":
        async () => {
            const { page, server } = await open("/");
            for (const path of ["", "interfaces?device=lo", "performance"]) {
                await page.goto(`${server.address}/${path}`);
                await page.locator("figure .plot-area").first().waitFor();
                await page.locator(".below").waitFor({ state: "detached" });
                const keys = await page
                    .locator("figure[data-key]")
                    .evaluateAll((all) => all.map((f) => f.dataset.key));
                assert.ok(keys.length >= (path ? 3 : 12), `${path}: ${keys}`);
                for (const key of keys) {
                    const plot = chart(page, key).locator(".plot");
                    await plot.scrollIntoViewIfNeeded();
                    const box = await plot.boundingBox();
                    for (const part of [0.2, 0.5, 0.8])
                        await page.mouse.move(box.x + box.width * part, box.y + box.height / 2);
                    await plot.focus();
                    for (const k of ["Home", "ArrowRight", "End", "PageDown"])
                        await page.keyboard.press(k);
                }
            }
            assert.deepEqual(page.complaints, []);
        },

    "what is below the screen is drawn when it comes near, for the printer, when there is time": async () => {
        const { page } = await open("/");
        await page.addInitScript(() => {
            window.idle = [];
            window.requestIdleCallback = (run) => window.idle.push(run);
        });
        await page.reload();
        await isLive(page);
        const blank = () => page.locator(".plot:not(:has(canvas))").count();
        const drawn = () => page.locator(".plot:has(canvas)").count();
        await until("charts in sight", async () => (await drawn()) > 0);
        assert.ok((await blank()) > 0, "some are far below");
        const before = await drawn();
        await page.evaluate(() => window.scrollBy(0, window.innerHeight / 2));
        await until("more of them", async () => (await drawn()) > before);
        assert.ok((await blank()) > 0);
        await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
        await until("all of them", async () => (await blank()) === 0);
        await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));

        // One that was about to come into sight then can be read there.
        const near = await until("one is about to", () =>
            page.evaluate(() => {
                const top = (f) => f.querySelector(".plot").getBoundingClientRect().top / window.innerHeight;
                const all = [...document.querySelectorAll("figure:has(.plot)")];
                const found = all.find((f) => top(f) > 1.02 && top(f) < 1.2);
                if (!found) window.scrollBy(0, 60);
                return found?.dataset.key;
            }),
        );
        for (const event of ["beforeprint", "afterprint"])
            await page.evaluate((name) => window.dispatchEvent(new Event(name)), event);
        await page.evaluate(() => window.scrollBy(0, window.innerHeight / 2));
        await chart(page, near).locator(".plot").hover();
        const readout = chart(page, near).locator(".readout");
        await until(`${near} is read`, async () => (await readout.count()) > 0 && (await readout.innerText()));

        await page.evaluate(() => window.scrollTo(0, 0));
        await page.reload();
        await isLive(page);
        await until("some wait", () => page.evaluate(() => window.idle.length > 0));
        assert.ok((await blank()) > 0);
        await until("the browser had time for all", async () => {
            await page.evaluate(() => window.idle.splice(0).forEach((run) => run()));
            return (await blank()) === 0;
        });
        const keys = await page
            .locator("figure:has(.plot)")
            .evaluateAll((all) => all.map((figure) => figure.dataset.key));
        for (const key of keys)
            await until(`${key} has lines`, async () => (await pixelsOf(page, key, "--graticule")) > 0);
        assert.deepEqual(page.complaints, []);
    },
});
