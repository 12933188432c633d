/*
 * What an alert means to a reader: which comes first, how it is told in words, which marks it leaves
 * on the time axis. An alert that another one mutes is there, but it does not call for anybody.
 */
import type { Flag } from "./flags";
import { clockText, dateText, dayText, momentAt, partsOf, sameDay } from "./time";
import { durationText, valueText, type ByteUnit } from "./units";

export type Severity = "warning" | "critical";

export interface AlertFacts {
    id: number;
    rule: string;
    state: "pending" | "firing" | "acknowledged" | "silenced" | "resolved";
    severity: Severity;
    reason: "threshold" | "anomaly" | "absence";
    value: number;
    threshold: number;
    z: number;
    unit: string;
    series: string;
    summary: string;
    changedMs: number;
    pendingMs: number | undefined;
    startedMs: number | undefined;
    resolvedMs: number | undefined;
    by: string;
    silence: number | undefined;
    inhibitedBy: number | undefined;
}

/* Somebody should look. */
export function calls(a: Pick<AlertFacts, "state" | "inhibitedBy">): boolean {
    return a.state === "firing" && a.inhibitedBy === undefined;
}

export interface Tally {
    firing: number;
    acknowledged: number;
    silenced: number;
    inhibited: number;
    pending: number;
    worst: Severity | undefined; // of those that fire
}

export function tally(active: readonly AlertFacts[]): Tally {
    const t: Tally = {
        firing: 0,
        acknowledged: 0,
        silenced: 0,
        inhibited: 0,
        pending: 0,
        worst: undefined,
    };
    for (const a of active) {
        if (a.state === "resolved") continue;
        if (a.state !== "firing") t[a.state]++;
        else if (!calls(a)) t.inhibited++;
        else {
            t.firing++;
            if (t.worst !== "critical") t.worst = a.severity;
        }
    }
    return t;
}

const RANKS = ["firing", "acknowledged", "silenced", "pending", "resolved"];

function rank(a: AlertFacts): number {
    const state = a.state === "firing" && !calls(a) ? 2.5 : RANKS.indexOf(a.state);
    return state * 4 + (a.severity === "critical" ? 0 : 1);
}

/* What calls first, the worst of it first, then the newest. */
export function inOrder<T extends AlertFacts>(alerts: readonly T[]): T[] {
    const since = (a: AlertFacts) => a.startedMs ?? a.pendingMs ?? a.changedMs;
    return [...alerts].sort((a, b) => rank(a) - rank(b) || since(b) - since(a) || a.id - b.id);
}

/* ---- the filter, as the address holds it ------------------------------------------------ */

export const STATE_CHOICES = [
    { value: "", name: "all states" },
    { value: "firing", name: "firing" },
    { value: "acknowledged", name: "acknowledged" },
    { value: "silenced", name: "silenced or muted" },
    { value: "pending", name: "pending" },
] as const;

export interface AlertFilter {
    state: string;
    severity: string;
    words: string;
}

export function readFilter(query: URLSearchParams): AlertFilter {
    const state = query.get("state") ?? "";
    const severity = query.get("severity") ?? "";
    return {
        state: STATE_CHOICES.some((c) => c.value === state) ? state : "",
        severity: severity === "warning" || severity === "critical" ? severity : "",
        words: query.get("filter") ?? "",
    };
}

/* Every word must occur somewhere; one with a minus must not. */
export function passes(a: AlertFacts, { state, severity, words }: AlertFilter): boolean {
    if (severity && a.severity !== severity) return false;
    const muted = a.state === "firing" && !calls(a);
    if (state === "silenced") {
        if (a.state !== "silenced" && !muted) return false;
    } else if (state && (a.state !== state || muted)) return false;
    const text = `${a.rule} ${a.series} ${a.summary} ${a.by} ${a.severity}`.toLowerCase();
    return words
        .toLowerCase()
        .split(/\s+/)
        .filter(Boolean)
        .every((w) =>
            w.length > 1 && w[0] === "-" ? !text.includes(w.slice(1)) : text.includes(w),
        );
}

/* ---- words ------------------------------------------------------------------------------ */

export interface AlertVerdict {
    level: "good" | Severity | "unknown";
    lead: string;
    rest: string;
}

/* What fired in the last 24 hours, as far as it is known. */
export interface LastDay {
    fired: number;
    last: AlertFacts | undefined;
}

export function alertVerdict(
    active: readonly AlertFacts[],
    known: boolean,
    lastDay: LastDay | undefined,
): AlertVerdict {
    if (!known) return { level: "unknown", lead: "Waiting for the state of the alerts.", rest: "" };
    const t = tally(active);
    const others = [
        count(t.acknowledged, "acknowledged"),
        count(t.silenced, "silenced"),
        count(t.inhibited, "muted by another alert"),
        count(t.pending, "pending"),
    ].filter(Boolean);
    const also = others.length ? `${others.join(", ")}.` : "";
    const worst = inOrder(active)[0];
    if (t.firing === 1 && worst)
        return {
            level: worst.severity,
            lead: `1 alert is firing: ${ended(worst.summary || worst.rule)}`,
            rest: also && `Beside it ${also}`,
        };
    if (t.firing > 1 && worst)
        return {
            level: worst.severity,
            lead: `${t.firing} alerts are firing, the worst: ${ended(worst.summary || worst.rule)}`,
            rest: also && `Beside them ${also}`,
        };
    if (others.length) return { level: "good", lead: "Nothing calls for you.", rest: also };
    return { level: "good", lead: "All quiet.", rest: lastDayWords(lastDay) };
}

