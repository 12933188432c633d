import assert from "node:assert/strict";
import { test } from "node:test";
import {
    CHOICES,
    DEFAULT_RANGE,
    LONG_CHOICES,
    parseRange,
    parseTime,
    pinned,
    rangeQuery,
    readRange,
    sameRange,
    shifted,
    SPAN_MOST_MS,
    panned,
    rangeOver,
    widened,
    zoomed,
} from "./range";

const NOW = 1_764_000_000_000;
const HOUR = 3_600_000;

test("what the address says comes back the same", () => {
    for (const { spanMs } of [...CHOICES, ...LONG_CHOICES]) {
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
        ["now-1x", "now"],
        ["5", "1"],
        ["__proto__", "x"],
        ["1764000060000", "1764000000000"],
        ["now-15m", "1"],
    ] as const)
        assert.deepEqual(parseRange(from, to), DEFAULT_RANGE);
    assert.deepEqual(parseRange("now-1s", "now"), { kind: "last", spanMs: 60_000 });
    assert.deepEqual(parseRange("now-999999999d", "now"), { kind: "last", spanMs: SPAN_MOST_MS });
});

test("equal ranges are equal however they were said", () => {
    assert.ok(sameRange(parseRange("now-60m", "now"), parseRange("now-1h", "now")));
    assert.ok(!sameRange(parseRange("now-5m", "now"), parseRange("now-1h", "now")));
});

test("any two times of the contract are a stretch, and mistakes are told", () => {
    assert.equal(parseTime("now", NOW), NOW);
    assert.equal(parseTime(" now-2h ", NOW), NOW - 2 * HOUR);
    assert.equal(parseTime("-60", NOW), NOW - 60_000);
    assert.equal(parseTime("now-1w", NOW), NOW - 7 * 24 * HOUR);
    assert.equal(parseTime("2025-11-24T16:00:00+01:00", NOW), Date.UTC(2025, 10, 24, 15));
    assert.equal(parseTime("2025-11-24 16:00", NOW), new Date(2025, 10, 24, 16).getTime());
    assert.ok(Number.isNaN(parseTime("yesterday", NOW)));
    assert.deepEqual(readRange("now-2h", "now-1h", NOW), {
        kind: "fixed",
        fromMs: NOW - 2 * HOUR,
        toMs: NOW - HOUR,
    });
    assert.match(String(readRange("soon", "now", NOW)), /^“From” is no time/);
    assert.match(String(readRange("now-1h", "late", NOW)), /^“To” is no time/);
    assert.match(String(readRange("now-1h", "now-2h", NOW)), /later/);
    assert.match(String(readRange("1000000000", "now", NOW)), /5 years/);
});

test("moving to the left stands still, back at the present it follows again", () => {
    const hour = { kind: "last", spanMs: HOUR } as const;
    const before = shifted(hour, -0.5, NOW);
    assert.deepEqual(before, { kind: "fixed", fromMs: NOW - 1.5 * HOUR, toMs: NOW - HOUR / 2 });
    assert.deepEqual(shifted(before, 0.5, NOW), hour);
    assert.deepEqual(pinned(hour, NOW), { kind: "fixed", fromMs: NOW - HOUR, toMs: NOW });
});

test("zooming keeps the middle, and never shows the future", () => {
    assert.deepEqual(widened({ kind: "last", spanMs: HOUR }, 2, NOW), {
        kind: "last",
        spanMs: 2 * HOUR,
    });
    const old = { kind: "fixed", fromMs: NOW - 10 * HOUR, toMs: NOW - 9 * HOUR } as const;
    assert.deepEqual(widened(old, 3, NOW), {
        kind: "fixed",
        fromMs: NOW - 11 * HOUR,
        toMs: NOW - 8 * HOUR,
    });
    const fresh = { kind: "fixed", fromMs: NOW - HOUR, toMs: NOW } as const;
    assert.deepEqual(widened(fresh, 4, NOW), {
        kind: "fixed",
        fromMs: NOW - 4 * HOUR,
        toMs: NOW,
    });
});

test("zooming keeps the moment under the pointer where it is, within limits", () => {
    const s = { fromMs: 1_000_000, toMs: 1_100_000 };
    const closer = zoomed(s, 0.5, 1_025_000);
    assert.deepEqual(closer, { fromMs: 1_012_500, toMs: 1_062_500 });
    assert.deepEqual(zoomed(closer, 2, 1_025_000), s);
    const least = zoomed(s, 1e-9, 1_050_000);
    assert.equal(Math.round(least.toMs - least.fromMs), 1000);
    const most = zoomed(s, 1e12, 1_050_000);
    assert.equal(most.toMs - most.fromMs, SPAN_MOST_MS);
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
    assert.equal((over(-1e12, 10, true) as { spanMs: number }).spanMs, SPAN_MOST_MS);
});

test("panning is by a share of the window", () => {
    assert.deepEqual(panned({ fromMs: 100, toMs: 200 }, -0.25), { fromMs: 75, toMs: 175 });
});
