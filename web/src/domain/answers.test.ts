import assert from "node:assert/strict";
import { test } from "node:test";
import {
    binned,
    bucketTracesOf,
    combined,
    keptOf,
    niceStep,
    ratioTracesOf,
    statisticsOf,
    stepsOf,
    tracesOf,
    type AnswerSeries,
} from "./answers";
import type { Kind } from "./catalogue";

const STEPS = stepsOf(1000, 3000, 1000);
const TIMES = Float64Array.of(1000, 2000, 3000);

function series(
    name: string,
    labels: Record<string, string>,
    values: number[],
    kind: Kind = "counter",
): AnswerSeries {
    return { name, labels, unit: "bytes", kind, times: TIMES, values: Float64Array.from(values) };
}

const sum = () => "sum" as const;

test("series are put together step by step; a gap is one only where all have one", () => {
    const two = [series("m", {}, [1, NaN, NaN]), series("m", {}, [3, 5, NaN])];
    assert.deepEqual([...combined(two, STEPS, "sum")], [4, 5, NaN]);
    assert.deepEqual([...combined(two, STEPS, "mean")], [2, 5, NaN]);
    assert.deepEqual([...combined(two, STEPS, "min")], [1, 5, NaN]);
    assert.deepEqual([...combined(two, STEPS, "max")], [3, 5, NaN]);
    const late = [{ times: Float64Array.of(-5000, 2000, 99_000), values: Float64Array.of(7, 8, 9) }];
    assert.deepEqual([...combined(late, STEPS, "sum")], [NaN, 8, NaN]);
});

test("split by a label: the largest first, the rest as one, a label that is not there is a value", () => {
    const all = [
        series("m", { device: "a" }, [1, 1, 1]),
        series("m", { device: "b", x: "1" }, [5, 5, 5]),
        series("m", { device: "b", x: "2" }, [4, 4, 4]),
        series("m", {}, [2, 2, 2]),
        series("m", { device: "__proto__" }, [0, 0, 0]),
    ];
    const traces = tracesOf(all, STEPS, { by: "device", top: 2, combine: sum });
    assert.deepEqual(
        traces.map((t) => [t.value, t.rest, t.series, t.values[0]]),
        [
            ["b", false, 2, 9],
            ["", false, 1, 2],
            [undefined, true, 2, 1],
        ],
    );
    assert.deepEqual(traces[0]!.labels, { device: "b" });
});

test("one that is left over stands for itself; different metrics are never added up", () => {
    const all = [series("m", { d: "a" }, [1, 1, 1]), series("n", { d: "a" }, [2, 2, 2])];
    assert.deepEqual(
        tracesOf(all, STEPS, { by: "", top: 1, combine: sum }).map((t) => t.metric),
        ["n", "m"],
    );
    const by = tracesOf(all, STEPS, { by: "d", top: 1, combine: sum });
    assert.deepEqual(by.map((t) => [t.metric, t.rest]), [["n", false], ["m", false]]);
});

test("those that were the largest stay in their places, as long as they are there", () => {
    const at = (a: number, b: number, c: number) => [
        series("m", { d: "a" }, [a, a, a]),
        series("m", { d: "b" }, [b, b, b]),
        series("m", { d: "c" }, [c, c, c]),
        series("m", { d: "d" }, [0, 0, 0]),
    ];
    const shape = { by: "d", top: 2, combine: sum };
    const first = tracesOf(at(3, 2, 1), STEPS, shape);
    const kept = keptOf(first);
    const names = (list: typeof first) => list.map((t) => t.value);
    assert.deepEqual(names(tracesOf(at(1, 2, 3), STEPS, { ...shape, kept })), ["a", "b", undefined]);
    assert.deepEqual(names(tracesOf(at(1, 2, 3).slice(1), STEPS, { ...shape, kept })), ["c", "b", "d"]);
});

test("quantiles of histograms that are put together", () => {
    const bucket = (le: string, values: number[], device: string) =>
        series("h_bucket", { le, device }, values, "histogram");
    const all = [
        bucket("1", [10, 0, NaN], "a"),
        bucket("+Inf", [10, 0, NaN], "a"),
        bucket("1", [0, 0, NaN], "b"),
        bucket("2", [10, 0, NaN], "b"),
        bucket("+Inf", [10, 0, NaN], "b"),
    ];
    const [one] = bucketTracesOf(all.slice(0, 2), STEPS, { by: "", top: 7, combine: sum }, "p50");
    assert.equal(one!.metric, "h");
    assert.equal(one!.values[0], 0.5);
    assert.ok(Number.isNaN(one!.values[1]) && Number.isNaN(one!.values[2]));
    assert.equal(one!.series, 1);
    const split = bucketTracesOf(all, STEPS, { by: "device", top: 7, combine: sum }, "p50");
    assert.deepEqual(split.map((t) => [t.value, t.values[0]]), [["a", 0.5], ["b", 1.5]]);
});

test("the mean of a histogram is what was measured through how often", () => {
    const [t] = ratioTracesOf(
        [series("h_sum", {}, [6, 0, NaN], "histogram"), series("h_count", {}, [3, 0, NaN], "histogram")],
        STEPS,
        { by: "", top: 7, combine: sum },
    );
    assert.deepEqual([t!.metric, ...t!.values], ["h", 2, NaN, NaN]);
});

test("statistics: of nothing there is nothing, a rate amounts to something", () => {
    assert.deepEqual(statisticsOf(Float64Array.of(NaN, NaN), 1000, true), {
        min: NaN,
        mean: NaN,
        max: NaN,
        last: NaN,
        total: NaN,
    });
    assert.deepEqual(statisticsOf(Float64Array.of(-1, NaN, 3, NaN), 2000, true), {
        min: -1,
        mean: 1,
        max: 3,
        last: 3,
        total: 4,
    });
    assert.equal(statisticsOf(Float64Array.of(2, 3), 9000, false).total, 5);
});

test("every value falls into a bin, whatever it is", () => {
    for (const values of [[0], [5, 5, 5], [-3, 4], [1e15, 1], [1e-9, 2e-9], [0, 1, 2, 3]]) {
        const { edges, counts } = binned([Float64Array.from([...values, NaN, Infinity])]);
        assert.equal(edges.length, counts[0]!.length + 1);
        assert.ok(edges.length < 60, String(values));
        assert.equal(counts[0]!.reduce((a, b) => a + b, 0), values.length, String(values));
        for (let i = 1; i < edges.length; i++) assert.ok(edges[i]! > edges[i - 1]!);
    }
    assert.deepEqual(binned([Float64Array.of(NaN)]), { edges: [], counts: [[]] });
    assert.deepEqual([0.9, 1, 1.1, 3, 7, 120].map(niceStep), [1, 1, 2, 5, 10, 200]);
});
