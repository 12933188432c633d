/*
 * What a chart over time is saved as: a picture of what it shows now, or the numbers that it draws.
 * Fetched when somebody saves something for the first time.
 */
import { csvText, type Cell } from "../domain/csv";
import { fileName } from "../domain/saving";
import { roundUp } from "../domain/scale";
import type { ChartSpec } from "../domain/trace";
import { baseOf, plotFactor } from "../domain/units";
import { ends } from "./axis";
import { saveFile } from "./download";
import type { ChartEnvironment } from "./environment";
import { Gatherer, peaksOf, valuesAt } from "./gather";
import { GhostGatherer, ghostPeak } from "./ghost";
import { bandsOf, type Limit } from "./overlay";
import { measurer, sceneToPng } from "./paint";
import { sceneToSvg } from "./svg";
import { timeScene, type TimeContent } from "./time-scene";
import type { Flag } from "../domain/flags";

export interface Shown {
    spec: ChartSpec;
    env: ChartEnvironment;
    unit: string;
    subtitle: string;
    flags: readonly Flag[];
    limits: readonly Limit[];
    scale: readonly [number, number] | undefined; // of the picture, when there is one
    valueText(plotted: number): string;
}

const NONE_HIDDEN: ReadonlySet<string> = new Set();

export type ChartFile = "png" | "svg" | "csv";

/* What is in sight now; undefined while there is nothing. */
function contentOf(shown: Shown, madeMs: number): TimeContent | undefined {
    const { spec, env, unit, subtitle, flags, limits } = shown;
    const { grid, bounds, loading, unread } = env.source;
    const bytesAs = env.bytesAs.peek();
    const data = new Gatherer(spec).gather(env.source, bytesAs);
    if (!data || !grid || !bounds) return undefined;
    const factor = plotFactor(spec.measure, bytesAs);
    const peaks = peaksOf(data.traces, data.from, data.n);
    const ghosts = new GhostGatherer(spec).gather(env.ghost, bytesAs, NONE_HIDDEN);
    const above = Math.max(peaks.above, ghostPeak(ghosts, 1, bounds));
    const below = Math.max(peaks.below, ghostPeak(ghosts, -1, bounds));
    const highest = Math.max(above, ...limits.map((l) => l.value * factor));
    const end = (peak: number) => roundUp(peak * 1.04, spec.least ?? 1, baseOf(spec.measure));
    const mirrored = spec.traces.some((t) => t.below);
    const unmeasured: { fromMs: number; toMs: number }[] = [];
    for (let i = 0; i < data.gaps.length && !loading && !unread; i += 2)
        unmeasured.push({
            fromMs: data.gaps[i]! > 0 ? grid.timeOf(data.first + data.gaps[i]! - 1) : -Infinity,
            toMs: data.gaps[i + 1]! < data.n ? grid.timeOf(data.first + data.gaps[i + 1]!) : Infinity,
        });
    return {
        spec,
        unit,
        subtitle,
        host: env.host.peek(),
        version: env.version.peek(),
        madeMs,
        ...bounds,
        traces: data.traces,
        own: data.own,
        n: data.n,
        first: data.first,
        timeOf: (step) => grid.timeOf(step),
        legend: valuesAt(data, data.n - 1).map((v) => shown.valueText(v)),
        unmeasured,
        flags,
        bands: bandsOf(spec, data.ids, env.bands, factor),
        limits,
        ghosts,
        factor,
        scale: shown.scale ?? ends(end(highest), end(below), mirrored),
    };
}

/* One row a step, one column a trace: times in UTC, values unsigned in the unit that the head names. */
export function chartCsv(c: TimeContent): string {
    const header = ["time", ...c.spec.traces.map((t) => (c.unit ? `${t.name} (${c.unit})` : t.name))];
    const rows: Cell[][] = [];
    for (let i = 0; i < c.n; i++) {
        const t = c.timeOf(c.first + i);
        if (t < c.fromMs || t > c.toMs) continue;
        const values = c.own.map((trace) => Math.abs(trace[i]!));
        rows.push([new Date(t).toISOString(), ...values.map((v) => Number(v.toPrecision(12)))]);
    }
    return csvText(header, rows);
}

/* false: there is nothing to save. */
export async function saveChart(shown: Shown, as: ChartFile): Promise<boolean> {
    const now = Date.now();
    const content = contentOf(shown, now);
    if (!content) return false;
    const name = fileName(content.host, shown.spec.key, now, as);
    if (as === "csv") {
        saveFile(name, chartCsv(content), "text/csv;charset=utf-8;header=present");
        return true;
    }
    const palette = shown.env.palette.peek();
    const scene = timeScene(content, palette, measurer(palette.font));
    if (as === "png") saveFile(name, await sceneToPng(scene));
    else saveFile(name, sceneToSvg(scene), "image/svg+xml");
    return true;
}
