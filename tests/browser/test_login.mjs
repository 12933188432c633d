/* The login page: there by 401 and 1008, back where one was, and no secret where it does not belong. */
import assert from "node:assert/strict";
import { fitsEverybody, isLive, launch, openPage, run, Server, until } from "./harness.mjs";

const TOKEN_MODE = { NETSONDE_AUTH_MODE: "token" };
const WRONG = "nst_" + "A".repeat(43);

function newToken(server, ...words) {
    const said = server.token("new", ...words);
    return { id: /Token ([0-9a-f]{8})/.exec(said)[1], token: /nst_[\w-]{43}/.exec(said)[0] };
}

function newLogin(server) {
    const said = server.token("new", "--login");
    return { id: /Login ([0-9a-f]{8})/.exec(said)[1], secret: /nsl_[\w-]{43}/.exec(said)[0] };
}

/* Refusals are what these tests provoke; everything else is a complaint. */
function complaints(page) {
    return page.complaints.filter((c) => !/status of (401|429)|HTTP Authentication failed|code: 401/.test(c));
}

/* Every address that the page asks for or shows from now on. */
function addresses(page) {
    const seen = [];
    page.on("request", (r) => seen.push(r.url()));
    page.on("framenavigated", (f) => seen.push(f.url()));
    page.on("websocket", (s) => seen.push(s.url()));
    return seen;
}

async function logIn(page, token) {
    await page.getByLabel("Token").fill(token);
    await page.keyboard.press("Enter");
}

async function isAtLogin(page, base = "") {
    await page.waitForURL((url) => url.pathname === `${base}/login`);
    await page.getByRole("heading", { name: "Log in" }).waitFor();
}

await run({
    "401 leads to the login, a token leads back to the page one wanted": async () => {
        const server = await Server.start({ environment: TOKEN_MODE });
        const { token } = newToken(server);
        const context = await launch();
        const page = await openPage(context, server.address + "/interfaces?device=lo");
        await isAtLogin(page);
        assert.equal(await page.evaluate(() => document.activeElement.id), "token");

        const seen = addresses(page);
        await page.reload();
        await isAtLogin(page);
        assert.deepEqual(seen.filter((a) => /api\/v1\/(info|interfaces|query)/.test(a)), [], "it asks nothing");
        await logIn(page, WRONG);
        const alert = page.getByRole("alert");
        await until("it says why", async () => /not known/.test(await alert.innerText()));
        assert.equal(await page.getByLabel("Token").inputValue(), "");
        await logIn(page, token);
        await page.waitForURL((url) => url.pathname === "/interfaces");
        await isLive(page);
        assert.equal(new URL(page.url()).search, "?device=lo");
        for (const secret of [token, WRONG])
            assert.deepEqual(
                seen.filter((a) => a.includes(secret)),
                [],
            );
        assert.equal(await page.evaluate(() => document.cookie), ""); // out of scripts' reach
        const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, history.state]));
        assert.ok(!kept.includes(token), kept);
        assert.ok(!server.output.includes(token));
        const [cookie] = await context.cookies();
        assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Strict", "/"]);
        assert.deepEqual(complaints(page), []);
    },

    "log out: the session is over, also for the back button": async () => {
        const server = await Server.start({ environment: TOKEN_MODE });
        const { token } = newToken(server);
        const page = await openPage(await launch(), server.address + "/");
        await isAtLogin(page);
        await logIn(page, token);
        await isLive(page);
        await page.getByRole("button", { name: "Log out" }).click();
        await isAtLogin(page);
        await page.goto(server.address + "/interfaces");
        await isAtLogin(page);
        assert.deepEqual(complaints(page), []);
    },

    "a one-time address logs in, is out of the address bar at once, and works once": async () => {
        const server = await Server.start({ environment: TOKEN_MODE });
        const { secret } = newLogin(server);
        const context = await launch();
        const page = await openPage(context, server.address + "/healthz");
        const seen = [];
        page.on("request", (r) => seen.push(r.url()));
        await page.goto(`${server.address}/login#${secret}`);
        await page.waitForURL((url) => url.pathname === "/");
        await isLive(page);
        assert.ok(!page.url().includes(secret));
        // The fragment never leaves the browser: what is asked for is the page alone.
        const asked = seen.map((a) => a.split("#")[0]);
        assert.ok(asked.includes(`${server.address}/login`));
        assert.ok(!asked.some((a) => a.includes(secret)));
        await page.goBack();
        assert.ok(!page.url().includes(secret), page.url());

        const second = await openPage(await launch(), `${server.address}/login#${secret}`);
        const alert = second.getByRole("alert");
        await until("it is refused", async () => /works once/.test(await alert.innerText()));
        assert.equal(new URL(second.url()).hash, "");
        // Another one, typed into the same page's address.
        const { secret: next } = newLogin(server);
        await second.evaluate((s) => (window.location.hash = s), next);
        await second.waitForURL((url) => url.pathname === "/");
        await isLive(second);
        assert.deepEqual(complaints(page), []);
        assert.deepEqual(complaints(second), []);
    },

    "a revoked token ends the open page: it asks for a login": async () => {
        const server = await Server.start({ environment: TOKEN_MODE });
        const { id, token } = newToken(server);
        const page = await openPage(await launch(), server.address + "/interfaces");
        await isAtLogin(page);
        await logIn(page, token);
        await isLive(page);
        server.token("revoke", id);
        await isAtLogin(page); // by 1008
        const { token: other } = newToken(server);
        await logIn(page, other);
        await page.waitForURL((url) => url.pathname === "/interfaces");
        await isLive(page);
        assert.deepEqual(complaints(page), []);
    },

    "below a base path, too": async () => {
        const server = await Server.start({ base: "/net/sonde" });
        const { token } = newToken(server);
        const context = await launch();
        const page = await openPage(context, server.address + "/net/sonde/interfaces");
        await isAtLogin(page, "/net/sonde");
        await logIn(page, token);
        await page.waitForURL((url) => url.pathname === "/net/sonde/interfaces");
        await isLive(page);
        assert.equal((await context.cookies())[0].path, "/net/sonde");
        assert.deepEqual(complaints(page), []);
    },

    "the page asks nobody to log in who need not": async () => {
        const server = await Server.start();
        const page = await openPage(await launch(), server.address + "/");
        await isLive(page);
        assert.equal(await page.getByRole("button", { name: "Log out" }).count(), 0);
        assert.deepEqual(page.complaints, []);
    },

    "axe finds nothing, dark and light, wide and on a phone, where nothing is cut off": async () => {
        const server = await Server.start({ environment: TOKEN_MODE });
        const page = await openPage(await launch(), server.address + "/login");
        await fitsEverybody(page, "login", async () => {
            await page.reload();
            await logIn(page, "x");
            await until("an error", async () => (await page.getByRole("alert").innerText()) !== "");
        });
        // Field, button, and nothing in between that the keyboard stops at.
        await page.getByLabel("Token").focus();
        await page.keyboard.press("Tab");
        assert.equal(await page.evaluate(() => document.activeElement.id), "enter");
        assert.deepEqual(complaints(page), []);
    },
});
