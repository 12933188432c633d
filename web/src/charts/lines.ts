/*
 * Traces as lines and areas, from the decimated points. A gap is never bridged; a single value between
 * two gaps is a dot. Stacked areas are painted from the top one down, each over what is behind it.
 */
import type { Decimator } from "../domain/decimate";
import type { ChartSpec } from "../domain/trace";
import type { Palette } from "./palette";
import { inFrame, type Place } from "./place";

const LINE_PX = 1.4;
const AREA_ALPHA = 0.18;
const STACK_ALPHA = 0.42;
const LONELY_PX = 1.5; // radius

/*
 * Points from `from` up to `to`. phases: how far into its dash each trace is at its first point, in
 * pixels; what is returned is that of the last one.
 */
export function drawTraces(
    ctx: CanvasRenderingContext2D,
    place: Place,
    spec: ChartSpec,
    points: Decimator,
    from: number,
    to: number,
    palette: Palette,
    phases: readonly number[],
): number[] {
    const ends = [...phases];
    const stack = spec.stack === true;
    inFrame(ctx, place, () => {
        ctx.lineWidth = LINE_PX * place.px;
        ctx.lineJoin = "round";
        for (let k = 0; k < spec.traces.length; k++) {
            const s = stack ? spec.traces.length - 1 - k : k;
            const { tone, dash, area } = spec.traces[s]!;
            const values = points.traces[s]!;
            ctx.strokeStyle = ctx.fillStyle = palette[tone];
            if (area || stack) {
                trace(ctx, place, points.times, values, from, to, place.y(0));
                if (stack) {
                    ctx.fillStyle = palette.surface;
                    ctx.fill();
                    ctx.fillStyle = palette[tone];
                }
                ctx.globalAlpha = stack ? STACK_ALPHA : AREA_ALPHA;
                ctx.fill();
                ctx.globalAlpha = 1;
            }
            if (dash) {
                ctx.setLineDash(dash.map((d) => d * place.px));
                ctx.lineDashOffset = phases[s]!;
                ends[s]! += lengthOf(place, points, s, from, to - 1);
            }
            const lonely = trace(ctx, place, points.times, values, from, to, undefined);
            ctx.stroke();
            if (dash) ctx.setLineDash([]);
            for (const i of lonely) {
                ctx.beginPath();
                ctx.arc(place.x(points.times[i]!), place.y(values[i]!), LONELY_PX * place.px, 0, 7);
                ctx.fill();
            }
        }
    });
    return ends;
}

/* The path of all runs of values, closed at `zero` where one is given. Returns values that stand alone. */
function trace(
    ctx: CanvasRenderingContext2D,
    place: Place,
    times: Float64Array,
    values: Float64Array,
    from: number,
    to: number,
    zero: number | undefined,
): number[] {
    const lonely: number[] = [];
    const ax = place.width / (place.toMs - place.fromMs);
    const bx = place.left - place.fromMs * ax;
    const ay = -place.height / (place.high - place.low || 1);
    const by = place.bottom - place.low * ay;
    ctx.beginPath();
    let start = -1; // of the run that is open
    for (let i = from; i <= to; i++) {
        const v = i < to ? values[i]! : NaN;
        if (v === v) {
            const x = times[i]! * ax + bx;
            const y = v * ay + by;
            if (start >= 0) ctx.lineTo(x, y);
            else {
                start = i;
                if (zero === undefined) ctx.moveTo(x, y);
                else {
                    ctx.moveTo(x, zero);
                    ctx.lineTo(x, y);
                }
            }
        } else if (start >= 0) {
            if (start === i - 1) lonely.push(start);
            if (zero !== undefined) ctx.lineTo(times[i - 1]! * ax + bx, zero);
            start = -1;
        }
    }
    return lonely;
}

/* Of the line from one point to another, in pixels: what a dash has used up. */
export function lengthOf(
    place: Place,
    points: Decimator,
    s: number,
    from: number,
    to: number,
): number {
    const values = points.traces[s]!;
    let length = 0;
    for (let i = from; i < to; i++) {
        const rise = place.y(values[i + 1]!) - place.y(values[i]!);
        const run = place.x(points.times[i + 1]!) - place.x(points.times[i]!);
        const d = Math.hypot(rise, run);
        if (d === d) length += d;
    }
    return length;
}
