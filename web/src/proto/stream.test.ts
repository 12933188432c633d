/* What a broken or hostile server may send must never throw nor put a wrong type into the page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMessage, subscribeText, type ServerMessage } from "./stream";

function parse(o: unknown): ServerMessage {
    const r = parseMessage(JSON.stringify(o));
    assert.ok(r.ok, "must parse");
    return r.value;
}

test("the messages of the contract", () => {
    const m = parse({
        type: "metrics",
        seq: 123,
        t: 1764000000000,
        values: [
            [7, 1520],
            [8, 0.25],
            [9, null],
        ],
    });
    assert.ok(m.type === "metrics");
    assert.deepEqual([...m.ids], [7, 8, 9]);
    assert.deepEqual([...m.values], [1520, 0.25, NaN]);
    const s = parse({
        type: "series",
        series: [
            {
                id: 7,
                name: "a",
                labels: { device: "eth0" },
                unit: "bytes",
                kind: "counter",
                method: "netlink",
            },
        ],
    });
    assert.ok(s.type === "series");
    assert.equal(s.series[0]!.method, "netlink");
    const t = parse({
        type: "table",
        channel: "interfaces",
        seq: 1,
        t: 2,
        columns: ["id"],
        rows: [[1], [2]],
        removed: [3],
    });
    assert.ok(t.type === "table");
    assert.deepEqual(t.removed, [3]);
    assert.deepEqual(parse({ type: "gap", channel: "metrics", from: 1, to: 5, reason: "ring" }), {
        type: "gap",
        channel: "metrics",
        from: 1,
        to: 5,
        reason: "ring",
    });
    assert.deepEqual(parse({ type: "baseline", seq: 4 }), {
        type: "document",
        channel: "baseline",
        seq: 4,
        body: { type: "baseline", seq: 4 },
    });
    assert.deepEqual(parse({ type: "to_come" }), { type: "unknown", name: "to_come" });
});

test("what is no message is a failure with a reason", () => {
    for (const text of [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"x"',
        "{}",
        '{"type":5}',
        '{"type":"metrics"}',
        '{"type":"metrics","seq":"1","t":2,"values":[]}',
        '{"type":"event"}',
        '{"type":"table"}',
    ]) {
        const r = parseMessage(text);
        assert.equal(r.ok, false, text);
        assert.ok(!r.ok && r.error.length > 0);
    }
});

test("wrong fields are left out one by one", () => {
    const m = parse({
        type: "metrics",
        seq: 1,
        t: 2,
        values: [[1, 5], "x", [], [null, 3], [1.5, 3], ["2", 3], [3, "9"], [4, {}]],
    });
    assert.ok(m.type === "metrics");
    assert.deepEqual([...m.ids], [1, 3, 4]);
    assert.deepEqual([...m.values], [5, NaN, NaN]);
    const s = parse({
        type: "series",
        series: [
            null,
            5,
            {},
            { id: -1, name: "a" },
            { id: 1 },
            { id: 2, name: "ok", labels: [1], unit: 5 },
        ],
    });
    assert.ok(s.type === "series");
    assert.deepEqual(
        s.series.map((x) => x.id),
        [2],
    );
    const t = parse({
        type: "table",
        channel: "c",
        columns: 5,
        rows: [5, {}, [1]],
        removed: ["a", 2],
    });
    assert.ok(t.type === "table");
    assert.deepEqual([t.columns.length, t.rows.length, t.removed], [0, 1, [2]]);
    const h = parse({ type: "hello", interval_ms: -5, channels: { a: 1 } });
    assert.ok(h.type === "hello" && h.intervalMs >= 1 && h.channels.length === 0);
});

test("names of the prototype are only names", () => {
    const text =
        '{"type":"series","series":[{"id":1,"name":"__proto__","labels":{"__proto__":"x","constructor":"y"}}]}';
    const r = parseMessage(text);
    assert.ok(r.ok && r.value.type === "series");
    const { labels } = r.value.series[0]!;
    assert.equal(labels["__proto__"], "x");
    assert.equal(({} as Record<string, unknown>)["x"], undefined);
    assert.equal(parse({ type: "constructor" }).type, "unknown");
});

test("random damage to a good message never throws", () => {
    const good = JSON.stringify({
        type: "metrics",
        seq: 1,
        t: 2,
        values: [
            [1, 2],
            [3, 4],
        ],
    });
    let seed = 42;
    const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
    for (let i = 0; i < 20_000; i++) {
        const at = Math.floor(random() * good.length);
        const cut = Math.floor(random() * 4);
        const char = String.fromCharCode(32 + Math.floor(random() * 95));
        parseMessage(good.slice(0, at) + char + good.slice(at + cut));
    }
});

test("a subscription says only what is wanted", () => {
    assert.deepEqual(
        JSON.parse(subscribeText(4, { channel: "metrics", metric: ["a*"], since: 9 })),
        { op: "subscribe", id: 4, channel: "metrics", metric: ["a*"], since: 9 },
    );
});
