import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketsOf, occupied, quantileOf, totalsOf } from "./distribution";

function series(le: string, values: number[], times = [0, 10, 20]) {
    return { labels: { le }, times: Float64Array.from(times), values: Float64Array.from(values) };
}

test("cumulative buckets become what lies between their edges", () => {
    const b = bucketsOf(
        [series("+Inf", [5, NaN, 4]), series("0.1", [2, NaN, 4]), series("0.01", [1, NaN, 0])],
        0,
        20,
        10,
    );
    assert.deepEqual(b.edges, [0.01, 0.1, Infinity]);
    assert.equal(b.steps, 3);
    assert.deepEqual([...b.counts], [1, 1, 3, NaN, NaN, NaN, 0, 4, 0]);
    assert.deepEqual(totalsOf(b), [1, 5, 3]);
});

test("series with one edge are added, a bucket that is ahead is no negative count", () => {
    const b = bucketsOf([series("1", [3]), series("1", [2]), series("+Inf", [4])], 0, 0, 10);
    assert.deepEqual([...b.counts], [5, 0]);
});

test("an edge that is no number, and times outside, are left out", () => {
    const b = bucketsOf([series("x", [3]), series("1", [1, 2], [-10, 40])], 0, 20, 10);
    assert.deepEqual(b.edges, [1]);
    assert.deepEqual([...b.counts], [NaN, NaN, NaN]);
    assert.deepEqual(totalsOf(b), [0]);
});

test("a quantile lies within its bucket, and never beyond the last edge", () => {
    assert.equal(quantileOf([1, 2, Infinity], [2, 2, 0], 0.5), 1);
    assert.equal(quantileOf([1, 2, Infinity], [2, 2, 0], 0.75), 1.5);
    assert.equal(quantileOf([1, 2, Infinity], [0, 0, 7], 0.5), 2);
    assert.ok(Number.isNaN(quantileOf([1, Infinity], [0, 0], 0.5)));
});

test("empty ends are not drawn", () => {
    assert.deepEqual(occupied([0, 0, 2, 0, 1, 0]), [2, 5]);
    assert.deepEqual(occupied([0, 0]), [0, 0]);
});
