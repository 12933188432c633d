import assert from "node:assert/strict";
import { test } from "node:test";
import type {
    BarSpec,
    CalendarSpec,
    DataSpec,
    GaugeSpec,
    HeatmapSpec,
    HistogramSpec,
    SankeySpec,
    ScatterSpec,
    TimelineSpec,
} from "../../domain/data-spec";
import { partsOf, readingOf, tableOf } from "../data-words";
import { counted, edge, named } from "./words";

const about = { key: "k", title: "T", subtitle: "how" };
const thin = (text: string) => text.replace(/\u2009/g, " ").replace(/[\u2068\u2069]/g, "");
const read = (spec: DataSpec, part: number) => thin(partsOf(spec).words(part, "bits"));

test("an amount of things is exact where it can be, and one is one", () => {
    assert.equal(thin(counted(187_204, "connections")), "187 204 connections");
    assert.equal(counted(1, "connections"), "1 connection");
    assert.equal(counted(1, "losses"), "1 loss");
    assert.equal(counted(NaN, "connections"), "– connections");
    assert.equal(thin(counted(1e15, "")), "1.00 P");
});

test("ends of ranges are short and never wrong", () => {
    const of = (v: number) => thin(edge(v, "seconds", "bits"));
    assert.deepEqual([0, 0.001, 0.0025, 0.25, 100, Infinity].map(of), [
        "0",
        "1 ms",
        "2.5 ms",
        "250 ms",
        "100 s",
        "∞",
    ]);
    assert.equal(thin(edge(1000, "bytes/s", "bits")), "8 kbit/s");
    assert.equal(thin(edge(1e15, "seconds", "bits")), "1 P s");
});

test("a name neither hides what follows nor turns it around", () => {
    const name = named("\u202eevil\u2069\n" + "x".repeat(300));
    assert.ok([...name].length <= 50);
    assert.match(name, /^\u2068 evil {2}x+…\u2069$/);
});

const bar: BarSpec = {
    ...about,
    kind: "bar",
    measure: "bytes/s",
    bars: [
        {
            name: "curl",
            parts: [
                { name: "receive", tone: "receive", value: 1e6 },
                { name: "transmit", tone: "transmit", value: NaN },
            ],
            note: "3 sockets",
            key: "c",
        },
        { name: "none", parts: [{ name: "receive", tone: "receive", value: NaN }] },
    ],
};

test("bars: what is not known is not added, and not nothing", () => {
    assert.equal(
        read(bar, 0),
        "curl 8.00 Mbit/s · receive 8.00 Mbit/s, transmit – bit/s · 3 sockets",
    );
    assert.equal(read(bar, 1), "none – bit/s");
    assert.equal(partsOf(bar).key(0), "c");
    assert.equal(partsOf(bar).key(1), undefined);
    assert.deepEqual(
        readingOf(bar).legend.map((l) => l.name),
        ["receive", "transmit"],
    );
    const { columns, rows } = tableOf(bar, "bits");
    assert.deepEqual(columns, ["name", "receive (bit/s)", "transmit (bit/s)", "note"]);
    assert.deepEqual(rows, [
        ["curl", 8e6, NaN, "3 sockets"],
        ["none", NaN, null, ""],
    ]);
    assert.equal(readingOf({ ...bar, bars: [bar.bars[1]!] }).empty, true);
    assert.equal(readingOf({ ...bar, bars: [] }).empty, true);
});

const gauge: GaugeSpec = {
    ...about,
    kind: "gauge",
    measure: "count",
    value: 205,
    most: 250,
    limits: [
        { value: 200, tone: "warning" },
        { value: 240, tone: "critical" },
    ],
};

test("gauges say which limit is reached", () => {
    assert.equal(read(gauge, 0), "205 of 250, warning · warning from 200 · critical from 240");
    assert.match(read({ ...gauge, value: 240 }, 0), /^240 of 250, critical/);
    assert.match(read({ ...gauge, value: 3 }, 0), /^3 of 250 ·/);
    assert.equal(readingOf({ ...gauge, value: NaN }).empty, true);
});

const heatmap: HeatmapSpec = {
    ...about,
    kind: "heatmap",
    measure: "seconds",
    counted: "samples",
    fromMs: 0,
    stepMs: 1000,
    steps: 2,
    edges: [0.001, 0.01, Infinity],
    counts: Float64Array.from([0, 5, 1, NaN, NaN, NaN]),
};

