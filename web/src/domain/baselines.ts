/*
 * What a comparison with a baseline means to a reader: the verdict in words, how a change is shown,
 * and how it went over time.
 */
import { durationText, valueText, type ByteUnit } from "./units";

export type MetricVerdict = "regressed" | "improved" | "changed" | "unchanged" | "not_enough_data";

export interface ChangeFacts {
    name: string;
    labels: Readonly<Record<string, string>>;
    unit: string;
    kind: string;
    direction: "lower_is_better" | "higher_is_better" | "neither";
    verdict: MetricVerdict;
    changePct: number;
    before: { mean: number };
    after: { mean: number };
}

export interface ComparisonFacts {
    baseline: string;
    t: number;
    fromMs: number;
    toMs: number;
    reason: string;
    verdict: MetricVerdict;
    counts: Readonly<Record<MetricVerdict, number>>;
    metrics: readonly ChangeFacts[];
}

/* In the order in which people want to see them. */
export const VERDICT_WORDS: readonly { verdict: MetricVerdict; name: string; means: string }[] = [
    { verdict: "regressed", name: "worse", means: "changed for the worse" },
    { verdict: "improved", name: "better", means: "changed for the better" },
    { verdict: "changed", name: "different", means: "changed, and neither direction is better" },
    { verdict: "unchanged", name: "as before", means: "no change that is certain and large enough" },
    { verdict: "not_enough_data", name: "too few data", means: "under 30 minutes on one side" },
];

export interface Said {
    level: "good" | "warning" | "unknown";
    lead: string;
    rest: string;
}

const BLOCKS_LEAST = 30; // whole minutes that a side needs for a verdict
const MINUTE_MS = 60_000;

/* A window has one whole minute less than its length when it does not begin with one. */
export const WINDOW_LEAST_MS = (BLOCKS_LEAST + 1) * MINUTE_MS;

export function comparisonVerdict(c: ComparisonFacts): Said {
    const { regressed, improved, changed, unchanged } = c.counts;
    const compared = regressed + improved + changed + unchanged;
    const against = againstWords(c.baseline);
    if (compared === 0 || c.verdict === "not_enough_data") {
        const short = c.toMs - c.fromMs < WINDOW_LEAST_MS;
        return {
            level: "unknown",
            lead: "Not enough data for a verdict.",
            rest: short
                ? `A comparison needs at least ${BLOCKS_LEAST} whole minutes on each side; this window has ${durationText(c.toMs - c.fromMs)}. Choose a longer one at the top of the page.`
                : `At least ${BLOCKS_LEAST} minutes of each series must lie on each side, in this window and in ${nameWords(c.baseline)}.`,
        };
    }
    const of = `of ${compared} metrics`;
    const also = [
        regressed > 0 && improved > 0 && `${improved} better`,
        changed > 0 && `${changed} different without being better or worse`,
    ].filter(Boolean);
    const rest = also.length ? `${also.join(", ")}.` : "";
    const most = c.metrics.find((m) => m.verdict === (regressed ? "regressed" : "improved"));
    const named = most ? `Most of all ${changeWords(most)}.` : "";
    if (regressed > 0)
        return {
            level: "warning",
            lead: `Worse than ${against}: ${regressed} ${of}.`,
            rest: joined(named, rest),
        };
    if (improved > 0)
        return {
            level: "good",
            lead: `Better than ${against}: ${improved} ${of}, and none is worse.`,
            rest: joined(named, rest),
        };
    return {
        level: "good",
        lead: `As ${against}.`,
        rest: joined(`None ${of} is better or worse.`, rest),
    };
}

function joined(...parts: readonly string[]): string {
    return parts.filter((p) => p !== "").join(" ");
}

/* After a change the daemon compares with the time before it, which has no name. */
export function nameWords(baseline: string): string {
    if (baseline === "") return "the time before";
    return baseline === "auto" ? "the weeks before" : `“${baseline}”`;
}

function againstWords(baseline: string): string {
    return baseline === "auto" ? "usual at this hour of the week" : nameWords(baseline);
}

