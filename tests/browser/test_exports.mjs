/*
 * Saving what the dashboard shows: every chart and every table has the menu, what it downloads is
 * what is on the screen, and hostile names stay names. Files are parsed, not only received.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { chart, fitsEverybody, isLive, launch, openPage, run, Server, until } from "./harness.mjs";
import { alertOf, channelOf, FakeAlerts, ruleOf } from "./fake_alerts.mjs";
import { FakeDocuments, runOf } from "./fake_documents.mjs";

const EVIL = '=cmd|"/C calc"!A0,<script>alert(1)</script>';

async function saved(page, menu, name) {
    const summary = menu.locator("summary");
    if ((await menu.getAttribute("open")) === null) await summary.click();
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        menu.getByRole("button", { name }).click(),
    ]);
    assert.equal(await download.failure(), null);
    return { file: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/* Lines of RFC 4180. */
function parseCsv(text) {
    assert.ok(text.endsWith("\r\n"));
    const rows = [[]];
    let i = 0;
    while (i < text.length) {
        let cell = "";
        if (text[i] === '"') {
            i++;
            for (;;) {
                const end = text.indexOf('"', i);
                assert.ok(end >= 0, "a quoted cell ends");
                cell += text.slice(i, end);
                i = end + 1;
                if (text[i] !== '"') break;
                cell += '"';
                i++;
            }
        } else {
            const end = /[,\r]/.exec(text.slice(i)).index + i;
            cell = text.slice(i, end);
            i = end;
        }
        rows.at(-1).push(cell);
        if (text[i] === ",") i++;
        else {
            assert.equal(text.slice(i, i + 2), "\r\n");
            i += 2;
            rows.push([]);
        }
    }
    rows.pop();
    return rows;
}

/* Size and pixels of a PNG with 8 bits a channel. */
function parsePng(bytes) {
    assert.equal(bytes.subarray(0, 8).toString("hex"), "89504e470d0a1a0a");
    assert.equal(bytes.subarray(-8, -4).toString("latin1"), "IEND");
    const width = bytes.readUInt32BE(16);
    const height = bytes.readUInt32BE(20);
    const channels = { 2: 3, 6: 4 }[bytes[25]];
    assert.equal(bytes[24], 8);
    const parts = [];
    for (let at = 8; at < bytes.length;) {
        const length = bytes.readUInt32BE(at);
        if (bytes.toString("latin1", at + 4, at + 8) === "IDAT")
            parts.push(bytes.subarray(at + 8, at + 8 + length));
        at += 12 + length;
    }
    const raw = inflateSync(Buffer.concat(parts));
    const stride = width * channels;
    const pixels = Buffer.alloc(stride * height);
    for (let y = 0; y < height; y++) {
        const filter = raw[y * (stride + 1)];
        for (let x = 0; x < stride; x++) {
            const a = x >= channels ? pixels[y * stride + x - channels] : 0;
            const b = y > 0 ? pixels[(y - 1) * stride + x] : 0;
            const c = x >= channels && y > 0 ? pixels[(y - 1) * stride + x - channels] : 0;
            const p = a + b - c;
            const [pa, pb, pc] = [a, b, c].map((v) => Math.abs(p - v));
            const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
            const guess = [0, a, b, (a + b) >> 1, paeth][filter];
            pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x] + guess;
        }
    }
    const at = (x, y) => [...pixels.subarray((y * width + x) * channels).subarray(0, 3)];
    const count = ([r, g, b]) => {
        let n = 0;
        for (let i = 0; i < pixels.length; i += channels)
            if (Math.abs(pixels[i] - r) + Math.abs(pixels[i + 1] - g) + Math.abs(pixels[i + 2] - b) < 24)
                n++;
        return n;
    };
    return { width, height, at, count };
}

function token(page, name) {
    return page.evaluate((name) => {
        const probe = document.createElement("canvas").getContext("2d");
        probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
        probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
    }, name);
}