function lastDayWords(day: LastDay | undefined): string {
    if (!day) return "";
    if (day.fired === 0) return "Nothing has fired in the last 24 hours.";
    const times = day.fired === 1 ? "One alert has" : `${day.fired} alerts have`;
    const { last } = day;
    const newest = last ? ` The last one: ${ended(last.summary || last.rule)}` : "";
    return `${times} fired in the last 24 hours.${newest}`;
}

function count(n: number, what: string): string {
    return n > 0 ? `${n} ${what}` : "";
}

function ended(sentence: string): string {
    return /[.!?…]$/.test(sentence) ? sentence : sentence + ".";
}

export function stateWords(a: AlertFacts): string {
    if (a.state === "firing" && a.inhibitedBy !== undefined) return "muted";
    if (a.state === "acknowledged") return a.by ? `acknowledged by ${a.by}` : "acknowledged";
    return a.state;
}

/* Why nobody is told, where that is so. */
export function quietWords(a: AlertFacts): string {
    if (a.inhibitedBy !== undefined) return `Muted by alert ${a.inhibitedBy}, which explains it.`;
    if (a.state === "silenced" && a.silence !== undefined) return `Held by silence ${a.silence}.`;
    if (a.state === "pending") return "Not yet as long as the rule wants.";
    return "";
}

/* Since when: firing, or the condition holds. */
export function sinceMs(a: AlertFacts): number {
    return a.startedMs ?? a.pendingMs ?? a.changedMs;
}

export function lastedText(a: AlertFacts): string {
    if (a.startedMs === undefined || a.resolvedMs === undefined) return "";
    return durationText(a.resolvedMs - a.startedMs);
}

/* The value against what it was measured by. */
export function againstText(a: AlertFacts, bytesAs: ByteUnit): string {
    if (a.reason === "absence") return "no sample";
    const value = Number.isNaN(a.value) ? "" : valueText(a.value, a.unit, bytesAs);
    if (a.reason === "anomaly") {
        const far = Number.isNaN(a.z)
            ? ""
            : `${Math.abs(a.z).toFixed(1)} σ ${a.z < 0 ? "below" : "above"} usual`;
        return [value, far].filter(Boolean).join(", ");
    }
    const limit = Number.isNaN(a.threshold) ? "" : `limit ${limitText(a, bytesAs)}`;
    return [value, limit].filter(Boolean).join(", ");
}

/* What was wrong, of one that is over: its value is that of the end. */
export function limitText(a: AlertFacts, bytesAs: ByteUnit): string {
    if (a.reason === "absence") return "no sample";
    if (a.reason === "anomaly") return "unusual";
    return Number.isNaN(a.threshold) ? "" : valueText(a.threshold, a.unit, bytesAs);
}

/* ---- series ----------------------------------------------------------------------------- */

/* name{label="value",…} taken apart; what is no label is left out. */
export function splitSeries(text: string): { name: string; labels: Record<string, string> } {
    const brace = text.indexOf("{");
    const labels = Object.create(null) as Record<string, string>;
    if (brace < 0) return { name: text, labels };
    for (const m of text.slice(brace).matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g))
        labels[m[1]!] = m[2]!.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c));
    return { name: text.slice(0, brace), labels };
}

export function seriesText(name: string, labels: Readonly<Record<string, string>>): string {
    const parts = Object.entries(labels).map(
        ([k, v]) => `${k}="${v.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`,
    );
    return parts.length ? `${name}{${parts.join(",")}}` : name;
}

/* What it is about, briefly: the values of the labels, or the name where there are none. */
export function aboutText(series: string): string {
    const { name, labels } = splitSeries(series);
    return Object.values(labels).join(" ") || name;
}

/* ---- marks on charts -------------------------------------------------------------------- */

/* When each began to fire, and when that was over. */
export function alertFlags(alerts: readonly AlertFacts[]): Flag[] {
    return alerts.flatMap((a): Flag[] => {
        if (a.startedMs === undefined) return [];
        const device = splitSeries(a.series).labels["device"] ?? "";
        const what = a.summary || a.rule;
        const flags: Flag[] = [{ t: a.startedMs, kind: a.severity, device, text: what }];
        if (a.resolvedMs !== undefined)
            flags.push({ t: a.resolvedMs, kind: "resolved", device, text: `${a.rule} resolved` });
        return flags;
    });
}

/* ---- silences --------------------------------------------------------------------------- */

const MORNING_H = 8;

/* The next morning: of today while it is still night. */
export function tomorrowMs(nowMs: number): number {
    const { year, month, day, hour } = partsOf(nowMs);
    return momentAt(year, month, hour >= MORNING_H ? day + 1 : day, MORNING_H);
}

/* As <input type="datetime-local"> wants it: in the reader's zone, to the minute. */
export function localInput(ms: number): string {
    return `${dateText(ms)}T${clockText(ms).slice(0, 5)}`;
}

/* Today 14:05:10, another day Nov 28 14:05. */
export function momentText(ms: number, nowMs: number): string {
    return sameDay(ms, nowMs) ? clockText(ms) : `${dayText(ms)} ${clockText(ms).slice(0, 5)}`;
}
