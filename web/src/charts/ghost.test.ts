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

const NOTHING: ReadonlySet<string> = new Set();

test("the past lies under the window, in the unit shown, mirrored as its trace", () => {
    const bounds = { fromMs: T0 + DAY, toMs: T0 + DAY + 3000 };
    const gatherer = new GhostGatherer(SPEC);
    const from = source(DAY);
    const lines = gatherer.gather(from, "bits", NOTHING);
    const [above, below] = lines;
    assert.equal(above!.times.at(-1), T0 + DAY + 3000);
    assert.equal(ghostAt(above!, T0 + DAY + 1500), 16);
    assert.ok(Number.isNaN(ghostAt(above!, T0 + DAY + 2000)));
    assert.equal(ghostAt(below!, T0 + DAY + 3000), 480);
    assert.equal(ghostPeak(lines, 1, bounds), 48);
    assert.equal(ghostPeak(lines, -1, bounds), 480);
    assert.equal(ghostPeak(lines, 1, { fromMs: T0 + DAY, toMs: T0 + DAY + 1000 }), 16);
    assert.ok(Number.isNaN(ghostAt(above!, T0 - DAY)), "nothing before the first");
    assert.equal(gatherer.gather(from, "bits", NOTHING), lines, "nothing changed: the same lines");
    assert.equal(gatherer.gather(from, "bits", new Set(["in"])).length, 1);
});

test("a level is the mean of what is known, at all times", () => {
    const [above] = new GhostGatherer(SPEC).gather(source(undefined), "bytes", NOTHING);
    assert.equal(above!.level, 3);
    assert.equal(ghostAt(above!, 5), 3);
});
