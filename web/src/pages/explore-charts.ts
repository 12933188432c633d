/*
 * From answered questions to what is drawn: one chart for what has one unit, or one for each question.
 * Whatever the chart, the question stays the same.
 */
import { binned, niceStep, statisticsOf, type Statistics, type Trace } from "../domain/answers";
import { AGG_WORDS, combineOf, measured, valuesOf } from "../domain/catalogue";
import type { DataSpec } from "../domain/data-spec";
import { occupied, quantileOf, totalsOf } from "../domain/distribution";
import { letterOf, type Exploration } from "../domain/exploration";
import { methodWords, subjectWords } from "../domain/explore-words";
import { partsOf } from "../domain/time";
import { lookOf, type ChartSpec, type TraceSpec } from "../domain/trace";
import { durationText, type Measure } from "../domain/units";
import type { Answered } from "../store/explorer";
import type { MadeData, MadeGhost, MadeLevels } from "./made-chart";

const GAUGES_MOST = 12;
const BARS_MOST = 40;
const SIGMAS = 2;
const HOUR_MS = 3_600_000;
const LEAST = 1e-6; // any metric may be here: a small one is not flat

export interface Named {
    key: string; // unique in the page
    name: string; // unique in its chart
    trace: Trace;
    answered: Answered;
    index: number; // of the question
    look: ReturnType<typeof lookOf>;
    measure: Measure;
    what: string;
}

export interface Spark {
    key: string;
    name: string;
    tone: string;
    values: Float64Array;
    last: number;
    measure: Measure;
    what: string;
}

export type Drawn =
    | { kind: "live"; key: string; spec: ChartSpec; note: string }
    | {
          kind: "made";
          key: string;
          spec: ChartSpec;
          note: string;
          data: MadeData;
          ghost: MadeGhost | undefined;
          levels: MadeLevels | undefined;
      }
    | { kind: "data"; key: string; spec: DataSpec }
    | { kind: "sparks"; key: string; title: string; rows: Spark[] };

function traceName(trace: Trace, { query, agg, traces }: Answered, letter: string): string {
    const many = new Set(traces.map((t) => t.metric)).size > 1;
    const own = trace.rest
        ? `other (${trace.series})`
        : query.by === ""
          ? `${letter ? `${AGG_WORDS[agg]} ` : ""}${trace.metric}`
          : trace.value || `no ${query.by}`;
    const metric = many && query.by !== "" ? `${trace.metric} · ` : "";
    return `${letter ? `${letter} · ` : ""}${metric}${own}`;
}

/* All traces of all questions, with a look and a name each. */
export function namedOf(answers: readonly Answered[]): Named[] {
    const named: Named[] = [];
    const taken = new Set<string>();
    for (const [index, answered] of answers.entries())
        for (const trace of answered.traces) {
            const plain = traceName(trace, answered, answers.length > 1 ? letterOf(index) : "");
            let name = plain;
            for (let i = 2; taken.has(name); i++) name = `${plain} (${i})`;
            taken.add(name);
            const look = lookOf(named.length);
            const unit = measured(trace.kind, trace.unit, answered.agg);
            named.push({ key: `${letterOf(index)} ${trace.key}`, name, trace, answered, index, look, ...unit });
        }
    return named;
}

/* rate: the values are per second, so they amount to something. */
export function statistics({ trace, answered }: Named): Statistics {
    const rate = trace.kind === "counter" && answered.agg !== "sum";
    return statisticsOf(trace.values, answered.steps.stepMs, rate);
}

interface Chart {
    key: string;
    title: string;
    measure: Measure;
    what: string;
    named: Named[];
    answers: Answered[];
}

function chartsOf(exploration: Exploration, answers: readonly Answered[], named: readonly Named[]): Chart[] {
    const charts = new Map<string, Chart>();
    for (const n of named) {
        const { measure, what, index } = n;
        const key = `${exploration.layout === "each" ? letterOf(index) : ""} ${measure} ${what}`;
        const chart = charts.get(key) ?? {
            key: `explore-${charts.size}`,
            title: "",
            measure,
            what,
            named: [],
            answers: [],
        };
        charts.set(key, chart);
        if (!chart.answers.includes(answers[index]!)) chart.answers.push(answers[index]!);
        chart.named.push(n);
    }
    return [...charts.values()].map((c) => ({ ...c, title: titleOf(c) }));
}

function titleOf({ answers }: Chart): string {
    const subjects = answers.map((a) => subjectWords(a.query));
    return subjects.length > 1 ? `${subjects.length} questions` : subjects[0]!;
}

