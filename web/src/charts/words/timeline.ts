/*
 * Which state each was in, in words. Parts are the spans within the window, row by row; up and down
 * lead to the other rows' spans at the same time.
 */
import type { StateTone, TimelineSpec } from "../../domain/data-spec";
import { fromToText, serverNow } from "../../domain/time";
import { durationText } from "../../domain/units";
import { named, within, type Words } from "./words";

export type Span = TimelineSpec["rows"][number]["spans"][number];

export interface RowSpan {
    row: number;
    span: Span;
    fromMs: number; // within the window
    toMs: number;
}

const LEGEND_MOST = 6;

const seen = new WeakMap<TimelineSpec, readonly RowSpan[]>();

export function spansOf(spec: TimelineSpec): readonly RowSpan[] {
    const known = seen.get(spec);
    if (known) return known;
    const out = spec.rows.flatMap(({ spans }, row) =>
        spans
            .map((span): RowSpan => {
                const fromMs = Math.max(span.fromMs, spec.fromMs);
                return { row, span, fromMs, toMs: Math.min(span.toMs, spec.toMs) };
            })
            .filter((s) => s.toMs >= s.fromMs)
            .sort((a, b) => a.fromMs - b.fromMs),
    );
    seen.set(spec, out);
    return out;
}

const TONE_WORDS: Record<StateTone, string> = {
    critical: "critical",
    warning: "not as it should be",
    good: "as it should be",
    rest: "not in use",
    unknown: "not known to be well",
};
const GRAVEST_FIRST: readonly StateTone[] = ["critical", "warning", "good", "rest", "unknown"];

/* A state may be grave in one row and not in another, and looks so: then the words say which. */
function legendOf(spans: readonly RowSpan[]): { name: string; tone: StateTone }[] {
    const looks = new Map<string, { name: string; tone: StateTone }>();
    for (const { span } of spans)
        looks.set(`${span.tone} ${span.state}`, { name: span.state, tone: span.tone });
    const all = [...looks.values()];
    const several = (name: string) => all.filter((l) => l.name === name).length > 1;
    return all
        .map(({ name, tone }) => ({ name: several(name) ? `${name}, ${TONE_WORDS[tone]}` : name, tone }))
        .sort((a, b) => GRAVEST_FIRST.indexOf(a.tone) - GRAVEST_FIRST.indexOf(b.tone))
        .slice(0, LEGEND_MOST);
}

export const TIMELINE: Words<TimelineSpec> = {
    reading(spec) {
        const spans = spansOf(spec);
        const all = spec.rows.flatMap((r) => r.spans);
        const lost = all.filter((s) => !(s.fromMs <= s.toMs)).length;
        return {
            empty: spans.length === 0,
            ...(lost > 0 ? { lost: `${lost} without a beginning or an end` } : {}),
            legend: legendOf(spans),
            summary() {
                const last = spec.rows.map((row) => [row.name, row.spans.at(-1)?.state] as const);
                return last
                    .filter(([, state]) => state !== undefined)
                    .slice(0, 8)
                    .map(([name, state]) => `${named(name)} ${state}`)
                    .join(", ");
            },
        };
    },
    table(spec) {
        return {
            columns: ["name", "from", "to", "state", "note"],
            rows: spansOf(spec).map(({ row, span }) => [
                spec.rows[row]!.name,
                instant(span.fromMs),
                instant(span.toMs),
                span.state,
                span.note ?? "",
            ]),
        };
    },
    parts(spec) {
        const spans = spansOf(spec);
        const rows = [...new Set(spans.map((s) => s.row))];
        return {
            count: spans.length,
            words(part) {
                const { row, span } = spans[part]!;
                return [
                    named(spec.rows[row]!.name),
                    span.state,
                    fromToText(span.fromMs, span.toMs, serverNow()),
                    durationText(span.toMs - span.fromMs),
                    span.note ?? "",
                ]
                    .filter(Boolean)
                    .join(" · ");
            },
            key: (part) => spec.rows[spans[part]?.row ?? -1]?.key,
            place(part) {
                const s = spans[part];
                return s && { row: spec.rows[s.row]!.name, t: (s.fromMs + s.toMs) / 2 };
            },
            at({ row, t }) {
                const found = spans.findIndex(
                    (s) => spec.rows[s.row]!.name === row && s.fromMs <= t && t <= s.toMs,
                );
                return found < 0 ? undefined : found;
            },
            step(part, arrow) {
                if (arrow === "ArrowLeft" || arrow === "ArrowRight")
                    return within(part + (arrow === "ArrowLeft" ? -1 : 1), spans.length);
                const { row, fromMs } = spans[part]!;
                const place = rows.indexOf(row) + (arrow === "ArrowUp" ? -1 : 1);
                const other = rows[within(place, rows.length)]!;
                if (other === row) return part;
                let found = -1;
                spans.forEach((s, i) => {
                    if (s.row === other && (found < 0 || s.fromMs <= fromMs)) found = i;
                });
                return found;
            },
        };
    },
};

/* A time that no calendar has is not one. */
function instant(ms: number): string {
    const d = new Date(ms);
    return Number.isNaN(d.getTime()) ? "" : d.toISOString();
}
