import assert from "node:assert/strict";
import { test } from "node:test";
import { comparisonAddress, parseBaselines, parseComparison, parseComparisons } from "./baselines";

const T0 = 1_764_000_000_000;

test("a comparison: numbers that are missing are not known, words that are not known are cautious", () => {
    const c = parseComparison({
        baseline: "before",
        t: T0,
        from_ms: T0 - 3_600_000,
        to_ms: T0,
        reason: "hourly",
        verdict: "regressed",
        counts: { regressed: 1, improved: "x" },
        metrics: [
            {
                name: "m",
                labels: { device: "eth0", n: 1 },
                direction: "sideways",
                verdict: "splendid",
                before: { n: 60, mean: 1 },
                after: null,
                change_pct: null,
                effect: 0.7,
                q: 0.01,
            },
            { labels: {} },
            7,
        ],
    });
    assert.ok(c.ok);
    assert.equal(c.value.counts.regressed, 1);
    assert.equal(c.value.counts.improved, 0);
    assert.equal(c.value.metrics.length, 1);
    const [m] = c.value.metrics;
    assert.deepEqual({ ...m!.labels }, { device: "eth0" });
    assert.equal(m!.direction, "neither");
    assert.equal(m!.verdict, "not_enough_data");
    assert.equal(m!.before.mean, 1);
    assert.ok(Number.isNaN(m!.after.mean) && Number.isNaN(m!.changePct) && Number.isNaN(m!.p));
});

test("a comparison without its window is none, of a list the others stay", () => {
    assert.equal(parseComparison({ t: T0 }).ok, false);
    assert.equal(parseComparison(null).ok, false);
    const list = parseComparisons({
        comparisons: [{ t: 1 }, { t: 2, from_ms: 1, to_ms: 2, worst: [{ name: "w" }] }],
    });
    assert.ok(list.ok);
    assert.deepEqual(
        list.value.map((c) => c.metrics.map((m) => m.name)),
        [["w"]],
    );
    assert.equal(parseComparisons({}).ok, false);
});

test("baselines: saved unless it says automatic; without a name it is none", () => {
    const list = parseBaselines({
        baselines: [
            { name: "before", kind: "saved", from_ms: 1, to_ms: 2, series_count: 3, blocks: 4 },
            { name: "auto", kind: "automatic" },
            { kind: "saved" },
        ],
    });
    assert.ok(list.ok);
    assert.deepEqual(
        list.value.map((b) => [b.name, b.kind, b.series, b.fromMs]),
        [
            ["before", "saved", 3, 1],
            ["auto", "automatic", 0, undefined],
        ],
    );
});

test("a name stands in the address as it is", () => {
    assert.equal(
        comparisonAddress({ baseline: "a/b?", from: "now-1h", to: "now" }),
        "api/v1/baselines/a%2Fb%3F/comparison?from=now-1h&to=now",
    );
});
