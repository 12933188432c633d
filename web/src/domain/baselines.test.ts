import assert from "node:assert/strict";
import { test } from "node:test";
import {
    barShare,
    changeText,
    comparisonVerdict,
    effectText,
    probabilityText,
    sharesOf,
    sideText,
    withComparison,
    type ChangeFacts,
    type ComparisonFacts,
} from "./baselines";

const T0 = 1_764_000_000_000;

function change(before: number, after: number, more: Partial<ChangeFacts> = {}): ChangeFacts {
    return {
        name: "m_total",
        labels: { device: "eth0" },
        unit: "packets",
        kind: "",
        direction: "lower_is_better",
        verdict: "regressed",
        changePct: before === 0 ? NaN : (after / before - 1) * 100,
        before: { mean: before },
        after: { mean: after },
        ...more,
    };
}

function comparison(counts: Partial<ComparisonFacts["counts"]>, more: Partial<ComparisonFacts> = {}) {
    return {
        baseline: "before",
        t: T0,
        fromMs: T0 - 3_600_000,
        toMs: T0,
        reason: "asked",
        verdict: "unchanged" as const,
        counts: {
            ...{ regressed: 0, improved: 0, changed: 0, unchanged: 0, not_enough_data: 0 },
            ...counts,
        },
        metrics: [],
        ...more,
    };
}

test("the verdict: what is worse comes first and names the worst", () => {
    const said = comparisonVerdict(
        comparison(
            { regressed: 2, improved: 1, changed: 3, unchanged: 42 },
            { verdict: "regressed", metrics: [change(10, 44)] },
        ),
    );
    assert.equal(said.level, "warning");
    assert.equal(said.lead, "Worse than “before”: 2 of 48 metrics.");
    assert.match(said.rest, /^Most of all m_total of eth0, up 340\u2009%\. 1 better, 3 different/);
});

test("the verdict: better, as before, too few data", () => {
    assert.match(
        comparisonVerdict(comparison({ improved: 2, unchanged: 8 }, { verdict: "improved" })).lead,
        /^Better than “before”: 2 of 10 metrics, and none is worse\.$/,
    );
    const same = comparisonVerdict(comparison({ unchanged: 8 }, { baseline: "auto" }));
    assert.deepEqual(
        [same.level, same.lead, same.rest],
        ["good", "As usual at this hour of the week.", "None of 8 metrics is better or worse."],
    );
    const change = comparisonVerdict(comparison({ regressed: 1, unchanged: 8 }, { baseline: "" }));
    assert.equal(change.lead, "Worse than the time before: 1 of 9 metrics.");
    const short = comparisonVerdict(
        comparison({ not_enough_data: 8 }, { fromMs: T0 - 600_000, verdict: "not_enough_data" }),
    );
    assert.equal(short.level, "unknown");
    assert.match(short.rest, /at least 30 whole minutes on each side; this window has 10/);
    assert.match(
        comparisonVerdict(comparison({ not_enough_data: 8 }, { verdict: "not_enough_data" })).rest,
        /in this window and in “before”/,
    );
});

test("a change in words: parts, many times as much, from nothing", () => {
    assert.equal(changeText(change(100, 112)), "+12\u2009%");
    assert.equal(changeText(change(100, 96.6)), "\u22123.4\u2009%");
    assert.equal(changeText(change(1, 25)), "×25");
    assert.equal(changeText(change(0, 5)), "from 0");
    assert.equal(changeText(change(0, 0)), "0\u2009%");
    assert.equal(changeText(change(NaN, 5)), "\u2013");
    assert.equal(changeText(change(1, 1e9)), "×>1\u2009M");
});

test("the bar: doubling and halving go equally far, and nothing goes farther than the end", () => {
    assert.ok(Math.abs(barShare(change(1, 2)) + barShare(change(2, 1))) < 1e-12);
    assert.equal(barShare(change(1, 8)), 1);
    assert.equal(barShare(change(1, 1000)), 1);
    assert.equal(barShare(change(5, 0)), -1);
    assert.equal(barShare(change(0, 5)), 1);
    assert.equal(barShare(change(0, 0)), 0);
    assert.equal(barShare(change(5, 5)), 0);
});

test("a counter's values are rates, a gauge's are not", () => {
    assert.equal(sideText(3, change(1, 3, { unit: "bytes" }), "bits"), "24\u2009bit/s");
    assert.equal(sideText(3, change(1, 3, { unit: "bytes", name: "g" }), "bits"), "3\u2009B");
    assert.equal(sideText(3, change(1, 3, { unit: "bytes", name: "g", kind: "counter" }), "bytes"), "3\u2009B/s");
    assert.equal(sideText(3, change(1, 3, { unit: "bytes/s" }), "bytes"), "3\u2009B/s");
    assert.equal(sideText(0.0031, change(1, 3, { unit: "seconds" }), "bytes"), "3.10\u2009ms/s");
});

test("probabilities and effects", () => {
    assert.deepEqual([NaN, 1e-9, 0.0123, 0.4].map(probabilityText), ["\u2013", "<0.001", "0.012", "0.40"]);
    assert.deepEqual([NaN, -0.756, 1, 0].map(effectText), ["\u2013", "\u22120.76", "+1.00", "0.00"]);
});

test("over time: shares of what could be compared, each comparison once, the newest first", () => {
    const s = sharesOf(comparison({ regressed: 1, improved: 2, unchanged: 7, not_enough_data: 90 }));
    assert.deepEqual([s.worse, s.better], [0.1, 0.2]);
    assert.ok(Number.isNaN(sharesOf(comparison({ not_enough_data: 9 })).worse));
    const list = [2, 1].map((t) => ({ t, baseline: "a", n: 0 }));
    const more = withComparison(list, { t: 2, baseline: "a", n: 1 }, 3);
    assert.deepEqual(more.map((c) => [c.t, c.n]), [[2, 1], [1, 0]]);
    assert.deepEqual(withComparison(more, { t: 3, baseline: "a", n: 2 }, 2).map((c) => c.t), [3, 2]);
});
