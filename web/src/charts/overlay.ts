/*
 * What alerts add to a picture: the band of what is usual behind the traces, the limits of a rule as
 * lines across it, and marks on the time axis where an alert fired. Severity is told by shape as well
 * as by colour: a triangle warns, an octagon is critical.
 */
import type { Flag } from "../domain/flags";
import type { ChartSpec } from "../domain/trace";
import type { BandSource } from "./environment";
import type { Palette } from "./palette";
import { inFrame, type Place } from "./place";

const STEM_PX = 22; // what flaps leaves the traces to be seen

/* Edges of a band at rising times, in plotted units with their sign; NaN where nothing is known. */
export interface Band {
    tone: keyof Palette;
    times: number[];
    low: number[];
    high: number[];
}

/* A line across the picture. */
export interface Limit {
    key: string;
    name: string;
    value: number; // in base units, as the series
    tone: "warning" | "critical" | "clear";
}

/* Only a trace of one series has a band: the parts of a sum may move together or not. */
export function bandsOf(
    spec: ChartSpec,
    ids: readonly (readonly number[])[],
    { mean, sigma, sigmas }: BandSource,
    factor: number,
): Band[] {
    if (!mean || !sigma || mean.head < 0) return [];
    return spec.traces.flatMap((trace, s) => {
        const id = ids[s]!.length === 1 ? ids[s]![0]! : undefined;
        if (id === undefined || !mean.has(id) || trace.per) return [];
        const band: Band = { tone: trace.tone, times: [], low: [], high: [] };
        let known = false;
        for (let step = mean.oldest; step <= mean.head; step++) {
            const middle = mean.at(id, step) * factor;
            const reach = sigma.at(id, step) * sigmas * factor;
            const top = middle + reach;
            const bottom = middle < 0 ? middle - reach : Math.max(0, middle - reach);
            known ||= !Number.isNaN(top);
            band.times.push(mean.timeOf(step));
            band.low.push(trace.below ? -top : bottom);
            band.high.push(trace.below ? -bottom : top);
        }
        return known ? [band] : [];
    });
}

/* Made anew only when what is usual changed, so that who draws can see that it did not. */
export class Bands {
    #made: readonly Band[] = [];
    #of: readonly unknown[] = [];

