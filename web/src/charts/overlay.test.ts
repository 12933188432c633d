import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid } from "../domain/grid";
import type { ChartSpec } from "../domain/trace";
import { bandsOf } from "./overlay";

const T0 = 1_764_000_000_000;
const SPEC: ChartSpec = {
    key: "t",
    title: "T",
    measure: "bytes/s",
    traces: [
        { name: "in", metrics: ["rx"], tone: "receive" },
        { name: "out", metrics: ["tx"], tone: "transmit", below: true },
        { name: "sum", metrics: ["a"], tone: "category-1" },
    ],
};

function usual() {
    const mean = new Grid(1000, 3000, T0);
    const sigma = new Grid(1000, 3000, T0);
    for (const [step, m, s] of [
        [0, 100, 10],
        [1, NaN, NaN],
        [2, 10, 10],
    ] as const)
        for (const id of [1, 2, 3, 4]) {
            mean.append(id, T0 + step * 1000, m);
            sigma.append(id, T0 + step * 1000, s);
        }
    return { mean, sigma, sigmas: 2.5 };
}

test("a band is mean and sigma in the unit shown, mirrored below the axis, never beyond zero", () => {
    const bands = bandsOf(SPEC, [[1], [2], [3, 4]], usual(), 8);
    assert.equal(bands.length, 2); // the parts of a sum may move together or not
    const [above, below] = bands;
    assert.deepEqual(above!.times, [T0, T0 + 1000, T0 + 2000]);
    assert.deepEqual(above!.high, [1000, NaN, 280]);
    assert.deepEqual(above!.low, [600, NaN, 0]);
    assert.deepEqual(below!.low, [-1000, NaN, -280]);
    assert.deepEqual(below!.high, [-600, NaN, -0]);
});

test("nothing known, nothing drawn", () => {
    assert.deepEqual(bandsOf(SPEC, [[], [], []], usual(), 1), []);
    assert.deepEqual(bandsOf(SPEC, [[9], [9], [9]], usual(), 1), []);
    const none = { mean: undefined, sigma: undefined, sigmas: 2.5 };
    assert.deepEqual(bandsOf(SPEC, [[1], [2], [3]], none, 1), []);
});
