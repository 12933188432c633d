/*
 * The dashboard's own charts: a window that is filled from an answer of the history and then by ticks
 * of the stream, painted once a frame, as in a page.
 */
import { signal } from "@preact/signals";
import { render } from "preact";
import { FrameQueue } from "../../web/src/base/frame";
import { ok } from "../../web/src/base/result";
import { Chart } from "../../web/src/charts/chart";
import { Environment, type ChartEnvironment } from "../../web/src/charts/environment";
import { readPalette } from "../../web/src/charts/palette";
import { lookOf, type ChartSpec } from "../../web/src/domain/trace";
import { TimeWindow } from "../../web/src/store/time-window";
import "../../web/src/app/style/tokens.css";
import "../../web/src/app/style/app.css";
import "../../web/src/app/style/chart.css";
import "../../web/src/app/style/saving.css";
import { CHARTS, POINTS, SERIES, START_MS, STEP_MS, wander } from "./data";

const LABELS = Array.from({ length: SERIES }, (_, s) => `series ${s + 1}`);
const specs = Array.from(
    { length: CHARTS },
    (_, c): ChartSpec => ({
        key: `chart-${c}`,
        title: `Chart ${c + 1}`,
        measure: "/s",
        traces: LABELS.map((name, s) => ({
            name,
            metrics: [`m${c}`],
            labels: { s: [String(s)] },
            ...lookOf(s),
            dash: undefined,
        })) as ChartSpec["traces"],
    }),
);
const ids = Int32Array.from({ length: CHARTS * SERIES }, (_, i) => i + 1);
const next = Array.from(ids, (_, i) => wander(i));

const history = {
    from: START_MS,
    to: START_MS + (POINTS - 1) * STEP_MS,
    step_ms: STEP_MS,
    series: Array.from(ids, (id, i) => ({
        id,
        name: `m${Math.floor(i / SERIES)}`,
        labels: { s: String(i % SERIES) },
        kind: "gauge",
        unit: "",
        points: Array.from({ length: POINTS }, (_, k) => [START_MS + k * STEP_MS, next[i]!()]),
    })),
};

const painted = signal(0);
const frame = new FrameQueue(() => painted.value++);
const time = new TimeWindow(async () => ok(history), {
    changed: () => frame.request(),
    trouble: (why) => why && console.error(why),
});
time.intervalMs = STEP_MS;

const environment: ChartEnvironment = {
    source: time,
    painted,
    state: signal("live" as const),
    bytesAs: signal("bits" as const),
    palette: signal(readPalette()),
    flags: signal([]),
    bands: { mean: undefined, sigma: undefined, sigmas: 0 },
    ghost: {
        grid: undefined,
        series: new Map(),
        seriesVersion: 0,
        bounds: undefined,
        loading: false,
        unread: false,
        shiftMs: undefined,
        words: "",
    },
    host: signal("bench"),
    version: signal(""),
    base: "/",
    cursor: signal<number | undefined>(undefined),
    zoom: () => undefined,
    show: () => undefined,
    wanted: () => ({ fromMs: START_MS, toMs: START_MS + 1 }),
    back: () => undefined,
    present: () => START_MS,
    hidden: signal(new Map()),
    hide: () => undefined,
};

const host = document.createElement("main");
host.className = "boxes";
document.body.append(host);
render(
    <Environment.Provider value={environment}>
        {specs.map((spec) => (
            <Chart key={spec.key} spec={spec} size="third" />
        ))}
    </Environment.Provider>,
    host,
);

const metrics = specs.map((s) => `m${s.key.slice("chart-".length)}`);
time.load({ key: "bench", groups: [metrics], match: [] }, { kind: "last", spanMs: POINTS * STEP_MS });

let seq = 0;
let t = START_MS + (POINTS - 1) * STEP_MS;

function arrive(): void {
    t += STEP_MS;
    const values = Float64Array.from(next, (n) => n());
    time.tick({ type: "metrics", seq: ++seq, t, ids, values });
}

const PAINTED = 10; // each so many ticks, where time is not real

window.contender = {
    tick() {
        arrive();
        frame.request();
    },
    run(ticks) {
        for (let i = 0; i < ticks; i++) {
            arrive();
            if (i % PAINTED === 0) painted.value++;
        }
    },
};
