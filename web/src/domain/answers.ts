/*
 * From what the server has answered to a question to what is drawn of it: series on one grid of
 * steps, put together by the value of a label, the largest of them first, the rest as one. Different
 * metrics are never put together.
 */
import { bucketsOf, quantileOf, totalsOf, type Buckets } from "./distribution";
import type { Combine, Kind } from "./catalogue";

export interface AnswerSeries {
    name: string;
    labels: Readonly<Record<string, string>>;
    unit: string;
    kind: Kind;
    times: Float64Array;
    values: Float64Array;
}

export interface Steps {
    fromMs: number;
    stepMs: number;
    count: number;
}

export interface Trace {
    key: string;
    metric: string;
    unit: string; // of what was measured
    kind: Kind;
    value: string | undefined; // of the label that it is split by; undefined: all together, or the rest
    rest: boolean;
    series: number; // that it is made of
    values: Float64Array; // a step each; NaN is a gap
    buckets?: Buckets; // of a histogram
    labels: Readonly<Record<string, string>>; // that all its series have
}

export interface Statistics {
    min: number;
    mean: number;
    max: number;
    last: number;
    total: number; // of a rate: what it amounts to; of amounts: their sum
}

const QUANTILES: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p99: 0.99 };
const UNSPLIT_MOST = 40; // metrics of one question that are shown, each a trace
const SEPARATOR = "\u0000"; // is in no name and no label

export function stepsOf(fromMs: number, toMs: number, stepMs: number): Steps {
    return { fromMs, stepMs, count: Math.max(0, Math.round((toMs - fromMs) / stepMs) + 1) };
}

interface Group<T> {
    metric: string;
    value: string | undefined;
    rest: boolean;
    members: T[];
}

function grouped<T extends { name: string; labels: Readonly<Record<string, string>> }>(
    all: readonly T[],
    by: string,
    base: (name: string) => string,
): Group<T>[] {
    const groups = new Map<string, Group<T>>();
    for (const s of all) {
        const metric = base(s.name);
        const value = by === "" ? undefined : (s.labels[by] ?? "");
        const key = metric + SEPARATOR + (value ?? "");
        const group = groups.get(key) ?? { metric, value, rest: false, members: [] };
        groups.set(key, group);
        group.members.push(s);
    }
    return [...groups.values()];
}

function common(all: readonly { labels: Readonly<Record<string, string>> }[]): Record<string, string> {
    const [first, ...others] = all;
    return Object.fromEntries(
        Object.entries(first?.labels ?? {}).filter(([label, value]) =>
            others.every((o) => o.labels[label] === value),
        ),
    );
}

/* Several series as one: NaN only where none has a value. */
export function combined(
    members: readonly { times: Float64Array; values: Float64Array }[],
    { fromMs, stepMs, count }: Steps,
    how: Combine,
): Float64Array {
    const out = new Float64Array(count).fill(NaN);
    const known = new Float64Array(how === "mean" ? count : 0);
    for (const { times, values } of members)
        for (let i = 0; i < times.length; i++) {
            const step = Math.round((times[i]! - fromMs) / stepMs);
            const v = values[i]!;
            if (step < 0 || step >= count || Number.isNaN(v)) continue;
            const before = out[step]!;
            if (how === "mean") known[step]!++;
            if (Number.isNaN(before)) out[step] = v;
            else if (how === "min") out[step] = Math.min(before, v);
            else if (how === "max") out[step] = Math.max(before, v);
            else out[step] = before + v;
        }
    if (how === "mean") for (let i = 0; i < count; i++) out[i]! /= known[i] || 1;
    return out;
}

export function meanOf(values: Float64Array): number {
    let sum = 0;
    let n = 0;
    for (const v of values)
        if (!Number.isNaN(v)) {
            sum += v;
            n++;
        }
    return n ? sum / n : NaN;
}

interface Shape {
    by: string;
    top: number;
    combine(kind: Kind, unit: string): Combine;
    kept?: ReadonlySet<string> | undefined; // keys that were the largest before: they stay so
}

/* The largest, and behind them what is left as one. */
function withRest<T>(groups: readonly Group<T>[], size: (g: Group<T>) => number, shape: Shape): Group<T>[] {
    const { kept, by } = shape;
    const top = by === "" ? UNSPLIT_MOST : shape.top;
    const sizes = new Map(groups.map((g) => [g, size(g) || 0]));
    const ranked = [...groups].sort((a, b) => sizes.get(b)! - sizes.get(a)!);
    const stays = kept && ranked.filter((g) => kept.has(keyOf(g)));
    const chosen =
        stays && stays.length === Math.min(top, kept.size) ? inOrder(stays, kept) : ranked.slice(0, top);
    const left = ranked.filter((g) => !chosen.includes(g));
    if (by === "") return chosen;
    if (left.length < 2) return [...chosen, ...left];
    const rests = new Map<string, Group<T>>();
    for (const g of left) {
        const rest = rests.get(g.metric) ?? { metric: g.metric, value: undefined, rest: true, members: [] };
        rests.set(g.metric, rest);
        rest.members.push(...g.members);
    }
    return [...chosen, ...rests.values()];
}

function keyOf(g: { metric: string; value: string | undefined; rest: boolean }): string {
    return [g.metric, g.rest ? "rest" : "one", g.value ?? ""].join(SEPARATOR);
}

function inOrder<T>(groups: readonly Group<T>[], order: ReadonlySet<string>): Group<T>[] {
    const places = [...order];
    return [...groups].sort((a, b) => places.indexOf(keyOf(a)) - places.indexOf(keyOf(b)));
}

