/*
 * Lying bars, the first on top, parts one after the other: names in a column on the left, sums in a
 * column on the right, so that numbers stand still while bars move. Rows that have no room are
 * counted in the last line.
 */
import type { BarSpec } from "../../domain/data-spec";
import { roundUp } from "../../domain/scale";
import { fitted } from "../scene";
import { partNames, totalOf } from "../words/bar";
import { peakOf, plainName, said } from "../words/words";
import { axisOf, FONT_PX, gridOf, hiddenAxis } from "./axes";
import { colourOf } from "./colours";
import type { Box, Drawn, Place } from "./kind";

const EDGE = 8;
const ROW_MOST_PX = 28;
const ROW_LEAST_PX = 18;
const BAR_MOST_PX = 12;
const NAMES_MOST = 0.38; // of the width
const WIDEST = "888 Mbit/s"; // room for a sum, whatever it is now

export interface BarLayout extends Box {
    row: number; // pixels
    shown: number; // bars that have a row
    names: number; // pixels of the column
}

export function barLayout(spec: BarSpec, place: Place): BarLayout {
    const { width, height, measure, bytesAs } = place;
    const n = spec.bars.length;
    const room = Math.max(1, Math.floor((height - EDGE) / ROW_LEAST_PX));
    const shown = n <= room ? n : room - 1;
    const row = Math.min(ROW_MOST_PX, (height - EDGE) / Math.max(1, Math.min(n, room)));
    const widest = (texts: readonly string[]) =>
        Math.max(0, ...texts.map((t) => measure(t, FONT_PX)));
    const bars = spec.bars.slice(0, shown);
    const names = Math.min(width * NAMES_MOST, widest(bars.map((b) => plainName(b.name))));
    const sums = widest([WIDEST, ...bars.map((b) => said(totalOf(b), spec.measure, bytesAs))]);
    const left = EDGE + names + 12;
    return {
        left,
        right: Math.max(left + 1, width - EDGE - 12 - sums),
        top: EDGE / 2,
        bottom: EDGE / 2 + row * Math.max(1, Math.min(n, room)),
        row,
        shown,
        names,
    };
}

export function drawBar(spec: BarSpec, place: Place): Drawn {
    const { palette, measure, width, bytesAs } = place;
    const at = barLayout(spec, place);
    const bars = spec.bars.slice(0, at.shown);
    const lines = Math.round((at.bottom - at.top) / at.row);
    const end = roundUp(peakOf(spec.bars.map(totalOf)), Number.MIN_VALUE);
    const scale = (at.right - at.left) / end;
    const order = partNames(spec);
    const left = spec.bars.length - at.shown;
    const names = bars.map((b, i) => ({
        at: i + 0.5,
        text: fitted(plainName(b.name), at.names, (t) => measure(t, FONT_PX)),
    }));
    if (left > 0) names.push({ at: at.shown + 0.5, text: `and ${left} more` });
    const sums = bars.map((b, i) => ({
        at: i + 0.5,
        text: said(totalOf(b), spec.measure, bytesAs),
    }));
    const thick = Math.min(BAR_MOST_PX, at.row - 6);
    const rects = bars.map((bar, i) => {
        const y = at.top + i * at.row + (at.row - thick) / 2;
        let x = at.left;
        return order.map((name) => {
            const part = bar.parts.find((p) => p.name === name);
            const long = part && part.value > 0 && part.value !== Infinity ? part.value * scale : 0;
            const seen = Math.max(long, long > 0 ? 1 : 0); // what is there is seen
            const shape = { x, y, width: Math.min(seen, at.right - x), height: thick };
            x += seen;
            const fill = colourOf(part?.tone ?? "unknown", palette);
            return { type: "rect", transition: ["shape"], shape, style: { fill } };
        });
    });
    return {
        eases: true,
        option: {
            grid: gridOf(at),
            xAxis: hiddenAxis(0, 1),
            yAxis: [
                axisOf(0, lines, names, palette, {
                    inverse: true,
                    align: "left",
                    margin: at.left - EDGE,
                    colour: (v) => (v > at.shown ? palette.quiet : palette.text),
                }),
                axisOf(0, lines, sums, palette, {
                    inverse: true,
                    position: "right",
                    align: "right",
                    margin: width - EDGE - at.right,
                    colour: () => palette.text,
                }),
            ],
            series: [
                {
                    id: "bars",
                    type: "custom",
                    coordinateSystem: "none",
                    silent: true,
                    data: bars.map((_, i) => i),
                    renderItem: ({ dataIndex }: { dataIndex: number }) => ({
                        type: "group",
                        children: rects[dataIndex],
                    }),
                },
                // Axes stand only where a series has them.
                { id: "ground", type: "custom", data: [], renderItem: () => undefined },
                {
                    id: "sums",
                    type: "custom",
                    yAxisIndex: 1,
                    data: [],
                    renderItem: () => undefined,
                },
            ],
        },
        partAt(x, y) {
            const i = Math.floor((y - at.top) / at.row);
            return x >= 0 && x <= width && i >= 0 && i < at.shown ? i : undefined;
        },
        outline: (part) =>
            part < at.shown
                ? { kind: "row", x: 0, y: at.top + part * at.row, width, height: at.row }
                : undefined,
    };
}
