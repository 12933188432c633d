import assert from "node:assert/strict";
import { test } from "node:test";
import { CHOICES, DEFAULT_RANGE, parseRange, rangeQuery, sameRange, panned, rangeOver, zoomed } from "./range";

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

test("zooming keeps the moment under the pointer where it is, within limits", () => {
    const s = { fromMs: 1_000_000, toMs: 1_100_000 };
    const closer = zoomed(s, 0.5, 1_025_000);
    assert.deepEqual(closer, { fromMs: 1_012_500, toMs: 1_062_500 });
    assert.deepEqual(zoomed(closer, 2, 1_025_000), s);
    const least = zoomed(s, 1e-9, 1_050_000);
    assert.equal(Math.round(least.toMs - least.fromMs), 1000);
    const most = zoomed(s, 1e12, 1_050_000);
    assert.equal((most.toMs - most.fromMs) / 86_400_000, 400);
});

test("a stretch that reaches the present follows it, one before stands still", () => {
    const now = 2_000_000_000_000;
    const over = (from: number, to: number, follow = false) =>
        rangeOver({ fromMs: now + from, toMs: now + to }, now, follow);
    assert.deepEqual(over(-300_000, 0), { kind: "last", spanMs: 300_000 });
    assert.deepEqual(over(-200_000, 100_000), { kind: "last", spanMs: 300_000 });
    assert.deepEqual(over(-300_000, -60_000), {
        kind: "fixed",
        fromMs: now - 300_000,
        toMs: now - 60_000,
    });
    // Too short to follow: it ends at the present, or is the shortest that follows.
    assert.deepEqual(over(-10_000, 5000), { kind: "fixed", fromMs: now - 15_000, toMs: now });
    assert.deepEqual(over(-10_000, 5000, true), { kind: "last", spanMs: 60_000 });
    assert.equal((over(-1e12, 10, true) as { spanMs: number }).spanMs, 86_400_000);
});

test("panning is by a share of the window", () => {
    assert.deepEqual(panned({ fromMs: 100, toMs: 200 }, -0.25), { fromMs: 75, toMs: 175 });
});
