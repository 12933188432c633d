import assert from "node:assert/strict";
import { test } from "node:test";
import { talkersOf } from "./talkers";

const COLUMNS = ["id", "process", "unit", "rx_bytes", "tx_bytes", "rx_rate", "tx_rate"];

test("the busiest come first, then those that moved most", () => {
    const rows = [
        [1, "idle", null, 5, 5, 0, null],
        [2, "busy", "nginx.service", 1, 1, 100, 20],
        [3, "was busy", null, 900, 5, 0, 0],
        [4, "sender", null, 1, 1, 0, 110],
    ];
    const t = talkersOf(COLUMNS, rows, 3);
    assert.deepEqual(
        t.map((x) => x.name),
        ["busy", "sender", "was busy"],
    );
    assert.equal(t[0]!.unit, "nginx.service");
    assert.equal(t[2]!.unit, "");
});

test("columns are found by name, and what is missing is unknown", () => {
    const [t] = talkersOf(["process", "id"], [["x", 7]], 5);
    assert.equal(t!.id, 7);
    assert.ok(Number.isNaN(t!.rxRate));
});
