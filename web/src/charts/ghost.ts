/*
 * What a window is compared with, drawn behind its traces: faint, dashed, in their colours. Its times
 * are moved to lie under those of the window; a level without times of its own is a line across.
 */
import type { ChartSpec } from "../domain/trace";
import type { ByteUnit } from "../domain/units";
import type { GhostSource } from "./environment";
import { Gatherer } from "./gather";
import type { Palette } from "./palette";
import { inFrame, type Place } from "./place";

export const GHOST_DASH: readonly number[] = [2, 3];
export const GHOST_OPACITY = 0.65;

/* In plotted units, with the sign of its trace; NaN is a gap. Times rise; a level has none. */
export interface GhostLine {
    tone: keyof Palette;
    times: readonly number[];
    values: readonly number[];
    level?: number;
}

const NO_LINES: readonly GhostLine[] = [];

export class GhostGatherer {
    readonly #spec: ChartSpec;
    #key: unknown[] = [];
    #lines = NO_LINES;

    constructor(spec: ChartSpec) {
        this.#spec = spec;
    }

    /* One for each trace that is drawn, in their order; the same list while nothing changed. */
    gather(source: GhostSource, bytesAs: ByteUnit, hidden: ReadonlySet<string>): readonly GhostLine[] {
        const key = [source.grid, source.seriesVersion, source.shiftMs, bytesAs, hidden];
        if (key.every((k, i) => k === this.#key[i])) return this.#lines;
        this.#key = key;
        return (this.#lines = this.#read(source, bytesAs, hidden));
    }

    #read(
        source: GhostSource,
        bytesAs: ByteUnit,
        hidden: ReadonlySet<string>,
    ): readonly GhostLine[] {
        const { grid, shiftMs } = source;
        const data = grid && new Gatherer(this.#spec).gather(source, bytesAs, hidden);
        if (!grid || !data || data.empty) return NO_LINES;
        return this.#spec.traces.flatMap(({ name, tone }, s) => {
            if (hidden.has(name)) return [];
            const values = [...data.traces[s]!.subarray(data.from, data.n)];
            if (shiftMs === undefined)
                return [{ tone, times: [], values: [], level: meanOf(values) }];
            const first = data.first + data.from;
            return [{ tone, times: values.map((_, i) => grid.timeOf(first + i) + shiftMs), values }];
        });
    }
}

function meanOf(values: readonly number[]): number {
    const known = values.filter((v) => !Number.isNaN(v));
    return known.length ? known.reduce((a, v) => a + v, 0) / known.length : NaN;
}

/* Of the newest time until then; -1: there is none. */
function indexAt(times: readonly number[], t: number): number {
    let low = 0;
    let high = times.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (times[middle]! <= t) low = middle + 1;
        else high = middle;
    }
    return low - 1;
}

/* The value that held at a moment, unsigned. */
export function ghostAt({ times, values, level }: GhostLine, t: number): number {
    return Math.abs(level ?? values[indexAt(times, t)] ?? NaN);
}

/* The largest value in the window above the axis (sign 1), or below it. */
export function ghostPeak(
    lines: readonly GhostLine[],
    sign: 1 | -1,
    { fromMs, toMs }: { fromMs: number; toMs: number },
): number {
    let peak = 0;
    for (const { times, values, level } of lines) {
        if (level !== undefined && level * sign > peak) peak = level * sign;
        for (let i = Math.max(0, indexAt(times, fromMs)); i < times.length && times[i]! <= toMs; i++)
            if (values[i]! * sign > peak) peak = values[i]! * sign;
    }
    return peak;
}

export function drawGhosts(
    ctx: CanvasRenderingContext2D,
    place: Place,
    lines: readonly GhostLine[],
    palette: Palette,
): void {
    if (lines.length === 0) return;
    inFrame(ctx, place, () => {
        ctx.setLineDash(GHOST_DASH.map((d) => d * place.px));
        ctx.lineWidth = 1.2 * place.px;
        ctx.globalAlpha = GHOST_OPACITY;
        for (const { tone, times, values, level } of lines) {
            ctx.strokeStyle = palette[tone];
            ctx.beginPath();
            if (level !== undefined && !Number.isNaN(level)) {
                ctx.moveTo(place.left, place.y(level));
                ctx.lineTo(place.right, place.y(level));
            }
            let down = false;
            const first = Math.max(0, indexAt(times, place.fromMs));
            for (let i = first; i < times.length; i++) {
                const v = values[i]!;
                if (Number.isNaN(v)) down = false;
                else {
                    if (down) ctx.lineTo(place.x(times[i]!), place.y(v));
                    else ctx.moveTo(place.x(times[i]!), place.y(v));
                    down = true;
                }
                if (times[i]! > place.toMs) break;
            }
            ctx.stroke();
        }
    });
}
