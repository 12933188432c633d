import assert from "node:assert/strict";
import { test } from "node:test";
import { historyAddress, parseErrorText, parseEvents, parseHistory, parseInfo } from "./history";

test("an answer with points and gaps", () => {
    const r = parseHistory({
        from: 0,
        to: 2000,
        step_ms: 1000,
        tier: "raw",
        series: [
            {
                id: 1,
                name: "a",
                labels: {},
                unit: "",
                kind: "gauge",
                points: [
                    [0, 5],
                    [1000, null],
                    [2000, 7],
                ],
            },
        ],
    });
    assert.ok(r.ok);
    assert.deepEqual([...r.value.series[0]!.times], [0, 1000, 2000]);
    assert.deepEqual([...r.value.series[0]!.values], [5, NaN, 7]);
});

test("answers that are none", () => {
    for (const v of [
        null,
        [],
        {},
        { from: 0, to: 1 },
        { from: 0, to: 1, step_ms: 0 },
        { from: "0", to: 1, step_ms: 1 },
    ])
        assert.equal(parseHistory(v).ok, false);
    const r = parseHistory({
        from: 0,
        to: 1,
        step_ms: 1,
        series: [{ id: 1, name: "a", points: [null, ["x", 1], [5, "y"]] }, 7],
    });
    assert.ok(r.ok);
    assert.deepEqual([...r.value.series[0]!.values], [NaN]);
});

test("addresses escape what they carry", () => {
    const a = historyAddress({
        metrics: ["node_*", "b"],
        match: ["device=a&b=c"],
        from: "now-15m",
        to: "now",
        points: 9,
    });
    const q = new URLSearchParams(a.split("?")[1]);
    assert.deepEqual(q.getAll("metric"), ["node_*", "b"]);
    assert.deepEqual(q.getAll("match"), ["device=a&b=c"]);
});

test("information, events and error texts from anybody", () => {
    const info = parseInfo({
        version: 5,
        host: "h",
        engines: [{ name: "netlink", state: "on" }, 3, {}],
    });
    assert.ok(info.ok && info.value.version === "" && info.value.engines.length === 1);
    const able = parseInfo({
        capabilities: [{ name: "softnet", engine: "procfs" }, { name: "x" }, 5],
    });
    assert.deepEqual(able.ok && able.value.capabilities, [
        { name: "softnet", engine: "procfs", state: "", reason: "", remedy: "" },
        { name: "x", engine: "", state: "", reason: "", remedy: "" },
    ]);
    assert.equal(parseInfo(null).ok, false);
    assert.equal(
        parseEvents({ events: [{ t: 5, kind: "link" }, null, { kind: "link" }] }).length,
        1,
    );
    assert.deepEqual(parseEvents(undefined), []);
    assert.equal(parseErrorText({ error: { message: "no" } }), "no");
    assert.equal(parseErrorText({ error: 5 }), undefined);
});
