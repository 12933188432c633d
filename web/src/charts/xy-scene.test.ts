import assert from "node:assert/strict";
import { test } from "node:test";
import type { Palette } from "./palette";
import type { DotMark, LineMark } from "./scene";
import { logMarks, nearest, xyMarks, xyScale, type XyContent } from "./xy-scene";

const PALETTE = new Proxy({} as Palette, { get: (_, name) => `#${String(name)}` });
const PLACE = { left: 50, top: 10, right: 450, bottom: 210 };

function content(points: readonly (readonly [number, number])[], more: Partial<XyContent> = {}) {
    return {
        axis: "log" as const,
        least: 1,
        yText: String,
        series: [
            {
                name: "p99",
                tone: "category-1" as const,
                points: points.map(([x, y]) => ({ x, y, title: `${x}` })),
            },
        ],
        ...more,
    };
}

test("on an axis of logarithms ten times as many are equally far, everywhere", () => {
    const c = content([[1, 1], [10, 2], [100, 3], [1000, 4]]);
    const scale = xyScale(c, PLACE);
    const x = [1, 10, 100, 1000].map((v) => scale.x(v));
    assert.deepEqual([x[0], x[3]], [50, 450]);
    assert.ok(Math.abs(x[1]! - x[0]! - (x[2]! - x[1]!)) < 1e-9);
    assert.equal(scale.y(0), 210);
    assert.ok(scale.top >= 4 && scale.y(4) >= 10);
});

test("marks of logarithms: whole powers, the steps between where these are few", () => {
    assert.deepEqual(logMarks(1, 10_000), [1, 10, 100, 1000, 10_000]);
    assert.deepEqual(logMarks(2, 25), [2, 5, 10, 20]);
});

test("a gap breaks the line, every known point has a dot", () => {
    const marks = xyMarks(content([[1, 1], [2, 2], [4, NaN], [8, 3], [16, 4]]), PLACE, PALETTE);
    const lines = marks.filter((m): m is LineMark => m.kind === "line" && m.series === "p99");
    assert.deepEqual(lines.map((l) => l.points.length), [4, 4]);
    assert.equal(marks.filter((m): m is DotMark => m.kind === "dot").length, 4);
});

test("one point alone, none at all, zeros: a picture without NaN", () => {
    for (const points of [[], [[5, 0]], [[5, 3]]] as [number, number][][])
        for (const axis of ["log", "time"] as const) {
            const marks = xyMarks(content(points, { axis }), PLACE, PALETTE);
            assert.doesNotMatch(JSON.stringify(marks), /null/, "JSON has null for NaN");
        }
});

test("the nearest point is meant, gaps never are", () => {
    const c = content([[1, 1], [10, NaN], [100, 2]]);
    const scale = xyScale(c, PLACE);
    assert.equal(nearest(c, scale, scale.x(12), 100)?.point, 2);
    assert.equal(nearest(c, scale, 0, 0)?.point, 0);
    assert.equal(nearest(content([]), scale, 0, 0), undefined);
});
