/* Baselines and comparisons with them: /api/v1/baselines, /api/v1/comparisons, channel `baseline`. */
import { asArray, asNumber, asObject, asSample, asText, asTexts, type Json } from "../base/json";
import { fail, ok, type Result } from "../base/result";

export const VERDICTS = [
    "regressed",
    "improved",
    "changed",
    "unchanged",
    "not_enough_data",
] as const;
export type MetricVerdict = (typeof VERDICTS)[number];

export interface Baseline {
    name: string;
    kind: "saved" | "automatic";
    comment: string;
    madeMs: number | undefined;
    fromMs: number | undefined; // an automatic one has no window of its own
    toMs: number | undefined;
    series: number;
    blocks: number;
    error: string; // why it cannot be read
}

/* Statistics of one-minute block means; NaN where there is none. */
export interface Side {
    n: number;
    mean: number;
    sigma: number;
    p50: number;
    p90: number;
    p99: number;
}

export interface MetricChange {
    name: string;
    labels: Record<string, string>;
    unit: string;
    kind: string; // "" when not said
    direction: "lower_is_better" | "higher_is_better" | "neither";
    verdict: MetricVerdict;
    before: Side;
    after: Side;
    changePct: number; // NaN: from nothing to something
    effect: number;
    p: number;
    q: number;
}

export type Counts = Record<MetricVerdict, number>;

export interface Comparison {
    baseline: string;
    t: number;
    fromMs: number;
    toMs: number;
    reason: string;
    verdict: MetricVerdict;
    counts: Counts;
    metrics: MetricChange[]; // all, or the most notable
}

function verdictOf(v: unknown): MetricVerdict {
    return VERDICTS.find((name) => name === v) ?? "not_enough_data";
}

function parseSide(v: unknown): Side {
    const o = asObject(v);
    return {
        n: asNumber(o?.["n"]) ?? 0,
        mean: asSample(o?.["mean"]),
        sigma: asSample(o?.["sigma"]),
        p50: asSample(o?.["p50"]),
        p90: asSample(o?.["p90"]),
        p99: asSample(o?.["p99"]),
    };
}

function parseChange(v: unknown): MetricChange | undefined {
    const o = asObject(v);
    const name = asText(o?.["name"]);
    if (!o || name === "") return undefined;
    const direction = o["direction"];
    return {
        name,
        labels: asTexts(o["labels"]),
        unit: asText(o["unit"]),
        kind: asText(o["kind"]),
        direction:
            direction === "lower_is_better" || direction === "higher_is_better"
                ? direction
                : "neither",
        verdict: verdictOf(o["verdict"]),
        before: parseSide(o["before"]),
        after: parseSide(o["after"]),
        changePct: asSample(o["change_pct"]),
        effect: asSample(o["effect"]),
        p: asSample(o["p"]),
        q: asSample(o["q"]),
    };
}

export function parseComparison(v: unknown): Result<Comparison> {
    const o = asObject(v);
    const t = asNumber(o?.["t"]);
    const fromMs = asNumber(o?.["from_ms"]);
    const toMs = asNumber(o?.["to_ms"]);
    if (!o || t === undefined || fromMs === undefined || toMs === undefined)
        return fail("a comparison without t, from_ms or to_ms");
    const counts = asObject(o["counts"]);
    const metrics = asArray(o["metrics"] ?? o["worst"]);
    return ok({
        baseline: asText(o["baseline"]),
        t,
        fromMs,
        toMs,
        reason: asText(o["reason"]),
        verdict: verdictOf(o["verdict"]),
        counts: Object.fromEntries(
            VERDICTS.map((name) => [name, asNumber(counts?.[name]) ?? 0]),
        ) as Counts,
        metrics: metrics.map(parseChange).filter((m) => m !== undefined),
    });
}

export function parseComparisons(v: unknown): Result<Comparison[]> {
    const o = asObject(v);
    if (!o || !Array.isArray(o["comparisons"])) return fail("the answer lacks comparisons");
    return ok(
        asArray(o["comparisons"]).flatMap((c) => {
            const one = parseComparison(c);
            return one.ok ? [one.value] : [];
        }),
    );
}

function parseBaseline(o: Json | undefined): Baseline | undefined {
    const name = asText(o?.["name"]);
    if (!o || name === "") return undefined;
    return {
        name,
        kind: o["kind"] === "automatic" ? "automatic" : "saved",
        comment: asText(o["comment"]),
        madeMs: asNumber(o["made_ms"]),
        fromMs: asNumber(o["from_ms"]),
        toMs: asNumber(o["to_ms"]),
        series: asNumber(o["series_count"]) ?? 0,
        blocks: asNumber(o["blocks"]) ?? 0,
        error: asText(o["error"]),
    };
}

export function parseBaselines(v: unknown): Result<Baseline[]> {
    const o = asObject(v);
    if (!o || !Array.isArray(o["baselines"])) return fail("the answer lacks baselines");
    return ok(
        asArray(o["baselines"])
            .map((b) => parseBaseline(asObject(b)))
            .filter((b) => b !== undefined),
    );
}

export interface ComparisonQuery {
    baseline: string;
    from: string;
    to: string;
}

export function comparisonAddress(q: ComparisonQuery): string {
    const p = new URLSearchParams({ from: q.from, to: q.to });
    return `api/v1/baselines/${encodeURIComponent(q.baseline)}/comparison?${p}`;
}
