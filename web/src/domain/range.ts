/*
 * The window that a page shows, as its address says it: `from=now-15m&to=now` follows the present,
 * `from=EPOCH_MS&to=EPOCH_MS` stands still. Any two times of the contract are understood; a stretch
 * that is said relative to now, but does not end there, stands where it was when it was said.
 */
import { parseMoment } from "./time";

export type Range =
    | { kind: "last"; spanMs: number }
    | { kind: "fixed"; fromMs: number; toMs: number };

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

export const SPAN_LEAST_MS = MINUTE_MS; // of a window that follows the present
export const SPAN_MOST_MS = 5 * YEAR_MS + 2 * DAY_MS; // as long as hours are kept
const FIXED_LEAST_MS = SECOND_MS;

export const DEFAULT_RANGE: Range = { kind: "last", spanMs: 15 * MINUTE_MS };

export interface Choice {
    spanMs: number;
    short: string;
    name: string;
}

/* The keys 1 to 6, and one press in the bar. */
export const CHOICES: readonly Choice[] = [
    { spanMs: MINUTE_MS, short: "1m", name: "1 minute" },
    { spanMs: 5 * MINUTE_MS, short: "5m", name: "5 minutes" },
    { spanMs: 15 * MINUTE_MS, short: "15m", name: "15 minutes" },
    { spanMs: HOUR_MS, short: "1h", name: "1 hour" },
    { spanMs: 6 * HOUR_MS, short: "6h", name: "6 hours" },
    { spanMs: DAY_MS, short: "24h", name: "24 hours" },
];

/* From the form. */
export const LONG_CHOICES: readonly Choice[] = [
    { spanMs: 2 * DAY_MS, short: "2d", name: "2 days" },
    { spanMs: 7 * DAY_MS, short: "7d", name: "7 days" },
    { spanMs: 30 * DAY_MS, short: "30d", name: "30 days" },
    { spanMs: 90 * DAY_MS, short: "90d", name: "90 days" },
    { spanMs: YEAR_MS, short: "1y", name: "1 year" },
];

const UNIT_MS: Readonly<Record<string, number>> = {
    s: SECOND_MS,
    m: MINUTE_MS,
    h: HOUR_MS,
    d: DAY_MS,
    w: 7 * DAY_MS,
    y: YEAR_MS,
};

/* How long before now: `now-15m`, `-60` (seconds); undefined: the text is another kind of time. */
function agoOf(text: string): number | undefined {
    const ago = /^(?:now)?-(\d{1,9})([smhdwy]?)$/.exec(text);
    return ago ? Number(ago[1]) * UNIT_MS[ago[2] || "s"]! : undefined;
}

/*
 * A time as the contract and people write it: `now`, `now-15m`, `-60`, epoch milliseconds, RFC 3339,
 * or a date with or without a time in the reader's zone. NaN: it is none.
 */
export function parseTime(text: string, nowMs: number): number {
    const t = text.trim();
    if (t === "now") return nowMs;
    const ago = agoOf(t);
    if (ago !== undefined) return nowMs - ago;
    if (/^\d{10,15}$/.test(t)) return Number(t);
    if (/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/i.test(t)) return Date.parse(t);
    return parseMoment(t);
}

function last(spanMs: number): Range {
    return { kind: "last", spanMs: Math.min(Math.max(spanMs, SPAN_LEAST_MS), SPAN_MOST_MS) };
}

function fixed(fromMs: number, toMs: number): Range {
    return { kind: "fixed", fromMs: Math.max(0, Math.round(fromMs)), toMs: Math.round(toMs) };
}

/* Whatever cannot be understood means the default; spans are brought into their limits. */
export function parseRange(from: string | null, to: string | null, nowMs = Date.now()): Range {
    const read = readRange(from ?? "", to ?? "now", nowMs);
    return typeof read === "string" ? DEFAULT_RANGE : read;
}

/* The same for somebody who is told what is wrong. */
export function readRange(from: string, to: string, nowMs: number): Range | string {
    const ago = agoOf(from.trim());
    if (ago !== undefined && to.trim() === "now") return last(ago);
    const fromMs = parseTime(from, nowMs);
    const toMs = parseTime(to, nowMs);
    if (!(fromMs >= 0)) return `“From” is no time: ${FORMS}.`;
    if (!(toMs >= 0)) return `“To” is no time: ${FORMS}.`;
    if (toMs <= fromMs) return "“To” must be later than “From”.";
    if (toMs - fromMs > SPAN_MOST_MS) return "That is longer than history is kept (5 years).";
    return fixed(fromMs, toMs);
}

