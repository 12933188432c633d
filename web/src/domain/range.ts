/*
 * The window that a page shows, as its address says it: `from=now-15m&to=now` follows the present,
 * `from=EPOCH_MS&to=EPOCH_MS` stands still.
 */
export type Range =
    | { kind: "last"; spanMs: number }
    | { kind: "fixed"; fromMs: number; toMs: number };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const SPAN_LEAST_MS = MINUTE_MS;
export const SPAN_MOST_MS = 24 * HOUR_MS;

export const DEFAULT_RANGE: Range = { kind: "last", spanMs: 15 * MINUTE_MS };

export const CHOICES: readonly { spanMs: number; short: string; name: string }[] = [
    { spanMs: MINUTE_MS, short: "1m", name: "1 minute" },
    { spanMs: 5 * MINUTE_MS, short: "5m", name: "5 minutes" },
    { spanMs: 15 * MINUTE_MS, short: "15m", name: "15 minutes" },
    { spanMs: HOUR_MS, short: "1h", name: "1 hour" },
    { spanMs: 6 * HOUR_MS, short: "6h", name: "6 hours" },
    { spanMs: SPAN_MOST_MS, short: "24h", name: "24 hours" },
];

const UNIT_MS: Record<string, number> = { s: 1000, m: MINUTE_MS, h: HOUR_MS, d: 24 * HOUR_MS };

/* Whatever cannot be understood means the default; spans are brought into their limits. */
export function parseRange(from: string | null, to: string | null): Range {
    const ago = /^(?:now)?-(\d{1,9})([smhd]?)$/.exec(from ?? "");
    if (ago && (to === null || to === "now")) {
        const span = Number(ago[1]) * UNIT_MS[ago[2] || "s"]!;
        return { kind: "last", spanMs: Math.min(Math.max(span, SPAN_LEAST_MS), SPAN_MOST_MS) };
    }
    const fromMs = parseTime(from);
    const toMs = parseTime(to);
    if (Number.isFinite(fromMs) && Number.isFinite(toMs) && toMs > fromMs && fromMs >= 0)
        return { kind: "fixed", fromMs, toMs };
    return DEFAULT_RANGE;
}

function parseTime(text: string | null): number {
    if (text === null) return NaN;
    if (/^\d{10,15}$/.test(text)) return Number(text);
    return /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
}

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

const ZOOM_LEAST_MS = 1000;
const ZOOM_MOST_MS = 400 * 24 * HOUR_MS;
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
    const wanted = Math.min(Math.max(span * factor, ZOOM_LEAST_MS), ZOOM_MOST_MS);
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
