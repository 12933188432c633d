import assert from "node:assert/strict";
import { signal } from "@preact/signals";
import { afterEach, test } from "node:test";
import { FakeClock } from "../base/clock";
import { ok } from "../base/result";
import { DEFAULT_RANGE, type Range } from "../domain/range";
import { jsonGetter } from "../link/http";
import { NETWORK_GROUPS } from "../pages/network-charts";
import { Session } from "../store/session";
import { addressesOf, askEarly, takeEarly } from "./early";

const real = { fetch: globalThis.fetch, window: globalThis.window };
let asked: string[] = [];

/* A browser whose server answers with the address and how often it was asked. */
function browser(fails = false): void {
    asked = [];
    globalThis.window = {} as Window & typeof globalThis;
    globalThis.fetch = ((address: string) => {
        asked.push(address);
        const body = JSON.stringify([address, asked.length]);
        return fails ? Promise.reject(new TypeError("refused")) : Promise.resolve(new Response(body));
    }) as typeof fetch;
}

afterEach(() => {
    globalThis.fetch = real.fetch;
    globalThis.window = real.window;
});

test("what is asked early is what the overview asks first", () => {
    const wanted: string[] = [];
    const session = new Session(
        () => ({ onopen: null, onmessage: null, onclose: null, send: () => {}, close: () => {} }),
        (address) => {
            wanted.push(address);
            return Promise.resolve(ok({}));
        },
        new FakeClock(),
        signal<Range>(DEFAULT_RANGE),
        () => undefined,
    );
    session.start();
    session.show({ key: "overview", groups: NETWORK_GROUPS, match: [] });
    for (const address of addressesOf("")) assert.ok(wanted.includes(address), address);
    for (const address of addressesOf("tcp")) assert.ok(!address.includes("query"), address);
    assert.deepEqual(addressesOf("?from=now-1h&to=now"), addressesOf("tcp"));
    session.stop();
});

test("an answer that is on its way is taken over once, and asked anew after that", async () => {
    browser();
    askEarly("/base/", "");
    assert.deepEqual(asked, addressesOf("").map((a) => "/base/" + a));
    const get = jsonGetter("/base/", undefined, takeEarly("/base/").send);
    const [first] = addressesOf("");
    assert.deepEqual(await get(first!), ok([`/base/${first}`, 1]));
    assert.deepEqual(await get(first!), ok([`/base/${first}`, 4]));
    assert.deepEqual(await get("api/v1/other"), ok(["/base/api/v1/other", 5]));
});

test("what nobody took at the start is not for later: it would be old", async () => {
    browser();
    askEarly("/", "");
    const get = jsonGetter("/", undefined, takeEarly("/").send);
    await new Promise((done) => setTimeout(done, 1));
    const [, second] = addressesOf("");
    assert.deepEqual(await get(second!), ok([`/${second}`, 4]));
});

test("an answer that failed on its way is asked again", async () => {
    browser(true);
    askEarly("/", "tcp");
    const take = takeEarly("/").send;
    const [first] = addressesOf("tcp");
    const early = take("/" + first, {});
    await assert.rejects(early);
    globalThis.fetch = (() => Promise.resolve(new Response("[1]"))) as typeof fetch;
    assert.equal(await (await take("/" + first, {})).text(), "[1]");
});

test("a script that boot.ts did not run before asks itself", async () => {
    browser();
    const get = jsonGetter("/", undefined, takeEarly("/").send);
    assert.deepEqual(await get("api/v1/info"), ok(["/api/v1/info", 1]));
});

test("an answer that does not come is given up like any other", async () => {
    globalThis.window = {} as Window & typeof globalThis;
    globalThis.fetch = ((_: string, { signal }: RequestInit) =>
        new Promise((_, reject) =>
            signal!.addEventListener("abort", () => reject(new DOMException("", "AbortError"))),
        )) as typeof fetch;
    askEarly("/", "tcp");
    const stop = new AbortController();
    const answer = jsonGetter("/", undefined, takeEarly("/").send)("api/v1/info", stop.signal);
    stop.abort();
    assert.equal((await answer).ok, false);
});
