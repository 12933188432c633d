/* Back to where one was, and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonGetter, jsonSender } from "./http";
import { logIn, rememberPage, takePage } from "./login";

class Store {
    readonly kept = new Map<string, string>();
    getItem(key: string): string | null {
        return this.kept.get(key) ?? null;
    }
    setItem(key: string, value: string): void {
        this.kept.set(key, value);
    }
    removeItem(key: string): void {
        this.kept.delete(key);
    }
}

function cameBackTo(page: string, base: string): string {
    const store = new Store();
    rememberPage(store, page);
    const taken = takePage(store, base);
    assert.equal(takePage(store, base), base); // once
    return taken;
}

test("back to the page one came from, with its query", () => {
    assert.equal(cameBackTo("/interfaces?device=lo", "/"), "/interfaces?device=lo");
    assert.equal(cameBackTo("/net/sonde/interfaces", "/net/sonde/"), "/net/sonde/interfaces");
    assert.equal(takePage(new Store(), "/net/"), "/net/");
});

test("nothing else is taken for a page of ours", () => {
    for (const page of [
        "//evil.example/",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\\evil.example",
        "\\\\evil.example",
        "",
        "interfaces",
        "/login",
    ])
        assert.equal(cameBackTo(page, "/"), "/", page);
    for (const page of ["/other/", "/net/../other", "/net/login", "//net/x"])
        assert.equal(cameBackTo(page, "/net/"), "/net/", page);
});

test("a store that refuses is no reason not to log in", () => {
    const store = {
        getItem: () => {
            throw new Error("off");
        },
        setItem: () => {
            throw new Error("off");
        },
        removeItem: () => undefined,
    };
    rememberPage(store, "/x");
    assert.equal(takePage(store, "/"), "/");
});

test("a login is a POST with the token in its body, and says why when it fails", async () => {
    const sent: [string, RequestInit][] = [];
    const answering = (response: Response) => (address: unknown, init?: RequestInit) => {
        sent.push([String(address), init ?? {}]);
        return Promise.resolve(response);
    };
    const good = await logIn("/net/", "nst_x", answering(Response.json({ role: "viewer" })));
    assert.ok(good.ok);
    assert.equal(sent[0]![0], "/net/api/v1/login");
    assert.equal(sent[0]![1].method, "POST");
    assert.deepEqual(JSON.parse(String(sent[0]![1].body)), { token: "nst_x" });
    const error = { error: { code: "invalid_token", message: "Not known." } };
    const bad = await logIn("/", "x", answering(Response.json(error, { status: 401 })));
    assert.ok(!bad.ok && bad.error === "Not known.");
    const none = await logIn("/", "x", () => Promise.reject(new Error("offline")));
    assert.ok(!none.ok && /cannot be reached/.test(none.error));
});

test("401 is told, and nothing else is taken for it", async () => {
    let told = 0;
    const kept = globalThis.fetch;
    try {
        for (const [status, expected] of [
            [200, 0],
            [403, 0],
            [500, 0],
            [401, 1],
        ] as const) {
            told = 0;
            globalThis.fetch = () => Promise.resolve(Response.json({}, { status }));
            await jsonGetter("/", () => told++)("api/v1/info");
            assert.equal(told, expected, String(status));
        }
    } finally {
        globalThis.fetch = kept;
    }
});

test("a reading that was dropped on its way is repeated, an answer and a change are not", async () => {
    const kept = globalThis.fetch;
    try {
        let asked = 0;
        const failing = (times: number, answer: Response) => () =>
            ++asked <= times ? Promise.reject(new TypeError("gone")) : Promise.resolve(answer);
        globalThis.fetch = failing(2, Response.json({ a: 1 }));
        assert.deepEqual(await jsonGetter("/")("x"), { ok: true, value: { a: 1 } });
        assert.equal(asked, 3);
        asked = 0;
        globalThis.fetch = failing(9, Response.json({}));
        assert.ok(!(await jsonGetter("/")("x")).ok);
        assert.equal(asked, 3);
        asked = 0;
        globalThis.fetch = failing(0, Response.json({}, { status: 503 }));
        assert.ok(!(await jsonGetter("/")("x")).ok);
        assert.equal(asked, 1);
        asked = 0;
        assert.ok(!(await jsonSender("/", undefined, failing(1, Response.json({})))("POST", "x")).ok);
        assert.equal(asked, 1);
        // What was done is done, although its answer broke off; a reading is not read.
        const broken = () =>
            new Response(
                new ReadableStream({ start: (c) => c.error(new TypeError("broke off")) }),
            );
        const send = () => Promise.resolve(broken());
        assert.ok((await jsonSender("/", undefined, send)("POST", "x")).ok);
        globalThis.fetch = send;
        assert.ok(!(await jsonGetter("/")("x")).ok);
    } finally {
        globalThis.fetch = kept;
    }
});
