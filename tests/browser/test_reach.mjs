/* Everybody gets at everything: by keyboard, on a phone, with a screen reader, in both themes. */
import assert from "node:assert/strict";
import { axeFindsNothing, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const PAGES = ["/", "/interfaces", "/interfaces?device=lo"];

function focused(page) {
    return page.evaluate(() => {
        const e = document.activeElement;
        return e?.getAttribute("aria-label") ?? e?.textContent ?? "";
    });
}

await run({
    "the browser takes compressed messages": async () => {
        const server = await Server.start();
        const page = await openPage(await launch(), server.address + "/");
        await isLive(page);
        const extensions = await page.evaluate(
            () =>
                new Promise((resolve, reject) => {
                    const ws = new WebSocket(
                        location.origin.replace("http", "ws") +
                            "/api/v1/stream?subscribe=metrics",
                    );
                    ws.onerror = reject;
                    ws.onmessage = (event) => {
                        if (JSON.parse(event.data).type !== "metrics") return;
                        resolve(ws.extensions);
                        ws.close(1000);
                    };
                }),
        );
        assert.match(extensions, /^permessage-deflate; server_no_context_takeover/);
    },

    "the keyboard reaches every control and the focus can be seen": async () => {
        const server = await Server.start();
        const page = await openPage(await launch(), server.address + "/");
        await isLive(page);
        await page.locator(".talkers a").first().waitFor();
        await page.keyboard.press("Space"); // rows come and go otherwise
        await page.locator('main[data-liveness="paused"]').waitFor();
        const controls = await page
            .locator("a[href], button, summary, [tabindex='0'], input, select")
            .evaluateAll(
                (all) =>
                    all.filter((e) => e.checkVisibility() && !e.closest("dialog:not([open])"))
                        .length,
            );
        const seen = new Set();
        for (let i = 0; i < controls + 5; i++) {
            await page.keyboard.press("Tab");
            const at = await page.evaluate(() => {
                const e = document.activeElement;
                if (!e || e === document.body) return undefined;
                e.dataset.walk ??= String(document.querySelectorAll("[data-walk]").length);
                const style = getComputedStyle(e);
                return {
                    walk: e.dataset.walk,
                    outline: style.outlineStyle !== "none" && style.outlineWidth !== "0px",
                };
            });
            if (!at) continue;
            assert.ok(at.outline, `no focus ring on ${await focused(page)}`);
            seen.add(at.walk);
        }
        assert.equal(seen.size, controls);
    },

    "keys: help, pages, table, charts, pause, units, windows": async () => {
        const server = await Server.start();
        const page = await openPage(await launch(), server.address + "/");
        await isLive(page);
        await page.keyboard.press("?");
        await page.getByRole("dialog").waitFor();
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "hidden" });
        await page.keyboard.press("i");
        await page.waitForURL("**/interfaces");
        await page.locator('tr[data-device="lo"]').waitFor();
        await page.keyboard.press("/");
        await until("the filter has the focus", () =>
            page.evaluate(() => document.activeElement?.id === "filter"),
        );
        await page.keyboard.type("loopback");
        await page.locator("tbody th a").first().focus();
        await page.keyboard.press("ArrowDown"); // there is only one row: stays
        assert.equal(await focused(page), "lo");
        await page.keyboard.press("Enter");
        await page.waitForURL("**/interfaces?device=lo");
        await isLive(page);
        await page.keyboard.press("1");
        await page.waitForURL(/from=now-1m/);
        await server.holdsTicks(10);
        await page.locator('figure[data-key="throughput"] .plot').focus();
        const readout = page.locator('figure[data-key="throughput"] .readout');
        await until("the chart is read", async () => {
            await page.keyboard.press("ArrowLeft"); // before it has values there is nothing to read
            return /\d\d:\d\d:\d\d.*receive/s.test(await readout.textContent());
        });
        await page.keyboard.press("b");
        assert.equal(
            await page.locator('figure[data-key="throughput"] h3 .unit').innerText(),
            "B/s",
        );
        await page.keyboard.press("Space");
        await page.locator('main[data-liveness="paused"]').waitFor();
        await page.keyboard.press("Space");
        await isLive(page);
        await page.keyboard.press("Escape");
        await until("back at the table", () => !page.url().includes("device="));
        assert.deepEqual(page.complaints, []);
    },

    "390 pixels: nothing sticks out, every control is there": async () => {
        const server = await Server.start();
        const context = await launch({ viewport: { width: 390, height: 844 } });
        for (const path of PAGES) {
            const page = await openPage(context, server.address + path);
            await isLive(page);
            await page.locator('[data-chart][data-state="live"]').first().waitFor();
            const over = await page.evaluate(() => ({
                scroll: document.documentElement.scrollWidth,
                client: document.documentElement.clientWidth,
                wide: [...document.querySelectorAll("main *, header *, nav *")]
                    .filter(
                        (e) =>
                            e.getBoundingClientRect().right > innerWidth + 1 &&
                            !e.closest(".legend, .method, .plot"),
                    )
                    .map((e) => e.className || e.tagName),
            }));
            assert.ok(over.scroll <= over.client, `${path} is ${over.scroll} wide: ${over.wide}`);
            const top = (await page.locator("main").boundingBox()).y;
            assert.ok(top <= 100, `${path}: ${top} pixels before the page begins`);
            for (const name of ["Pause", "bytes", "last 24 hours"])
                assert.ok(
                    await page.getByRole("button", { name }).isVisible(),
                    `${name} on ${path}`,
                );
            await page.close();
        }
    },

    // Wide, in both themes, is in test_every_page.mjs.
    "axe finds nothing on a phone": async () => {
        const server = await Server.start();
        const context = await launch({ colorScheme: "light", viewport: { width: 390, height: 900 } });
        for (const path of PAGES) {
            const page = await openPage(context, server.address + path);
            await isLive(page);
            await axeFindsNothing(page, path);
            await page.close();
        }
    },
});
