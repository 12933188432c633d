/* What /explore shows, in words. */
import { AGG_WORDS, type Combine, type Kind } from "./catalogue";
import type { Agg, ChartType, Query } from "./exploration";
import { matchParts } from "./exploration";

export const TYPE_WORDS: Readonly<Record<ChartType, string>> = {
    line: "lines",
    area: "areas",
    stacked: "stacked areas",
    bar: "ranked bars",
    histogram: "how often which value",
    heatmap: "how often which value, over time",
    calendar: "hours of the week",
    gauge: "the newest values",
    sparkline: "sparklines",
};

const CUT = 80; // characters of a name in a sentence

export function cut(text: string, most = CUT): string {
    const letters = [...text];
    return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
}

/* Somebody else's sentence, to stand in one of ours. */
export function plain(sentence: string): string {
    return sentence.replace(/\.$/, "");
}

interface Said {
    query: Query;
    kind: Kind;
    agg: Agg;
    combine: Combine;
    series: number;
    traces: number;
    rest: boolean;
    metrics: number; // that are called so
}

/* "node_network_receive_bytes_total where device is eth*" */
export function subjectWords(q: Query): string {
    const where = q.match.map(matchParts).map((m) => `${m.label} is ${cut(m.glob, 40)}`);
    return cut(q.metric.join(" and ")) + (where.length ? ` where ${where.join(" and ")}` : "");
}

const TOGETHER: Readonly<Record<Combine, string>> = {
    sum: "added up",
    mean: "averaged",
    min: "the lowest of all",
    max: "the highest of all",
};

/* How it was made from what was measured. */
export function methodWords({ query, kind, agg, combine, series, traces, rest, metrics }: Said): string {
    const rate = kind === "counter" && agg !== "sum" ? " per second" : "";
    const what = `${AGG_WORDS[agg]}${rate}`;
    if (series === 0) return what;
    const how = kind === "histogram" ? "put together" : TOGETHER[combine];
    if (query.by === "" && traces > 1)
        return metrics > traces
            ? `${what} · the ${traces} largest of ${metrics} metrics, each with its series ${how}`
            : `${what} · ${traces} metrics, each with its series ${how}`;
    if (query.by === "")
        return series > 1 ? `${what} · ${series} series, ${how}` : `${what} · one series`;
    const which = rest ? `the ${traces - 1} largest and the rest` : `all ${traces}`;
    return `${what} · by ${query.by}: ${which}${series > traces ? `, ${series} series, ${how}` : ""}`;
}
