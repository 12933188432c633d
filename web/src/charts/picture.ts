/*
 * The picture of a chart over time, on two canvases that lie on each other:
 *
 *     settled  ┌───────────────────────────┐     axes, bands, what is unknown, flags, limits and
 *              │  ╱╲    ╱╲╱╲               │     the traces up to the newest bin
 *              │─╱──╲╱╲╱────╲──            │
 *              └───────────────────────────┘
 *     fresh                     ┌─────┐          the newest bin and the newest values
 *                               │ ╲╱• │12 k
 *
 * A tick changes the fresh one, a strip at the right edge. When the present has moved on by a whole
 * pixel, the settled one is moved by that and gets a column; it is drawn as a whole when something else
 * in it changed. What is pointed at is
 * shown by elements on top, so that reading draws nothing.
 */
import { binFor, Decimator } from "../domain/decimate";
import type { Flag } from "../domain/flags";
import type { Grid } from "../domain/grid";
import { AxisEnd } from "../domain/scale";
import type { ChartSpec } from "../domain/trace";
import { baseOf, type Base } from "../domain/units";
import { ends } from "./axis";
import { isCalm } from "./calm";
import { peaksOf, valuesAt, type Gathered } from "./gather";
import { drawGhosts, ghostPeak, type GhostLine } from "./ghost";
import {
    drawAxes,
    drawGraticule,
    drawTimes,
    drawUnmeasured,
    FONT_PX,
    TIMES_PX,
    type Stretch,
} from "./ground";
import { drawTraces, lengthOf } from "./lines";
import { drawNewest } from "./newest";
import { drawBands, drawFlags, drawLimits, type Band, type Limit } from "./overlay";
import type { Palette } from "./palette";
import { GUTTER_RIGHT, Place, type Box } from "./place";

const EASE_MS = 160;
const FLAG_REACH_PX = 6;
const GOLDEN = 0.618; // parts of it lie evenly, however many there are
const FLAG_PX = 8; // how far a flag flies
const OVERLAP = 4; // points that are drawn again, so that lines join
const STRIP_PX = 16; // of the plot that the fresh canvas covers at least

export interface Readout {
    t: number;
    values: number[]; // unsigned, NaN in a gap
    flag: Flag | undefined;
    unmeasured: Stretch | undefined; // it lies in one
}

/* All that a picture shows. Parts that did not change are the same objects as before. */
export interface Shown {
    data: Gathered;
    grid: Grid;
    bounds: { fromMs: number; toMs: number };
    latestText: readonly string[];
    flags: readonly Flag[];
    scaleKey: string; // while it stays the same, axes move rarely and gently; else they start afresh
    complete: boolean; // false: what is missing may still come
    bands: readonly Band[];
    limits: readonly Limit[];
    ghosts: readonly GhostLine[];
    factor: number; // from the limits' units to the plotted one
}

let pictures = 0; // made so far

export class Picture {
    readonly #phase = (pictures++ * GOLDEN) % 1;
    readonly #spec: ChartSpec;
    readonly #settled: HTMLCanvasElement;
    readonly #fresh: HTMLCanvasElement;
    readonly #mirrored: boolean;
    readonly #wordy: boolean;
    readonly #endAbove: AxisEnd;
    readonly #endBelow: AxisEnd;
    readonly #points = new Decimator();
    #palette: Palette;
    #box: Box = { width: 0, height: 0, px: 1 };
    #shown: Shown | undefined;
    #decimated: Gathered | undefined; // what the points are of, and up to which step
    #taken = 0;
    #place: Place | undefined;
    #unmeasured: Stretch[] = [];
    #y: readonly [number, number] = [0, 1];
    #scaleKey = "";
    #ease = 0;
    /* What the settled canvas holds. */
    #drawn: Shown | undefined;
    #gaps = 0;
    #end = 0; // points up to there
    #from = 0; // and from there on
    #phases: number[] = []; // of the dashes at its first point
    #endPhases: number[] = [];

