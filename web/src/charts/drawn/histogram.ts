/*
 * One distribution: a column a bucket, all of one width whatever their edges are, since buckets of
 * latencies double. Several series lie over each other, told apart by their outlines.
 */
import { roundUp } from "../../domain/scale";
import type { HistogramSpec } from "../../domain/data-spec";
import { axisText } from "../../domain/units";
import { marks } from "../axis";
import { bucketsOf } from "../words/histogram";
import { fitted } from "../scene";
import { edge, peakOf, plainName, said } from "../words/words";
import { axisOf, boxOf, FONT_PX, gridOf, GUTTER, thinned } from "./axes";
import { colourOf } from "./colours";
import type { Box, Drawn, Place } from "./kind";
import { cells, shapeSeries, words } from "./shapes";

const MARK_ROOM_PX = 32;
const LINE_PX = 14; // of the words of a mark
const MARK_LINES = 3;
const NAME_PX = 80; // at most
const DOUBLING = 1.5; // edges that grow by this are read as a logarithm

/* Where a value stands, in buckets from the left; undefined outside. */
export function bucketPlace(edges: readonly number[], value: number): number | undefined {
    const i = edges.findIndex((e, k) => e <= value && value <= (edges[k + 1] ?? -Infinity));
    if (i < 0) return undefined;
    const [low, high] = [edges[i]!, edges[i + 1]!];
    if (high === Infinity || high === low) return i + 0.5;
    const log = low > 0 && high / low >= DOUBLING;
    return i + (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
}

export interface PlacedMark {
    x: number;
    text: string;
    textX: number;
    line: number; // of words, from the top; at most MARK_LINES
}

/* Words beside their lines and never over each other; what has no room stays a line. */
export function placedMarks(
    spec: HistogramSpec,
    at: Omit<Box, "top" | "bottom">,
    place: Place,
): PlacedMark[] {
    const n = bucketsOf(spec);
    const ends: number[] = []; // of each line of words
    return (spec.marks ?? [])
        .flatMap((m) => {
            const where = bucketPlace(spec.edges, m.value);
            if (where === undefined) return [];
            const name = fitted(plainName(m.name), NAME_PX, (t) => place.measure(t, FONT_PX));
            const text = `${name} ${said(m.value, spec.measure, place.bytesAs)}`;
            return [{ x: at.left + (where / n) * (at.right - at.left), text }];
        })
        .sort((a, b) => a.x - b.x)
        .map(({ x, text }) => {
            const width = place.measure(text, FONT_PX);
            const textX = x + 4 + width > place.width - 4 ? x - 4 - width : x + 4;
            let line = 0;
            while (line < MARK_LINES && (ends[line] ?? -Infinity) > textX - 6) line++;
            if (line === MARK_LINES) return { x, text: "", textX, line: MARK_LINES - 1 };
            ends[line] = textX + width;
            return { x, text, textX, line };
        });
}

export function drawHistogram(spec: HistogramSpec, place: Place): Drawn {
    const { palette, measure, bytesAs, height } = place;
    const n = bucketsOf(spec);
    const wide = boxOf(place, GUTTER);
    const found = placedMarks(spec, wide, place);
    const wordLines = found.length ? Math.max(...found.map((m) => m.line)) + 1 : 0;
    const top = Math.min(GUTTER.top + wordLines * LINE_PX, height / 2);
    const at = { ...wide, top };
    const column = (at.right - at.left) / Math.max(1, n);
    const end = roundUp(peakOf(spec.series.flatMap((s) => s.counts)) * 1.04, 1);
    const xOf = (bucket: number) => Math.round(at.left + bucket * column);
    const yOf = (count: number) =>
        at.bottom - (Math.max(0, Number.isFinite(count) ? count : 0) / end) * (at.bottom - at.top);
    const texts = spec.edges.map((e, i) => ({ at: i, text: edge(e, spec.measure, bytesAs) }));
    const counts = marks(0, end, (at.bottom - at.top) / MARK_ROOM_PX);
    return {
        option: {
            grid: gridOf(at),
            xAxis: axisOf(
                0,
                Math.max(1, n),
                thinned(n > 0 ? texts : [], column, true, measure),
                palette,
            ),
            yAxis: axisOf(
                0,
                end,
                counts.map((v) => ({ at: v, text: axisText(v) })),
                palette,
                {
                    lines: true,
                    zero: true,
                },
            ),
            series: [
                { id: "ground", type: "custom", data: [], renderItem: () => undefined },
                shapeSeries("columns", columns(spec, n, xOf, yOf, place)),
                shapeSeries("marks", markShapes(found, at, place), 3),
            ],
        },
        partAt(x, y) {
            const i = Math.floor((x - at.left) / column);
            return i >= 0 && i < n && y >= 0 && y <= height ? i : undefined;
        },
        outline: (part) => ({
            kind: "row",
            x: xOf(part),
            y: at.top,
            width: xOf(part + 1) - xOf(part),
            height: at.bottom - at.top,
        }),
    };
}

function columns(
    { series }: HistogramSpec,
    n: number,
    xOf: (bucket: number) => number,
    yOf: (count: number) => number,
    { palette }: Place,
): object[] {
    const several = series.length > 1;
    const floor = yOf(0);
    return series.flatMap(({ tone, counts }) => {
        const boxes: number[] = [];
        const steps: [number, number][] = [[xOf(0), floor]];
        for (let i = 0; i < n; i++) {
            const y = counts[i]! > 0 ? Math.min(yOf(counts[i]!), floor - 1) : floor;
            const x = xOf(i);
            boxes.push(x, y, xOf(i + 1) - x - (several ? 0 : 1), floor - y);
            steps.push([x, y], [xOf(i + 1), y]);
        }
        steps.push([xOf(n), floor]);
        const colour = colourOf(tone, palette);
        const filled = cells(boxes, colour, several ? 0.25 : 0.8);
        const outline = {
            type: "polyline",
            shape: { points: steps },
            style: { fill: "none", stroke: colour, lineWidth: 1.4 },
        };
        return several ? [filled, outline] : [filled];
    });
}

function markShapes(found: readonly PlacedMark[], at: Box, { palette }: Place): object[] {
    return found.flatMap(({ x, text, textX, line }) => {
        const top = GUTTER.top / 2 + line * LINE_PX;
        const upright = { x1: x, x2: x, y1: text ? top : at.top, y2: at.bottom };
        const style = { stroke: palette.text, lineWidth: 1, lineDash: [3, 3], opacity: 0.7 };
        return [
            { type: "line", shape: upright, style },
            words(textX, top, text, palette.text, palette),
        ];
    });
}
