/*
 * Which metrics there are, from the list of series: families of one name, a histogram's three kinds of
 * series being one, and what may sensibly be asked of each.
 */
import { globMatches } from "../base/glob";
import type { Agg, ChartType, Query } from "./exploration";
import { matchParts } from "./exploration";
import { measureOf, type Measure } from "./units";

export interface CatalogueSeries {
    name: string;
    labels: Readonly<Record<string, string>>;
    unit: string;
    kind: "counter" | "gauge";
    help: string;
}

export type Kind = "counter" | "gauge" | "histogram";

export interface Family {
    name: string; // of a histogram: without _bucket
    kind: Kind;
    unit: string;
    help: string;
    series: number;
    labels: ReadonlyMap<string, readonly string[]>; // with the values that there are, in order
}

const PARTS = /_(bucket|sum|count)$/;

/* By name. */
export function familiesOf(series: readonly CatalogueSeries[]): Family[] {
    const histograms = new Set<string>();
    for (const s of series)
        if (s.name.endsWith("_bucket") && "le" in s.labels) histograms.add(s.name.slice(0, -7));
    const made = new Map<string, { family: Family; values: Map<string, Set<string>> }>();
    for (const s of series) {
        const base = s.name.replace(PARTS, "");
        const histogram = base !== s.name && histograms.has(base);
        const name = histogram ? base : s.name;
        let entry = made.get(name);
        if (!entry) {
            const family: Family = {
                name,
                kind: histogram ? "histogram" : s.kind,
                unit: histogram ? (/_(seconds|bytes|ratio)$/.exec(base)?.[1] ?? "") : s.unit,
                help: s.help,
                series: 0,
                labels: new Map(),
            };
            made.set(name, (entry = { family, values: new Map() }));
        }
        // Of a histogram one series is counted, not one for each bucket.
        if (!histogram || s.name.endsWith("_count")) entry.family.series++;
        for (const [label, value] of Object.entries(s.labels)) {
            if (histogram && label === "le") continue;
            const known = entry.values.get(label) ?? new Set();
            entry.values.set(label, known.add(value));
        }
    }
    return [...made.values()]
        .map(({ family, values }) => ({ ...family, labels: sorted(values) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sorted(values: ReadonlyMap<string, ReadonlySet<string>>): Map<string, string[]> {
    const order = new Intl.Collator("en", { numeric: true }).compare;
    return new Map([...values].map(([label, set]) => [label, [...set].sort(order)] as const));
}

/* What stands together in a list: the first two words of the name. */
export function groupOf(name: string): string {
    return name.split("_").slice(0, 2).join("_");
}

export function matched(families: readonly Family[], metric: readonly string[]): Family[] {
    return families.filter((f) => metric.some((glob) => globMatches(glob, f.name)));
}

/* What a question is about: that of its first metric; others go along as far as they can. */
export interface Asked {
    kind: Kind;
    unit: string;
    families: readonly Family[];
    labels: ReadonlyMap<string, readonly string[]>; // of all of them
}

export function askedOf(families: readonly Family[], query: Query): Asked {
    const found = matched(families, query.metric);
    const labels = new Map<string, Set<string>>();
    for (const f of found)
        for (const [label, values] of f.labels) {
            const known = labels.get(label) ?? new Set();
            for (const v of values) known.add(v);
            labels.set(label, known);
        }
    const [first] = found;
    return {
        kind: first?.kind ?? "counter",
        unit: first?.unit ?? "",
        families: found,
        labels: sorted(labels),
    };
}

const OFFERED: Readonly<Record<Kind, readonly Agg[]>> = {
    counter: ["avg", "min", "max", "last", "sum"],
    gauge: ["avg", "min", "max", "last"],
    histogram: ["avg", "p50", "p90", "p99", "sum"],
};

export function aggsOf(kind: Kind): readonly Agg[] {
    return OFFERED[kind];
}

/* What is asked of this kind: the mean where what is in the address has no meaning. */
export function aggFor(kind: Kind, agg: Agg): Agg {
    return OFFERED[kind].includes(agg) ? agg : "avg";
}

export const AGG_WORDS: Readonly<Record<Agg, string>> = {
    avg: "mean",
    min: "lowest",
    max: "highest",
    last: "newest",
    sum: "total",
    p50: "median",
    p90: "p90",
    p99: "p99",
};

/* How several series become one: amounts add up, what is a level or a share does not. */
export type Combine = "sum" | "mean" | "min" | "max";

export function combineOf(kind: Kind, unit: string, agg: Agg): Combine {
    if (agg === "min" || agg === "max") return agg;
    return kind === "gauge" && (unit === "ratio" || unit === "seconds") ? "mean" : "sum";
}

/* Only what adds up may be stacked. */
export function typesOf(all: readonly { kind: Kind; unit: string; agg: Agg }[]): ChartType[] {
    const stacks = all.every((q) => q.kind !== "histogram" && combineOf(q.kind, q.unit, q.agg) === "sum");
    return [
        "line",
        "area",
        ...(stacks ? (["stacked"] as const) : []),
        ...(["bar", "histogram", "heatmap", "calendar", "gauge", "sparkline"] as const),
    ];
}

/* What takes parts of a second is told in milliseconds. */
function latency(unit: string): { measure: Measure; what: string } {
    return unit === "seconds" ? { measure: "milliseconds", what: "" } : measureOf(unit);
}

/* In what the values come that the server gives. */
export function measured(kind: Kind, unit: string, agg: Agg): { measure: Measure; what: string } {
    if (kind === "histogram") return agg === "sum" ? { measure: "count", what: "measurements" } : latency(unit);
    if (kind === "gauge" || agg === "sum") return measureOf(unit);
    if (unit === "bytes" || unit === "packets") return measureOf(`${unit}/s`);
    if (unit === "") return { measure: "/s", what: "" };
    if (unit === "seconds") return { measure: "count", what: "seconds/s" };
    return { measure: "count", what: `${unit}/s` };
}

/* Which values of a label pass what is asked of it already. */
export function valuesOf(asked: Asked, query: Query, label: string): readonly string[] {
    const globs = query.match.map(matchParts).filter((m) => m.label === label);
    return (asked.labels.get(label) ?? []).filter((v) => globs.every((m) => globMatches(m.glob, v)));
}
