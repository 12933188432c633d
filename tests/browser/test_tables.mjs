/*
 * Tables and their pages before the real binary: rows as the server has them, filtered and sorted
 * alike, walked by keys, opened, looked at in the past, saved; names that want to be more than text.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { axeFindsNothing, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const HOSTILE = "<img src=x>\u202e"; // 15 bytes at most: the kernel cuts names

/* Connections within this process that go on moving bytes. */
async function traffic(count) {
    const server = createServer((socket) => {
        socket.on("data", (d) => socket.write(d));
        socket.on("error", () => undefined);
    });
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address();
    const clients = Array.from({ length: count }, () => createConnection(port, "127.0.0.1"));
    for (const c of clients) c.on("data", () => undefined).on("error", () => undefined);
    const timer = setInterval(() => clients.forEach((c, i) => c.write("x".repeat(50 * i + 1))), 100);
    return {
        port,
        stop() {
            clearInterval(timer);
            clients.forEach((c) => c.destroy());
            server.close();
        },
    };
}

/* A program of that name that listens. Its port. */
async function hostileProgram() {
    const folder = mkdtempSync(join(tmpdir(), "netsonde-name-"));
    const path = join(folder, HOSTILE);
    symlinkSync("/usr/bin/python3", path);
    const script =
        "import socket,time\ns=socket.socket();s.bind(('127.0.0.1',0));s.listen()\n" +
        "print(s.getsockname()[1],flush=True)\ntime.sleep(300)";
    const child = spawn(path, ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise((done) => child.stdout.once("data", (d) => done(Number(d))));
    return {
        port,
        stop() {
            child.kill();
            rmSync(folder, { recursive: true });
        },
    };
}

async function api(server, path) {
    const answer = await fetch(`${server.address}/api/v1/${path}`);
    return answer.json();
}

const rows = (page) => page.locator(".data-body .data-row:not([hidden])");

function countOf(page) {
    return page
        .locator('[role="grid"]')
        .getAttribute("aria-rowcount")
        .then((n) => Number(n) - 1);
}

/* The ids of the rows in sight, in their order. */
function idsOf(page) {
    return rows(page).evaluateAll((all) =>
        all
            .map((e) => [Number(e.getAttribute("aria-rowindex")), Number(e.id.replace(/.*-/, ""))])
            .sort((a, b) => a[0] - b[0])
            .map(([, id]) => id),
    );
}

await run({
    "connections: rows, filter, order by click and by keys, details, files": async () => {
        const busy = await traffic(20);
        const program = await hostileProgram();
        try {
            const server = await Server.start();
            const context = await launch({ viewport: { width: 1600, height: 900 } });
            const page = await openPage(context, `${server.address}/connections`);
            await isLive(page);
            await until("rows", async () => (await countOf(page)) >= 40);
            await page.locator("h1.sentence", { hasText: "established" }).waitFor();

            // A word acts at once; what is wrong is said, and the rows stay.
            await page.keyboard.press("/");
            await page.keyboard.type(`remote:127.0.0.1:${busy.port}`);
            await until("the filter", async () => (await countOf(page)) === 20);
            assert.match(page.url(), /filter=remote/);
            const good = await page.locator("#filter").inputValue();
            await page.locator("#filter").fill(`${good} pid>many`);
            await page.locator(".filter-trouble", { hasText: "not a number" }).waitFor();
            assert.equal(await countOf(page), 20);
            await page.locator("#filter").fill(good);
            await page.keyboard.type(" r");
            await page.getByRole("option", { name: "rtt_ms" }).waitFor();
            // Keys walk around through the columns and the box itself, which no column has.
            const options = page.locator("#filter-columns [role=option]");
            const chosen = () => options.evaluateAll((all) => all.findIndex((o) => o.ariaSelected === "true"));
            const names = await options.allTextContents();
            const count = names.length;
            const at = { ArrowUp: count - 1, ArrowDown: -1, PageDown: Math.min(7, count - 1), PageUp: -1 };
            for (const [key, place] of Object.entries(at)) {
                await page.keyboard.press(key);
                await until(`${key} leads to ${place}`, async () => (await chosen()) === place);
                if (place < 0) continue;
                await until("it can be seen", () =>
                    options.nth(place).evaluate((o) => o.getBoundingClientRect().bottom < window.innerHeight + 1),
                );
            }
            await page.keyboard.press("ArrowDown");
            await page.keyboard.press("Enter");
            await until("Enter takes the first", async () =>
                (await page.locator("#filter").inputValue()) === `${good} ${names[0]}:`,
            );
            await page.locator("#filter").fill(good);

            // By click and by Enter; the head says which way.
            const head = page.locator(".data-head .col-tx_bytes");
            await head.getByRole("button").click();
            assert.equal(await head.getAttribute("aria-sort"), "descending");
            const sent = async () => {
                const texts = await page.locator(".data-body .data-row:not([hidden])").evaluateAll((all) =>
                    all
                        .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                        .map((e) => e.querySelector(".col-tx_bytes")?.textContent ?? ""),
                );
                const unit = { "B": 1, "kB": 1e3, "MB": 1e6 };
                return texts.map((t) => parseFloat(t) * unit[/[kM]?B$/.exec(t)?.[0] ?? "B"]);
            };
            await page.mouse.move(5, 500); // so that the order is not held
            await until("largest first", async () => {
                const s = await sent();
                return s.length > 5 && s.every((v, i) => i === 0 || v <= s[i - 1] * 1.1);
            });
            await head.getByRole("button").press("Enter");
            assert.equal(await head.getAttribute("aria-sort"), "ascending");
            assert.match(page.url(), /sort=tx_bytes/);

            // Keys walk and open; Escape closes; the row stays the same one.
            const grid = page.getByRole("grid");
            await grid.focus();
            await page.keyboard.press("End");
            const active = () => grid.getAttribute("aria-activedescendant");
            const last = await until("an active row", active);
            await page.keyboard.press("Home");
            assert.notEqual(await active(), last);
            await page.keyboard.press("ArrowDown");
            const second = await active();
            await page.keyboard.press("Enter");
            const drawer = page.getByRole("complementary", { name: "Connection" });
            await drawer.waitFor();
            assert.equal(new URL(page.url()).searchParams.get("id"), second.replace(/.*-/, ""));
            await drawer.getByText("Opened by").waitFor();
            await drawer.locator('[data-key="connection-rates"][data-state="live"]').waitFor();
            await axeFindsNothing(page, page.url());
            await page.keyboard.press("Escape");
            await drawer.waitFor({ state: "detached" });

            // What is saved is what the page shows: the server's, filtered and sorted.
            await page.locator(".table-tools .save-button").click();
            const href = await page.getByRole("link", { name: /^CSV/ }).getAttribute("href");
            const csv = await (await fetch(new URL(href, server.address))).text();
            assert.equal(csv.trim().split("\r\n").length, 21, "a head and 20 rows");
            assert.match(href, /sort=tx_bytes/);
            await page.keyboard.press("Escape");

            // A name is text.
            await page.locator("#filter").fill(`local:127.0.0.1:${program.port}`);
            const hostile = rows(page).locator(".col-process", { hasText: "<img src=x>" });
            await hostile.waitFor();
            assert.equal(await page.locator("main img").count(), 0);
            await hostile.click();
            await drawer.getByText("<img src=x>").first().waitFor();
            await page.reload();
            await drawer.getByText("<img src=x>").first().waitFor();
            assert.deepEqual(page.complaints, []);
        } finally {
            busy.stop();
            program.stop();
        }
    },

    "the same filter shows the rows that the server finds, of now and of the past": async () => {
        const busy = await traffic(12);
        try {
            const server = await Server.start();
            await server.holdsTicks(5);
            await server.stop(); // what is there is stored
            await server.start();
            const context = await launch({ viewport: { width: 1280, height: 2400 } });
            const at = Date.now();
            const page = await openPage(context, `${server.address}/connections?at=${at}`);
            await page.locator(".past-moment", { hasText: "stored once a minute" }).waitFor();
            const filters = [
                "",
                "TCP",
                `remote:${busy.port}`,
                `-remote:${busy.port} established`,
                "rx_bytes>2000 tx_rate<1e9",
                "-rx_bytes>0",
                "state:",
                `${busy.port}`,
                "1",
                "0.",
                "remote:127.0.0.1 -pid:0 time_wait",
                "::",
            ];
            for (const filter of filters) {
                const q = new URLSearchParams({ at, filter, sort: "-id", limit: "10000" });
                const asked = await api(server, `connections?${q}`);
                const shown = new URLSearchParams({ at, filter, sort: "-id" });
                await page.evaluate((query) => {
                    history.pushState(null, "", `connections?${query}`);
                    window.dispatchEvent(new PopStateEvent("popstate"));
                }, String(shown));
                await until(`“${filter}”: ${asked.total} rows`, async () => {
                    return (await countOf(page)) === asked.total;
                });
                const ids = await idsOf(page);
                assert.deepEqual(ids, asked.rows.slice(0, ids.length).map((r) => r[0]), filter);
            }
            const when = page.locator(".past-moment");
            await until("the first of all", async () => {
                const text = await when.textContent();
                if (text.includes("none before")) return true;
                await page.getByRole("button", { name: "The table before" }).click();
                await page.locator('.past-tools[aria-busy="false"]').waitFor();
                return false;
            });
            await page.getByRole("button", { name: "Back to the present" }).click();
            await page.locator(".past-tools").waitFor({ state: "detached" });
            assert.doesNotMatch(page.url(), /at=/);
            // The browser itself notes that there was none before.
            const others = page.complaints.filter((c) => !/status of 404/.test(c));
            assert.deepEqual(others, []);
        } finally {
            busy.stop();
        }
    },

    "processes: who, the rest explained, units": async () => {
        const busy = await traffic(6);
        try {
            const server = await Server.start();
            const context = await launch();
            const page = await openPage(context, `${server.address}/processes`);
            await isLive(page);
            const { rows: known, total } = await api(server, "processes?limit=1000");
            assert.ok(total > 0, "there are processes");
            await until("rows", async () => (await countOf(page)) > 0);
            const rest = rows(page).locator(".col-process", { hasText: "(unattributed)" });
            if (known.some((r) => r[2] === "(unattributed)")) {
                await page.keyboard.press("Space"); // rows that are sorted by traffic move
                await page.locator('main[data-liveness="paused"]').waitFor();
                await rest.click();
                await page.getByRole("complementary").getByText("headers of packets").waitFor();
                await axeFindsNothing(page, page.url());
                await page.keyboard.press("Escape");
            }
            const mine = known.find((r) => r[1] === process.pid);
            if (mine) {
                await page.goto(`${server.address}/processes?id=${mine[0]}`);
                const drawer = page.getByRole("complementary");
                await drawer.getByText(String(process.pid), { exact: true }).waitFor();
                await drawer.getByText(`127.0.0.1:${busy.port}`).first().waitFor();
                await page.keyboard.press("Escape");
            }
            await page.getByRole("button", { name: "systemd units" }).click();
            await page.getByRole("grid", { name: "Units" }).waitFor();
            await until("units", async () => (await countOf(page)) > 0);
            await axeFindsNothing(page, page.url());
            assert.deepEqual(page.complaints, []);
        } finally {
            busy.stop();
        }
    },

    "what nobody provides says what would help, to be copied": async () => {
        const environment = { NETSONDE_COLLECT_ENGINES: "procfs" };
        const server = await Server.start({ environment });
        const context = await launch();
        for (const path of ["flows", "dns"]) {
            const page = await openPage(context, `${server.address}/${path}`);
            await page.locator(".not-provided").waitFor();
            const { error } = await api(server, path);
            const command = await page.locator(".command code").textContent();
            assert.ok(error.message.includes(command) && command.startsWith("netsonde"), command);
            await page.getByRole("button", { name: "Copy" }).click();
            await page.getByRole("button", { name: /Copied|Selected/ }).waitFor();
            await axeFindsNothing(page, page.url());
            // The browser itself notes that the table was refused.
            const others = page.complaints.filter((c) => !/status of 503/.test(c));
            assert.deepEqual(others, []);
            await page.close();
        }
    },

    "on a phone a row is a card, and nothing is wider than the screen": async () => {
        const busy = await traffic(10);
        try {
            const server = await Server.start();
            const context = await launch({ viewport: { width: 390, height: 844 } });
            for (const path of ["connections", "processes"]) {
                const page = await openPage(context, `${server.address}/${path}`);
                await isLive(page);
                await until("rows", async () => (await countOf(page)) > 0);
                await page.locator(".data-table.cards").waitFor();
                const wide = await page.evaluate(
                    () => document.documentElement.scrollWidth > window.innerWidth,
                );
                assert.equal(wide, false, path);
                const box = await rows(page).first().boundingBox();
                assert.ok(box.height > 60 && box.width <= 390);
                await rows(page).first().click({ position: { x: 3, y: 3 } }); // also between its words
                await page.getByRole("complementary").waitFor();
                await axeFindsNothing(page, page.url());
                assert.deepEqual(page.complaints, []);
                await page.close();
            }
        } finally {
            busy.stop();
        }
    },

    "columns are chosen and remembered; a row is copied": async () => {
        const busy = await traffic(4);
        try {
            const server = await Server.start();
            const context = await launch();
            const page = await openPage(context, `${server.address}/connections?filter=${busy.port}`);
            await isLive(page);
            await until("rows", async () => (await countOf(page)) >= 8);
            const heads = () => page.locator('.data-head [role="columnheader"]').allTextContents();
            assert.ok((await heads()).includes("Protocol"));
            await page.getByText("Columns", { exact: true }).click();
            await page.getByRole("checkbox", { name: "Protocol" }).uncheck();
            await until("one less", async () => !(await heads()).includes("Protocol"));
            await page.reload();
            await until("still one less", async () => {
                const now = await heads();
                return now.length > 3 && !now.includes("Protocol");
            });
            await until("rows again", async () => (await countOf(page)) >= 8);
            await page.getByRole("grid").focus();
            await page.keyboard.press("Home");
            const copied = await page.evaluate(() => {
                const data = new DataTransfer();
                const event = new ClipboardEvent("copy", { clipboardData: data, bubbles: true });
                document.activeElement.dispatchEvent(event);
                return data.getData("text/plain");
            });
            assert.ok(copied.split("\t").length === (await heads()).length, copied);
            assert.match(copied, new RegExp(String(busy.port)));
            assert.deepEqual(page.complaints, []);
        } finally {
            busy.stop();
        }
    },
});
