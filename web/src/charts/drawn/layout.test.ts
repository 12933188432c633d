/* Where things stand, without a browser: nothing lies over anything else, nothing is lost unseen. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
    BarSpec,
    CalendarSpec,
    GaugeSpec,
    HeatmapSpec,
    HistogramSpec,
    SankeySpec,
    TimelineSpec,
} from "../../domain/data-spec";
import type { Palette } from "../palette";
import { thinned } from "./axes";
import { barLayout, drawBar } from "./bar";
import { drawCalendar } from "./calendar";
import { limitArc } from "./gauge";
import { columnsOf, drawHeatmap } from "./heatmap";
import { bucketPlace, drawHistogram, placedMarks } from "./histogram";
import type { Place } from "./kind";
import { flowLayout } from "./sankey";
import { plotAxis } from "./scatter";
import { drawTimeline, timelineLayout } from "./timeline";

const palette = new Proxy({}, { get: (_, name) => String(name) }) as Palette;
const place: Place = {
    width: 600,
    height: 168,
    palette,
    bytesAs: "bytes",
    measure: (text, size) => [...text].length * size * 0.6,
};
const about = { key: "k", title: "T", subtitle: "how" };

function barsOf(n: number, name = (i: number) => `p${i}`): BarSpec {
    const bars = Array.from({ length: n }, (_, i) => ({
        name: name(i),
        parts: [{ name: "a", tone: "receive" as const, value: i }],
    }));
    return { ...about, kind: "bar", measure: "bytes/s", bars };
}

test("bars that have no room are counted in a line of their own", () => {
    const few = barLayout(barsOf(3), place);
    assert.equal(few.shown, 3);
    const many = barLayout(barsOf(10_000), place);
    assert.ok(many.shown >= 6 && many.shown < 10);
    assert.ok(many.row * (many.shown + 1) <= place.height);
    assert.ok(many.row >= 16, "lines do not touch");
});

test("bars: a name of 300 characters leaves room for bar and sum", () => {
    const at = barLayout(
        barsOf(2, () => "x".repeat(300)),
        place,
    );
    assert.ok(at.names <= place.width * 0.38);
    assert.ok(at.right - at.left > place.width * 0.3);
});

test("bars: the row that is pointed at is the one that is marked", () => {
    const drawn = drawBar(barsOf(5), place);
    for (let part = 0; part < 5; part++) {
        const o = drawn.outline!(part)!;
        assert.ok(o.kind === "row");
        assert.equal(drawn.partAt!(300, o.y + o.height / 2), part);
    }
    assert.equal(drawn.partAt!(300, 167), undefined);
});

test("marks of an axis never touch, and the last has room beside the picture", () => {
    const marks = Array.from({ length: 50 }, (_, i) => ({ at: i, text: `${i} kbit/s` }));
    const kept = thinned(marks, 10, true, place.measure);
    const widest = place.measure("49 kbit/s", 11);
    assert.ok((kept[1]!.at - kept[0]!.at) * 10 > widest);
    assert.equal(thinned(marks, 100, true, place.measure).at(-1)!.at, 48); // cut: half of it is wider
    const short = marks.map((m) => ({ ...m, text: "1" }));
    assert.equal(thinned(short, 100, true, place.measure).at(-1)!.at, 49);
});

test("gauges: colours along the arc, none where the scale has no end", () => {
    const gauge: GaugeSpec = {
        ...about,
        kind: "gauge",
        measure: "count",
        value: 1,
        most: 100,
        limits: [
            { value: 90, tone: "critical" },
            { value: 60, tone: "warning" },
            { value: 150, tone: "critical" },
        ],
    };
    const of = (g: GaugeSpec) => limitArc(g, (tone) => tone);
    assert.deepEqual(of(gauge), [
        [0.6, "transparent"],
        [0.9, "warning"],
        [1, "critical"],
    ]);
    for (const most of [Infinity, NaN, 0])
        assert.deepEqual(of({ ...gauge, most }), [[1, "transparent"]]);
});

function heatmapOf(steps: number, rows: number): HeatmapSpec {
    return {
        ...about,
        kind: "heatmap",
        measure: "seconds",
        counted: "samples",
        fromMs: 0,
        stepMs: 1000,
        steps,
        edges: Array.from({ length: rows }, (_, i) => 2 ** i),
        counts: Float64Array.from({ length: steps * rows }, (_, i) => i),
    };
}

test("heatmaps: columns below a pixel show the largest of their steps", () => {
    const spec = heatmapOf(1000, 2);
    spec.counts.fill(0);
    spec.counts[501 * 2] = 7;
    for (let s = 300; s < 310; s++) spec.counts[s * 2 + 1] = NaN;
    const { each, count, values } = columnsOf(spec, 100);
    assert.deepEqual([each, count], [10, 100]);
    assert.equal(values[50 * 2], 7);
    assert.ok(Number.isNaN(values[30 * 2 + 1]!));
    assert.equal(values[30 * 2], 0);
});

test("heatmaps: every cell is found where it is marked", () => {
    const spec = heatmapOf(40, 6);
    const drawn = drawHeatmap(spec, place);
    for (let part = 0; part < 240; part++) {
        const o = drawn.outline!(part)!;
        assert.ok(o.kind === "cell");
        assert.equal(drawn.partAt!(o.x + o.width / 2, o.y + o.height / 2), part);
    }
    assert.equal(drawn.partAt!(0, 80), undefined);
});

test("weeks: every hour is found where it is marked", () => {
    const spec: CalendarSpec = {
        ...about,
        kind: "calendar",
        measure: "bytes/s",
        values: new Float64Array(168),
        samples: new Float64Array(168),
    };
    const drawn = drawCalendar(spec, place);
    for (let part = 0; part < 168; part++) {
        const o = drawn.outline!(part)!;
        assert.ok(o.kind === "cell");
        assert.equal(drawn.partAt!(o.x + o.width / 2, o.y + o.height / 2), part);
    }
});

const histogram: HistogramSpec = {
    ...about,
    kind: "histogram",
    measure: "seconds",
    counted: "connections",
    edges: [0, 1, 10, 100, Infinity],
    series: [{ name: "all", tone: "receive", counts: [1, 2, 3, 4] }],
};

test("histograms: a value stands within its bucket, by the logarithm where buckets grow", () => {
    assert.equal(bucketPlace(histogram.edges, 0.5), 0.5);
    assert.ok(Math.abs(bucketPlace(histogram.edges, Math.sqrt(10))! - 1.5) < 1e-9);
    assert.equal(bucketPlace(histogram.edges, 1e9), 3.5);
    assert.equal(bucketPlace(histogram.edges, -1), undefined);
    assert.equal(bucketPlace(histogram.edges, NaN), undefined);
    assert.equal(bucketPlace([], 1), undefined);
});

test("histograms: words of marks never lie over each other", () => {
    const marks = Array.from({ length: 9 }, (_, i) => ({ name: `p${i}`, value: 1 + i / 50 }));
    marks.push({ name: "x".repeat(300), value: 5 });
    const found = placedMarks({ ...histogram, marks }, { left: 46, right: 580 }, place);
    assert.equal(found.length, 10); // each has its line
    const said = found.filter((m) => m.text);
    for (const a of said)
        for (const b of said) {
            if (a === b || a.line !== b.line) continue;
            const [l, r] = a.textX < b.textX ? [a, b] : [b, a];
            assert.ok(l.textX + place.measure(l.text, 11) <= r.textX, `${l.text} ${r.text}`);
        }
    for (const m of said) assert.ok(m.textX + place.measure(m.text, 11) <= place.width);
    assert.equal(
        drawHistogram({ ...histogram, edges: [], series: [] }, place).partAt!(100, 80),
        undefined,
    );
});

test("logarithms: zero stands below the lowest decade, marks are round in the unit that is shown", () => {
    const log = { title: "rate", measure: "bytes/s" as const, log: true };
    const axis = plotAxis(log, [0, 20, 3000], 5, "bits");
    assert.ok(axis.place(0) < axis.place(1e-9 + 12.5));
    assert.equal(axis.place(0), axis.low);
    assert.deepEqual(
        axis.marks.map((m) => m.text.replace(/\u2009/g, " ")),
        ["0", "100 bit/s", "1 kbit/s", "10 kbit/s", "100 kbit/s"],
    );
    const same = plotAxis(log, [5, 5], 5, "bytes");
    assert.ok(same.high > same.low);
    const none = plotAxis(log, [], 5, "bytes");
    assert.ok(none.high > none.low);
});

test("even axes: zero is in sight, all equal is no line of height zero", () => {
    const even = { title: "n", measure: "count" as const };
    assert.deepEqual(
        [plotAxis(even, [0, 0], 5, "bits").low, plotAxis(even, [0, 0], 5, "bits").high],
        [0, 1],
    );
    const both = plotAxis(even, [-3, 8], 5, "bits");
    assert.ok(both.low <= -3 && both.high >= 8);
});

test("flows: labels of one column have a line each, or none", () => {
    const nodes = Array.from({ length: 40 }, (_, i) => ({
        id: `n${i}`,
        name: `n${i}`,
        column: 0,
        tone: "category-1" as const,
    }));
    const sankey: SankeySpec = {
        ...about,
        kind: "sankey",
        measure: "bytes/s",
        nodes: [...nodes, { id: "end", name: "end", column: 1, tone: "category-2" }],
        links: nodes.map((n, i) => ({ from: n.id, to: "end", value: i === 0 ? 1000 : 1 })),
    };
    const at = flowLayout(sankey, place);
    const tall = nodes.map((n) => at.height({ ...n }) + at.gap);
    assert.ok(tall.reduce((a, b) => a + b) <= place.height);
    assert.ok(at.gap * 39 <= place.height / 2 + 1, "gaps leave half of the room");
    assert.ok(at.column > 100);
});

test("timelines: the gravest is found, however short it is", () => {
    const rows = [
        {
            name: "eth0",
            spans: [
                { fromMs: 0, toMs: 3_600_000, state: "up", tone: "good" as const },
                { fromMs: 1_800_000, toMs: 1_800_001, state: "down", tone: "critical" as const },
            ],
        },
    ];
    const spec: TimelineSpec = { ...about, kind: "timeline", fromMs: 0, toMs: 3_600_000, rows };
    const drawn = drawTimeline(spec, place);
    const at = timelineLayout(spec, place);
    const middle = (at.left + at.right) / 2;
    assert.equal(drawn.partAt!(middle + 2, 60), 1);
    assert.equal(drawn.partAt!(middle - 40, 60), 0);
    const down = drawn.outline!(1)!;
    assert.ok(down.kind === "cell" && down.width >= 2);
    const resting = [
        { fromMs: 0, toMs: 1_800_000, state: "not recorded", tone: "unknown" as const },
        { fromMs: 1_800_000, toMs: 3_600_000, state: "down", tone: "rest" as const },
    ];
    const outlines = drawTimeline({ ...spec, rows: [{ name: "tun0", spans: resting }] }, place).outline!;
    const heights = [outlines(0)!, outlines(1)!].map((o) => (o.kind === "cell" ? o.height : NaN));
    assert.ok(heights[1]! < heights[0]! / 2, `down is a line, not recorded is none: ${heights}`);

    const many = { ...spec, rows: Array.from({ length: 100 }, () => rows[0]!) };
    const layout = timelineLayout(many, place);
    assert.ok(layout.row >= 16 && layout.shown < 10);
});
