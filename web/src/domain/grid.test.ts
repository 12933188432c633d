import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid } from "./grid";

const T0 = 1_764_000_000_000;

function values(grid: Grid, id: number): number[] {
    const out = new Float64Array(grid.capacity);
    return [...out.subarray(0, grid.sum([id], out))];
}

test("history and live ticks join without double or missing steps, in whatever order", () => {
    const grid = new Grid(1000, 10_000, T0);
    const past = Float64Array.from({ length: 6 }, (_, i) => i);
    grid.fill(
        7,
        past.map((i) => T0 + i * 1000),
        past,
        1000,
    );
    grid.column(7).until = T0 + 5000;
    for (let i = 3; i < 9; i++) grid.append(7, T0 + i * 1000, i * 10); // 3..5 are in already
    assert.deepEqual(values(grid, 7).slice(-9), [0, 1, 2, 3, 4, 5, 60, 70, 80]);
});

test("the ring forgets exactly what falls out of the window", () => {
    const grid = new Grid(1000, 5000, T0);
    for (let i = 0; i < 23; i++) grid.append(1, T0 + i * 1000, i);
    assert.deepEqual(values(grid, 1), [18, 19, 20, 21, 22]);
    assert.equal(grid.newestMs, T0 + 22_000);
    assert.ok(Number.isNaN(grid.at(1, grid.oldest - 1)));
    assert.ok(Number.isNaN(grid.at(1, grid.head + 1)));
});

test("a missing tick is a gap, also when it is longer than the window", () => {
    const grid = new Grid(1000, 4000, T0);
    grid.append(1, T0, 1);
    grid.append(1, T0 + 2000, 3);
    assert.deepEqual(values(grid, 1).slice(-3), [1, NaN, 3]);
    grid.append(1, T0 + 60_000, 4);
    assert.deepEqual(values(grid, 1), [NaN, NaN, NaN, 4]);
});

test("a null sample leaves a gap and is not taken twice", () => {
    const grid = new Grid(1000, 3000, T0);
    grid.append(1, T0, 5);
    grid.append(1, T0 + 1000, NaN);
    grid.append(1, T0 + 1000, 9);
    assert.deepEqual(values(grid, 1).slice(-2), [5, NaN]);
});

test("several ticks in a step are their mean, with gaps left out", () => {
    const grid = new Grid(5000, 20_000, T0);
    for (const [i, v] of [2, 4, NaN, 6, 8].entries()) grid.append(1, T0 + i * 1000, v);
    assert.equal(grid.at(1, grid.head), 5);
});

test("the sum over series is a gap only where none has a value", () => {
    const grid = new Grid(1000, 3000, T0);
    grid.append(1, T0, 1);
    grid.append(2, T0, 10);
    grid.append(2, T0 + 1000, 20);
    grid.advance(grid.head + 1);
    const out = new Float64Array(3);
    assert.equal(grid.sum([1, 2, 99], out), 3);
    assert.deepEqual([...out], [11, 20, NaN]);
});

test("a coarser answer covers all the steps that it speaks of", () => {
    const grid = new Grid(1000, 10_000, T0);
    grid.fill(1, Float64Array.of(T0), Float64Array.of(7), 3000);
    assert.deepEqual(values(grid, 1).slice(-3), [7, 7, 7]);
});

test("steps that are not aligned to the epoch keep their phase", () => {
    const grid = new Grid(1000, 5000, T0 + 250);
    assert.equal(grid.timeOf(grid.stepOf(T0 + 250)), T0 + 250);
    assert.equal(grid.timeOf(grid.stepOf(T0 + 1249)), T0 + 250);
});

test("ticks older than the window change nothing", () => {
    const grid = new Grid(1000, 3000, T0);
    grid.append(1, T0 + 10_000, 1);
    grid.append(2, T0, 99);
    assert.deepEqual(values(grid, 2), [NaN, NaN, NaN]);
});

test("an amount is the rate times its time, over what is known", () => {
    const grid = new Grid(2000, 10_000, T0);
    assert.deepEqual(grid.amount(1), { amount: 0, mean: NaN, first: 0 });
    for (const [k, v] of [5, 10, NaN, 1].entries()) grid.append(1, T0 + k * 2000, v);
    const { amount, mean, first } = grid.amount(1);
    assert.equal(amount, 32);
    assert.equal(mean, 16 / 3);
    assert.equal(first, grid.stepOf(T0));
    grid.advance(grid.stepOf(T0 + 12_000)); // the first two have left
    assert.equal(grid.amount(1).amount, 2);
    assert.equal(grid.amount(99).amount, 0);
});

test("a step that is not over yet amounts to its ticks only", () => {
    const grid = new Grid(60_000, 600_000, T0);
    const start = grid.timeOf(grid.stepOf(T0));
    for (let t = start; t < start + 60_000; t += 1000) grid.append(1, t, 0);
    grid.append(1, start + 60_000, 1); // one packet in the first second of the new minute
    assert.equal(grid.amount(1, 1000).amount, 1);
    grid.append(1, start + 61_000, 0);
    assert.equal(grid.amount(1, 1000).amount, 1);
    for (let t = start + 62_000; t < start + 180_000; t += 1000) grid.append(1, t, 0);
    assert.ok(Math.abs(grid.amount(1, 1000).amount - 1) < 1e-9);
});

test("gaps are stretches of time, but for the newest step, which may get a value", () => {
    const grid = new Grid(1000, 10_000, T0);
    const start = grid.timeOf(grid.stepOf(T0));
    for (const k of [12, 13, 16]) grid.append(1, start + k * 1000, 5);
    grid.append(2, start + 17_000, 5);
    const gaps = () => grid.gaps(1).map((g) => [(g.fromMs - start) / 1000, (g.toMs - start) / 1000]);
    assert.deepEqual(gaps(), [[-Infinity, 12], [14, 16]]);
    grid.append(2, start + 18_000, 5);
    assert.deepEqual(gaps(), [[-Infinity, 12], [14, 16], [17, 19]]);
    assert.equal(grid.gaps(3).length, 1, "of what is not known all of it is a gap");
});

test("steps in which nothing at all was measured are counted", () => {
    const grid = new Grid(1000, 10_000, T0);
    for (const k of [2, 3, 8, 9]) grid.append(1, T0 + k * 1000, 0);
    for (const k of [3, 4, 9]) grid.append(2, T0 + k * 1000, 0);
    assert.equal(grid.unknown([1, 2], grid.stepOf(T0 + 2000)), 3);
    assert.equal(grid.unknown([1], grid.stepOf(T0 + 2000)), 4);
    assert.equal(grid.unknown([1], -100), 6);
    assert.equal(grid.unknown([], grid.head), 1);
});
