/*
 * Columns of time, rows of buckets. A cell where nothing was counted has the lowest colour, one that
 * was not measured is hatched. Where a step has less than a pixel, a column shows the largest of its
 * steps, so that nothing hides.
 */
import { classEnds, classOf } from "../../domain/classes";
import type { HeatmapSpec } from "../../domain/data-spec";
import { edge, peakOf } from "../words/words";
import {
    axisOf,
    boxOf,
    FONT_PX,
    gridOf,
    GUTTER,
    LINE_GUTTER_RIGHT,
    thinned,
    timeAxisMarks,
} from "./axes";
import type { Box, Drawn, Place } from "./kind";
import { HeatBoxes, shapeSeries } from "./shapes";

interface Columns {
    each: number; // steps of a column
    values: Float64Array; // as the counts, by column
    count: number;
}

export function columnsOf({ counts, edges, steps }: HeatmapSpec, pixels: number): Columns {
    const rows = edges.length;
    const each = Math.max(1, Math.ceil(steps / Math.max(1, Math.floor(pixels))));
    const count = Math.ceil(steps / each);
    const values = new Float64Array(count * rows).fill(NaN);
    for (let step = 0; step < steps; step++)
        for (let row = 0; row < rows; row++) {
            const v = counts[step * rows + row] ?? NaN;
            const i = Math.floor(step / each) * rows + row;
            if (!Number.isNaN(v) && !(values[i]! >= v)) values[i] = v;
        }
    return { each, values, count };
}

export function drawHeatmap(spec: HeatmapSpec, place: Place): Drawn {
    const { palette, measure, bytesAs } = place;
    const rows = spec.edges.length;
    const texts = [0, ...spec.edges].map((e) => edge(e, spec.measure, bytesAs));
    const widest = Math.max(0, ...texts.map((t) => measure(t, FONT_PX)));
    const at = boxOf(place, {
        ...GUTTER,
        left: Math.max(GUTTER.left, widest + 12),
        right: LINE_GUTTER_RIGHT,
    });
    const toMs = spec.fromMs + spec.stepMs * spec.steps;
    const row = (at.bottom - at.top) / Math.max(1, rows);
    const step = (at.right - at.left) / Math.max(1, spec.steps);
    const yOf = (r: number) => Math.round(at.bottom - r * row);
    const xOf = (s: number) => Math.round(at.left + s * step);
    const rowMarks = thinned(
        texts.map((text, i) => ({ at: i, text })),
        row,
        false,
        measure,
    );
    return {
        option: {
            grid: gridOf(at),
            xAxis: axisOf(
                spec.fromMs,
                toMs,
                timeAxisMarks(spec.fromMs, toMs, at.right - at.left),
                palette,
            ),
            yAxis: axisOf(0, Math.max(1, rows), rows > 0 ? rowMarks : [], palette),
            series: [
                { id: "ground", type: "custom", data: [], renderItem: () => undefined },
                shapeSeries("cells", cellsOf(spec, at, xOf, yOf).shapes(palette)),
            ],
        },
        time: { ...at, fromMs: spec.fromMs, toMs },
        partAt(x, y) {
            const s = Math.floor((x - at.left) / step);
            const r = Math.floor((at.bottom - y) / row);
            return s >= 0 && s < spec.steps && r >= 0 && r < rows ? s * rows + r : undefined;
        },
        outline(part) {
            const s = Math.floor(part / rows);
            const r = part % rows;
            const x = xOf(s);
            const width = Math.max(2, xOf(s + 1) - x);
            return { kind: "cell", x, y: yOf(r + 1), width, height: yOf(r) - yOf(r + 1) };
        },
    };
}

function cellsOf(
    spec: HeatmapSpec,
    at: Box,
    xOf: (step: number) => number,
    yOf: (row: number) => number,
): HeatBoxes {
    const rows = spec.edges.length;
    const ends = classEnds(peakOf(spec.counts), "squares");
    const { each, values, count } = columnsOf(spec, at.right - at.left);
    const boxes = new HeatBoxes();
    const gap = rows > 0 && yOf(0) - yOf(1) >= 6 ? 1 : 0; // between rows, where it is seen
    let missingFrom: number | undefined; // the column where a stretch begins of which nothing is known
    const left = (c: number) => xOf(c * each);
    const right = (c: number) => xOf(Math.min(spec.steps, (c + 1) * each));
    const endMissing = (c: number) => {
        if (missingFrom === undefined) return;
        const x = left(missingFrom);
        boxes.add(undefined, x, at.top, right(c) - x, at.bottom - at.top);
        missingFrom = undefined;
    };
    for (let c = 0; c < count; c++) {
        const column = values.subarray(c * rows, (c + 1) * rows);
        if (column.every((v) => !Number.isFinite(v))) {
            missingFrom ??= c;
            continue;
        }
        endMissing(c - 1);
        const x = left(c);
        const width = right(c) - x;
        for (let r = 0; r < rows;) {
            // One box for neighbours of one class, which most of a column is.
            const level = classOf(column[r]!, ends);
            let to = r + 1;
            if (gap === 0) while (to < rows && classOf(column[to]!, ends) === level) to++;
            boxes.add(level, x, yOf(to) + gap, width, yOf(r) - yOf(to) - gap);
            r = to;
        }
    }
    endMissing(count - 1);
    return boxes;
}