    constructor(
        host: HTMLElement,
        spec: ChartSpec,
        palette: Palette,
        wordy: boolean, // says in the picture what it says to the pointer
    ) {
        this.#spec = spec;
        this.#wordy = wordy;
        this.#palette = palette;
        this.#mirrored = spec.traces.some((t) => t.below);
        this.#endAbove = new AxisEnd(spec.least ?? 1);
        this.#endBelow = new AxisEnd(spec.least ?? 1);
        this.#settled = document.createElement("canvas");
        this.#fresh = document.createElement("canvas");
        this.#fresh.className = "plot-fresh";
        host.prepend(this.#settled, this.#fresh);
    }

    destroy(): void {
        cancelAnimationFrame(this.#ease);
        this.#settled.remove();
        this.#fresh.remove();
    }

    /* Where values stand; undefined before the first painting. */
    get place(): Place | undefined {
        return this.#place;
    }

    get limits(): readonly Limit[] {
        return this.#shown?.limits ?? [];
    }

    get factor(): number {
        return this.#shown?.factor ?? 1;
    }

    /* Both ends of the axis that is shown, or moved to. */
    get scale(): readonly [number, number] | undefined {
        if (!this.#shown || this.#shown.data.empty) return undefined;
        return ends(this.#endAbove.end, this.#endBelow.end, this.#mirrored);
    }

    resize(width: number, height: number): void {
        const px = window.devicePixelRatio || 1;
        const { width: w, height: h, px: before } = this.#box;
        if (w === width && h === height && px === before) return;
        this.#box = { width, height, px };
        this.#settled.width = Math.round(width * px);
        this.#settled.height = this.#fresh.height = Math.round(height * px);
        this.#drawn = undefined;
        if (this.#shown) this.paint(this.#shown);
    }

    recolour(palette: Palette): void {
        this.#palette = palette;
        this.#drawn = undefined;
        if (this.#shown) this.paint(this.#shown);
    }

    paint(shown: Shown): void {
        if (this.#box.width === 0) return;
        const { data, limits, ghosts, bounds, factor, scaleKey } = shown;
        this.#shown = shown;
        this.#decimate(data, shown.grid);
        const peaks = peaksOf(this.#points.traces, this.#firstPoint(data), this.#points.n);
        const limit = Math.max(
            ghostPeak(ghosts, 1, bounds),
            ...limits.map((l) => l.value * factor),
        );
        const anew = scaleKey !== this.#scaleKey;
        this.#scaleKey = scaleKey;
        const now = performance.now();
        const target = ends(
            this.#endAbove.follow(Math.max(peaks.above, limit), now, anew, this.#base),
            this.#endBelow.follow(
                Math.max(peaks.below, ghostPeak(ghosts, -1, bounds)),
                now,
                anew,
                this.#base,
            ),
            this.#mirrored,
        );
        this.#scaleTo(target, anew || isCalm());
    }

    get #base(): Base {
        return baseOf(this.#spec.measure);
    }

    #decimate(data: Gathered, grid: Grid): void {
        const width = this.#box.width - GUTTER_RIGHT;
        const bin = binFor(data.n - data.from, width);
        const same = data === this.#decimated && bin === this.#points.bin;
        if (!same) {
            this.#points.begin(data.first, data.room, data.traces.length, bin);
            this.#decimated = data;
            this.#taken = 0;
            this.#drawn = undefined;
            this.#phases = data.traces.map(() => 0);
            this.#from = 0;
        }
        // The newest step may have got more since.
        const from = Math.max(0, this.#taken - 1);
        if (this.#points.pointOf(from) < this.#end) this.#drawn = undefined;
        this.#points.take(data.traces, from, data.n, (k) => grid.timeOf(k));
        this.#taken = data.n;
    }

    /* Of what is in sight, and one before it, so that lines come from beyond the edge. */
    #firstPoint(data: Gathered): number {
        return Math.max(0, this.#points.pointOf(data.from) - 1);
    }

    #scaleTo(target: [number, number], atOnce: boolean): void {
        cancelAnimationFrame(this.#ease);
        const from = this.#y;
        const moves = from[0] !== target[0] || from[1] !== target[1];
        if (atOnce || !moves) {
            this.#y = target;
            this.#draw();
            return;
        }
        const start = performance.now();
        const step = () => {
            const part = Math.min(1, (performance.now() - start) / EASE_MS);
            const eased = 1 - (1 - part) ** 3;
            this.#y = [
                from[0] + (target[0] - from[0]) * eased,
                from[1] + (target[1] - from[1]) * eased,
            ];
            if (part === 1) this.#y = target;
            this.#draw();
            if (part < 1) this.#ease = requestAnimationFrame(step);
        };
        step();
    }

    #draw(): void {
        const shown = this.#shown!;
        const place = new Place(this.#box, shown.bounds, this.#y, this.#phase);
        const by = this.#moved(shown, place);
        if (by !== 0) {
            this.#place = place;
            if (by === undefined) this.#drawSettled(shown, place);
            else this.#scroll(shown, place, by);
            this.#drawn = shown;
        }
        this.#drawFresh(shown, this.#place!);
    }

    /*
     * What the settled canvas holds is right when it is moved to the left by so many pixels; undefined:
     * it has to be drawn.
     */
    #moved(shown: Shown, place: Place): number | undefined {
        const old = this.#drawn;
        const by = this.#place?.movedTo(place);
        if (
            old === undefined ||
            by === undefined ||
            shown.data.gaps.length !== this.#gaps ||
            old.data !== shown.data ||
            old.flags !== shown.flags ||
            old.complete !== shown.complete ||
            old.bands !== shown.bands ||
            old.limits !== shown.limits ||
            old.ghosts !== shown.ghosts ||
            old.factor !== shown.factor
        )
            return undefined;
        // Words keep to their places, and what is unknown up to the present grows.
        const still = shown.limits.length > 0 || (this.#wordy && this.#unmeasured.length > 0);
        const open = this.#unmeasured.some((s) => s.before === undefined);
        const more = shown.bands.length > 0 || shown.ghosts.length > 0;
        return by > 0 && (still || open || more || by > place.width / 2) ? undefined : by;
    }

    #drawSettled(shown: Shown, place: Place): void {
        const { data, grid, complete, bands, flags, limits, ghosts, factor } = shown;
        const ctx = this.#settled.getContext("2d")!;
        const palette = this.#palette;
        ctx.clearRect(0, 0, this.#settled.width, this.#settled.height);
        this.#unmeasured = complete ? stretches(data, grid) : [];
        this.#gaps = data.gaps.length;
        const from = this.#firstPoint(data);
        drawAxes(ctx, place, palette, !data.empty, this.#base);
        drawBands(ctx, place, bands, palette);
        drawUnmeasured(ctx, place, this.#unmeasured, palette, this.#wordy);
        drawGhosts(ctx, place, ghosts, palette);
        // Dashes stay where they are on the line while its older end leaves the window.
        this.#spec.traces.forEach((t, s) => {
            if (t.dash) this.#phases[s]! += lengthOf(place, this.#points, s, this.#from, from);
        });
        this.#from = from;
        this.#end = from;
        this.#endPhases = [...this.#phases];
        this.#drawUpTo(ctx, place, data, from);
        drawLimits(ctx, place, limits, factor, palette, FONT_PX);
        drawFlags(ctx, place, flags, palette);
    }

    /* The traces from this point up to the newest bin, which is left to the fresh canvas. */
    #drawUpTo(ctx: CanvasRenderingContext2D, place: Place, data: Gathered, from: number): void {
        const phases = this.#endPhases.map((phase, s) =>
            this.#spec.traces[s]!.dash
                ? phase - lengthOf(place, this.#points, s, from, this.#end - 1)
                : phase,
        );
        this.#end = Math.max(from, this.#points.pointOf(data.n - 1));
        this.#endPhases = drawTraces(
            ctx,
            place,
            this.#spec,
            this.#points,
            from,
            this.#end,
            this.#palette,
            phases,
        );
    }

    /* Moves what there is and draws the columns that come into sight, with those that touch them. */
    #scroll(shown: Shown, place: Place, by: number): void {
        const { data, flags } = shown;
        const ctx = this.#settled.getContext("2d")!;
        const { left, right, bottom, width, px } = place;
        const from = Math.max(this.#from, this.#end - OVERLAP);
        const reach = right - place.x(this.#points.times[from]!);
        const fresh = Math.min(width, Math.ceil(Math.max(reach, by + FLAG_PX * px)));
        ctx.save();
        ctx.beginPath();
        ctx.rect(left, 0, width - fresh, bottom + 1);
        ctx.clip();
        ctx.globalCompositeOperation = "copy";
        ctx.drawImage(this.#settled, -by, 0);
        ctx.restore();
        const x = right - fresh;
        ctx.clearRect(x, 0, this.#settled.width - x, bottom + 1);
        // Only the marks of time: the lowest one of the other axis reaches down a little.
        const foot = Math.round(bottom + TIMES_PX * px);
        ctx.clearRect(0, foot, this.#settled.width, this.#settled.height - foot);
        drawTimes(ctx, place, this.#palette);
        ctx.save();
        ctx.beginPath();
        ctx.rect(x, 0, fresh + FLAG_PX * px, bottom + 1);
        ctx.clip();
        drawGraticule(ctx, place, this.#palette, !data.empty, this.#base);
        drawUnmeasured(ctx, place, this.#unmeasured, this.#palette, false);
        this.#drawUpTo(ctx, place, data, Math.max(this.#from, from - OVERLAP));
        drawFlags(ctx, place, flags, this.#palette);
        ctx.restore();
    }

    #drawFresh(shown: Shown, place: Place): void {
        const { data, grid, latestText } = shown;
        const from = Math.max(0, this.#end - 1);
        const { px } = this.#box;
        // As wide as what is new, rounded up so that it is seldom made anew.
        const reach = place.right - place.x(this.#points.times[from]!) + 4 * px;
        const strip = Math.round(STRIP_PX * px) * Math.ceil(reach / (STRIP_PX * px));
        const left = Math.max(0, place.right - strip);
        const width = this.#settled.width - left;
        if (this.#fresh.width !== width) {
            this.#fresh.width = width;
            this.#fresh.style.width = `${width / px}px`;
        }
        const ctx = this.#fresh.getContext("2d")!;
        ctx.setTransform(1, 0, 0, 1, 0, 0);
        ctx.clearRect(0, 0, width, this.#fresh.height);
        ctx.translate(-left, 0);
        const { times, n } = this.#points;
        if (times[n - 1]! >= place.fromMs)
            drawTraces(
                ctx,
                place,
                this.#spec,
                this.#points,
                from,
                n,
                this.#palette,
                this.#endPhases,
            );
        const newest = this.#spec.traces.map(({ tone }, s) => ({
            tone,
            value: data.traces[s]![data.n - 1]!,
            text: latestText[s] ?? "",
        }));
        drawNewest(ctx, place, grid.timeOf(data.first + data.n - 1), newest, this.#palette);
    }

    /* The moment nearest to this one of which there may be values. */
    nearest(t: number): number | undefined {
        const i = this.#indexAt(t);
        return i === undefined ? undefined : this.#timeOf(i);
    }

    /* The moment so many steps later, or the first or last one; without a start from the newest. */
    step(from: number | undefined, by: number | "first" | "last"): number | undefined {
        const data = this.#shown?.data;
        if (!data || data.n === data.from) return undefined;
        const now = (from === undefined ? undefined : this.#indexAt(from)) ?? data.n;
        const to = by === "first" ? data.from : by === "last" ? data.n - 1 : now + by;
        return this.#timeOf(Math.min(data.n - 1, Math.max(data.from, to)));
    }

    /* What is to be read at a moment; undefined where it is out of sight. */
    read(t: number): Readout | undefined {
        const shown = this.#shown;
        const place = this.#place;
        const i = this.#indexAt(t);
        if (!shown || !place || i === undefined) return undefined;
        if (t < place.fromMs - shown.grid.stepMs || t > place.toMs + shown.grid.stepMs)
            return undefined;
        const at = this.#timeOf(i);
        const reach = FLAG_REACH_PX * place.px;
        const flag = shown.flags.find((f) => Math.abs(place.x(f.t) - place.x(t)) <= reach);
        const inside = (s: Stretch) => at > (s.after ?? -Infinity) && at < (s.before ?? Infinity);
        return {
            t: at,
            values: valuesAt(shown.data, i),
            flag,
            unmeasured: this.#unmeasured.find(inside),
        };
    }

    /* Heights of all traces there, in the canvas' pixels; NaN in a gap. */
    heights(t: number): number[] {
        const i = this.#indexAt(t);
        const { data } = this.#shown ?? {};
        if (!data || !this.#place || i === undefined) return [];
        return data.traces.map((v) => this.#place!.y(v[i]!));
    }

    #timeOf(i: number): number {
        return this.#shown!.grid.timeOf(this.#shown!.data.first + i);
    }

    #indexAt(t: number): number | undefined {
        if (!this.#shown) return undefined;
        const { grid, data } = this.#shown;
        if (data.n === data.from) return undefined;
        const i = Math.round((t - grid.timeOf(data.first)) / grid.stepMs);
        return Math.min(data.n - 1, Math.max(data.from, i));
    }
}

/* Those that reach into the window. */
function stretches(data: Gathered, grid: Grid): Stretch[] {
    const out: Stretch[] = [];
    const timeAt = (i: number) => grid.timeOf(data.first + i);
    for (let i = 0; i < data.gaps.length; i += 2) {
        const from = data.gaps[i]!;
        const end = data.gaps[i + 1]!;
        if (end <= data.from) continue;
        out.push({
            after: from > data.from ? timeAt(from - 1) : undefined,
            before: end < data.n ? timeAt(end) : undefined,
        });
    }
    return out;
}
