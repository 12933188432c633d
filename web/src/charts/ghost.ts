/*
 * What a window is compared with, drawn behind its traces: faint, dashed, in their colours. Its times
 * are moved to lie under those of the window; a level without times of its own is a line across.
 */
import type uPlot from "uplot";
import type { ChartSpec } from "../domain/trace";
import type { ByteUnit } from "../domain/units";
import type { GhostSource } from "./environment";
import { Gatherer } from "./gather";
import type { Palette } from "./palette";

const DASH = [2, 3];
const OPACITY = 0.6;

/* In plotted units, with the sign of its trace; NaN is a gap. Times rise. */
export interface GhostLine {
    tone: keyof Palette;
    times: number[];
    values: number[];
}

export class GhostGatherer {
    readonly #spec: ChartSpec;
    readonly #gatherer: Gatherer;

    constructor(spec: ChartSpec) {
        this.#spec = spec;
        this.#gatherer = new Gatherer(spec);
    }

    /* One for each trace, in their order; none while there is nothing to compare with. */
    gather(
        source: GhostSource,
        bytesAs: ByteUnit,
        bounds: { fromMs: number; toMs: number },
    ): GhostLine[] {
        const { grid, shiftMs } = source;
        const data = grid && this.#gatherer.gather(source, bytesAs);
        if (!grid || !data || data.empty) return [];
        return this.#spec.traces.map(({ tone }, s) => {
            const values = data.traces[s]!.subarray(0, data.n);
            if (shiftMs === undefined) {
                const level = meanOf(values);
                return { tone, times: [bounds.fromMs, bounds.toMs], values: [level, level] };
            }
            const line: GhostLine = { tone, times: [], values: [] };
            for (let i = 0; i < data.n; i++) {
                const t = grid.timeOf(data.first + i) + shiftMs;
                if (t < bounds.fromMs - grid.stepMs || t > bounds.toMs) continue;
                line.times.push(t);
                line.values.push(values[i]!);
            }
            return line;
        });
    }
}

function meanOf(values: Float64Array): number {
    const known = values.filter((v) => !Number.isNaN(v));
    return known.length ? known.reduce((a, v) => a + v, 0) / known.length : NaN;
}

/* The value that held at a moment, unsigned: that of the newest time until then. */
export function ghostAt({ times, values }: GhostLine, t: number): number {
    let low = 0;
    let high = times.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (times[middle]! <= t) low = middle + 1;
        else high = middle;
    }
    return low === 0 ? NaN : Math.abs(values[low - 1]!);
}

/* The largest value above the axis, or below it. */
export function ghostPeak(lines: readonly GhostLine[], sign: 1 | -1): number {
    let peak = 0;
    for (const { values } of lines) for (const v of values) if (v * sign > peak) peak = v * sign;
    return peak;
}

export function drawGhosts(
    u: uPlot,
    lines: readonly GhostLine[],
    palette: Palette,
    px: number,
): void {
    if (lines.length === 0) return;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.setLineDash(DASH.map((d) => d * px));
    ctx.lineWidth = 1.2 * px;
    ctx.globalAlpha = OPACITY;
    for (const { tone, times, values } of lines) {
        ctx.strokeStyle = palette[tone];
        ctx.beginPath();
        let down = false;
        for (let i = 0; i < times.length; i++) {
            const v = values[i]!;
            if (Number.isNaN(v)) {
                down = false;
                continue;
            }
            const x = u.valToPos(times[i]!, "x", true);
            const y = u.valToPos(v, "y", true);
            if (down) ctx.lineTo(x, y);
            else ctx.moveTo(x, y);
            down = true;
        }
        ctx.stroke();
    }
    ctx.restore();
}
