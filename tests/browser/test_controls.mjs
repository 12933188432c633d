/* Pause, windows, units, themes, marked stretches: each by its control, each told by the page. */
import assert from "node:assert/strict";
import { chart, isLive, launch, openPage, pixelsOf, run, Server, until } from "./harness.mjs";

async function device(context, server) {
    const page = await openPage(
        context,
        server.address + "/interfaces?device=lo&from=now-1m&to=now",
    );
    await isLive(page);
    await page.locator('figure[data-key="throughput"][data-state="live"]').waitFor();
    return page;
}

function picture(page) {
    return page.evaluate(() =>
        document.querySelector('figure[data-key="throughput"] canvas').toDataURL(),
    );
}

/* The picture once it stands: a scale that was on its way when the pause came still arrives
 * (200 ms), data of later ticks must not. */
async function standingPicture(page) {
    let last = "";
    let looks = 0;
    await until("the picture stands", async () => {
        const now = await picture(page);
        looks = now === last ? looks + 1 : 0;
        last = now;
        return looks >= 12;
    });
    return last;
}

await run({
    "a live chart moves, a paused one stands still and goes on": async () => {
        const server = await Server.start();
        const page = await device(await launch(), server);
        const before = await picture(page);
        await until("the picture changed", async () => (await picture(page)) !== before);

        await page.getByRole("button", { name: "Pause" }).click();
        await page.locator('figure[data-key="throughput"][data-state="paused"]').waitFor();
        assert.match(await page.title(), /^\(paused\)/);
        const held = await standingPicture(page);
        await server.holdsTicks((await server.ticks()) + 10);
        assert.equal(await picture(page), held);

        await page.getByRole("button", { name: "Go on" }).click();
        await isLive(page);
        await until("the picture goes on", async () => (await picture(page)) !== held);
        assert.deepEqual(page.complaints, []);
    },

    "another window is in the address, asked of history, and survives a reload": async () => {
        const server = await Server.start();
        const page = await device(await launch(), server);
        const question = page.waitForRequest(
            (r) => r.url().includes("/api/v1/query") && r.url().includes("from=now-5m"),
        );
        await page.getByRole("button", { name: "last 5 minutes" }).click();
        await question;
        assert.match(page.url(), /device=lo.*from=now-5m&to=now/);
        await page.reload();
        await isLive(page);
        assert.equal(
            await page.getByRole("button", { name: "last 5 minutes" }).getAttribute("aria-pressed"),
            "true",
        );
        await page.goBack();
        await until("the old window is back", () => page.url().includes("now-1m"));
        assert.deepEqual(page.complaints, []);
    },

    "bits and bytes: titles, numbers and memory": async () => {
        const server = await Server.start();
        const page = await device(await launch(), server);
        const unit = () => chart(page, "throughput").locator("h3 .unit").innerText();
        assert.equal(await unit(), "bit/s");
        await page.getByRole("button", { name: "bytes" }).click();
        assert.equal(await unit(), "B/s");
        await page.reload();
        await isLive(page);
        assert.equal(await unit(), "B/s");
        assert.match(await page.locator("h1").innerText(), /B\/s in/);
    },

    "themes: the choice holds, charts follow at once": async () => {
        const server = await Server.start();
        const context = await launch();
        const page = await device(context, server);
        const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
        assert.equal(await theme(), "dark"); // the system's
        await page.emulateMedia({ colorScheme: "light" });
        await until("the system's change is followed", async () => (await theme()) === "light");
        await until(
            "charts are drawn in the light colours",
            async () => (await pixelsOf(page, "throughput", "--receive")) > 20,
        );
        await page.getByRole("button", { name: /^Theme/ }).click(); // system -> dark
        assert.equal(await theme(), "dark");
        await page.reload();
        await isLive(page);
        assert.equal(await theme(), "dark");
        assert.deepEqual(page.complaints, []);
    },

    "a marked stretch is told for what it was, not for what is now": async () => {
        const server = await Server.start();
        await server.holdsTicks(15);
        const now = Date.now();
        const page = await openPage(
            await launch(),
            `${server.address}/?from=${now - 2000}&to=${now}`,
        );
        await page.locator('main[data-liveness="paused"]').waitFor();
        await page.locator('figure[data-key="throughput"][data-state="paused"]').waitFor();
        await page.getByText("Receive, mean").waitFor();
        await until("words of the past", async () =>
            /(was quiet|lost packets|sent .* again|were lost|dropped)/.test(
                await page.locator(".sentence").innerText(),
            ),
        );
        assert.doesNotMatch(await page.locator(".sentence").innerText(), /carries|right now/);
        await page.goto(`${server.address}/interfaces?device=lo&from=${now - 2000}&to=${now}`);
        await page.getByRole("heading", { name: /^lo carried .* on average/ }).waitFor();
        await page.goto(`${server.address}/interfaces?from=${now - 2000}&to=${now}`);
        await page.getByText("mean rates").waitFor();
        assert.deepEqual(page.complaints, []);
    },

    "a stretch marked with the mouse stands still until Escape": async () => {
        const server = await Server.start();
        const page = await device(await launch(), server);
        await server.holdsTicks(15);
        const box = await chart(page, "throughput").locator(".plot-area").boundingBox();
        const y = box.y + box.height / 2;
        await page.mouse.move(box.x + box.width * 0.5, y);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * 0.9, y, { steps: 4 });
        await page.mouse.up();
        await until("the address holds two times", () => /from=\d{13}&to=\d{13}/.test(page.url()));
        await page.locator('main[data-liveness="paused"]').waitFor();
        const stretch = page.url();
        await page.keyboard.press("Escape");
        await isLive(page);
        assert.match(page.url(), /from=now-1m&to=now/); // where it was marked
        await page.goBack();
        assert.equal(page.url(), stretch);
        await page.getByRole("button", { name: /^Leave .* to the present/ }).click();
        await isLive(page);
        assert.match(page.url(), /from=now-1m&to=now/);
        assert.deepEqual(page.complaints, []);
    },

    "hovering reads all charts of the page at the same moment": async () => {
        const server = await Server.start();
        const page = await device(await launch(), server);
        await server.holdsTicks(10);
        const box = await chart(page, "throughput").locator(".plot-area").boundingBox();
        await page.mouse.move(box.x + box.width - 3, box.y + 20);
        const times = () => page.locator(".readout").allInnerTexts();
        await until("three charts say the time", async () => {
            const all = await times();
            return all.length === 3 && all.every((t) => /^\d\d:\d\d:\d\d/.test(t));
        });
    },
});
