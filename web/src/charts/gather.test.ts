import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid } from "../domain/grid";
import type { ChartSpec } from "../domain/trace";
import type { ChartSource } from "./environment";
import { gapsOf, Gatherer, peaksOf, valuesAt } from "./gather";

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
    assert.deepEqual(peaksOf(g.traces, g.from, g.n), { above: 240, below: 40 });
    assert.deepEqual(valuesAt(g, g.n - 1), [240, 40]);
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

/* As drawn, in the window. */
function drawn(g: { traces: Float64Array[]; from: number; n: number }): number[][] {
    return g.traces.map((t) => [...t.subarray(g.from, g.n)]);
}

test("tick by tick the same as all at once, whatever happens meanwhile", () => {
    const grid = new Grid(1000, 40_000, T0);
    const src = source(grid);
    const kept = new Gatherer(SPEC);
    const wholes = new Set<unknown>();
    for (let i = 0; i < 200; i++) {
        const t = T0 + i * 500; // two ticks a step
        if (i % 50 === 33) continue; // nobody measured
        if (i % 7) grid.append(1, t, i);
        if (i < 30 || i > 110) grid.append(4, t, 2 * i);
        grid.advance(grid.stepOf(t));
        if (i === 90) grid.fill(2, Float64Array.of(T0 + 30_000), Float64Array.of(5), 1000);
        if (i === 150) grid.advance(grid.head + 60); // further than the window is long
        const g = kept.gather(src, "bits")!;
        const fresh = new Gatherer(SPEC).gather(src, "bits")!;
        assert.deepEqual(drawn(g), drawn(fresh), `tick ${i}`);
        assert.deepEqual([g.empty, g.missingMs], [fresh.empty, fresh.missingMs], `tick ${i}`);
        wholes.add(g);
    }
    assert.ok(wholes.size < 20, `read anew ${wholes.size} times`);
});

test("stacked: on top of each other, a gap is a gap, down from the axis on its own", () => {
    const grid = new Grid(1000, 3000, T0);
    const values = { 1: [1, 1, NaN], 2: [2, NaN, NaN], 4: [5, 5, 5] };
    for (const [id, all] of Object.entries(values))
        all.forEach((v, i) => grid.append(Number(id), T0 + i * 1000, v));
    const one = (device: string, below = false) => ({
        name: device || "tx",
        metrics: device ? ["rx"] : ["tx"],
        ...(device ? { labels: { device: [device] } } : {}),
        tone: "category-1" as const,
        below,
    });
    const spec = { ...SPEC, stack: true, traces: [one("a"), one("b"), one(""), one("", true)] };
    const g = new Gatherer(spec).gather(source(grid), "bytes")!;
    assert.deepEqual(drawn(g), [
        [1, 1, NaN],
        [3, NaN, NaN],
        [8, 6, 5],
        [-5, -5, -5],
    ]);
    assert.deepEqual(valuesAt(g, 0), [1, 2, 5, 5]);
});

test("a hidden trace is not drawn and does not carry, but what it knows is no gap", () => {
    const grid = new Grid(1000, 3000, T0);
    grid.append(1, T0, 1);
    grid.append(4, T0, 5);
    grid.append(1, T0 + 1000, 1);
    const g = new Gatherer(SPEC).gather(source(grid), "bytes", new Set(["in"]))!;
    assert.deepEqual(drawn(g), [
        [NaN, NaN, NaN],
        [NaN, -5, NaN],
    ]);
    assert.deepEqual([g.gaps, g.empty], [[0, 1], false]);
});
