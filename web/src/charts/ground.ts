/* What stands behind the traces: graticule and marks of both axes, the zero line, what is unknown. */
import { fromToText, serverNow, whenText } from "../domain/time";
import { axisText, type Base } from "../domain/units";
import { marks, TIME_STEPS, timeMark, timeMarks, timeSpace } from "./axis";
import { hatchOf } from "./hatch";
import type { Palette } from "./palette";
import { AXIS_HEIGHT, type Place } from "./place";

export const FONT_PX = 11;
export const TIMES_PX = 5; // below the picture stand the marks of time
const MARK_ROOM_PX = 32; // of the chart's height for a mark of the y-axis, about
const AXIS_GAP_PX = 8;

/* Nothing was measured between the last value before and the first one after; undefined: there is none. */
export interface Stretch {
    after: number | undefined; // epoch ms
    before: number | undefined;
}

export function stretchText({ after, before }: Stretch): string {
    if (after === undefined && before === undefined) return "not measured";
    if (after === undefined) return `not measured before ${whenText(before!, serverNow())}`;
    if (before === undefined) return `not measured since ${whenText(after, serverNow())}`;
    return `not measured ${fromToText(after, before, serverNow())}`;
}

function timesOf({ px, width, fromMs, toMs }: Place): { times: number[]; step: number } {
    const room = width / px;
    const least = ((toMs - fromMs) / room) * timeSpace(toMs - fromMs, room);
    const step = TIME_STEPS.find((s) => s >= least) ?? TIME_STEPS.at(-1)!;
    return { times: timeMarks(fromMs, toMs, step), step };
}

function valuesOf({ px, bottom, low, high }: Place, base: Base): number[] {
    const height = bottom / px + AXIS_HEIGHT;
    return marks(low, high, height / MARK_ROOM_PX, base);
}

const half = (at: number) => Math.round(at) + 0.5;

/* scaled: there are values, so that the y-axis says something. */
export function drawAxes(
    ctx: CanvasRenderingContext2D,
    place: Place,
    palette: Palette,
    scaled: boolean,
    base: Base = 1000, // of the prefixes of the y-axis
): void {
    drawGraticule(ctx, place, palette, scaled, base);
    drawTimes(ctx, place, palette);
    if (!scaled) return;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const v of valuesOf(place, base))
        ctx.fillText(axisText(v, base), place.left - AXIS_GAP_PX * place.px, place.y(v));
}

export function drawGraticule(
    ctx: CanvasRenderingContext2D,
    place: Place,
    palette: Palette,
    scaled: boolean,
    base: Base = 1000,
): void {
    const { px, left, right, top, bottom } = place;
    const line = (x0: number, y0: number, x1: number, y1: number) => {
        ctx.moveTo(x0, y0);
        ctx.lineTo(x1, y1);
    };
    ctx.lineWidth = px;
    ctx.strokeStyle = palette.grid;
    ctx.beginPath();
    for (const t of timesOf(place).times) line(half(place.x(t)), top, half(place.x(t)), bottom);
    if (scaled)
        for (const v of valuesOf(place, base)) line(left, half(place.y(v)), right, half(place.y(v)));
    ctx.stroke();
    if (!scaled) return;
    ctx.strokeStyle = palette.zero;
    ctx.beginPath();
    line(left, half(place.y(0)), right, half(place.y(0)));
    ctx.stroke();
}

export function drawTimes(ctx: CanvasRenderingContext2D, place: Place, palette: Palette): void {
    const { px, bottom } = place;
    const { times, step } = timesOf(place);
    ctx.font = `${FONT_PX * px}px ${palette.font}`;
    ctx.fillStyle = palette.quiet;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (const t of times) ctx.fillText(timeMark(t, step), place.x(t), bottom + TIMES_PX * px);
}

/* Over grid and zero line: where nothing is known there is no scale to read. */
export function drawUnmeasured(
    ctx: CanvasRenderingContext2D,
    place: Place,
    stretches: readonly Stretch[],
    palette: Palette,
    wordy: boolean,
): void {
    const { px, left, right, top, height } = place;
    ctx.font = `${FONT_PX * px}px ${palette.font}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    for (const s of stretches) {
        const from = s.after === undefined ? left : Math.max(left, Math.round(place.x(s.after)));
        const to = s.before === undefined ? right : Math.min(right, Math.round(place.x(s.before)));
        if (to <= from) continue;
        ctx.fillStyle = hatchOf(ctx, palette, px);
        ctx.fillRect(from, top, to - from, height);
        if (!wordy || (s.after ?? s.before) === undefined) continue;
        const words = stretchText(s);
        const width = ctx.measureText(words).width + 16 * px;
        if (width > to - from) continue;
        const x = (from + to) / 2;
        const y = top + height / 2;
        ctx.fillStyle = palette.unknown;
        ctx.fillRect(x - width / 2, y - 10 * px, width, 20 * px);
        ctx.fillStyle = palette.quiet;
        ctx.fillText(words, x, y);
    }
}
