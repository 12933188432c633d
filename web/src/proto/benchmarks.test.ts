import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRun, parseRuns } from "./benchmarks";

test("a run: what is no number is no result, words stay words", () => {
    const r = parseRun({
        id: "fanout-1",
        subject: "fanout",
        t: 5,
        machine: { cpu: "x", cores: 2, gone: null, list: [1, 2] },
        settings: { tls: false },
        state: "exploded",
        progress: 7,
        results: [
            { name: "p99_ms", labels: { clients: "10", n: 3 }, value: 1.5, unit: "ms", better: "lower" },
            { name: "none", value: null },
            { value: 1 },
            5,
        ],
    });
    assert.ok(r.ok);
    assert.equal(r.value.state, "done");
    assert.equal(r.value.progress, 1);
    assert.deepEqual({ ...r.value.machine }, { cpu: "x", cores: "2", list: "1 2" });
    assert.deepEqual({ ...r.value.settings }, { tls: "false" });
    assert.deepEqual(r.value.results.map((o) => [o.name, { ...o.labels }, o.value]), [
        ["p99_ms", { clients: "10" }, 1.5],
    ]);
});

test("without an id it is none, of a list the others stay", () => {
    assert.equal(parseRun({ t: 1 }).ok, false);
    const list = parseRuns({ benchmarks: [{ t: 1 }, { id: "a", t: 2, state: "running" }] });
    assert.ok(list.ok);
    assert.deepEqual(list.value.map((r) => [r.id, r.state, r.progress]), [["a", "running", 0]]);
    assert.equal(parseRuns([]).ok, false);
});