const FORMS = "write now-15m, 2026-11-29 14:05, RFC 3339 or epoch milliseconds";

/* The same range as query parameters. */
export function rangeQuery(r: Range): { from: string; to: string } {
    if (r.kind === "fixed") return { from: String(r.fromMs), to: String(r.toMs) };
    const s = r.spanMs / 1000;
    const units = [
        ["d", 86_400],
        ["h", 3600],
        ["m", 60],
    ] as const;
    const unit = units.find(([name, length]) => s % length === 0 && (name !== "d" || s > length));
    return { from: unit ? `now-${s / unit[1]}${unit[0]}` : `now-${s}s`, to: "now" };
}

export function spanOf(r: Range): number {
    return r.kind === "last" ? r.spanMs : r.toMs - r.fromMs;
}

const AT_PRESENT = 0.02; // of its length that a window may end before the present and still follow it

export interface Stretch {
    fromMs: number;
    toMs: number;
}

/* When a range is, if the present is this. */
export function stretchOf(range: Range, presentMs: number): Stretch {
    if (range.kind === "fixed") return range;
    return { fromMs: presentMs - range.spanMs, toMs: presentMs };
}

/* By `factor` longer, around a moment that stays where it is. */
export function zoomed({ fromMs, toMs }: Stretch, factor: number, aroundMs: number): Stretch {
    const span = toMs - fromMs;
    const wanted = Math.min(Math.max(span * factor, FIXED_LEAST_MS), SPAN_MOST_MS);
    const from = aroundMs - ((aroundMs - fromMs) * wanted) / span;
    return { fromMs: from, toMs: from + wanted };
}

/* Later by a share of its length. */
export function panned({ fromMs, toMs }: Stretch, share: number): Stretch {
    const by = (toMs - fromMs) * share;
    return { fromMs: fromMs + by, toMs: toMs + by };
}

/*
 * What to show when a stretch is wanted: one that reaches the present follows it. One too short for
 * that ends at the present, unless `follow` says that the present is what is wanted.
 */
export function rangeOver({ fromMs, toMs }: Stretch, presentMs: number, follow: boolean): Range {
    const span = toMs - fromMs;
    const reaches = toMs >= presentMs - span * AT_PRESENT;
    if (reaches && (follow || span >= SPAN_LEAST_MS))
        return {
            kind: "last",
            spanMs: Math.round(Math.min(Math.max(span, SPAN_LEAST_MS), SPAN_MOST_MS) / 1000) * 1000,
        };
    const end = Math.min(toMs, presentMs);
    const from = Math.max(0, Math.floor(end - span));
    return { kind: "fixed", fromMs: from, toMs: Math.max(from + 1, Math.ceil(end)) };
}

export function sameRange(a: Range, b: Range): boolean {
    const x = rangeQuery(a);
    const y = rangeQuery(b);
    return x.from === y.from && x.to === y.to;
}

/* What it shows at this moment, for a link that goes on showing it. */
export function pinned(r: Range, nowMs: number): Range {
    return r.kind === "fixed" ? r : fixed(nowMs - r.spanMs, nowMs);
}

/* Moved by a part of its length, to the left below zero. Who comes to the present follows it. */
export function shifted(r: Range, part: number, nowMs: number): Range {
    const p = pinned(r, nowMs) as { fromMs: number; toMs: number };
    const by = (p.toMs - p.fromMs) * part;
    if (p.toMs + by >= nowMs) return last(p.toMs - p.fromMs);
    return fixed(p.fromMs + by, p.toMs + by);
}

/* Longer (factor above one) or shorter; one that follows the present goes on doing so. */
export function widened(r: Range, factor: number, nowMs: number): Range {
    if (r.kind === "last") return last(Math.round((r.spanMs * factor) / SECOND_MS) * SECOND_MS);
    const span = Math.min(Math.max((r.toMs - r.fromMs) * factor, FIXED_LEAST_MS), SPAN_MOST_MS);
    const middle = (r.fromMs + r.toMs) / 2;
    const end = Math.min(middle + span / 2, Math.max(nowMs, r.toMs));
    return fixed(end - span, end);
}
