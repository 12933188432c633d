import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChartSpec } from "../domain/trace";
import type { Palette } from "./palette";
import { GHOST_DASH, GHOST_OPACITY } from "./ghost";
import type { AreaMark, LineMark, Scene, TextMark } from "./scene";
import { SCENE_WIDTH } from "./scene-frame";
import { timeScene, type TimeContent } from "./time-scene";

const T0 = 1_764_000_000_000;
const PALETTE = new Proxy({} as Palette, { get: (_, name) => `#${String(name)}` });
const measure = (text: string, size: number) => text.length * size * 0.55;

const SPEC: ChartSpec = {
    key: "throughput",
    title: "Throughput",
    measure: "bytes/s",
    traces: [
        { name: "receive", metrics: ["rx"], tone: "receive", area: true },
        { name: "transmit", metrics: ["tx"], tone: "transmit", below: true, dash: [4, 3] },
    ],
};

function content(more: Partial<TimeContent> = {}): TimeContent {
    return {
        spec: SPEC,
        unit: "bit/s",
        subtitle: "netlink",
        host: "web1",
        version: "1.2.3",
        madeMs: T0 + 20_000,
        fromMs: T0,
        toMs: T0 + 9_000,
        traces: [
            new Float64Array([1, 2, NaN, 4, 5, 6, 7, 8, 9, 10]),
            new Float64Array([-1, -1, NaN, -1, -1, -1, -1, -1, NaN, -1]),
        ],
        own: [],
        n: 10,
        first: 0,
        timeOf: (step) => T0 + step * 1000,
        legend: ["10", "1"],
        unmeasured: [{ fromMs: T0 + 1000, toMs: T0 + 3000 }],
        flags: [{ t: T0 + 5000, kind: "link", device: "eth0", text: "eth0: down" }],
        bands: [],
        ghosts: [],
        limits: [{ key: "warning", name: "warning above 8", value: 1, tone: "warning" }],
        factor: 8,
        scale: [-2, 12],
        ...more,
    };
}

const texts = (s: Scene) => s.marks.filter((m): m is TextMark => m.kind === "text").map((m) => m.text);
const lines = (s: Scene, series: string) =>
    s.marks.filter((m): m is LineMark => m.kind === "line" && m.series === series);

test("what stands around the chart stands in the picture", () => {
    const words = texts(timeScene(content(), PALETTE, measure)).join("|");
    for (const w of ["Throughput", "bit/s", "netlink", "web1", "netsonde 1.2.3", "receive", "transmit"])
        assert.ok(words.includes(w), w);
    assert.match(words, /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d – \d{4}-\d\d-\d\d .*UTC/);
    assert.match(words, /saved \d{4}-\d\d-\d\d/);
    assert.match(words, /warning above 8/);
});

test("a gap is no line, the values keep their places", () => {
    const s = timeScene(content(), PALETTE, measure);
    const receive = lines(s, "receive");
    assert.deepEqual(
        receive.map((l) => l.points.length / 2),
        [2, 7],
    );
    const x = receive.flatMap((l) => l.points.filter((_, i) => i % 2 === 0));
    for (let i = 1; i < x.length; i++) assert.ok(x[i]! > x[i - 1]!);
    const y = receive[1]!.points.filter((_, i) => i % 2 === 1);
    for (let i = 1; i < y.length; i++) assert.ok(y[i]! < y[i - 1]!, "higher is further up");
    // The one value behind the second gap of transmit is a dot.
    assert.deepEqual(
        lines(s, "transmit").map((l) => l.points.length / 2),
        [2, 5],
    );
    assert.ok(s.marks.some((m) => m.kind === "dot" && m.r === 1.5));
    assert.ok(s.marks.some((m) => m.kind === "box" && m.hatch));
    assert.equal(s.marks.filter((m): m is AreaMark => m.kind === "area").length, 2);
});

test("everything stands inside the picture, whatever the names are", () => {
    const long = "x".repeat(500);
    const spec = {
        ...SPEC,
        title: long,
        traces: SPEC.traces.map((t) => ({ ...t, name: long })),
    };
    const s = timeScene(content({ spec, host: long, subtitle: long, version: long }), PALETTE, measure);
    for (const m of s.marks) {
        if (m.kind !== "text") continue;
        const width = measure(m.text, m.size);
        const left = m.anchor === "end" ? m.x - width : m.anchor === "middle" ? m.x - width / 2 : m.x;
        assert.ok(left >= 0 && left + width <= SCENE_WIDTH, `${m.text.slice(0, 20)} at ${left}`);
    }
});

test("what the window is compared with is in the picture: dashed, with its gaps, not beyond the window", () => {
    const times = [-5, 0, 1, 2, 3, 4, 5, 20].map((s) => T0 + s * 1000);
    const values = [9, 1, 2, 3, NaN, 5, 6, 9];
    const dashed = (more: Partial<TimeContent>) =>
        timeScene(content(more), PALETTE, measure).marks.filter(
            (m): m is LineMark => m.kind === "line" && m.opacity === GHOST_OPACITY,
        );
    const lines = dashed({ ghosts: [{ tone: "receive", times, values }] });
    assert.deepEqual(
        lines.map((l) => l.points.length / 2),
        [3, 2],
    );
    assert.deepEqual(lines[0]!.dash, GHOST_DASH);
    const level = dashed({ ghosts: [{ tone: "receive", times: [], values: [], level: 4 }] });
    assert.equal(level.length, 1);
    assert.equal(level[0]!.points[1], level[0]!.points[3]);
    assert.equal(dashed({ ghosts: [{ tone: "receive", times: [], values: [], level: NaN }] }).length, 0);
});
