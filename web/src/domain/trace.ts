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
    | "category-4";

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
