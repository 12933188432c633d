/*
 * Run by tests/integration/test_proxies.py: the dashboard by way of a proxy, in a browser that
 * speaks what browsers speak to it (HTTP/2 when it is offered, the WebSocket inside of it, too).
 *
 *   behind_proxy.mjs ADDRESS TOKEN PROTOCOL
 */
import assert from "node:assert/strict";
import { isLive, launch, openPage, run } from "./harness.mjs";

const [address, token, protocol] = process.argv.slice(2);
const { hostname, pathname } = new URL(address);

await run({
    "log in, live, over the expected protocol": async () => {
        const context = await launch({
            ignoreHTTPSErrors: true, // the certificate is the test's own
            args: ["--no-sandbox", "--disable-gpu", `--host-resolver-rules=MAP ${hostname} 127.0.0.1`],
        });
        const page = await openPage(context, address + "/interfaces");
        await page.waitForURL((url) => url.pathname === `${pathname}/login`);
        await page.getByLabel("Token").fill(token);
        await page.keyboard.press("Enter");
        await page.waitForURL((url) => url.pathname === `${pathname}/interfaces`);
        await isLive(page);
        const [entry] = await page.evaluate(() =>
            performance.getEntriesByType("navigation").map((e) => e.nextHopProtocol),
        );
        assert.equal(entry, protocol);
        const [cookie] = await context.cookies();
        assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.path], [true, true, pathname]);
    },
});
