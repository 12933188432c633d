/*
 * What alerts add to a picture: the band of what is usual behind the traces, the limits of a rule as
 * lines across it, and marks on the time axis where an alert fired. Severity is told by shape as well
 * as by colour: a triangle warns, an octagon is critical.
 */
import type uPlot from "uplot";
import type { Flag } from "../domain/flags";
import type { ChartSpec } from "../domain/trace";
import type { BandSource } from "./environment";
import type { Palette } from "./palette";

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

function inFrame(u: uPlot, draw: (ctx: CanvasRenderingContext2D) => void): void {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(ctx);
    ctx.restore();
}

export function drawBands(u: uPlot, bands: readonly Band[], palette: Palette, px: number): void {
    if (bands.length === 0) return;
    inFrame(u, (ctx) => {
        for (const band of bands) {
            const x = band.times.map((t) => u.valToPos(t, "x", true));
            const low = band.low.map((v) => u.valToPos(v, "y", true));
            const high = band.high.map((v) => u.valToPos(v, "y", true));
            ctx.fillStyle = ctx.strokeStyle = palette[band.tone];
            ctx.lineWidth = px;
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
    u: uPlot,
    limits: readonly Limit[],
    factor: number,
    palette: Palette,
    px: number,
    fontPx: number,
): void {
    if (limits.length === 0) return;
    inFrame(u, (ctx) => {
        const { bbox } = u;
        ctx.font = `500 ${fontPx * px}px ${palette.font}`;
        ctx.textBaseline = "bottom";
        ctx.textAlign = "left";
        ctx.lineWidth = 1.4 * px;
        for (const limit of limits) {
            const y = Math.round(u.valToPos(limit.value * factor, "y", true)) + 0.5;
            ctx.strokeStyle = ctx.fillStyle = toneOf(palette, limit.tone);
            ctx.setLineDash(limit.tone === "clear" ? [2 * px, 4 * px] : [7 * px, 4 * px]);
            ctx.beginPath();
            ctx.moveTo(bbox.left, y);
            ctx.lineTo(bbox.left + bbox.width, y);
            ctx.stroke();
            const under = y - bbox.top < (fontPx + 4) * px;
            const base = under ? y + (fontPx + 3) * px : y - 2 * px;
            let x = bbox.left + 6 * px;
            if (limit.tone !== "clear") {
                shape(ctx, limit.tone, x + 4 * px, base - (fontPx / 2 + 1) * px, 4.5 * px);
                x += 13 * px;
            }
            ctx.fillText(limit.name, x, base);
        }
    });
}

/* On the time axis: where an alert began, and a ring where it was over. */
export function drawAlertMark(u: uPlot, flag: Flag, x: number, palette: Palette, px: number): void {
    const { ctx, bbox } = u;
    const foot = bbox.top + bbox.height;
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
