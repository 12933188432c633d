import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid } from "../domain/grid";
import type { ChartSpec } from "../domain/trace";
import type { GhostSource } from "./environment";
import { ghostAt, GhostGatherer, ghostPeak } from "./ghost";

const T0 = 1_764_000_000_000;
const DAY = 86_400_000;
const SPEC: ChartSpec = {
    key: "k",
    title: "K",
    measure: "bytes/s",
    traces: [
        { name: "in", metrics: ["rx"], tone: "receive" },
        { name: "out", metrics: ["tx"], tone: "transmit", below: true },
    ],
};

function source(shiftMs: number | undefined): GhostSource {
    const grid = new Grid(1000, 10_000, T0);
    [1, 2, NaN, 6].forEach((v, i) => {
        grid.append(1, T0 + i * 1000, v);
        grid.append(2, T0 + i * 1000, v * 10);
    });
    const series = new Map(
        ["rx", "tx"].map((name, i) => [i + 1, { id: i + 1, name, labels: {}, method: "" }]),
    );
    return {
        grid,
        series,
        seriesVersion: 1,
        bounds: undefined,
        loading: false,
        unread: false,
        shiftMs,
        words: "a day before",
    };
}

test("the past lies under the window, in the unit shown, mirrored as its trace", () => {
    const bounds = { fromMs: T0 + DAY, toMs: T0 + DAY + 3000 };
    const [above, below] = new GhostGatherer(SPEC).gather(source(DAY), "bits", bounds);
    assert.equal(above!.times.at(-1), T0 + DAY + 3000);
    assert.equal(ghostAt(above!, T0 + DAY + 1500), 16);
    assert.ok(Number.isNaN(ghostAt(above!, T0 + DAY + 2000)));
    assert.equal(ghostAt(below!, T0 + DAY + 3000), 480);
    assert.equal(ghostPeak([above!, below!], 1), 48);
    assert.equal(ghostPeak([above!, below!], -1), 480);
    assert.ok(Number.isNaN(ghostAt(above!, T0)), "nothing before the first");
});

test("a level is the mean of what is known, across the window", () => {
    const bounds = { fromMs: T0 + DAY, toMs: T0 + DAY + 3000 };
    const [above] = new GhostGatherer(SPEC).gather(source(undefined), "bytes", bounds);
    assert.deepEqual(above!.times, [bounds.fromMs, bounds.toMs]);
    assert.deepEqual(above!.values, [3, 3]);
});
