/*
 * What makes the page pleasant: the palette, keys, preferences, the window of time, what is compared,
 * settings, the list of pages on every width, and a session that ends.
 */
import assert from "node:assert/strict";
import { axeFindsNothing, chart, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const LO = "/interfaces?device=lo&from=now-1m&to=now";
const TOKEN_MODE = { NETSONDE_AUTH_MODE: "token" };

const PALETTE = /\/assets\/palette-/;

async function opened(path, options = {}) {
    const server = await Server.start(options);
    const context = await launch(options.browser);
    await options.before?.(context);
    const page = await openPage(context, server.address + path);
    await isLive(page);
    return { server, context, page };
}

/* Another look, as somebody would find it who chose it before. */
async function wears(page, looks) {
    await page.evaluate((chosen) => {
        for (const [key, value] of Object.entries(chosen))
            localStorage.setItem(`netsonde.${key}`, value);
    }, looks);
    await page.reload();
    await isLive(page);
}

const rootHas = (page, name) => page.evaluate((n) => document.documentElement.dataset[n], name);

await run({
    "the palette finds by a few letters, remembers, and is worked by keys alone": async () => {
        let readSeries;
        const held = new Promise((resolve) => (readSeries = resolve));
        const { page } = await opened("/", {
            before: (context) =>
                context.route(/\/api\/v1\/series/, (route) => held.then(() => route.continue())),
        });
        const box = page.getByRole("combobox");
        await page.keyboard.press("Control+k");
        await box.waitFor();
        assert.ok(await box.evaluate((e) => e === document.activeElement));
        await page.keyboard.type("inter");
        const first = page.getByRole("option").first();
        await until("the page is found", async () => /^Interfaces/.test(await first.innerText()));
        assert.equal(await first.locator("mark").innerText(), "Inter");
        assert.equal(await first.getAttribute("aria-selected"), "true");
        assert.equal(
            await box.getAttribute("aria-activedescendant"),
            await first.getAttribute("id"),
        );
        await page.keyboard.press("Enter");
        await page.waitForURL((url) => url.pathname === "/interfaces");
        await until("the focus is on the page", () =>
            page.evaluate(() => document.activeElement?.id === "main"),
        );

        await page.keyboard.press("Control+k");
        await box.waitFor();
        assert.match(await first.innerText(), /^Interfaces/, "what was chosen last stands first");
        // What is chosen stays so when more is found; then one by one around the end, by pages not
        // past it; another question begins anew.
        const isChosen = async (option) => {
            const id = await option.getAttribute("id");
            await until(`${id} is chosen`, async () => (await box.getAttribute("aria-activedescendant")) === id);
            assert.equal(await option.getAttribute("aria-selected"), "true");
        };
        await page.keyboard.type("no");
        await isChosen(first);
        await page.keyboard.press("ArrowUp");
        const last = page.getByRole("option").last();
        await isChosen(last);
        const [before, words] = [await page.getByRole("option").count(), await last.innerText()];
        readSeries();
        await page.getByRole("option").filter({ hasText: /^node_/ }).first().waitFor();
        const selected = page.locator('[role="option"][aria-selected="true"]');
        await isChosen(selected);
        assert.equal(await selected.innerText(), words);
        assert.ok((await page.getByRole("option").allInnerTexts()).indexOf(words) >= before, "it moved");
        for (let i = 0; i < 10; i++) await page.keyboard.press("PageUp");
        await isChosen(first);
        await page.keyboard.press("ArrowUp");
        await isChosen(page.getByRole("option").last());
        await page.keyboard.press("PageDown");
        await isChosen(page.getByRole("option").last());
        for (let i = 0; i < 10; i++) await page.keyboard.press("PageUp");
        await isChosen(first);
        await page.keyboard.press("ArrowDown");
        await isChosen(page.getByRole("option").nth(1));
        await page.keyboard.type("t");
        await page.keyboard.press("Backspace");
        await isChosen(first);
        await page.keyboard.press("Control+a");
        await page.keyboard.type("contrast high");
        await until("it is found", async () => /high/.test(await first.innerText()));
        await page.keyboard.press("Enter");
        await until("high contrast", async () => (await rootHas(page, "contrast")) === "high");

        await page.keyboard.press("Control+k");
        await box.waitFor();
        await page.keyboard.type("lo");
        const device = page.getByRole("option").filter({ hasText: "Interface" }).filter({ hasText: /^lo/ });
        await device.first().click();
        await page.waitForURL((url) => url.searchParams.get("device") === "lo");

        await page.keyboard.press("Control+k");
        await box.waitFor();
        await page.keyboard.type("<script>zzz");
        await page.getByText("Nothing is called so").waitFor();
        await page.keyboard.press("Escape");
        await box.waitFor({ state: "detached" });
        assert.match(page.url(), /device=lo/, "Escape closes the palette and nothing else");
        assert.deepEqual(page.complaints, []);
    },

    "opened again at once, the palette stays": async () => {
        const { page } = await opened("/");
        await page.keyboard.press("Control+k");
        await page.getByRole("option").first().waitFor();
        // Both keys before the browser tells the dialog that the first has closed it.
        await page.evaluate(async () => {
            const press = (target, key, ctrlKey) =>
                target.dispatchEvent(
                    new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, cancelable: true }),
                );
            const told = new Promise((resolve) =>
                document.querySelector("dialog.palette").addEventListener("close", resolve),
            );
            press(document.activeElement, "Enter", false);
            press(document.activeElement, "k", true);
            await told;
            await new Promise(requestAnimationFrame);
        });
        await page.keyboard.type("inter");
        const first = page.getByRole("option").first();
        await until("it is the one that is typed into", async () =>
            /^Interfaces/.test(await first.innerText()),
        );
        assert.deepEqual(page.complaints, []);
    },

    "what is typed while the palette is being fetched is searched for": async () => {
        let send;
        const held = new Promise((resolve) => (send = resolve));
        const { page } = await opened("/", {
            before: (context) => context.route(PALETTE, (route) => held.then(() => route.continue())),
        });
        await page.keyboard.press("Control+k");
        await page.keyboard.type("ten"); // elsewhere t is the theme and n leads to a page
        await page.keyboard.press("Escape");
        await page.keyboard.press("/");
        await page.keyboard.type("intre");
        await page.keyboard.press("Backspace");
        await page.keyboard.press("Backspace");
        await page.getByText("Fetching what can be found").waitFor();
        // An input method that composes meanwhile goes on in the same box.
        const method = await page.context().newCDPSession(page);
        const compose = (text) =>
            method.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
        await compose("e");
        send();
        const found = page.getByRole("option");
        await found.first().waitFor();
        await compose("er");
        await method.send("Input.insertText", { text: "er" });
        await page.keyboard.type("faces");
        assert.equal(await page.getByRole("combobox").inputValue(), "interfaces");
        await until("it is found", async () => /Interfaces/.test(await found.first().innerText()));
        await page.keyboard.press("Enter");
        await page.waitForURL((url) => url.pathname === "/interfaces");
        assert.deepEqual(page.complaints, []);
    },

    "a palette that cannot be fetched says so, and the page goes on": async () => {
        const { context, page } = await opened("/", {
            before: (context) => context.route(PALETTE, (route) => route.abort()),
        });
        await page.keyboard.press("Control+k");
        await page.getByText("The search could not be fetched").waitFor();
        await page.getByRole("button", { name: "Reload" }).waitFor();
        await page.keyboard.press("Escape");
        await page.keyboard.press("i");
        await page.waitForURL((url) => url.pathname === "/interfaces");
        await context.unrouteAll();
        await page.keyboard.press("Control+k");
        await page.getByRole("option").first().waitFor(); // it is asked for again
    },

    "opened again at once, the list of keys stays; its own key closes it": async () => {
        const { page } = await opened("/");
        const help = page.getByRole("dialog", { name: "Keys" });
        await page.keyboard.press("?");
        await help.waitFor();
        await page.evaluate(async () => {
            const dialog = document.querySelector("dialog.help");
            const told = new Promise((resolve) => dialog.addEventListener("close", resolve));
            for (let i = 0; i < 2; i++) // closes and opens before the dialog hears of it
                document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
            await told;
            await new Promise(requestAnimationFrame);
        });
        await help.waitFor();
        await help.getByRole("button", { name: "Close" }).click();
        await help.waitFor({ state: "detached" });
        await page.keyboard.press("?");
        await help.waitFor();
        await page.keyboard.press("?");
        await help.waitFor({ state: "detached" });
        assert.deepEqual(page.complaints, []);
    },

    "/ searches where nothing is filtered, ? says the keys in groups": async () => {
        const { page } = await opened("/performance");
        await page.keyboard.press("/");
        await page.getByRole("combobox").waitFor();
        await page.keyboard.press("Escape");
        await page.getByRole("combobox").waitFor({ state: "detached" });
        await page.keyboard.press("?");
        const help = page.getByRole("dialog", { name: "Keys" });
        await help.getByRole("heading", { name: "Time" }).waitFor();
        await help.getByText("compare with a day before").waitFor();
        await page.keyboard.press("Escape");
        await help.waitFor({ state: "hidden" });
        await page.keyboard.press("i");
        await page.waitForURL((url) => url.pathname === "/interfaces");
        await page.locator("#filter").waitFor();
        await page.keyboard.press("/");
        await until("the filter has the focus", () =>
            page.evaluate(() => document.activeElement?.id === "filter"),
        );
        assert.deepEqual(page.complaints, []);
    },

    "preferences hold everywhere at once and after a reload": async () => {
        const { page } = await opened("/settings", {
            browser: { timezoneId: "Asia/Kolkata" },
        });
        const choose = (name) => page.getByRole("button", { name, exact: true }).click();
        await page.getByText("Shown now: UTC+05:30.").waitFor();
        await choose("Time: UTC");
        await page.getByText("Shown now: UTC.").waitFor();
        await choose("Prefixes: Ki = 1024");
        await choose("Traffic: bytes");
        await choose("Colours: Okabe-Ito");
        await choose("Motion: reduced");
        await choose("Density: dense");
        await choose("Theme: light");
        await choose("Contrast: high");
        await page.reload();
        await isLive(page);
        const looks = await Promise.all(
            ["theme", "contrast", "palette", "motion", "density"].map((n) => rootHas(page, n)),
        );
        assert.deepEqual(looks, ["light", "high", "safe", "reduced", "dense"]);
        await page.keyboard.press("i");
        await page.getByRole("link", { name: "lo", exact: true }).click();
        await chart(page, "throughput").and(page.locator('[data-state="live"]')).waitFor();
        assert.equal(await chart(page, "throughput").locator("h3 .unit").innerText(), "B/s");
        // The reader's clock is five and a half hours ahead; what is read is UTC.
        await chart(page, "throughput").locator(".plot").focus();
        await page.keyboard.press("End");
        const said = await chart(page, "throughput").locator(".readout").innerText();
        const [, hour, minute] = /(\d\d):(\d\d):\d\d/.exec(said);
        const now = new Date();
        const apart = Math.abs(
            Number(hour) * 60 + Number(minute) - (now.getUTCHours() * 60 + now.getUTCMinutes()),
        );
        assert.ok(Math.min(apart, 1440 - apart) <= 3, said);
        assert.deepEqual(page.complaints, []);
    },

    "the window: typed times, mistakes told, earlier and later, wider, a link that stays": async () => {
        const { page, context } = await opened(LO);
        await context.grantPermissions(["clipboard-read", "clipboard-write"]);
        const range = () => new URL(page.url()).searchParams;
        const name = page.locator(".range-name");
        await name.click();
        const menu = page.getByRole("dialog", { name: "Window of time" });
        await menu.getByRole("textbox", { name: "From" }).fill("yesterday");
        await page.keyboard.press("Enter");
        await menu.getByText(/“From” is no time/).waitFor();
        await menu.getByRole("textbox", { name: "From" }).fill("now-2h");
        await menu.getByRole("textbox", { name: "To" }).fill("now-1h");
        const asked = Date.now();
        await page.keyboard.press("Enter");
        await menu.waitFor({ state: "hidden" });
        await page.locator('main[data-liveness="paused"]').waitFor();
        const from = Number(range().get("from"));
        assert.ok(Math.abs(from - (asked - 7_200_000)) < 60_000, String(from));
        assert.equal(Number(range().get("to")) - from, 3_600_000);

        await page.keyboard.press("[");
        assert.equal(Number(range().get("from")), from - 1_800_000);
        await page.getByRole("button", { name: "Later" }).click();
        assert.equal(Number(range().get("from")), from);
        await page.keyboard.press("-");
        assert.equal(Number(range().get("to")) - Number(range().get("from")), 7_200_000);
        await page.goBack();
        assert.equal(Number(range().get("from")), from);
        await page.keyboard.press("Escape");
        await isLive(page);
        assert.equal(range().get("from"), "now-1m");

        await name.click();
        await menu.getByRole("button", { name: "1 year" }).click();
        await until("a year", () => range().get("from") === "now-365d");
        await isLive(page);
        await chart(page, "throughput").and(page.locator('[data-state="live"]')).waitFor();

        await name.click();
        await menu.getByRole("button", { name: "Copy link" }).click();
        await menu.getByText("it goes on showing this stretch").waitFor();
        const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
        assert.match(link.searchParams.get("from"), /^\d{12,13}$/);
        assert.equal(link.searchParams.get("device"), "lo");
        assert.equal(range().get("from"), "now-365d", "the page itself goes on");
        await page.keyboard.press("Escape");
        await menu.waitFor({ state: "hidden" });
        assert.deepEqual(page.complaints, []);
    },

    "what was before is drawn, named and read; without any it is said": async () => {
        const { server, page } = await opened(LO);
        await server.holdsTicks(20);
        await page.keyboard.press("v");
        await until("it is in the address", () => /compare=1d/.test(page.url()));
        const method = chart(page, "throughput").locator(".method");
        await until("that there is nothing is told", async () =>
            /dashed: a day before: history has nothing of that time/.test(await method.innerText()),
        );
        // A baseline is a level: that of what it was made of.
        // (A real one needs a whole minute; its window is what counts here, and that is real.)
        const now = Date.now();
        const calm = { name: "calm", kind: "saved", from_ms: now - 4000, to_ms: now };
        await page.route("**/api/v1/baselines", (route) =>
            route.fulfill({ json: { baselines: [calm] } }),
        );
        await page.locator(".range-name").click();
        await page.getByLabel("a baseline").selectOption("calm");
        await page.keyboard.press("Escape");
        await until("it is drawn", async () =>
            /dashed: baseline calm, mean( ·|$)/.test(await method.innerText()),
        );
        await chart(page, "throughput").locator(".plot").focus();
        await page.keyboard.press("End");
        assert.match(
            await chart(page, "throughput").locator(".readout").innerText(),
            /baseline calm, mean: \S+/,
        );
        await page.getByRole("link", { name: "Overview", exact: true }).click();
        assert.match(page.url(), /compare=calm/, "it goes along");
        assert.deepEqual(page.complaints, []);
    },

    "settings: what is measured, in force, on disk; who may not is told": async () => {
        const { server, page } = await opened("/settings");
        await page.getByRole("heading", { name: /capabilities are in use|Everything is measured/ }).waitFor();
        await page.getByRole("rowheader", { name: "procfs" }).waitFor();
        const keys = page.getByRole("region", { name: "Keys" });
        const interval = keys.getByRole("row").filter({ hasText: "collect.interval" });
        assert.match(await interval.innerText(), new RegExp(`${server.intervalMs}ms[\\s\\S]*flag --interval`));
        await page.keyboard.press("/");
        await page.keyboard.type("store.raw");
        await until("few rows, that one first", async () => {
            const rows = await keys.locator("tbody tr").allInnerTexts();
            return rows.length < 8 && rows[0].startsWith("store.raw");
        });
        await page.getByRole("region", { name: "Tiers of history" }).getByText("48h").waitFor();
        await page.getByText("There is no token").waitFor();
        assert.deepEqual(page.complaints, []);

        const closed = await Server.start({ environment: TOKEN_MODE });
        const token = closed.token("new").match(/nst_\S+|ns\w*_\S+/)[0];
        const viewer = await openPage(await launch(), closed.address + "/login");
        await viewer.getByLabel("Token").fill(token);
        await viewer.keyboard.press("Enter");
        await viewer.waitForURL((url) => url.pathname === "/");
        await viewer.goto(closed.address + "/settings");
        await viewer.getByText("Only an admin may do this").waitFor();
        assert.equal(await viewer.getByRole("region", { name: "Keys" }).count(), 0);
    },

    "axe finds nothing on /settings in both themes, high contrast and safe colours": async () => {
        const { page } = await opened("/settings");
        for (const looks of [
            { theme: "dark" },
            { theme: "light" },
            { theme: "dark", contrast: "high" },
            { theme: "light", contrast: "high", colours: "safe" },
        ]) {
            await wears(page, looks);
            await page.getByRole("region", { name: "Keys" }).waitFor();
            await axeFindsNothing(page, `settings, ${JSON.stringify(looks)}`);
        }
        assert.deepEqual(page.complaints, []);
    },

    "axe finds nothing in the palette and the form of the window": async () => {
        const { page } = await opened("/interfaces");
        for (const looks of [
            { theme: "dark", contrast: "normal" },
            { theme: "light", contrast: "normal" },
            { theme: "dark", contrast: "high" },
            { theme: "light", contrast: "high" },
        ]) {
            await wears(page, looks);
            await page.keyboard.press("Control+k");
            await page.getByRole("combobox").waitFor();
            await page.keyboard.type("a");
            await axeFindsNothing(page, `palette, ${JSON.stringify(looks)}`);
            await page.keyboard.press("Escape");
            await page.locator(".range-name").click();
            await page.getByRole("dialog", { name: "Window of time" }).waitFor();
            await axeFindsNothing(page, `window, ${JSON.stringify(looks)}`);
        }
        assert.deepEqual(page.complaints, []);
    },

    "pages: beside, folded, in a drawer, at the foot of a phone; nothing is cut off": async () => {
        const { page } = await opened("/");
        const pages = page.getByRole("navigation", { name: "Pages", exact: true });
        assert.equal(
            await pages.getByRole("link", { name: "Overview" }).getAttribute("aria-current"),
            "page",
        );
        await page.getByRole("button", { name: "Pages", exact: true }).click();
        await pages.waitFor({ state: "hidden" });
        await page.reload();
        await isLive(page);
        assert.equal(await pages.isVisible(), false, "the choice is kept");
        await page.keyboard.press("m");
        await pages.waitFor();

        for (const width of [900, 390]) {
            await page.setViewportSize({ width, height: 844 });
            await pages.waitFor({ state: "hidden" });
            const wide = await page.evaluate(() => document.documentElement.scrollWidth);
            assert.ok(wide <= width, `${wide} px of ${width}`);
            const button =
                width === 390
                    ? page.getByRole("button", { name: "More" })
                    : page.getByRole("button", { name: "Pages", exact: true });
            await button.click();
            await pages.waitFor();
            await page.keyboard.press("Escape");
            await pages.waitFor({ state: "hidden" });
            await until("the focus is back", () => button.evaluate((e) => e === document.activeElement));
            await button.click();
            await pages.getByRole("link", { name: "Settings" }).click();
            await page.waitForURL((url) => url.pathname === "/settings");
            await pages.waitFor({ state: "hidden" });
            await page.getByRole("region", { name: "Keys" }).waitFor();
            const settings = await page.evaluate(() => document.documentElement.scrollWidth);
            assert.ok(settings <= width, `settings: ${settings} px of ${width}`);
            await axeFindsNothing(page, `${width} px`);
        }
        const foot = page.getByRole("navigation", { name: "Main pages" });
        await foot.getByRole("link", { name: "Alerts" }).click();
        await page.waitForURL((url) => url.pathname === "/alerts");
        assert.equal(
            await foot.getByRole("link", { name: "Alerts" }).getAttribute("aria-current"),
            "page",
        );
        await page.goBack();
        await page.waitForURL((url) => url.pathname === "/settings");
        assert.deepEqual(page.complaints, []);
    },

    "a session that ends leads to the login, and back to the same place": async () => {
        const server = await Server.start({ environment: TOKEN_MODE });
        const made = () => server.token("new", "--role", "admin");
        const secret = (said) => said.match(/ns\w*_\S+/)[0];
        const first = made();
        const id = first.match(/revoke ([0-9a-f]+)/)[1];
        const page = await openPage(await launch(), server.address + "/login");
        const logIn = async (token) => {
            await page.getByLabel("Token").fill(token);
            await page.keyboard.press("Enter");
        };
        await logIn(secret(first));
        await page.waitForURL((url) => url.pathname === "/");
        await page.goto(`${server.address}/interfaces?device=lo&from=now-5m&to=now&compare=1d`);
        await isLive(page);
        server.token("revoke", id);
        await page.waitForURL((url) => url.pathname === "/login");
        await logIn(secret(made()));
        await page.waitForURL((url) => url.pathname === "/interfaces");
        assert.equal(new URL(page.url()).search, "?device=lo&from=now-5m&to=now&compare=1d");
        await isLive(page);
    },

    "a clock that is off is told, and ages are the server's": async () => {
        const server = await Server.start();
        const context = await launch();
        const page = await context.newPage();
        await page.addInitScript(() => {
            const real = Date.now;
            Date.now = () => real() - 330_000;
        });
        await page.goto(server.address + "/settings");
        await isLive(page);
        const told = page.locator('[data-problem="clock"]');
        await told.getByText(/This machine's clock is 5\s+min behind the server's\./).waitFor();
        await told.getByRole("button", { name: "Dismiss" }).click();
        await told.waitFor({ state: "detached" });
        await page.getByText(/the server's is 5\s+min ahead/).waitFor();
    },

    "a machine that slept connects anew, and shows nothing old as live": async () => {
        const server = await Server.start();
        const context = await launch();
        const page = await context.newPage();
        let sockets = 0;
        page.on("websocket", () => sockets++);
        await page.addInitScript(() => {
            const real = Date.now;
            window.slept = 0;
            Date.now = () => real() + window.slept;
        });
        await page.goto(server.address + LO);
        await isLive(page);
        assert.equal(sockets, 1);
        await page.evaluate(() => (window.slept = 3_600_000));
        await until("another connection", () => sockets === 2);
        await isLive(page);
    },
});
