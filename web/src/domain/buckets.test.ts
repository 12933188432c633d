import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketsOf, trimmed, type BucketSeries } from "./buckets";

const series = (le: number, ...values: number[]): BucketSeries => ({
    le,
    times: Float64Array.from(values.map((_, i) => 1000 + i * 10)),
    values: Float64Array.from(values),
});

test("cumulative buckets are taken apart, step by step", () => {
    const b = bucketsOf(
        [series(Infinity, 5, NaN), series(0.1, 3, NaN), series(0.01, 1, NaN), series(0.01, 1, NaN)],
        1000,
        10,
        2,
    );
    assert.deepEqual(b.edges, [0.01, 0.1, Infinity]);
    assert.deepEqual([...b.counts], [2, 1, 2, NaN, NaN, NaN]);
    assert.equal(b.total, 5);
});

test("what is outside the window is left out", () => {
    const b = bucketsOf([series(1, 1, 2, 3)], 1010, 10, 1);
    assert.deepEqual([...b.counts], [2]);
});

test("empty buckets at the ends go, but one", () => {
    const b = bucketsOf(
        [series(1, 0), series(2, 0), series(3, 4), series(4, 4), series(5, 4), series(6, 4)],
        1000,
        10,
        1,
    );
    assert.deepEqual(trimmed(b).edges, [2, 3, 4]);
    assert.deepEqual([...trimmed(b).counts], [0, 4, 0]);
});
