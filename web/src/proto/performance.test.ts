import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePerformance } from "./performance";
import { parseMessage } from "./stream";

const MESSAGE = {
    type: "performance",
    seq: 5,
    t: 6,
    elapsed_ms: 5000,
    connections: 2,
    opened: 7,
    messages: 100,
    bytes: 2000,
    received: 3,
    conflated: 1,
    dropped: 0,
    latency_ms: { count: 10, p50: 1.2, p90: 1.9, p99: 2.4, max: 2.41 },
    round_trip_ms: { count: 0, p50: null, p90: null, p99: null, max: null },
    process: { cpu_pct: 0.4, rss_bytes: null },
    stages: { "collect": { count: 5, p50: 0.3 }, "fan-out": {} },
    clients: {
        total: 1,
        columns: ["id", "address", "subscriptions", "latency_ms", "round_trip_ms", "new"],
        rows: [[1, "127.0.0.1:5", ["metrics"], 1.5, null, {}], 5, ["x"], []],
    },
};

test("what the server says, and what it may not know yet", () => {
    const m = parseMessage(JSON.stringify(MESSAGE));
    assert.ok(m.ok && m.value.type === "document" && m.value.channel === "performance");
    assert.equal(m.value.seq, 5);
    const r = parsePerformance(m.value.body);
    assert.ok(r.ok);
    const p = r.value;
    assert.deepEqual(p.latency, { count: 10, p50: 1.2, p90: 1.9, p99: 2.4, max: 2.41 });
    assert.deepEqual(p.roundTrip, { count: 0, p50: NaN, p90: NaN, p99: NaN, max: NaN });
    assert.equal(p.cpuPct, 0.4);
    assert.ok(Number.isNaN(p.rssBytes));
    assert.deepEqual(
        p.stages.map((s) => [s.name, s.spread.count]),
        [
            ["collect", 5],
            ["fan-out", 0],
        ],
    );
    assert.equal(p.clients?.total, 1);
    assert.equal(p.clients?.rows.length, 1);
    const row = p.clients!.rows[0]!;
    assert.deepEqual(
        [row.address, row.subscriptions, row.latencyMs],
        ["127.0.0.1:5", ["metrics"], 1.5],
    );
    assert.ok(Number.isNaN(row.roundTripMs));
    assert.equal(row.bytes, 0);
});

test("viewers get no rows, and nonsense is refused or harmless", () => {
    const { clients: _, ...rest } = MESSAGE;
    const r = parsePerformance(rest);
    assert.ok(r.ok && r.value.clients === undefined);
    assert.equal(parsePerformance({}).ok, false);
    const odd = parsePerformance({ seq: 1, t: 2, latency_ms: 5, stages: [], clients: { rows: 7 } });
    assert.ok(odd.ok);
    assert.equal(odd.value.latency.count, 0);
    assert.deepEqual(odd.value.stages, []);
    assert.deepEqual(odd.value.clients, { total: 0, rows: [] });
});
