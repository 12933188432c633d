/*
 * An arc that fills, the number inside it. Limits are a thin arc around it in their colours; the arc
 * itself has a state's colour only when it is in it.
 */
import type { GaugeSpec } from "../../domain/data-spec";
import { quantity } from "../../domain/units";
import { shareOf, stateOf } from "../words/gauge";
import { said } from "../words/words";
import { colourOf } from "./colours";
import type { Drawn, Place } from "./kind";

const START = 205;
const END = -25;
const THICK_PX = 10;
const LIMIT_PX = 3;
const EDGE = 8;
const LARGE_FROM_PX = 84; // radius

const NOTHING = { show: false };

export function gaugeRadius({ width, height }: Place): number {
    const below = Math.sin((-END * Math.PI) / 180); // of the radius, under the middle
    return Math.max(8, Math.min(width / 2 - EDGE, (height - 2 * EDGE) / (1 + below)));
}

/* Colours along the outer arc, each up to a part of it. */
export function limitArc(
    { limits = [], most }: GaugeSpec,
    colour: (tone: "warning" | "critical") => string,
): [number, string][] {
    const rising = (most === Infinity ? [] : limits)
        .filter((l) => l.value >= 0 && l.value < most)
        .sort((a, b) => a.value - b.value);
    const arc: [number, string][] = [];
    let now = "transparent";
    for (const l of rising) {
        arc.push([l.value / most, now]);
        now = colour(l.tone);
    }
    return [...arc, [1, now]];
}

export function drawGauge(spec: GaugeSpec, place: Place): Drawn {
    const { palette, width, bytesAs } = place;
    const radius = gaugeRadius(place);
    const centre = [width / 2, EDGE + radius];
    const large = radius >= LARGE_FROM_PX;
    const state = stateOf(spec);
    const known = !Number.isNaN(spec.value); // else the frame says why not
    const q = quantity(spec.value, spec.measure, bytesAs);
    const font = { fontFamily: palette.font };
    const arc = { type: "gauge", startAngle: START, endAngle: END, center: centre, min: 0, max: 1 };
    const bare = {
        pointer: NOTHING,
        axisTick: NOTHING,
        splitLine: NOTHING,
        axisLabel: NOTHING,
        anchor: NOTHING,
        silent: true,
    };
    return {
        eases: true,
        option: {
            series: [
                {
                    ...arc,
                    ...bare,
                    id: "value",
                    radius: radius - LIMIT_PX - 2,
                    axisLine: { lineStyle: { width: THICK_PX, color: [[1, palette.hairline]] } },
                    progress: {
                        show: shareOf(spec) !== undefined,
                        width: THICK_PX,
                        itemStyle: {
                            color: state ? colourOf(state, palette) : palette["category-1"],
                        },
                    },
                    data: [
                        {
                            value: shareOf(spec) ?? 0,
                            name: `of ${said(spec.most, spec.measure, bytesAs)}`,
                        },
                    ],
                    title: {
                        ...font,
                        show: known,
                        offsetCenter: [0, large ? 26 : 18],
                        color: palette.quiet,
                        fontSize: 12,
                    },
                    detail: {
                        show: known,
                        offsetCenter: [0, large ? -6 : -4],
                        formatter: () => `{n|${q.number}}{u| ${q.unit}}`,
                        rich: {
                            n: {
                                ...font,
                                fontSize: large ? 34 : 18,
                                fontWeight: 500,
                                color: palette.text,
                            },
                            u: {
                                ...font,
                                fontSize: 12,
                                color: palette.quiet,
                                padding: [large ? 12 : 2, 0, 0, 0],
                            },
                        },
                    },
                },
                {
                    ...arc,
                    ...bare,
                    id: "limits",
                    radius,
                    axisLine: {
                        lineStyle: {
                            width: LIMIT_PX,
                            color: limitArc(spec, (t) => colourOf(t, palette)),
                        },
                    },
                    progress: NOTHING,
                    detail: NOTHING,
                    title: NOTHING,
                    data: [],
                },
            ],
        },
        partAt: (x, y) => (Math.hypot(x - centre[0]!, y - centre[1]!) <= radius ? 0 : undefined),
    };
}
