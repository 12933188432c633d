import assert from "node:assert/strict";
import { test } from "node:test";
import { CHOICES, DEFAULT_RANGE, parseRange, rangeQuery, sameRange } from "./range";

test("what the address says comes back the same", () => {
    for (const { spanMs } of CHOICES) {
        const { from, to } = rangeQuery({ kind: "last", spanMs });
        assert.deepEqual(parseRange(from, to), { kind: "last", spanMs });
    }
    const fixed = { kind: "fixed", fromMs: 1_764_000_000_000, toMs: 1_764_000_060_000 } as const;
    const { from, to } = rangeQuery(fixed);
    assert.deepEqual(parseRange(from, to), fixed);
});

test("the forms of the contract", () => {
    assert.deepEqual(parseRange("now-15m", "now"), { kind: "last", spanMs: 900_000 });
    assert.deepEqual(parseRange("-90", null), { kind: "last", spanMs: 90_000 });
    assert.equal(rangeQuery({ kind: "last", spanMs: 86_400_000 }).from, "now-24h");
    const iso = parseRange("2025-11-24T16:00:00Z", "2025-11-24T17:00:00Z");
    assert.equal(iso.kind === "fixed" && iso.toMs - iso.fromMs, 3_600_000);
});

test("nonsense is the default, extremes are brought into their limits", () => {
    for (const [from, to] of [
        ["", ""],
        ["now", "now"],
        ["now-1y", "now"],
        ["5", "1"],
        ["__proto__", "x"],
        ["1764000060000", "1764000000000"],
        ["now-15m", "1764000000000"],
    ] as const)
        assert.deepEqual(parseRange(from, to), DEFAULT_RANGE);
    assert.deepEqual(parseRange("now-1s", "now"), { kind: "last", spanMs: 60_000 });
    assert.deepEqual(parseRange("now-999999999d", "now"), { kind: "last", spanMs: 86_400_000 });
});

test("equal ranges are equal however they were said", () => {
    assert.ok(sameRange(parseRange("now-60m", "now"), parseRange("now-1h", "now")));
    assert.ok(!sameRange(parseRange("now-5m", "now"), parseRange("now-1h", "now")));
});
