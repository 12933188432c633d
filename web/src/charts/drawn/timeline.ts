/*
 * Which state each was in: a row each, over time. A state is told by height as well as by colour:
 * the graver, the taller; unknown is hatched. What is short stays visible, and what is grave lies
 * on top.
 */
import type { StateTone, TimelineSpec } from "../../domain/data-spec";
import { fitted } from "../scene";
import { spansOf, type RowSpan } from "../words/timeline";
import { plainName } from "../words/words";
import { axisOf, FONT_PX, gridOf, GUTTER, timeAxisMarks } from "./axes";
import { colourOf } from "./colours";
import type { Box, Drawn, Place } from "./kind";
import { cells, hatched, shapeSeries } from "./shapes";

const EDGE = 8;
const ROW_LEAST_PX = 16;
const NAMES_MOST = 0.3; // of the width
const SPAN_MOST_PX = 24; // of the gravest, upright
const SPAN_LEAST_PX = 2;
const REACH_PX = 3;

/* The gravest last: it lies on top. */
const ORDER: readonly StateTone[] = ["unknown", "rest", "good", "warning", "critical"];
const TALL: Record<StateTone, number> = { unknown: 0.5, rest: 0.12, good: 0.36, warning: 0.66, critical: 0.9 };

export interface TimelineLayout extends Box {
    row: number;
    shown: number; // rows that have room
    names: number;
}

export function timelineLayout(
    spec: TimelineSpec,
    { width, height, measure }: Place,
): TimelineLayout {
    const n = spec.rows.length;
    const bottom = Math.max(EDGE + 1, height - GUTTER.bottom);
    const room = Math.max(1, Math.floor((bottom - EDGE / 2) / ROW_LEAST_PX));
    const lines = Math.max(1, Math.min(n, room));
    const shown = n <= room ? n : room - 1;
    const widest = spec.rows.slice(0, shown).map((r) => measure(plainName(r.name), FONT_PX));
    const names = Math.min(width * NAMES_MOST, Math.max(0, ...widest));
    const left = EDGE + names + 12;
    const right = Math.max(left + 1, width - GUTTER.right);
    const top = EDGE / 2;
    return { left, right, top, bottom, row: (bottom - top) / lines, shown, names };
}

export function drawTimeline(spec: TimelineSpec, place: Place): Drawn {
    const { palette, measure } = place;
    const at = timelineLayout(spec, place);
    const lines = Math.round((at.bottom - at.top) / at.row);
    const spans = spansOf(spec);
    const perMs = (at.right - at.left) / Math.max(1, spec.toMs - spec.fromMs);
    const xOf = (t: number) => at.left + (t - spec.fromMs) * perMs;
    const boxOfSpan = ({ row, span, fromMs, toMs }: RowSpan) => {
        const x = Math.min(Math.round(xOf(fromMs)), at.right - SPAN_LEAST_PX);
        const width = Math.max(SPAN_LEAST_PX, Math.round(xOf(toMs)) - x);
        const height = Math.round(Math.min(at.row, SPAN_MOST_PX) * TALL[span.tone]);
        const y = Math.round(at.top + row * at.row + (at.row - height) / 2);
        return { x, y, width, height };
    };
    const boxes: Record<StateTone, number[]> = { unknown: [], rest: [], good: [], warning: [], critical: [] };
    for (const s of spans) {
        if (s.row >= at.shown) continue;
        const { x, y, width, height } = boxOfSpan(s);
        boxes[s.span.tone].push(x, y, width, height);
    }
    const names = spec.rows.slice(0, at.shown).map((r, i) => ({
        at: i + 0.5,
        text: fitted(plainName(r.name), at.names, (t) => measure(t, FONT_PX)),
    }));
    const left = spec.rows.length - at.shown;
    if (left > 0) names.push({ at: at.shown + 0.5, text: `and ${left} more` });
    const times = timeAxisMarks(spec.fromMs, spec.toMs, at.right - at.left);
    return {
        option: {
            grid: gridOf(at),
            xAxis: axisOf(spec.fromMs, spec.toMs, times, palette, { lines: true }),
            yAxis: axisOf(0, lines, names, palette, {
                inverse: true,
                align: "left",
                margin: at.left - EDGE,
                colour: (v) => (v > at.shown ? palette.quiet : palette.text),
            }),
            series: [
                { id: "ground", type: "custom", data: [], renderItem: () => undefined },
                shapeSeries(
                    "spans",
                    ORDER.flatMap((tone): object[] =>
                        tone === "unknown"
                            ? hatched(boxes.unknown, palette)
                            : [
                                  cells(
                                      boxes[tone],
                                      colourOf(tone, palette),
                                      tone === "good" ? 0.45 : 1,
                                  ),
                              ],
                    ),
                ),
            ],
        },
        time: { ...at, fromMs: spec.fromMs, toMs: spec.toMs },
        partAt(x, y) {
            const row = Math.floor((y - at.top) / at.row);
            if (row < 0 || row >= at.shown) return undefined;
            let found: number | undefined;
            let gravest = -1;
            spans.forEach((s, i) => {
                if (s.row !== row) return;
                const box = boxOfSpan(s);
                const thin = box.width < 2 * REACH_PX ? REACH_PX : 0;
                if (x < box.x - thin || x > box.x + box.width + thin) return;
                const grave = ORDER.indexOf(s.span.tone);
                if (grave < gravest) return;
                gravest = grave;
                found = i;
            });
            return found;
        },
        outline(part) {
            const s = spans[part];
            return s && s.row < at.shown ? { kind: "cell", ...boxOfSpan(s) } : undefined;
        },
    };
}