function noteOf({ answers }: Chart): string {
    const [first] = answers;
    const method = answers.length === 1 ? methodOf(first!) : "";
    const steps = first!.steps.count ? `steps of ${stepText(first!.steps.stepMs)}` : "";
    return [method, steps, answers.some((a) => a.truncated) && "only the first series: there are more than an answer has"]
        .filter(Boolean)
        .join(" · ");
}

export function stepText(ms: number): string {
    return ms < 1000 ? `${ms}\u2009ms` : durationText(ms);
}

export function methodOf({ query, kind, agg, asked, traces }: Answered): string {
    return methodWords({
        query,
        kind,
        agg,
        combine: combineOf(kind, asked.unit, agg),
        series: traces.reduce((n, t) => n + t.series, 0),
        traces: traces.length,
        rest: traces.some((t) => t.rest),
        metrics: asked.families.length,
    });
}

/* What each trace selects of the stream; undefined: the stream cannot give it. */
function liveTrace({ trace, answered, name, look }: Named, area: boolean): TraceSpec | undefined {
    const { query, asked, agg } = answered;
    const adds = combineOf(trace.kind, trace.unit, agg) === "sum" || trace.series === 1;
    if (trace.kind === "histogram" || agg !== "avg" || !adds || !asked.families.length) return undefined;
    const labels: Record<string, readonly string[]> = {};
    for (const m of query.match) {
        const label = m.slice(0, m.indexOf("="));
        labels[label] = valuesOf(asked, query, label);
    }
    if (query.by !== "") {
        const shown = answered.traces.flatMap((t) => (t.rest ? [] : [t.value ?? ""]));
        labels[query.by] = trace.rest
            ? ["", ...valuesOf(asked, query, query.by)].filter((v) => !shown.includes(v))
            : [trace.value ?? ""];
    }
    return { name, metrics: [trace.metric], labels, tone: look.tone, ...dashed(look), ...(area ? { area } : {}) };
}

function dashed(look: Named["look"]): { dash?: readonly number[] } {
    return look.dash ? { dash: look.dash } : {};
}

function times(a: { fromMs: number; stepMs: number; count: number }): Float64Array {
    return Float64Array.from({ length: a.count }, (_, i) => a.fromMs + i * a.stepMs);
}

function madeOf(list: readonly { key: string; values: Float64Array }[], steps: Answered["steps"]): MadeData {
    const { fromMs, stepMs, count } = steps;
    const at = times(steps);
    return {
        fromMs,
        toMs: fromMs + Math.max(0, count - 1) * stepMs,
        stepMs,
        columns: Object.fromEntries(list.map(({ key, values }) => [key, { times: at, values }])),
    };
}

function timeChart(c: Chart, type: "line" | "area" | "stacked"): Drawn {
    const area = type !== "line";
    const spec: ChartSpec = {
        key: c.key,
        title: c.title,
        measure: c.measure,
        least: LEAST,
        ...(c.what ? { what: c.what } : {}),
        ...(type === "stacked" ? { stack: true } : {}),
        traces: [],
    };
    const note = noteOf(c);
    const live = c.named.map((n) => liveTrace(n, area));
    const levelled = c.answers.some((a) => a.levels);
    if (!levelled && live.length && live.every((t) => t !== undefined))
        return { kind: "live", key: c.key, spec: { ...spec, traces: live }, note };
    // Steps of one window are of one length, unless questions came at different times.
    const steps = c.answers.reduce((a, b) => (b.steps.count > a.count ? b.steps : a), c.answers[0]!.steps);
    const same = c.named.filter((n) => n.answered.steps.stepMs === steps.stepMs);
    return {
        kind: "made",
        key: c.key,
        note,
        spec: {
            ...spec,
            behind: c.answers.flatMap((a) => a.query.metric),
            traces: same.map(({ key, name, look }) => ({
                name,
                metrics: [key],
                tone: look.tone,
                ...dashed(look),
                ...(area ? { area } : {}),
            })),
        },
        data: madeOf(aligned(same, steps), steps),
        ghost: ghostOf(c, same),
        levels: levelsOf(same),
    };
}

/* On the grid of the longest answer. */
function aligned(named: readonly Named[], steps: Answered["steps"]) {
    return named.map(({ key, trace, answered }) => {
        const off = Math.round((answered.steps.fromMs - steps.fromMs) / steps.stepMs);
        const values = new Float64Array(steps.count).fill(NaN);
        trace.values.forEach((v, i) => {
            if (i + off >= 0 && i + off < steps.count) values[i + off] = v;
        });
        return { key, values };
    });
}

