/*
 * Points that are one thing each, told apart by shape as well as colour. A logarithm has no place for
 * zero, so what is zero stands in a strip of its own at the lower end.
 */
import type { ScatterAxis, ScatterSpec } from "../../domain/data-spec";
import { roundUp } from "../../domain/scale";
import { axisText, plotFactor, unitOf, type ByteUnit } from "../../domain/units";
import { marks } from "../axis";
import { edge } from "../words/words";
import { placed, type Placed } from "../words/scatter";
import { logMarks } from "../xy-scene";
import { axisOf, boxOf, FONT_PX, gridOf, GUTTER, thinned, type AxisMark } from "./axes";
import { colourOf } from "./colours";
import type { Drawn, Place } from "./kind";
import { shapeSeries, words } from "./shapes";

const SYMBOLS = ["circle", "rect", "triangle", "diamond"] as const;
const REACH_PX = 24;
const MANY = 2_000; // then points are small, and painted without an element each
const ZERO_STRIP = 0.6; // decades below the lowest one
const MARK_ROOM_PX = 32;
const TITLE_PX = 16;
const GUTTER_EDGE = 8;

export interface PlotAxis {
    low: number; // as placed
    high: number;
    place(value: number): number; // in base units
    marks: AxisMark[];
}

function numbers(values: readonly number[]): { low: number; high: number } {
    let low = Infinity;
    let high = -Infinity;
    for (const v of values) {
        if (v < low) low = v;
        if (v > high) high = v;
    }
    return { low, high };
}

export function plotAxis(
    axis: ScatterAxis,
    values: readonly number[],
    wanted: number,
    bytesAs: ByteUnit,
): PlotAxis {
    return axis.log ? logAxis(axis, values, bytesAs) : evenAxis(axis, values, wanted, bytesAs);
}

/* Zero is in sight, and what is below it, too. */
function evenAxis(
    axis: ScatterAxis,
    values: readonly number[],
    wanted: number,
    bytesAs: ByteUnit,
): PlotAxis {
    const factor = plotFactor(axis.measure, bytesAs);
    const { low, high } = numbers(values);
    const top = high > 0 ? roundUp(high * factor * 1.04, Number.MIN_VALUE) : 0;
    const bottom = low < 0 ? -roundUp(-low * factor * 1.04, Number.MIN_VALUE) : 0;
    const ends = top === bottom ? { low: 0, high: 1 } : { low: bottom, high: top };
    return {
        ...ends,
        place: (v) => v * factor,
        marks: marks(ends.low, ends.high, wanted).map((at) => ({ at, text: axisText(at) })),
    };
}

function logAxis(axis: ScatterAxis, values: readonly number[], bytesAs: ByteUnit): PlotAxis {
    const factor = plotFactor(axis.measure, bytesAs); // marks are round in the unit that is shown
    const known = values.filter((v) => v > 0);
    const { low, high } = known.length ? numbers(known) : { low: 1 / factor, high: 10 / factor };
    const bottom = Math.floor(Math.log10(low * factor) + 1e-9);
    const top = Math.max(bottom + 1, Math.ceil(Math.log10(high * factor) - 1e-9));
    const zero = values.length > known.length ? bottom - ZERO_STRIP : undefined;
    return {
        low: zero ?? bottom,
        high: top,
        place: (v) => (v > 0 ? Math.log10(v * factor) : (zero ?? bottom)),
        marks: [
            ...(zero === undefined ? [] : [{ at: zero, text: "0" }]),
            ...logMarks(10 ** bottom, 10 ** top).map((m) => ({
                at: Math.log10(m),
                text: edge(m / factor, axis.measure, bytesAs),
            })),
        ],
    };
}

export function drawScatter(spec: ScatterSpec, place: Place): Drawn {
    const { palette, measure, bytesAs } = place;
    const points = placed(spec);
    const y = plotAxis(
        spec.y,
        points.map((p) => p.y),
        place.height / MARK_ROOM_PX,
        bytesAs,
    );
    const widest = Math.max(0, ...y.marks.map((m) => measure(m.text, FONT_PX)));
    const at = boxOf(place, {
        left: Math.max(GUTTER.left, widest + 12),
        right: GUTTER.right,
        top: GUTTER.top + TITLE_PX,
        bottom: GUTTER.bottom + TITLE_PX,
    });
    const x = plotAxis(
        spec.x,
        points.map((p) => p.x),
        (at.right - at.left) / 64,
        bytesAs,
    );
    const xOf = (p: Placed) =>
        at.left + ((x.place(p.x) - x.low) / (x.high - x.low)) * (at.right - at.left);
    const yOf = (p: Placed) =>
        at.bottom - ((y.place(p.y) - y.low) / (y.high - y.low)) * (at.bottom - at.top);
    const many = points.length > MANY;
    const titles = [
        words(GUTTER_EDGE, GUTTER.top / 2, titleOf(spec.y, bytesAs), palette.quiet, palette),
        words(
            at.right,
            at.bottom + GUTTER.bottom,
            titleOf(spec.x, bytesAs),
            palette.quiet,
            palette,
            true,
        ),
    ];
    const apart = (a: PlotAxis, pixels: number) => pixels / Math.max(1, a.marks.length - 1);
    return {
        option: {
            grid: gridOf(at),
            xAxis: axisOf(
                x.low,
                x.high,
                thinned(x.marks, apart(x, at.right - at.left), true, measure),
                palette,
                {
                    lines: true,
                    zero: spec.x.log !== true,
                },
            ),
            yAxis: axisOf(
                y.low,
                y.high,
                thinned(y.marks, apart(y, at.bottom - at.top), false, measure),
                palette,
                {
                    lines: true,
                    zero: spec.y.log !== true,
                },
            ),
            series: [
                shapeSeries("titles", titles),
                ...spec.groups.map((group, g) => ({
                    id: String(g),
                    type: "scatter",
                    silent: true,
                    symbol: SYMBOLS[g % SYMBOLS.length],
                    symbolSize: many ? 3 : points.length > 300 ? 5 : 8,
                    large: many,
                    largeThreshold: MANY,
                    itemStyle: {
                        color: colourOf(group.tone, palette),
                        opacity: many ? 0.55 : 0.8,
                        borderColor: palette.surface,
                        borderWidth: many ? 0 : 1,
                    },
                    data: points
                        .filter((p) => p.group === g)
                        .map((p) => [x.place(p.x), y.place(p.y)]),
                })),
            ],
        },
        partAt(px, py) {
            let found: number | undefined;
            let least = REACH_PX;
            points.forEach((p, i) => {
                const far = Math.hypot(xOf(p) - px, yOf(p) - py);
                if (far > least) return;
                least = far;
                found = i;
            });
            return found;
        },
        outline(part) {
            const p = points[part];
            return p && { kind: "ring", x: xOf(p), y: yOf(p), r: many ? 5 : 7 };
        },
    };
}

/* Marks of a logarithm have their units. */
function titleOf(axis: ScatterAxis, bytesAs: ByteUnit): string {
    const unit = axis.log ? "" : unitOf(axis.measure, bytesAs);
    return unit ? `${axis.title} (${unit})` : axis.title;
}
