// How long a page takes from navigation to its first painted chart, in headless Chromium, and how
// much JavaScript that needs. Prints one JSON object. Usage: node bench/page.mjs URL
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(fileURLToPath(new URL("../web/package.json", import.meta.url)));
const { chromium } = require("playwright-core");

const url = process.argv[2];
const runs = 7;
const executablePath =
    process.env.CHROMIUM ??
    ["/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find((path) => existsSync(path));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });

// A chart counts as painted when its canvas holds a pixel that is not transparent.
await page.addInitScript(() => {
    const painted = () => {
        for (const canvas of document.querySelectorAll("[data-chart] canvas")) {
            if (!canvas.width || !canvas.height) continue;
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            for (let i = 3; i < data.length; i += 4) if (data[i]) return true;
        }
        return false;
    };
    const look = () => {
        if (painted()) window.firstChartMs = performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
});

const times = [];
let jsBytes = 0;
for (let i = 0; i <= runs; i++) {
    if (i === 0) {
        page.on("response", async (answer) => {
            if (!answer.url().endsWith(".js")) return;
            const sizes = await answer.request().sizes().catch(() => undefined);
            jsBytes += sizes?.responseBodySize ?? 0;
        });
    } else page.removeAllListeners("response");
    await page.goto(url);
    const handle = await page.waitForFunction(() => window.firstChartMs, undefined, { timeout: 20000 });
    times.push(await handle.jsonValue());
}
await browser.close();

const warm = times.slice(1).sort((a, b) => a - b);
console.log(JSON.stringify({ runs, cold_ms: times[0], median_ms: warm[Math.floor(runs / 2)], js_kib: jsBytes / 1024 }));
