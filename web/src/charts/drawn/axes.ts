/*
 * Axes as the line charts have them. Every axis is one of numbers with marks at given places: what a
 * mark says, and how far marks are apart, is decided here and not by the library.
 */
import type { Palette } from "../palette";
import { timeMark, timeMarks, TIME_STEPS } from "../axis";
import type { MeasureText } from "../scene";
import type { Box, Place } from "./kind";

export const FONT_PX = 11;
export const GUTTER = { left: 46, right: 20, top: 8, bottom: 24 };
export const LINE_GUTTER_RIGHT = 52; // of charts over time, which stand below each other
const LABEL_GAP_PX = 10;
const MARK_GAP_PX = 8;
const TIME_ROOM_PX = 76;
const DAY_MS = 86_400_000;

export interface AxisMark {
    at: number;
    text: string;
}

export function boxOf({ width, height }: Place, gutter: typeof GUTTER): Box {
    return {
        left: gutter.left,
        top: gutter.top,
        right: Math.max(gutter.left + 1, width - gutter.right),
        bottom: Math.max(gutter.top + 1, height - gutter.bottom),
    };
}

export function gridOf({ left, top, right, bottom }: Box) {
    return {
        left,
        top,
        width: right - left,
        height: bottom - top,
        containLabel: false,
        outerBoundsMode: "none",
        show: false,
    };
}

interface AxisLook {
    lines?: boolean; // across the picture
    zero?: boolean; // the line at zero stands out
    colour?: (mark: number) => string;
    align?: "left" | "center" | "right";
    margin?: number;
    position?: "left" | "right" | "top" | "bottom";
    inverse?: boolean;
}

export function axisOf(
    low: number,
    high: number,
    marks: readonly AxisMark[],
    palette: Palette,
    look: AxisLook = {},
) {
    const texts = new Map(marks.map((m) => [m.at, m.text]));
    const places = [...texts.keys()].sort((a, b) => a - b);
    return {
        type: "value",
        min: low,
        max: high > low ? high : low + 1,
        position: look.position,
        inverse: look.inverse ?? false,
        axisLine: { show: false },
        axisTick: { show: false, customValues: places },
        splitLine: {
            show: look.lines ?? false,
            lineStyle: {
                width: 1,
                color: places.map((at) => (look.zero && at === 0 ? palette.zero : palette.grid)),
            },
        },
        axisLabel: {
            customValues: places,
            formatter: (value: number) => texts.get(value) ?? "",
            color: look.colour ?? palette.quiet,
            fontFamily: palette.font,
            fontSize: FONT_PX,
            margin: look.margin ?? MARK_GAP_PX,
            hideOverlap: false,
            showMinLabel: true,
            showMaxLabel: true,
            ...(look.align ? { align: look.align } : {}),
        },
    };
}

/* Nothing of it is seen; it only gives the room its numbers. */
export function hiddenAxis(low: number, high: number) {
    return { type: "value", show: false, min: low, max: high > low ? high : low + 1 };
}

/*
 * Every k-th of so many marks that no two touch; the first is always there, the last only where it has
 * room beside the picture.
 */
export function thinned(
    marks: readonly AxisMark[],
    pixelsApart: number,
    across: boolean, // texts stand beside each other, else one above the other
    measure: MeasureText,
): AxisMark[] {
    const widest = across
        ? Math.max(0, ...marks.map((m) => measure(m.text, FONT_PX))) + LABEL_GAP_PX
        : FONT_PX + 5;
    const every = Math.max(1, Math.ceil(widest / Math.max(pixelsApart, 0.01)));
    const last = marks.length - 1;
    const cut = across && last > 0 && measure(marks[last]!.text, FONT_PX) / 2 > GUTTER.right;
    return marks.filter((_, i) => i % every === 0 && !(cut && i === last));
}

export function timeAxisMarks(fromMs: number, toMs: number, roomPx: number): AxisMark[] {
    const least = ((toMs - fromMs) / Math.max(roomPx, 1)) * TIME_ROOM_PX;
    const step = TIME_STEPS.find((s) => s >= least) ?? Math.ceil(least / DAY_MS) * DAY_MS;
    if (!Number.isFinite(step) || !(toMs > fromMs)) return [];
    return timeMarks(fromMs, toMs, step).map((t) => ({ at: t, text: timeMark(t, step) }));
}