test("heatmaps: nothing counted is told from nothing measured; arrows walk the cells", () => {
    assert.match(read(heatmap, 0), / · 0 – 1 ms · 0 samples$/);
    assert.match(read(heatmap, 2), / · 10 ms – ∞ · 1 sample$/);
    assert.match(read(heatmap, 3), / · not measured$/);
    const { step, count } = partsOf(heatmap);
    assert.equal(count, 6);
    assert.deepEqual(
        (["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] as const).map((a) => step(1, a)),
        [2, 0, 1, 4],
    );
    assert.equal(readingOf({ ...heatmap, counts: new Float64Array(6).fill(NaN) }).empty, true);
    assert.equal(readingOf({ ...heatmap, counts: new Float64Array(6) }).empty, false);
    assert.equal(tableOf(heatmap, "bits").rows.length, 2);
});

const histogram: HistogramSpec = {
    ...about,
    kind: "histogram",
    measure: "seconds",
    counted: "connections",
    edges: [0, 0.001, Infinity],
    series: [{ name: "all", tone: "receive", counts: [3, 1] }],
};

test("histograms say how many and which part that is", () => {
    assert.equal(read(histogram, 0), "0 – 1 ms · 3 connections (75.0 %)");
    assert.equal(read(histogram, 1), "1 ms – ∞ · 1 connection (25.0 %)");
    const two = {
        ...histogram,
        series: [...histogram.series, { ...histogram.series[0]!, name: "b" }],
    };
    assert.equal(read(two, 0), "0 – 1 ms · all 3 (75.0 %) · b 3 (75.0 %)");
    assert.deepEqual(tableOf(histogram, "bits").rows[1], [0.001, "∞", 1]);
});

const scatter: ScatterSpec = {
    ...about,
    kind: "scatter",
    x: { title: "round trip", measure: "seconds", log: true },
    y: { title: "rate", measure: "bytes/s" },
    groups: [
        {
            name: "tcp",
            tone: "category-1",
            points: [
                { x: 0.1, y: 10, title: "far" },
                { x: 0, y: 30, title: "zero", key: "z" },
                { x: -1, y: 1, title: "lost" },
                { x: 0.01, y: NaN, title: "lost" },
                { x: 0.01, y: 20, title: "near" },
            ],
        },
    ],
};

test("scatters: what has no place is counted, arrows lead to the next in x and in y", () => {
    assert.equal(readingOf(scatter).lost, "2 without a place");
    assert.equal(read(scatter, 1), "zero · round trip 0 s · rate 240 bit/s");
    const { step, key } = partsOf(scatter);
    assert.equal(key(1), "z");
    assert.equal(step(1, "ArrowRight"), 2); // zero, near, far
    assert.equal(step(2, "ArrowRight"), 0);
    assert.equal(step(0, "ArrowRight"), 0);
    assert.equal(step(0, "ArrowUp"), 2); // 10, 20, 30
});

const sankey: SankeySpec = {
    ...about,
    kind: "sankey",
    measure: "bytes/s",
    nodes: [
        { id: "1", name: "curl", column: 0, tone: "category-1", key: "c" },
        { id: "2", name: "eth0", column: 1, tone: "category-2" },
    ],
    links: [
        { from: "1", to: "2", value: 1e3, note: "direct" },
        { from: "2", to: "1", value: 1 },
    ],
};

test("flows: nodes and links are read, what leads back is told", () => {
    assert.equal(readingOf(sankey).lost, "1 link leads back and is not drawn");
    assert.deepEqual(
        [0, 1, 2].map((p) => read(sankey, p)),
        [
            "curl 8.00 kbit/s · to 1",
            "curl → eth0 8.00 kbit/s · direct",
            "eth0 8.00 kbit/s · from 1",
        ],
    );
    assert.deepEqual([0, 1, 2].map(partsOf(sankey).key), ["c", undefined, undefined]);
    assert.deepEqual(tableOf(sankey, "bits").rows, [["curl", "eth0", 8e3, "direct"]]);
});

const timeline: TimelineSpec = {
    ...about,
    kind: "timeline",
    fromMs: 1000,
    toMs: 100_000,
    rows: [
        {
            name: "eth0",
            key: "e",
            spans: [
                { fromMs: 50_000, toMs: 60_000, state: "down", tone: "critical", note: "pulled" },
                { fromMs: -5_000, toMs: 50_000, state: "up", tone: "good" },
                { fromMs: NaN, toMs: 5, state: "odd", tone: "good" },
                { fromMs: 2e5, toMs: 3e5, state: "later", tone: "good" },
            ],
        },
        { name: "empty", spans: [] },
        { name: "lo", spans: [{ fromMs: 0, toMs: 100_000, state: "up", tone: "good" }] },
    ],
};

test("timelines: spans in the order of time, up and down to another row's at that time", () => {
    const { count, step, key } = partsOf(timeline);
    assert.equal(count, 3);
    assert.match(read(timeline, 0), /^eth0 · up · .* · 55 s$/);
    assert.match(read(timeline, 1), /^eth0 · down · .* · 10 s · pulled$/);
    assert.equal(step(1, "ArrowDown"), 2);
    assert.equal(step(2, "ArrowUp"), 0);
    assert.equal(step(2, "ArrowDown"), 2);
    assert.equal(key(0), "e");
    assert.equal(readingOf(timeline).lost, "1 without a beginning or an end");
});

test("timelines: a span that is read stays the one, whatever comes before it", () => {
    const [eth0, , lo] = timeline.rows;
    const gap = { fromMs: 20_000, toMs: 30_000, state: "not recorded", tone: "unknown" as const };
    const up = { ...eth0!.spans[1]! };
    const spans = [{ ...up, toMs: 20_000 }, gap, { ...up, fromMs: 30_000 }, eth0!.spans[0]!];
    const newer = partsOf({ ...timeline, fromMs: 2000, toMs: 101_000, rows: [{ ...eth0!, spans }, lo!] });
    const again = (part: number) => newer.at!(partsOf(timeline).place!(part)!);
    assert.equal(again(1), 3, "eth0 is down");
    assert.equal(again(2), 4, "lo is up");
    const gone = partsOf({ ...timeline, fromMs: 90_000, toMs: 190_000 });
    assert.equal(gone.at!(partsOf(timeline).place!(1)!), undefined);
});

test("timelines: a state that is grave in one row and not in another looks so in the legend", () => {
    const down = { fromMs: 0, toMs: 100_000, state: "down" };
    const rows = [
        { name: "docker0", spans: [{ ...down, tone: "rest" as const }] },
        { name: "eth0", spans: [{ ...down, tone: "warning" as const }] },
        { name: "wg0", spans: [{ ...down, tone: "rest" as const }] },
    ];
    assert.deepEqual(readingOf({ ...timeline, rows }).legend, [
        { name: "down, not as it should be", tone: "warning" },
        { name: "down, not in use", tone: "rest" },
    ]);
    const many = [..."abcdef"].map((state) => ({ ...down, state, tone: "good" as const }));
    const legend = readingOf({ ...timeline, rows: [{ name: "lo", spans: many }, ...rows] }).legend;
    assert.equal(legend.length, 6);
    assert.equal(legend[0]!.tone, "warning", "what matters is not cut off");
});

const calendar: CalendarSpec = {
    ...about,
    kind: "calendar",
    measure: "bytes/s",
    values: Float64Array.from({ length: 168 }, (_, i) => i * 1e3),
    samples: Float64Array.from({ length: 168 }, (_, i) => (i === 5 ? 0 : i === 6 ? 1 : 4)),
};

test("weeks: the mean of no hours is not measured", () => {
    assert.equal(read(calendar, 5), "Mon 05:00 – 06:00 · not measured");
    assert.equal(read(calendar, 6), "Mon 06:00 – 07:00 · 48.0 kbit/s · one hour");
    assert.equal(read(calendar, 167), "Sun 23:00 – 00:00 · 1.34 Mbit/s · mean of 4 hours");
    assert.equal(partsOf(calendar).step(5, "ArrowDown"), 29);
    assert.equal(partsOf(calendar).step(5, "ArrowUp"), 5);
    assert.equal(readingOf({ ...calendar, samples: new Float64Array(0) }).empty, true);
});