function ghostOf(c: Chart, named: readonly Named[]): MadeGhost | undefined {
    const words = c.answers.find((a) => a.compared)?.compared;
    const first = c.answers.find((a) => a.ghost)?.ghost;
    if (words === undefined) return undefined;
    if (!first) return { data: undefined, shiftMs: 0, words };
    const list = named.flatMap(({ key, trace, answered }) => {
        const own = answered.ghost?.traces.find((t) => t.key === trace.key);
        return own && answered.ghost!.steps.count === first.steps.count ? [{ key, values: own.values }] : [];
    });
    return { data: madeOf(list, first.steps), shiftMs: first.shiftMs, words };
}

function levelsOf(named: readonly Named[]): MadeLevels | undefined {
    const columns = named.flatMap(({ key, trace, answered }) => {
        const level = answered.levels?.get(trace.key);
        return level ? [[key, level] as const] : [];
    });
    return columns.length ? { columns: Object.fromEntries(columns), sigmas: SIGMAS } : undefined;
}

/* What one trace is worth where it is one number. */
export function worthOf(n: Named): number {
    const s = statistics(n);
    switch (n.answered.agg) {
        case "sum":
            return s.total;
        case "min":
            return s.min;
        case "max":
            return s.max;
        case "last":
            return s.last;
        default:
            return s.mean;
    }
}

function barChart(c: Chart): Drawn {
    const bars = c.named
        .map((n) => ({ n, value: worthOf(n) }))
        .filter(({ value }) => Number.isFinite(value))
        .sort((a, b) => b.value - a.value)
        .slice(0, BARS_MOST)
        .map(({ n, value }) => ({
            name: n.name,
            parts: [{ name: AGG_WORDS[n.answered.agg], tone: "category-1" as const, value }],
        }));
    return data(c, { kind: "bar", measure: c.measure, bars });
}

type Bare<T> = T extends DataSpec ? Omit<T, "key" | "title" | "subtitle"> : never;

function data(c: Chart, spec: Bare<DataSpec>, note = noteOf(c)): Drawn {
    const whole = {
        ...spec,
        key: c.key,
        title: c.title,
        subtitle: note,
        ...(c.what ? { unit: c.what } : {}),
    } as DataSpec;
    return { kind: "data", key: c.key, spec: whole };
}

function histogramChart(c: Chart): Drawn {
    const [own] = c.named;
    if (own?.trace.buckets) {
        const edges = own.trace.buckets.edges;
        const alike = c.named.filter((n) => String(n.trace.buckets?.edges) === String(edges));
        const totals = alike.map((n) => totalsOf(n.trace.buckets!));
        const all = edges.map((_, i) => totals.reduce((sum, t) => sum + t[i]!, 0));
        const [first, end] = occupied(all);
        const at = (q: number) => quantileOf(edges, all, q);
        return data(c, {
            kind: "histogram",
            measure: c.measure,
            counted: "measurements",
            edges: end > first ? [first > 0 ? edges[first - 1]! : 0, ...edges.slice(first, end)] : [],
            series: alike.map((n, i) => ({
                name: n.name,
                tone: n.look.tone,
                counts: totals[i]!.slice(first, end),
            })),
            marks: end > first ? [0.5, 0.9, 0.99].map((q) => ({ name: `p${q * 100}`, value: at(q) })) : [],
        });
    }
    const { edges, counts } = binned(c.named.map((n) => n.trace.values));
    return data(c, {
        kind: "histogram",
        measure: c.measure,
        counted: "steps",
        edges,
        series: edges.length
            ? c.named.map((n, i) => ({ name: n.name, tone: n.look.tone, counts: counts[i]! }))
            : [],
    });
}