    of(
        spec: ChartSpec,
        ids: readonly (readonly number[])[],
        source: BandSource,
        factor: number,
        hidden: ReadonlySet<string>,
    ): readonly Band[] {
        const { mean, sigma, sigmas } = source;
        const of = [spec, ids, mean, mean?.head, mean?.revision, sigma, sigma?.revision, sigmas, factor, hidden];
        if (of.some((v, i) => v !== this.#of[i])) {
            this.#of = of;
            const shown = ids.map((own, s) => (hidden.has(spec.traces[s]!.name) ? [] : own));
            const made = spec.stack ? [] : bandsOf(spec, shown, source, factor);
            if (made.length || this.#made.length) this.#made = made;
        }
        return this.#made;
    }
}

export function drawBands(
    ctx: CanvasRenderingContext2D,
    place: Place,
    bands: readonly Band[],
    palette: Palette,
): void {
    if (bands.length === 0) return;
    inFrame(ctx, place, () => {
        for (const band of bands) {
            const x = band.times.map((t) => place.x(t));
            const low = band.low.map((v) => place.y(v));
            const high = band.high.map((v) => place.y(v));
            ctx.fillStyle = ctx.strokeStyle = palette[band.tone];
            ctx.lineWidth = place.px;
            for (let i = 0; i < x.length;) {
                let end = i;
                while (end < x.length && !Number.isNaN(low[end]!)) end++;
                if (end > i) drawRun(ctx, x, low, high, i, end);
                i = end + 1;
            }
        }
    });
}

function drawRun(
    ctx: CanvasRenderingContext2D,
    x: readonly number[],
    low: readonly number[],
    high: readonly number[],
    from: number,
    end: number,
): void {
    const edge = (y: readonly number[]) => {
        ctx.beginPath();
        for (let i = from; i < end; i++) ctx.lineTo(x[i]!, y[i]!);
    };
    ctx.globalAlpha = 0.13;
    edge(high);
    for (let i = end - 1; i >= from; i--) ctx.lineTo(x[i]!, low[i]!);
    ctx.fill();
    ctx.globalAlpha = 0.4;
    for (const y of [high, low]) {
        edge(y);
        ctx.stroke();
    }
    ctx.globalAlpha = 1;
}

/* Triangle or octagon around a point. */
export function shape(
    ctx: CanvasRenderingContext2D,
    severity: "warning" | "critical",
    x: number,
    y: number,
    r: number,
): void {
    ctx.beginPath();
    if (severity === "warning") {
        ctx.moveTo(x, y - r);
        ctx.lineTo(x + r, y + r * 0.8);
        ctx.lineTo(x - r, y + r * 0.8);
    } else
        for (let k = 0; k < 8; k++) {
            const angle = ((2 * k + 1) * Math.PI) / 8;
            ctx.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
        }
    ctx.closePath();
    ctx.fill();
}

function toneOf(palette: Palette, tone: Limit["tone"]): string {
    return tone === "warning"
        ? palette.alarm
        : tone === "critical"
          ? palette.critical
          : palette.quiet;
}

export function drawLimits(
    ctx: CanvasRenderingContext2D,
    place: Place,
    limits: readonly Limit[],
    factor: number,
    palette: Palette,
    fontPx: number,
): void {
    if (limits.length === 0) return;
    const { px, left, right, top } = place;
    inFrame(ctx, place, () => {
        ctx.font = `500 ${fontPx * px}px ${palette.font}`;
        ctx.textBaseline = "bottom";
        ctx.textAlign = "left";
        ctx.lineWidth = 1.4 * px;
        for (const limit of limits) {
            const y = Math.round(place.y(limit.value * factor)) + 0.5;
            ctx.strokeStyle = ctx.fillStyle = toneOf(palette, limit.tone);
            ctx.setLineDash(limit.tone === "clear" ? [2 * px, 4 * px] : [7 * px, 4 * px]);
            ctx.beginPath();
            ctx.moveTo(left, y);
            ctx.lineTo(right, y);
            ctx.stroke();
            const under = y - top < (fontPx + 4) * px;
            const base = under ? y + (fontPx + 3) * px : y - 2 * px;
            let x = left + 6 * px;
            if (limit.tone !== "clear") {
                shape(ctx, limit.tone, x + 4 * px, base - (fontPx / 2 + 1) * px, 4.5 * px);
                x += 13 * px;
            }
            ctx.fillText(limit.name, x, base);
        }
    });
}

/* What happened, on the time axis. */
export function drawFlags(
    ctx: CanvasRenderingContext2D,
    place: Place,
    flags: readonly Flag[],
    palette: Palette,
): void {
    const { px, top, bottom } = place;
    ctx.save();
    for (const flag of flags) {
        if (flag.t < place.fromMs || flag.t > place.toMs) continue;
        const x = Math.round(place.x(flag.t)) + 0.5;
        ctx.lineWidth = px;
        if (isAlert(flag)) {
            drawAlertMark(ctx, place, flag, x, palette);
            continue;
        }
        ctx.strokeStyle = ctx.fillStyle = palette.flag;
        ctx.globalAlpha = 0.55;
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, bottom);
        ctx.stroke();
        ctx.globalAlpha = 1;
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x + 7 * px, top + 3 * px);
        ctx.lineTo(x, top + 6 * px);
        ctx.fill();
    }
    ctx.restore();
}

function isAlert({ kind }: Flag): boolean {
    return kind === "warning" || kind === "critical" || kind === "resolved";
}

/* On the time axis: where an alert began, and a ring where it was over. */
function drawAlertMark(
    ctx: CanvasRenderingContext2D,
    { px, bottom: foot }: Place,
    flag: Flag,
    x: number,
    palette: Palette,
): void {
    if (flag.kind === "resolved") {
        ctx.strokeStyle = palette.quiet;
        ctx.lineWidth = 1.4 * px;
        ctx.beginPath();
        ctx.arc(x, foot - 4 * px, 3 * px, 0, 2 * Math.PI);
        ctx.stroke();
        return;
    }
    const severity = flag.kind === "critical" ? "critical" : "warning";
    ctx.strokeStyle = ctx.fillStyle = toneOf(palette, severity);
    ctx.globalAlpha = 0.6;
    ctx.beginPath();
    ctx.moveTo(x, foot - STEM_PX * px);
    ctx.lineTo(x, foot);
    ctx.stroke();
    ctx.globalAlpha = 1;
    shape(ctx, severity, x, foot - 5 * px, 5 * px);
}