/* The document as the browser's own XML parser sees it. */
function parseSvg(page, text) {
    return page.evaluate((text) => {
        const d = new DOMParser().parseFromString(text, "image/svg+xml");
        const all = (selector) => [...d.querySelectorAll(selector)];
        return {
            error: d.querySelector("parsererror")?.textContent,
            root: d.documentElement.localName,
            texts: all("text").map((t) => t.textContent),
            series: [...new Set(all("polyline[data-series]").map((l) => l.dataset.series))],
            points: all("polyline[data-series]").map((l) => [
                l.dataset.series,
                l.getAttribute("points").trim().split(" ").length,
            ]),
            active: all("script, image, use, foreignObject, [href], [onload]").length,
        };
    }, text);
}

const menuOf = (page, key) => chart(page, key).locator(".save-menu");

await run({
    "every chart and every table has the menu": async () => {
        const server = await Server.start();
        const context = await launch();
        const fake = await FakeAlerts.before(context);
        fake.past = [alertOf(4, { state: "resolved", resolved: Date.now() })];
        const other = await launch();
        const documents = await FakeDocuments.before(other);
        documents.benchmarks = [runOf(Date.now() - 60_000), runOf(Date.now() - 120_000)];
        const last = { "/baselines": "tr[data-metric]", "/performance": "tr[data-result]" };
        for (const path of ["/", "/interfaces", "/interfaces?device=lo", "/alerts", ...Object.keys(last)]) {
            const page = await openPage(path in last ? other : context, server.address + path);
            await isLive(page);
            if (path in last) await page.locator(last[path]).first().waitFor();
            const without = await page
                .locator("figure[data-chart]:not(:has(.save-menu))")
                .evaluateAll((all) => all.map((f) => f.dataset.key));
            assert.deepEqual(without, []);
            const tables = await page.locator("main table").count();
            const menus = await page.locator('main summary[aria-label^="Save table"]').count();
            assert.ok(menus >= tables, `${path}: ${menus} menus, ${tables} tables`);
            if (path === "/alerts") {
                await page.locator("table.history").waitFor();
                assert.equal(menus, 5);
            }
            assert.deepEqual(page.complaints, []);
            await page.close();
        }
    },

    "the menu works by keys alone and gives the focus back": async () => {
        const server = await Server.start();
        const page = await openPage(await launch(), server.address + "/interfaces?device=lo");
        await isLive(page);
        const menu = menuOf(page, "throughput");
        await menu.locator("summary").focus();
        await page.keyboard.press("Enter");
        await menu.getByRole("group", { name: "As drawn" }).waitFor();
        await page.keyboard.press("Tab");
        const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
        assert.equal(await focused(), "PNG");
        await page.keyboard.press("Escape");
        await until("it is closed", async () => (await menu.getAttribute("open")) === null);
        assert.equal(
            await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
            "Save Throughput",
        );
        assert.match(page.url(), /device=lo/, "Escape closed the menu, not the page");
        await page.keyboard.press("Enter");
        await menu.getByRole("group", { name: "As drawn" }).waitFor();
        await page.locator(".host").click();
        await until("outside closes it", async () => (await menu.getAttribute("open")) === null);
        assert.deepEqual(page.complaints, []);
    },

    "PNG: twice as fine, in the colours of the theme; CSV: the values that are drawn": async () => {
        const server = await Server.start();
        const context = await launch();
        for (const [scheme, light] of [
            ["dark", false],
            ["light", true],
        ]) {
            const page = await openPage(
                context,
                server.address + "/interfaces?device=lo&from=now-1m&to=now",
            );
            await page.emulateMedia({ colorScheme: scheme });
            await isLive(page);
            await server.holdsTicks(15);
            await page.keyboard.press("Space"); // nothing moves while it is looked at
            await page.locator('main[data-liveness="paused"]').waitFor();
            const { file, bytes } = await saved(page, menuOf(page, "throughput"), /^PNG/);
            assert.match(file, /^netsonde-[\w.-]+-throughput-\d{8}T\d{6}Z\.png$/);
            const png = parsePng(bytes);
            assert.deepEqual([png.width, png.height], [1920, 864]);
            assert.equal(png.at(2, 2)[0] > 200, light, `ground ${png.at(2, 2)}`);
            for (const name of ["--receive", "--transmit", "--text"])
                assert.ok(png.count(await token(page, name)) > 40, `${scheme}: ${name} is drawn`);

            const csv = await saved(page, menuOf(page, "throughput"), /^CSV, the values/);
            const [head, ...rows] = parseCsv(csv.bytes.toString());
            assert.deepEqual(head, ["time", "receive (bit/s)", "transmit (bit/s)"]);
            const times = rows.map((r) => Date.parse(r[0]));
            assert.ok(times.every((t, i) => i === 0 || t > times[i - 1]));

            /* The reading line says what the chart shows at its newest steps. */
            const plot = chart(page, "throughput").locator(".plot");
            await plot.focus();
            await page.keyboard.press("End");
            const spoken = () => chart(page, "throughput").locator(".readout").innerText();
            await until("a value is read", async () => /receive/.test(await spoken()));
            const said = (await spoken()).replace(/\u2009/g, " ");
            const [clock] = /\d\d:\d\d:\d\d/.exec(said);
            const row = rows.findLast((r) => {
                const d = new Date(r[0]);
                const two = (n) => String(n).padStart(2, "0");
                return [d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(":") === clock;
            });
            assert.ok(row, `${clock} is in the file`);
            assert.match(said, /receive [\d.]+ \w*bit/);
            const [, number, unit] = /receive ([\d.]+) (\w*)bit\/s/.exec(said);
            const shown = Number(number) * { "": 1, "k": 1e3, "M": 1e6, "G": 1e9 }[unit];
            assert.ok(
                Math.abs(Number(row[1]) - shown) <= shown * 0.006 + 1,
                `${row} against “${said}”`,
            );
            assert.deepEqual(page.complaints, []);
            await page.close();
        }
    },

    "SVG: vectors with every series, parsed as XML, in keeping with the CSV": async () => {
        const server = await Server.start();
        const page = await openPage(
            await launch(),
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await isLive(page);
        await server.holdsTicks(15);
        await page.keyboard.press("Space");
        await page.locator('main[data-liveness="paused"]').waitFor();
        const { file, bytes } = await saved(page, menuOf(page, "packets"), /^SVG/);
        assert.match(file, /-packets-\d{8}T\d{6}Z\.svg$/);
        const svg = await parseSvg(page, bytes.toString());
        assert.equal(svg.error, undefined);
        assert.equal(svg.root, "svg");
        assert.equal(svg.active, 0);
        assert.deepEqual(svg.series.sort(), ["receive", "transmit"]);
        const words = svg.texts.join("|");
        const { host } = await (await fetch(server.address + "/api/v1/info")).json();
        for (const w of ["Packets", "packets/s", "receive", "transmit", host, "netsonde"])
            assert.ok(words.includes(w), `${w} in ${words}`);
        const csv = await saved(page, menuOf(page, "packets"), /^CSV, the values/);
        const [, ...rows] = parseCsv(csv.bytes.toString());
        const drawn = svg.points.filter(([s]) => s === "receive").reduce((a, [, n]) => a + n, 0);
        const known = rows.filter((r) => r[1] !== "").length;
        assert.ok(drawn > 10 && Math.abs(drawn - known) <= 2, `${drawn} points, ${known} values`);
        assert.deepEqual(page.complaints, []);
    },

    "every stored sample: the links ask for the chart's series and the time in sight": async () => {
        const server = await Server.start();
        const page = await openPage(
            await launch(),
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await isLive(page);
        await server.holdsTicks(10);
        const menu = menuOf(page, "throughput");
        await menu.locator("summary").click();
        const links = await menu
            .locator("a")
            .evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.hasAttribute("download")]));
        const asked = links.map(([href]) => new URL(href, server.address));
        assert.ok(links.every(([, download]) => download));
        assert.deepEqual(
            asked.map((u) => u.searchParams.get("format")),
            ["csv", "json", "ndjson", "openmetrics"],
        );
        for (const u of asked) {
            assert.equal(u.pathname, "/api/v1/export");
            assert.deepEqual(u.searchParams.getAll("metric"), [
                "node_network_receive_bytes_total",
                "node_network_transmit_bytes_total",
            ]);
            assert.deepEqual(u.searchParams.getAll("match"), ["device=lo"]);
            const from = Number(u.searchParams.get("from"));
            const to = Number(u.searchParams.get("to"));
            assert.ok(to - from <= 60_000 && to - from > 55_000, `${from} ${to}`);
            assert.ok(Math.abs(Date.now() - to) < 20_000);
        }
        /* The same selection is one that the server understands. */
        const query = new URLSearchParams(asked[0].search);
        query.delete("format");
        const answer = await (await fetch(`${server.address}/api/v1/query?${query}`)).json();
        assert.deepEqual(
            answer.series.map((s) => s.labels.device),
            ["lo", "lo"],
        );
        assert.deepEqual(page.complaints, []);
    },

    "real: what the links download is what the server has, row by row, in every format": async () => {
        const server = await Server.start();
        const page = await openPage(
            await launch(),
            server.address + "/interfaces?device=lo&from=now-1m&to=now",
        );
        await isLive(page);
        await server.holdsTicks(20);
        const menu = menuOf(page, "throughput");
        const download = async (name) => {
            if ((await menu.getAttribute("open")) === null) await menu.locator("summary").click();
            const link = menu.getByRole("link", { name });
            const asked = new URL(await link.getAttribute("href"), server.address).searchParams;
            const [got] = await Promise.all([page.waitForEvent("download"), link.click()]);
            assert.equal(await got.failure(), null);
            return { asked, file: got.suggestedFilename(), text: readFileSync(await got.path(), "utf8") };
        };
        const csv = await download(/^CSV, every/);
        assert.match(csv.file, /\.csv$/);
        const [head, ...rows] = parseCsv(csv.text);
        assert.deepEqual(head, ["time", "name", "labels", "unit", "value"]);
        assert.ok(rows.every((r) => r[2] === 'device="lo"' && r[3] === "bytes"));
        const query = new URLSearchParams({ agg: "sum", points: "10000" });
        for (const [k, v] of csv.asked) if (k !== "format") query.append(k, v);
        const answer = await (await fetch(`${server.address}/api/v1/query?${query}`)).json();
        assert.equal(answer.series.length, 2);
        /* The link's range has the milliseconds of the ticks; of both answers what both have. */
        const known = new Map(
            answer.series.flatMap((s) =>
                s.points.filter((p) => p[1] !== null).map(([t, v]) => [`${s.name} ${t}`, v]),
            ),
        );
        let same = 0;
        for (const [time, name, , , value] of rows) {
            const v = known.get(`${name} ${Date.parse(time)}`);
            if (v === undefined) continue;
            assert.equal(Number(value), v, `${name} ${time}`);
            same++;
        }
        assert.ok(same > 20 && same >= rows.length * 0.8, `${same} of ${rows.length} rows`);

        const json = JSON.parse((await download(/^JSON, every/)).text);
        assert.deepEqual(json.series.map((s) => s.labels.device), ["lo", "lo"]);
        assert.equal(
            json.metadata.rows,
            json.series.reduce((n, s) => n + s.points.length, 0),
        );
        const nd = (await download(/^NDJSON/)).text.trimEnd().split("\n").map((l) => JSON.parse(l));
        assert.ok(nd.length > 20 && nd.every((o) => o.labels.device === "lo" && o.t > 0));
        const om = (await download(/^OpenMetrics/)).text;
        assert.match(om, /^# (HELP|TYPE|UNIT) node_network_/);
        assert.ok(om.endsWith("# EOF\n"));
        assert.deepEqual(page.complaints, []);

        await page.goto(server.address + "/interfaces?sort=-device");
        await page.locator('tr[data-device="lo"]').waitFor();
        const table = page.locator('.save-menu:has(summary[aria-label*="Network interfaces"])');
        await table.locator("summary").click();
        const [got] = await Promise.all([
            page.waitForEvent("download"),
            table.getByRole("link", { name: /^CSV/ }).click(),
        ]);
        const [columns, ...interfaces] = parseCsv(readFileSync(await got.path(), "utf8"));
        const devices = interfaces.map((r) => r[columns.indexOf("device")]);
        const shown = await page
            .locator("tr[data-device]")
            .evaluateAll((all) => all.map((r) => r.dataset.device));
        assert.deepEqual([...devices].sort(), [...shown].sort());
        assert.deepEqual(devices, [...devices].sort().reverse(), "in the order that was asked for");
        assert.deepEqual(page.complaints, []);
    },

    "tables: the server's with order and filter, the page's own safe and complete": async () => {
        const server = await Server.start();
        const context = await launch();
        const fake = await FakeAlerts.before(context);
        fake.active = [alertOf(1, { summary: EVIL, rule: "a,b" }), alertOf(2, { severity: "critical" })];
        fake.rules = [ruleOf("r1"), ruleOf("r2", { summary: "+1" })];
        fake.channels = [channelOf("@home", { last_error: 'say "no"\nnow' })];
        let page = await openPage(
            context,
            server.address + "/interfaces?sort=-rx_bytes&filter=lo",
        );
        await isLive(page);
        const table = page.locator('.save-menu:has(summary[aria-label*="Network interfaces"])');
        await table.locator("summary").click();
        const hrefs = await table
            .locator("a")
            .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
        assert.deepEqual(
            hrefs.map((h) => [...new URL(h, server.address).searchParams].join(";")),
            ["csv", "json", "ndjson"].map(
                (f) => `format,${f};table,interfaces;sort,-rx_bytes;filter,lo`,
            ),
        );
        await page.close();

        page = await openPage(context, server.address + "/alerts");
        await isLive(page);
        await page.locator('li[data-alert="1"]').waitFor();
        const menu = (what) => page.locator(`.save-menu:has(summary[aria-label="Save table ${what}"])`);
        const csv = await saved(page, menu("Active alerts"), /^CSV/);
        const [head, ...rows] = parseCsv(csv.bytes.toString());
        const cell = (row, name) => row[head.indexOf(name)];
        assert.deepEqual(
            rows.map((r) => cell(r, "id")),
            ["2", "1"],
            "in the order of the page",
        );
        assert.equal(cell(rows[1], "summary"), "'" + EVIL);
        assert.equal(cell(rows[1], "rule"), "a,b");
        assert.match(cell(rows[1], "started"), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
        const json = JSON.parse((await saved(page, menu("Rules"), /^JSON/)).bytes.toString());
        assert.equal(json.metadata.rows, 2);
        assert.equal(json.rows[1][json.columns.indexOf("summary")], "+1", "JSON needs no apostrophe");
        const channels = parseCsv((await saved(page, menu("Channels"), /^CSV/)).bytes.toString());
        assert.equal(channels[1][0], "'@home");
        assert.equal(channels[1].at(-1), 'say "no"\nnow');
        await page.locator("#filter").fill("critical");
        await page.locator('li[data-alert="1"]').waitFor({ state: "detached" });
        const filtered = await saved(page, menu("Active alerts"), /^CSV/);
        assert.equal(parseCsv(filtered.bytes.toString()).length, 2);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
        assert.deepEqual(page.complaints, []);
    },

    "axe finds nothing in the open menu, nothing sticks out, wide and on a phone": async () => {
        const server = await Server.start();
        const page = await openPage(await launch(), server.address + "/interfaces?device=lo");
        await isLive(page);
        await fitsEverybody(page, "open menus", async (width) => {
            for (const key of ["throughput", "packets", "losses"]) {
                const menu = menuOf(page, key);
                if ((await menu.getAttribute("open")) === null) await menu.locator("summary").click();
                const box = await menu.locator(".menu-body").boundingBox();
                assert.ok(box.x >= 0 && box.x + box.width <= width, `${key} ${width}`);
            }
        });
        assert.deepEqual(page.complaints, []);
    },
});