/* Of a histogram its own bands; else how many steps of a column had a value in which band. */
function heatmapChart(c: Chart, columns: number): Drawn {
    const steps = c.answers[0]!.steps;
    const buckets = c.named.flatMap((n) => (n.trace.buckets ? [n.trace.buckets] : []));
    if (buckets.length) {
        const { edges, counts } = buckets[0]!;
        const width = edges.length;
        const sum = counts.slice();
        for (const b of buckets.slice(1))
            if (String(b.edges) === String(edges)) b.counts.forEach((v, i) => (sum[i] = (sum[i] || 0) + (v || 0)));
        const total = edges.map((_, b) => {
            let n = 0;
            for (let s = 0; s < steps.count; s++) n += sum[s * width + b] || 0;
            return n;
        });
        const [first, end] = occupied(total);
        const rows = end - first;
        const cells = new Float64Array(steps.count * rows);
        for (let s = 0; s < steps.count; s++)
            for (let r = 0; r < rows; r++) cells[s * rows + r] = sum[s * width + first + r]!;
        return data(c, {
            kind: "heatmap",
            measure: c.measure,
            counted: "measurements",
            fromMs: steps.fromMs,
            stepMs: steps.stepMs,
            steps: rows ? steps.count : 0,
            edges: edges.slice(first, end),
            counts: cells,
        });
    }
    const { edges } = binned(c.named.map((n) => n.trace.values), 16);
    const upper = edges.slice(1);
    const wide = Math.max(1, Math.ceil(steps.count / columns));
    const count = upper.length ? Math.ceil(steps.count / wide) : 0;
    const cells = new Float64Array(count * upper.length).fill(NaN);
    for (const { trace } of c.named)
        trace.values.forEach((v, i) => {
            if (!Number.isFinite(v)) return;
            const column = Math.floor(i / wide);
            const start = column * upper.length;
            if (column >= count) return;
            if (Number.isNaN(cells[start]!)) cells.fill(0, start, start + upper.length);
            const row = upper.findIndex((edge) => v < edge);
            cells[start + (row < 0 ? upper.length - 1 : row)]!++;
        });
    return data(c, {
        kind: "heatmap",
        measure: c.measure,
        counted: "steps",
        fromMs: steps.fromMs,
        stepMs: steps.stepMs * wide,
        steps: count,
        edges: upper,
        counts: cells,
    });
}

/* Every trace has a week of its own. */
function calendarCharts(c: Chart): Drawn[] {
    return c.named.slice(0, GAUGES_MOST).map((n, i) => {
        const { steps } = n.answered;
        const values = new Float64Array(168).fill(NaN);
        const counts = new Float64Array(168);
        const samples = new Float64Array(168);
        let hour = NaN;
        n.trace.values.forEach((v, s) => {
            if (!Number.isFinite(v)) return;
            const t = steps.fromMs + s * steps.stepMs;
            const { weekday, hour: h } = partsOf(t);
            const cell = ((weekday + 6) % 7) * 24 + h;
            const before = values[cell]!;
            values[cell] = Number.isNaN(before) ? v : before + (v - before) / (counts[cell]! + 1);
            counts[cell]!++;
            if (Math.floor(t / HOUR_MS) !== hour) samples[cell]!++;
            hour = Math.floor(t / HOUR_MS);
        });
        const own = { ...c, key: `${c.key}-${i}`, title: c.named.length > 1 ? n.name : c.title };
        return data(own, { kind: "calendar", measure: c.measure, values, samples });
    });
}

function gaugeCharts(c: Chart): Drawn[] {
    return c.named.slice(0, GAUGES_MOST).map((n, i) => {
        const { last, max } = statistics(n);
        const most = c.measure === "ratio" && max <= 1 ? 1 : max > 0 ? niceStep(max) : 1;
        const own = { ...c, key: `${c.key}-${i}`, title: n.name };
        return data(
            own,
            { kind: "gauge", measure: c.measure, value: last, most },
            "newest value; the scale ends above the highest of the window",
        );
    });
}

function sparks(c: Chart): Drawn {
    return {
        kind: "sparks",
        key: c.key,
        title: c.title,
        rows: c.named.map((n) => ({
            key: n.key,
            name: n.name,
            tone: n.look.tone,
            values: n.trace.values,
            last: statistics(n).last,
            measure: c.measure,
            what: c.what,
        })),
    };
}

const HEATMAP_COLUMNS = 120;

export function drawnOf(e: Exploration, answers: readonly Answered[], named: readonly Named[]): Drawn[] {
    return chartsOf(e, answers, named).flatMap((c): Drawn[] => {
        switch (e.type) {
            case "bar":
                return [barChart(c)];
            case "histogram":
                return [histogramChart(c)];
            case "heatmap":
                return [heatmapChart(c, HEATMAP_COLUMNS)];
            case "calendar":
                return calendarCharts(c);
            case "gauge":
                return gaugeCharts(c);
            case "sparkline":
                return [sparks(c)];
            default:
                return [timeChart(c, e.type)];
        }
    });
}
