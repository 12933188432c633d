/*
 * Every kind of drawn chart in a real browser under the real policy: what it says to the pointer and
 * to keys, what it opens, how it is saved, both themes, and what a hostile host could put into it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { axeFindsNothing, chart, launch, openPage, run, Server, until } from "./harness.mjs";
import { EVIL, HOSTILE, ORDINARY } from "./drawn_specs.mjs";
import { serveGallery } from "./gallery_server.mjs";

const server = await Server.start();
const policy = (await fetch(server.address + "/")).headers.get("content-security-policy");
await server.stop();
const gallery = await serveGallery(policy);

/* A page that shows these; set: ORDINARY or HOSTILE. */
async function galleryWith(set, { height = 1500, ...options } = {}) {
    const context = await launch({ viewport: { width: 1440, height }, ...options });
    const page = await openPage(context, gallery.address);
    await page.evaluate((set) => {
        const { shown, specs } = window.gallery;
        shown.value = Object.values(specs[set]).map((s) => (typeof s === "function" ? s() : s));
    }, set);
    const wanted = Object.keys(set === "ORDINARY" ? ORDINARY : HOSTILE).length;
    await until(
        "all are drawn",
        async () => (await page.locator("figure .plot canvas").count()) === wanted,
    );
    return page;
}

/* A number for what the canvas shows: it changes when the picture does. */
function look(page, key) {
    return page.evaluate((key) => {
        const canvas = document.querySelector(`figure[data-key="${key}"] canvas`);
        window.copy ??= document
            .createElement("canvas")
            .getContext("2d", { willReadFrequently: true });
        window.copy.canvas.width = canvas.width;
        window.copy.canvas.height = canvas.height;
        window.copy.drawImage(canvas, 0, 0);
        const { data } = window.copy.getImageData(0, 0, canvas.width, canvas.height);
        let sum = 0;
        for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) | 0;
        return sum;
    }, key);
}

async function pointAt(page, key, x, y) {
    const box = await chart(page, key).locator(".plot").boundingBox();
    await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
}

const readout = async (page, key) =>
    (await chart(page, key).locator(".readout").innerText())
        .replace(/[\u2068\u2069]/g, "")
        .replace(/\u2009/g, " ");

async function reads(page, key, pattern) {
    await until(`${key} says ${pattern}`, async () => pattern.test(await readout(page, key)));
}

/* kind: where to point, what is said there; keys that walk, and what is said after each. */
const SAID = {
    "bar": {
        at: [0.5, 0.1],
        says: /^curl 103 Mbit\/s · receive .* · 3 sockets$/,
        walk: { ArrowDown: /^curl/, ArrowRight: /^postgres/, End: /^containerd/, Home: /^curl/ },
        opens: "program-0",
    },
    "gauge": {
        at: [0.5, 0.5],
        says: /^187 204 of 262 144 · warning from 200 000 · critical from 249 000$/,
        walk: { ArrowRight: /^187/ },
    },
    "heatmap": {
        at: [0.5, 0.5],
        says: /^\w{3} \d+(, \d{4})? \d\d:07:20 – \d\d:07:30 · 2 ms – 5 ms · \d+ samples$/,
        walk: { ArrowRight: /· 0 – 100 µs · /, ArrowUp: /100 µs – 200 µs/, End: /200 ms – ∞/ },
    },
    "histogram": {
        at: [0.5, 0.6],
        says: /^2 ms – 5 ms · 280 connections \(27.7 %\)$/,
        walk: { ArrowRight: /^0 – 100 µs · 0 connections/, End: /^200 ms – ∞ · 1 connection / },
    },
    "histogram-two": {
        at: [0.5, 0.6],
        says: /^10 kB – 100 kB · receive 300 \(21.8 %\) · transmit 200 \(14.8 %\)$/,
        walk: { ArrowRight: /^0 – 100 B/ },
    },
    "scatter": {
        at: [0.5, 0.5],
        says: /^quic 10\.0\.0\.\d+:443 \(quic\) · round trip [\d.]+ ms · rate [\d.]+ \w+\/s$/,
        walk: {
            Home: /^tcp 10\.0\.0\.0:443/,
            ArrowRight: /round trip 0 s/,
            ArrowUp: /^\S/,
            End: /^quic/,
        },
        opens: "quic-59",
    },
    "sankey": {
        at: [0.245, 0.3],
        says: /^curl 38\.0 Mbit\/s · to 1$/,
        walk: { ArrowRight: /^curl 38/, ArrowDown: /^curl → eth0/, Home: /^curl 38/ },
        opens: "node-curl",
    },
    "timeline": {
        at: [0.3, 0.42],
        says: /^wlan0 · dormant · \w{3} \d+(, \d{4})? \d\d:10:00 – \d\d:31:00 · 21 min$/,
        walk: { ArrowRight: /^eth0 · up/, End: /^wg0 · up/, Home: /^eth0 · up/ },
        opens: "device-eth0",
    },
    "calendar": {
        at: [0.5, 0.5],
        says: /^(Wed|Thu|Fri) 11:00 – 12:00 · [\d.]+ Mbit\/s · mean of 4 hours$/,
        walk: {
            ArrowRight: /^Mon 00/,
            ArrowDown: /^Tue 00/,
            End: /^Sun 23:00 – 00:00 · not measured$/,
        },
    },
};