/* Which were the largest, for the answer after this one. */
export function keptOf(traces: readonly Trace[]): ReadonlySet<string> {
    return new Set(traces.filter((t) => !t.rest).map((t) => t.key));
}

export function tracesOf(series: readonly AnswerSeries[], steps: Steps, shape: Shape): Trace[] {
    const groups = grouped(series, shape.by, (name) => name);
    const values = (g: Group<AnswerSeries>) => {
        const { kind, unit } = g.members[0]!;
        return combined(g.members, steps, shape.combine(kind, unit));
    };
    return withRest(groups, (g) => meanOf(values(g)), shape).map((g) => ({
        key: keyOf(g),
        metric: g.metric,
        unit: g.members[0]!.unit,
        kind: g.members[0]!.kind,
        value: g.value,
        rest: g.rest,
        series: g.members.length,
        values: values(g),
        labels: common(g.members),
    }));
}

/* Of `_bucket` series with what was counted in each step: quantiles, exact for any put together. */
export function bucketTracesOf(
    series: readonly AnswerSeries[],
    steps: Steps,
    shape: Shape,
    agg: string,
): Trace[] {
    const groups = grouped(series, shape.by, (name) => name.replace(/_bucket$/, ""));
    const toMs = steps.fromMs + (steps.count - 1) * steps.stepMs;
    const buckets = (g: Group<AnswerSeries>) => bucketsOf(g.members, steps.fromMs, toMs, steps.stepMs);
    const count = (g: Group<AnswerSeries>) => totalsOf(buckets(g)).reduce((a, b) => a + b, 0);
    return withRest(groups, count, shape).map((g) => {
        const own = buckets(g);
        const { le: _, ...labels } = common(g.members);
        return {
            key: keyOf(g),
            metric: g.metric,
            unit: g.members[0]!.unit,
            kind: g.members[0]!.kind,
            value: g.value,
            rest: g.rest,
            series: new Set(g.members.map((s) => JSON.stringify({ ...s.labels, le: "" }))).size,
            values: quantilesOf(own, QUANTILES[agg] ?? 0.5),
            buckets: own,
            labels,
        };
    });
}

function quantilesOf({ steps, edges, counts }: Buckets, q: number): Float64Array {
    const width = edges.length;
    return Float64Array.from({ length: steps }, (_, step) =>
        quantileOf(
            edges,
            Array.from(counts.subarray(step * width, (step + 1) * width), (n) => n || 0),
            q,
        ),
    );
}

/* Of `_sum` and `_count` series: the mean of what was measured in each step. */
export function ratioTracesOf(series: readonly AnswerSeries[], steps: Steps, shape: Shape): Trace[] {
    const groups = grouped(series, shape.by, (name) => name.replace(/_(sum|count)$/, ""));
    const part = (g: Group<AnswerSeries>, end: string) =>
        combined(
            g.members.filter((s) => s.name.endsWith(end)),
            steps,
            "sum",
        );
    return withRest(groups, (g) => meanOf(part(g, "_count")), shape).map((g) => {
        const counts = part(g, "_count");
        return {
            key: keyOf(g),
            metric: g.metric,
            unit: g.members[0]!.unit,
            kind: g.members[0]!.kind,
            value: g.value,
            rest: g.rest,
            series: g.members.filter((s) => s.name.endsWith("_count")).length,
            values: part(g, "_sum").map((v, i) => (counts[i]! > 0 ? v / counts[i]! : NaN)),
            labels: common(g.members),
        };
    });
}

/* rate: the values are per second. */
export function statisticsOf(values: Float64Array, stepMs: number, rate: boolean): Statistics {
    const s: Statistics = { min: NaN, mean: meanOf(values), max: NaN, last: NaN, total: 0 };
    for (const v of values) {
        if (Number.isNaN(v)) continue;
        if (!(s.min <= v)) s.min = v;
        if (!(s.max >= v)) s.max = v;
        s.last = v;
        s.total += rate ? (v * stepMs) / 1000 : v;
    }
    if (Number.isNaN(s.mean)) s.total = NaN;
    return s;
}

export function sigmaOf(values: Float64Array): number {
    const mean = meanOf(values);
    return Math.sqrt(meanOf(values.map((v) => (v - mean) ** 2)));
}

/* How often which value: `edges` has one more than the counts of each. */
export function binned(
    all: readonly Float64Array[],
    most = 24,
): { edges: number[]; counts: number[][] } {
    let low = Infinity;
    let high = -Infinity;
    for (const values of all)
        for (const v of values) {
            if (!Number.isFinite(v)) continue;
            if (v < low) low = v;
            if (v > high) high = v;
        }
    if (low > high) return { edges: [], counts: all.map(() => []) };
    if (low >= 0 && low < high / 2) low = 0;
    const width = niceStep((high - low) / most || Math.abs(high) / most || 1);
    const first = Math.floor(low / width);
    const bins = Math.max(1, Math.floor(high / width) - first + 1);
    const edges = Array.from({ length: bins + 1 }, (_, i) => (first + i) * width);
    const counts = all.map((values) => {
        const of = new Array<number>(bins).fill(0);
        for (const v of values)
            if (Number.isFinite(v)) of[Math.min(bins - 1, Math.max(0, Math.floor(v / width) - first))]!++;
        return of;
    });
    return { edges, counts };
}

/* 1, 2 or 5 times a power of ten, not below. */
export function niceStep(value: number): number {
    const power = 10 ** Math.floor(Math.log10(value));
    return (value / power <= 1 ? 1 : value / power <= 2 ? 2 : value / power <= 5 ? 5 : 10) * power;
}
