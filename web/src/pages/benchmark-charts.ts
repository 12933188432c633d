/* Runs of one subject as charts: against the number of clients (or what else varies), and over time. */
import { momentText } from "../domain/alerts";
import {
    figuresOf,
    historiesOf,
    resultText,
    type Figure,
    type History,
} from "../domain/benchmarks";
import type { Tone } from "../domain/trace";
import { axisText } from "../domain/units";
import type { XySpec } from "../charts/xy-chart";
import type { XySeries } from "../charts/xy-scene";
import type { BenchRun } from "../store/performance";

const RUNS_MOST = 4; // that lie over each other
const FIGURES_MOST = 12;
const LINES_MOST = 4; // of a chart over time: as many as there are colours
const DASHES: readonly (readonly number[])[] = [[6, 3], [2, 3], [8, 3, 2, 3]];
const TONES: readonly Tone[] = ["category-1", "category-2", "category-3", "category-4"];

export function runName(run: BenchRun, now: number): string {
    return `${momentText(run.t, now)}${run.version ? `, ${run.version}` : ""}`;
}

export function figureSpecs(
    newestFirst: readonly BenchRun[],
    axis: string,
    now: number,
): XySpec[] {
    const shown = newestFirst.filter((r) => r.results.length > 0).slice(0, RUNS_MOST);
    return figuresOf(shown, axis)
        .slice(0, FIGURES_MOST)
        .map((f) => figureSpec(f, axis, now));
}

function figureSpec(f: Figure<BenchRun>, axis: string, now: number): XySpec {
    return {
        key: `bench-${f.name}`,
        title: f.name,
        unit: f.unit,
        subtitle: `against ${axis}`,
        xTitle: axis,
        content: {
            axis: "log",
            least: 1e-6,
            yText: (v) => axisText(v),
            series: f.curves.map(({ run, points }, i): XySeries => {
                const dash = DASHES[i - 1];
                return {
                    name: runName(run, now) + (run.state === "running" ? ", running" : ""),
                    tone: i === 0 ? "category-1" : "category-4",
                    faint: i > 0,
                    ...(dash ? { dash } : {}),
                    points: points.map(({ x, result }) => ({
                        x,
                        y: result.value,
                        title: `${x.toLocaleString("en")} ${axis}: ${resultText(result.value, f.unit)}, ${runName(run, now)}`,
                    })),
                };
            }),
        },
    };
}

/* One chart a unit, one line a result name. */
export function historySpecs(
    newestFirst: readonly BenchRun[],
    axis: string | undefined,
    now: number,
): XySpec[] {
    const byUnit = new Map<string, History<BenchRun>[]>();
    for (const h of historiesOf(newestFirst, axis))
        if (h.points.length > 1) byUnit.set(h.unit, [...(byUnit.get(h.unit) ?? []), h]);
    const specs: XySpec[] = [];
    for (const [unit, all] of byUnit)
        for (let i = 0; i < all.length; i += LINES_MOST)
            specs.push(historySpec(all.slice(i, i + LINES_MOST), unit, axis, now, i));
    return specs.slice(0, FIGURES_MOST);
}

function historySpec(
    lines: readonly History<BenchRun>[],
    unit: string,
    axis: string | undefined,
    now: number,
    number: number,
): XySpec {
    const places = [...new Set(lines.map((h) => h.at).filter((at) => !Number.isNaN(at)))];
    const at = places.map((p) => p.toLocaleString("en")).join(" or ");
    return {
        key: `bench-history-${unit}-${number}`,
        title: lines.length === 1 ? `${lines[0]!.name}, run by run` : "Run by run",
        unit,
        subtitle: at && axis ? `at ${at} ${axis}` : "",
        xTitle: "time",
        content: {
            axis: "time",
            least: 1e-6,
            yText: (v) => axisText(v),
            series: lines.map((h, i) => ({
                name: h.name,
                tone: TONES[i % TONES.length]!,
                ...(i > 0 ? { dash: DASHES[(i - 1) % DASHES.length]! } : {}),
                points: h.points.map(({ run, result }) => ({
                    x: run.t,
                    y: result.value,
                    key: run.id,
                    title: `${runName(run, now)}: ${h.name} ${resultText(result.value, unit)}`,
                })),
            })),
        },
    };
}