async function saved(page, key, name) {
    const figure = chart(page, key);
    await figure.locator(".save-menu summary").click();
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        figure.getByRole("button", { name: new RegExp(`^${name},`) }).click(),
    ]);
    assert.equal(await download.failure(), null);
    return { file: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/* What the browser makes of it: size and number of colours of a PNG. */
function pictureOf(page, bytes) {
    return page.evaluate(async (base64) => {
        const binary = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([binary], { type: "image/png" }));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        const ctx = canvas.getContext("2d");
        ctx.drawImage(bitmap, 0, 0);
        // Below the head and above the foot, where only the chart is.
        const { data } = ctx.getImageData(0, 200, bitmap.width, 580);
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4)
            colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
        return { width: bitmap.width, height: bitmap.height, colours: colours.size };
    }, bytes.toString("base64"));
}

function svgOf(page, bytes) {
    return page.evaluate((text) => {
        const d = new DOMParser().parseFromString(text, "image/svg+xml");
        return {
            error: d.querySelector("parsererror")?.textContent,
            texts: [...d.querySelectorAll("text")].map((t) => t.textContent),
            shapes: d.querySelectorAll("svg svg path").length,
            active: d.querySelectorAll(
                "script, style, image, use, foreignObject, [href], [onload], [style]",
            ).length,
        };
    }, bytes.toString("utf8"));
}