/* m_total of eth0, up 340 % */
export function changeWords(m: ChangeFacts): string {
    const about = Object.values(m.labels).join(" ");
    const way = m.after.mean < m.before.mean ? "down" : "up";
    return `${m.name}${about ? ` of ${about}` : ""}, ${way} ${muchText(m.changePct)}`;
}

function muchText(pct: number): string {
    if (Number.isNaN(pct)) return "from nothing";
    return pct >= 999.5 ? `to ${timesText(pct / 100 + 1)} times as much` : percentText(pct);
}

const MINUS = "\u2212";

function percentText(pct: number): string {
    const v = Math.abs(pct);
    return `${v < 9.95 ? v.toFixed(1) : v.toFixed(0)}\u2009%`;
}

/* +12 %, −3.4 %, ×25; what came from nothing has no part. */
export function changeText({ changePct, before, after }: ChangeFacts): string {
    if (Number.isNaN(changePct)) {
        if (Number.isNaN(after.mean) || Number.isNaN(before.mean)) return "\u2013";
        return after.mean === before.mean ? "0\u2009%" : "from 0";
    }
    if (changePct >= 999.5) return `×${timesText(changePct / 100 + 1)}`;
    const sign = changePct > 0 ? "+" : changePct < 0 ? MINUS : "";
    return sign + percentText(changePct);
}

function timesText(times: number): string {
    if (times < 99.5) return times.toFixed(0);
    if (times < 1e6) return Math.round(times).toLocaleString("en");
    return ">1\u2009M";
}

/*
 * How far the bar of a change goes, -1 to 1. Doubling and halving are the same distance, as the eye
 * should judge them alike; eight times as much, or an eighth, is as far as it goes.
 */
export function barShare({ changePct, before, after }: ChangeFacts): number {
    if (Number.isNaN(changePct)) return before.mean === 0 && after.mean > 0 ? 1 : 0;
    const ratio = 1 + changePct / 100;
    if (ratio <= 0) return -1;
    return Math.max(-1, Math.min(1, Math.log2(ratio) / 3));
}

/* Statistics of counters are rates. */
export function sideText(value: number, m: ChangeFacts, bytesAs: ByteUnit): string {
    const counter = m.kind === "counter" || (m.kind === "" && /_total$/.test(m.name));
    const perSecond = counter && !/\/s$/.test(m.unit);
    if (perSecond && m.unit === "seconds" && Number.isFinite(value))
        return `${valueText(value, m.unit, bytesAs)}/s`; // a share of the time, in its parts
    return valueText(value, perSecond ? `${m.unit}/s` : m.unit, bytesAs);
}

/* 0.032, <0.001; what is not known is a dash. */
export function probabilityText(q: number): string {
    if (Number.isNaN(q)) return "\u2013";
    if (q < 0.001) return "<0.001";
    return q.toFixed(q < 0.1 ? 3 : 2);
}

export function effectText(effect: number): string {
    if (Number.isNaN(effect)) return "\u2013";
    const sign = effect > 0 ? "+" : effect < 0 ? MINUS : "";
    return sign + Math.abs(effect).toFixed(2);
}

const REASONS: Readonly<Record<string, string>> = {
    asked: "asked for",
    start: "after a start",
    link: "after a link change",
    address: "after an address change",
    kernel: "new kernel",
    version: "new version of netsonde",
    hourly: "hourly",
};

export function reasonWords(reason: string): string {
    return REASONS[reason] ?? reason;
}

/* ---- over time -------------------------------------------------------------------------- */

/* Shares of what could be compared; NaN when nothing could. */
export function sharesOf(c: Pick<ComparisonFacts, "counts">): { worse: number; better: number } {
    const { regressed, improved, changed, unchanged } = c.counts;
    const compared = regressed + improved + changed + unchanged;
    return { worse: regressed / compared, better: improved / compared };
}

/* One more comparison in a list, newest first: the same one again takes its place. */
export function withComparison<T extends { t: number; baseline: string }>(
    list: readonly T[],
    c: T,
    most: number,
): T[] {
    const others = list.filter((o) => o.t !== c.t || o.baseline !== c.baseline);
    return [c, ...others].sort((a, b) => b.t - a.t).slice(0, most);
}
