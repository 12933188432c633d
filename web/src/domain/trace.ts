/*
 * What a chart draws: each trace is the sum of the series that it selects. A selection is by exact
 * metric names and, where asked, by label values; it is resolved to ids whenever series come.
 */
import type { Measure } from "./units";

export type Tone =
    | "receive"
    | "transmit"
    | "alarm"
    | "category-1"
    | "category-2"
    | "category-3"
    | "category-4"
    | "category-5"
    | "category-6"
    | "category-7"
    | "category-8";

/*
 * How the n-th of several equal things is drawn. Colour alone tells nobody apart who sees few, so each
 * has a dash of its own; the ninth looks like the first.
 */
const LOOKS: readonly { tone: Tone; dash?: readonly number[] }[] = [
    { tone: "category-1" },
    { tone: "category-2", dash: [7, 3] },
    { tone: "category-3", dash: [2, 3] },
    { tone: "category-4", dash: [9, 3, 2, 3] },
    { tone: "category-5", dash: [4, 2] },
    { tone: "category-6", dash: [12, 4] },
    { tone: "category-7", dash: [5, 3, 1, 3, 1, 3] },
    { tone: "category-8", dash: [1, 2] },
];

export function lookOf(n: number): { tone: Tone; dash?: readonly number[] } {
    return LOOKS[n % LOOKS.length]!;
}

export interface TraceSpec {
    name: string;
    metrics: readonly string[];
    labels?: Readonly<Record<string, readonly string[]>>; // value must be one of these
    tone: Tone;
    below?: boolean; // mirrored under the axis
    dash?: readonly number[];
    area?: boolean;
    per?: readonly string[]; // divided by these, joined on the labels that both have
}

export interface ChartSpec {
    key: string; // unique in its page
    title: string;
    measure: Measure;
    what?: string; // a unit word beside the measure, e.g. "segments/s"
    traces: readonly TraceSpec[];
    stack?: boolean; // each trace stands on those before it, those below the axis hang from each other
    least?: number; // the axis never ends below this, in the measure's unit
    behind?: readonly string[]; // patterns of the series that the traces are made of, if not theirs
}

interface Selectable {
    id: number;
    name: string;
    labels: Readonly<Record<string, string>>;
}

export function selects(trace: TraceSpec, s: Selectable): boolean {
    if (!trace.metrics.includes(s.name)) return false;
    for (const [label, values] of Object.entries(trace.labels ?? {}))
        if (!values.includes(s.labels[label] ?? "")) return false;
    return true;
}

export function idsOf(trace: TraceSpec, series: Iterable<Selectable>): number[] {
    const ids: number[] = [];
    for (const s of series) if (selects(trace, s)) ids.push(s.id);
    return ids;
}

/* The names that charts draw, each once. */
export function metricsOf(charts: readonly ChartSpec[]): string[] {
    return [...new Set(charts.flatMap((c) => c.traces.flatMap((t) => [...t.metrics])))];
}