await run({
    "each says what is pointed at, is walked by keys, and opens what it should": async () => {
        const page = await galleryWith("ORDINARY");
        for (const [key, { at, says, walk, opens }] of Object.entries(SAID)) {
            const plain = await look(page, key);
            await pointAt(page, key, ...at);
            await reads(page, key, says);
            if (key !== "gauge")
                await until(
                    `${key} shows what is read`,
                    async () => (await look(page, key)) !== plain,
                );
            await page.mouse.move(1, 1);
            await reads(page, key, /^$/);
            await until(`${key} is as before`, async () => (await look(page, key)) === plain);

            const plot = chart(page, key).locator(".plot");
            await plot.focus();
            for (const [name, pattern] of Object.entries(walk)) {
                await page.keyboard.press(name);
                await reads(page, key, pattern);
            }
            assert.equal(
                await chart(page, key).locator(".readout").getAttribute("aria-live"),
                "polite",
            );
            await page.keyboard.press("Enter");
            const opened = await page.evaluate(() => window.gallery.opened.splice(0));
            assert.deepEqual(opened, opens === undefined ? [] : [opens], key);
            await page.keyboard.press("Escape");
            await reads(page, key, /^$/);
        }
        await pointAt(page, "bar", 0.5, 0.1);
        await page.mouse.down();
        await page.mouse.up();
        assert.deepEqual(await page.evaluate(() => window.gallery.opened.splice(0)), ["program-0"]);
        assert.deepEqual(page.complaints, []);
    },

    "bits or bytes, the theme and the size change what is drawn": async () => {
        const page = await galleryWith("ORDINARY");
        await pointAt(page, "bar", 0.5, 0.1);
        await reads(page, "bar", /^curl 103 Mbit\/s/);
        await page.evaluate(() => (window.gallery.bytesAs.value = "bytes"));
        await reads(page, "bar", /^curl 12\.9 MB\/s/);
        await page.mouse.move(1, 1);
        for (const key of Object.keys(SAID)) {
            const dark = await look(page, key);
            await page.evaluate(() => window.gallery.theme("light"));
            await until(`${key} is light`, async () => (await look(page, key)) !== dark);
            await page.evaluate(() => window.gallery.theme("dark"));
            await until(`${key} is dark again`, async () => (await look(page, key)) === dark);
        }
        await page.setViewportSize({ width: 700, height: 2600 });
        for (const key of Object.keys(SAID))
            await until(`${key} fills its box`, () =>
                chart(page, key).evaluate((f) => {
                    const [canvas, plot] = [f.querySelector("canvas"), f.querySelector(".plot")];
                    return Math.abs(canvas.clientWidth - plot.clientWidth) <= 1;
                }),
            );
        assert.deepEqual(page.complaints, []);
    },

    "new values go into the picture that is there": async () => {
        const page = await galleryWith("ORDINARY", { reducedMotion: "reduce" });
        await page.evaluate(() => {
            for (const f of document.querySelectorAll("figure canvas")) f.dataset.mine = "yes";
        });
        await pointAt(page, "bar", 0.5, 0.1);
        const before = { text: await readout(page, "bar") };
        for (const key of ["bar", "gauge", "heatmap", "sankey"])
            before[key] = await look(page, key);
        await page.evaluate(() => {
            const { shown, specs } = window.gallery;
            shown.value = Object.values(specs.ORDINARY).map((make) => make(5));
        });
        for (const key of ["bar", "gauge", "heatmap", "sankey"])
            await until(`${key} moved`, async () => (await look(page, key)) !== before[key]);
        assert.notEqual(await readout(page, "bar"), before.text, "what is read is the new value");
        assert.equal(
            await page.locator("figure canvas:not([data-mine])").count(),
            0,
            "no canvas was made anew",
        );
        assert.deepEqual(page.complaints, []);
    },

    "a stretch of time is marked, and the page's moment is shown and told": async () => {
        const page = await galleryWith("ORDINARY");
        for (const key of ["heatmap", "timeline"]) {
            const spec = ORDINARY[key]();
            const to = spec.toMs ?? spec.fromMs + spec.steps * spec.stepMs;
            const box = await chart(page, key).locator(".plot").boundingBox();
            await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
            await page.mouse.down();
            await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2, { steps: 4 });
            await page.mouse.up();
            const [zoom] = await page.evaluate(() => window.gallery.zooms.splice(0));
            assert.ok(zoom[0] > spec.fromMs && zoom[1] < to && zoom[1] > zoom[0], String(zoom));
            assert.deepEqual(await page.evaluate(() => window.gallery.opened.splice(0)), []);
            const moment = await page.evaluate(() => window.gallery.cursor.value);
            assert.ok(Math.abs(moment - zoom[1]) < (to - spec.fromMs) / 100);
            await page.mouse.move(1, 1);
            await until("none", () =>
                page.evaluate(() => window.gallery.cursor.value === undefined),
            );
            const plain = await look(page, key);
            await page.evaluate((t) => (window.gallery.cursor.value = t), (spec.fromMs + to) / 2);
            await until("a line", async () => (await look(page, key)) !== plain);
            await page.evaluate(() => (window.gallery.cursor.value = undefined));
            await until("no line", async () => (await look(page, key)) === plain);
        }
        assert.deepEqual(page.complaints, []);
    },

    "each is saved as a picture, as vectors and as numbers": async () => {
        const page = await galleryWith("ORDINARY");
        for (const key of Object.keys(SAID)) {
            const png = await saved(page, key, "PNG");
            assert.match(png.file, new RegExp(`^netsonde-web1-.*-${key}-\\d{8}T\\d{6}Z\\.png$`));
            const picture = await pictureOf(page, png.bytes);
            assert.deepEqual([picture.width, picture.height], [1920, 864]);
            assert.ok(picture.colours > 10, `${key} is empty`);
            const svg = await svgOf(page, (await saved(page, key, "SVG")).bytes);
            assert.equal(svg.error, undefined, key);
            assert.equal(svg.active, 0, key);
            assert.ok(svg.shapes > 0, key);
            const title = await chart(page, key).locator("h3").innerText();
            assert.ok(
                svg.texts.some((t) => title.startsWith(t) && t),
                key,
            );
            assert.ok(svg.texts.includes('web1 <b>"&\u202e') && svg.texts.includes("netsonde 1.0"));
            const csv = (await saved(page, key, "CSV")).bytes.toString("utf8");
            const json = JSON.parse((await saved(page, key, "JSON")).bytes.toString("utf8"));
            assert.equal(csv.split("\r\n").length, json.rows.length + 2, key);
            assert.ok(json.rows.length > 0, key);
        }
        assert.deepEqual(page.complaints, []);
    },

    "states are told, and what is empty says why": async () => {
        const page = await galleryWith("ORDINARY");
        for (const state of ["paused", "stale", "live"]) {
            await page.evaluate((s) => (window.gallery.state.value = s), state);
            await until(
                state,
                async () =>
                    (await page.locator(`figure[data-state="${state}"]`).count()) ===
                    Object.keys(SAID).length,
            );
        }
        await page.evaluate(() => {
            const { shown, specs } = window.gallery;
            shown.value = Object.entries(specs.HOSTILE)
                .filter(([key]) => key.endsWith("-none"))
                .map(([, spec]) => spec);
        });
        await until(
            "all are empty",
            async () =>
                (await page.locator('figure[data-state="empty"] .chart-empty').count()) === 7,
        );
        assert.equal(await page.locator('figure:not([data-state="empty"])').count(), 0);
        assert.deepEqual(page.complaints, []);
    },

    "hostile names are names, odd numbers are no trouble": async () => {
        const page = await galleryWith("HOSTILE", { height: 4000 });
        for (const key of Object.keys(HOSTILE).map((k) => `hostile-${k}`)) {
            for (const [x, y] of [
                [0.2, 0.3],
                [0.5, 0.5],
                [0.9, 0.8],
            ])
                await pointAt(page, key, x, y);
            await chart(page, key).locator(".plot").focus();
            for (const name of ["Home", "ArrowRight", "ArrowDown", "End", "Enter", "Escape"])
                await page.keyboard.press(name);
        }
        assert.match(
            await chart(page, "hostile-sankey-cycle").locator(".method").innerText(),
            /2 links lead back/,
        );
        await chart(page, "hostile-bar").locator(".plot").focus();
        await page.keyboard.press("Home");
        await reads(page, "hostile-bar", /^<script>alert\(1\)<\/script>"'& +\{a\|b\} .*Pbit\/s/);
        await page.keyboard.press("Enter");
        assert.equal(await page.evaluate(() => window.gallery.opened.at(-1)), EVIL);
        for (const key of ["bar", "histogram", "scatter", "sankey", "timeline"]) {
            const svg = await svgOf(page, (await saved(page, `hostile-${key}`, "SVG")).bytes);
            assert.equal(svg.error, undefined, key);
            assert.equal(svg.active, 0, key);
            if (key !== "histogram" && key !== "scatter")
                assert.ok(
                    svg.texts.some((t) => t.includes("<script>")),
                    key,
                );
        }
        assert.deepEqual(page.complaints, []);
    },

    "axe finds nothing, in both themes": async () => {
        const page = await galleryWith("ORDINARY");
        for (const theme of ["dark", "light"]) {
            await page.evaluate((t) => window.gallery.theme(t), theme);
            await axeFindsNothing(page, theme);
        }
    },
});
