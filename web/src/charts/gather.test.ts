import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid } from "../domain/grid";
import type { ChartSpec } from "../domain/trace";
import type { ChartSource } from "./environment";
import { gapsOf, Gatherer } from "./gather";

const T0 = 1_764_000_000_000;
const SPEC: ChartSpec = {
    key: "t",
    title: "T",
    measure: "bytes/s",
    traces: [
        { name: "in", metrics: ["rx"], labels: { device: ["a", "b"] }, tone: "receive" },
        { name: "out", metrics: ["tx"], tone: "transmit", below: true },
    ],
};

function source(grid: Grid | undefined, version = 1): ChartSource {
    const series = [
        { id: 1, name: "rx", labels: { device: "a" }, method: "netlink" },
        { id: 2, name: "rx", labels: { device: "b" }, method: "procfs" },
        { id: 3, name: "rx", labels: { device: "c" }, method: "never" },
        { id: 4, name: "tx", labels: {}, method: "" },
    ];
    return {
        grid,
        series: new Map(series.map((s) => [s.id, s])),
        seriesVersion: version,
        bounds: undefined,
        loading: false,
        unread: false,
    };
}

test("traces are sums of what they select, in the unit shown, mirrored where asked", () => {
    const grid = new Grid(1000, 3000, T0);
    for (const [id, v] of [
        [1, 10],
        [2, 20],
        [3, 1000],
        [4, 5],
    ] as const) {
        grid.append(id, T0, v);
        grid.append(id, T0 + 1000, v);
    }
    const g = new Gatherer(SPEC).gather(source(grid), "bits")!;
    assert.deepEqual([...g.traces[0]!.subarray(g.n - 2, g.n)], [240, 240]);
    assert.deepEqual([...g.traces[1]!.subarray(g.n - 2, g.n)], [-40, -40]);
    assert.deepEqual([g.above, g.below, g.latest], [240, 40, [240, 40]]);
    assert.deepEqual(g.methods, ["netlink", "procfs"]);
});

test("what is missing inside the data is counted, the empty past is not", () => {
    const grid = new Grid(1000, 60_000, T0);
    grid.append(1, T0, 1);
    grid.append(1, T0 + 6000, 1);
    const g = new Gatherer(SPEC).gather(source(grid), "bytes")!;
    assert.equal(g.missingMs, 5000);
    assert.equal(g.empty, false);
});

test("no grid, no data, no series", () => {
    assert.equal(new Gatherer(SPEC).gather(source(undefined), "bits"), undefined);
    assert.equal(new Gatherer(SPEC).gather(source(new Grid(1000, 3000, T0)), "bits"), undefined);
    const grid = new Grid(1000, 3000, T0);
    grid.append(99, T0, 1);
    assert.equal(new Gatherer(SPEC).gather(source(grid), "bits")!.empty, true);
});

test("stretches without a value in any trace, in pairs", () => {
    const a = Float64Array.of(NaN, NaN, 1, NaN, NaN, 2, NaN);
    const b = Float64Array.of(NaN, NaN, NaN, NaN, 3, NaN, NaN);
    assert.deepEqual(gapsOf([a, b], 7), [0, 2, 3, 4, 6, 7]);
    assert.deepEqual(gapsOf([a, b], 6), [0, 2, 3, 4]);
    assert.deepEqual(gapsOf([b.subarray(0, 4)], 4), [0, 4]);
    assert.deepEqual(gapsOf([a.subarray(2)], 1), []);
    assert.deepEqual(gapsOf([a], 0), []);
});

test("a share: divided by what has the same values in the labels that both have", () => {
    const grid = new Grid(1000, 3000, T0);
    for (const [id, ...values] of [
        [1, 10, 10],
        [2, 99, 99],
        [4, 40, 0],
    ] as const)
        values.forEach((v, i) => grid.append(id, T0 + i * 1000, v));
    const share = (per: string): ChartSpec => ({
        ...SPEC,
        measure: "ratio",
        traces: [
            { name: "r", metrics: ["rx"], labels: { device: ["a"] }, tone: "receive", per: [per] },
        ],
    });
    const shares = (per: string) => {
        const g = new Gatherer(share(per)).gather(source(grid), "bits")!;
        return [...g.traces[0]!.subarray(g.n - 2, g.n)];
    };
    assert.deepEqual(shares("tx"), [25, NaN]); // in per cent; nothing to divide by is no zero
    assert.deepEqual(shares("rx"), [100, 100]); // of the device itself
    assert.deepEqual(shares("gone"), [NaN, NaN]);
});
