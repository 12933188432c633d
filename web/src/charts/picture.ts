/*
 * One uPlot on one element: the only file that knows the library. It is given gathered traces and
 * draws them; marks of its own are the zero line, the ground of what was not measured, the newest
 * values at the right edge and the flags on the time axis.
 */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { decimate } from "../domain/decimate";
import type { Flag } from "../domain/flags";
import type { Grid } from "../domain/grid";
import { AxisEnd } from "../domain/scale";
import type { ChartSpec } from "../domain/trace";
import { axisText, baseOf, clockText } from "../domain/units";
import { ends, marks, spread, TIME_STEPS, timeMark, timeMarks, timeSpace } from "./axis";
import { isCalm } from "./calm";
import type { Gathered } from "./gather";
import { drawGhosts, ghostPeak, type GhostLine } from "./ghost";
import { hatchOf } from "./hatch";
import { drawAlertMark, drawBands, drawLimits, type Band, type Limit } from "./overlay";
import type { Palette } from "./palette";

const GUTTER_LEFT = 46;
const GUTTER_RIGHT = 52;
const AXIS_HEIGHT = 22;
const FONT_PX = 11;
const MARK_ROOM_PX = 32; // of the chart's height for a mark of the y-axis, about
const EASE_MS = 160;
const FLAG_REACH_PX = 6;
const ZOOM_LEAST_PX = 8;
const DRAG_REACH_PX = 6;

export interface Readout {
    t: number;
    values: number[]; // unsigned, NaN in a gap
    flag: Flag | undefined;
    unmeasured: Stretch | undefined; // it lies in one
}

/* Nothing was measured between the last value before and the first one after; undefined: there is none. */
export interface Stretch {
    after: number | undefined; // epoch ms
    before: number | undefined;
}

export interface PictureHandlers {
    cursor(readout: Readout | undefined): void;
    zoom(fromMs: number, toMs: number): void;
    /* A limit was moved to this height, in plotted units; without it limits stand still. */
    drag?: ((key: string, plotted: number) => void) | undefined;
}

/* What lies behind and across the traces. */
export interface Backdrop {
    bands: readonly Band[];
    limits: readonly Limit[];
    ghosts: readonly GhostLine[];
    factor: number; // from the limits' units to the plotted one
}

export const NO_BACKDROP: Backdrop = { bands: [], limits: [], ghosts: [], factor: 1 };

export class Picture {
    readonly #spec: ChartSpec;
    readonly #handlers: PictureHandlers;
    readonly #plot: uPlot;
    readonly #mirrored: boolean;
    readonly #wordy: boolean;
    readonly #endAbove: AxisEnd;
    readonly #endBelow: AxisEnd;
    #palette: Palette;
    #flags: readonly Flag[] = [];
    #backdrop = NO_BACKDROP;
    #latestText: string[] = [];
    #latest: number[] = [];
    #latestAt = 0;
    #unmeasured: Stretch[] = [];
    #painted = false;
    #empty = true; // no value in sight: then there is no scale to show either
    #x: [number, number] = [0, 1];
    #y: [number, number] = [0, 1];
    #scaleKey = "";
    #ease = 0;

    constructor(
        host: HTMLElement,
        size: { width: number; height: number },
        spec: ChartSpec,
        palette: Palette,
        handlers: PictureHandlers,
        wordy: boolean, // says in the picture what it says to the pointer
    ) {
        this.#spec = spec;
        this.#wordy = wordy;
        this.#palette = palette;
        this.#handlers = handlers;
        this.#mirrored = spec.traces.some((t) => t.below);
        this.#endAbove = new AxisEnd(spec.least ?? 1);
        this.#endBelow = new AxisEnd(spec.least ?? 1);
        const empty = [[], ...spec.traces.map(() => [])] as unknown as uPlot.AlignedData;
        this.#plot = new uPlot(this.#options(size), empty, host);
        if (handlers.drag) this.#letDrag(host, handlers.drag);
    }

    destroy(): void {
        cancelAnimationFrame(this.#ease);
        this.#plot.destroy();
    }

    /* Both ends of the axis that is shown, or moved to. */
    get scale(): readonly [number, number] | undefined {
        if (!this.#painted || this.#empty) return undefined;
        return ends(this.#endAbove.end, this.#endBelow.end, this.#mirrored);
    }

    resize(width: number, height: number): void {
        if (width !== this.#plot.width || height !== this.#plot.height)
            this.#plot.setSize({ width, height });
    }

    recolour(palette: Palette): void {
        this.#palette = palette;
        this.#plot.redraw(true, true);
    }

    /*
     * scaleKey: while it stays the same, axes move rarely and gently; another window or unit starts
     * afresh.
     */
    paint(
        data: Gathered,
        grid: Grid,
        bounds: { fromMs: number; toMs: number },
        latestText: string[],
        flags: readonly Flag[],
        scaleKey: string,
        complete: boolean, // false: what is missing may still come
        backdrop: Backdrop,
    ): void {
        this.#backdrop = backdrop;
        const limit = Math.max(
            ghostPeak(backdrop.ghosts, 1),
            ...backdrop.limits.map((l) => l.value * backdrop.factor),
        );
        this.#painted = true;
        this.#empty = data.empty;
        this.#flags = flags;
        this.#unmeasured = complete ? stretches(data, grid) : [];
        this.#latest = data.latest;
        this.#latestText = latestText;
        this.#latestAt = grid.timeOf(data.first + data.n - 1);
        this.#x = [bounds.fromMs, Math.max(bounds.toMs, bounds.fromMs + 1)];
        const width = this.#plot.bbox.width / uPlot.pxRatio || 1;
        const d = decimate(data.traces, data.n, data.first, (k) => grid.timeOf(k), width);
        const anew = scaleKey !== this.#scaleKey;
        this.#scaleKey = scaleKey;
        const now = performance.now();
        const base = baseOf(this.#spec.measure);
        const target = ends(
            this.#endAbove.follow(Math.max(data.above, limit), now, anew, base),
            this.#endBelow.follow(Math.max(data.below, ghostPeak(backdrop.ghosts, -1)), now, anew, base),
            this.#mirrored,
        );
        const columns = [d.times, ...d.traces] as uPlot.AlignedData;
        this.#scaleTo(target, anew || isCalm(), columns);
    }

    /* Moves the reading line by whole points; undefined takes it away. */
    moveCursor(by: number | "first" | "last" | undefined): void {
        const times = this.#plot.data[0];
        if (by === undefined || times.length === 0) {
            this.#plot.setCursor({ left: -10, top: -10 });
            return;
        }
        const last = times.length - 1;
        const from = this.#plot.cursor.idx ?? last + 1;
        const to = by === "first" ? 0 : by === "last" ? last : from + by;
        const i = Math.min(last, Math.max(0, to));
        this.#plot.setCursor({ left: this.#plot.valToPos(times[i]!, "x"), top: 1 });
    }

    #scaleTo(target: [number, number], atOnce: boolean, columns: uPlot.AlignedData): void {
        cancelAnimationFrame(this.#ease);
        const from = this.#y;
        const moves = from[0] !== target[0] || from[1] !== target[1];
        if (atOnce || !moves) {
            this.#y = target;
            this.#plot.setData(columns);
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
            this.#plot.setData(columns);
            if (part < 1) this.#ease = requestAnimationFrame(step);
        };
        step();
    }

    #options(size: { width: number; height: number }): uPlot.Options {
        const font = () => `${FONT_PX}px ${this.#palette.font}`;
        const quiet = () => this.#palette.quiet;
        const grid = { stroke: () => this.#palette.grid, width: 1 };
        return {
            ...size,
            ms: 1,
            padding: [8, GUTTER_RIGHT, 0, 0],
            legend: { show: false },
            cursor: {
                y: false,
                drag: { x: true, y: false, setScale: false },
                sync: { key: "page", setSeries: false, scales: ["x", null] },
                points: {
                    size: 7,
                    width: 1.5,
                    stroke: (_, s) => this.#colour(s),
                    fill: () => this.#palette.surface,
                },
            },
            scales: {
                x: { time: true, range: () => this.#x },
                y: { range: () => this.#y },
            },
            axes: [
                {
                    stroke: quiet,
                    font: font(),
                    grid,
                    ticks: { show: false },
                    size: AXIS_HEIGHT,
                    gap: 5,
                    space: (_, __, low, high, room) => timeSpace(high - low, room),
                    incrs: [...TIME_STEPS],
                    splits: (_, __, low, high, incr) =>
                        this.#painted ? timeMarks(low, high, incr) : [],
                    values: (_, splits, __, ___, incr) => splits.map((ms) => timeMark(ms, incr)),
                },
                {
                    stroke: quiet,
                    font: font(),
                    grid,
                    ticks: { show: false },
                    size: GUTTER_LEFT,
                    gap: 8,
                    splits: (u, _, low, high) =>
                        this.#empty
                            ? []
                            : marks(low, high, u.height / MARK_ROOM_PX, baseOf(this.#spec.measure)),
                    values: (_, splits) =>
                        splits.map((v) => axisText(v, baseOf(this.#spec.measure))),
                },
            ],
            series: [
                {},
                ...this.#spec.traces.map((trace, i): uPlot.Series => ({
                    stroke: () => this.#colour(i + 1),
                    fill: trace.area ? () => this.#colour(i + 1) + "2e" : () => "transparent",
                    fillTo: () => 0,
                    width: 1.4,
                    ...(trace.dash ? { dash: [...trace.dash] } : {}),
                    spanGaps: false,
                    points: { show: false, size: 3, filter: lonelyPoints },
                })),
            ],
            hooks: {
                drawAxes: [
                    () => this.#drawZero(),
                    () => drawBands(this.#plot, this.#backdrop.bands, this.#palette, uPlot.pxRatio),
                    () => this.#drawUnmeasured(),
                    () =>
                        drawGhosts(this.#plot, this.#backdrop.ghosts, this.#palette, uPlot.pxRatio),
                ],
                draw: [() => this.#drawLimits(), () => this.#drawFlags(), () => this.#drawLatest()],
                setCursor: [() => this.#handlers.cursor(this.#read())],
                setSelect: [() => this.#selected()],
            },
        };
    }

    #colour(series: number): string {
        return this.#palette[this.#spec.traces[series - 1]!.tone];
    }

    #read(): Readout | undefined {
        const i = this.#plot.cursor.idx;
        const left = this.#plot.cursor.left ?? -1;
        if (i === null || i === undefined || left < 0) return undefined;
        const t = this.#plot.data[0][i];
        if (t === undefined) return undefined;
        const values = this.#spec.traces.map((_, s) => Math.abs(this.#plot.data[s + 1]![i] ?? NaN));
        const flag = this.#flags.find(
            (f) => Math.abs(this.#plot.valToPos(f.t, "x") - left) <= FLAG_REACH_PX,
        );
        const inside = (s: Stretch) => t > (s.after ?? -Infinity) && t < (s.before ?? Infinity);
        const unmeasured = this.#unmeasured.find(inside);
        return { t, values, flag, unmeasured };
    }

    /* What the cursor stands on after new data moved under it. */
    get readout(): Readout | undefined {
        return this.#read();
    }

    #selected(): void {
        const { left, width } = this.#plot.select;
        if (width < ZOOM_LEAST_PX) return;
        const from = this.#plot.posToVal(left, "x");
        const to = this.#plot.posToVal(left + width, "x");
        this.#plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        this.#handlers.zoom(Math.floor(from), Math.ceil(to));
    }

    #drawZero(): void {
        if (this.#empty) return;
        const { ctx, bbox } = this.#plot;
        const y = Math.round(this.#plot.valToPos(0, "y", true)) + 0.5;
        ctx.save();
        ctx.setLineDash([]);
        ctx.strokeStyle = this.#palette.zero;
        ctx.lineWidth = uPlot.pxRatio;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.restore();
    }

    /* Over grid and zero line: where nothing is known there is no scale to read. */
    #drawUnmeasured(): void {
        if (this.#unmeasured.length === 0) return;
        const { ctx, bbox } = this.#plot;
        const px = uPlot.pxRatio;
        const right = bbox.left + bbox.width;
        const at = (t: number) => Math.round(this.#plot.valToPos(t, "x", true));
        ctx.save();
        ctx.font = `${FONT_PX * px}px ${this.#palette.font}`;
        ctx.textBaseline = "middle";
        ctx.textAlign = "center";
        for (const s of this.#unmeasured) {
            const from = s.after === undefined ? bbox.left : Math.max(bbox.left, at(s.after));
            const to = s.before === undefined ? right : Math.min(right, at(s.before));
            if (to <= from) continue;
            ctx.fillStyle = hatchOf(ctx, this.#palette, px);
            ctx.fillRect(from, bbox.top, to - from, bbox.height);
            if (!this.#wordy || (s.after ?? s.before) === undefined) continue;
            const words = stretchText(s);
            const width = ctx.measureText(words).width + 16 * px;
            if (width > to - from) continue;
            const x = (from + to) / 2;
            const y = bbox.top + bbox.height / 2;
            ctx.fillStyle = this.#palette.unknown;
            ctx.fillRect(x - width / 2, y - 10 * px, width, 20 * px);
            ctx.fillStyle = this.#palette.quiet;
            ctx.fillText(words, x, y);
        }
        ctx.restore();
    }

    #drawLimits(): void {
        const { limits, factor } = this.#backdrop;
        drawLimits(this.#plot, limits, factor, this.#palette, uPlot.pxRatio, FONT_PX);
    }

    /* A press near a limit moves it; the library, which marks stretches, does not hear of it. */
    #letDrag(host: HTMLElement, drag: (key: string, plotted: number) => void): void {
        const heightOf = (e: MouseEvent) => e.clientY - this.#plot.over.getBoundingClientRect().top;
        const nearest = (e: MouseEvent) => {
            const { limits, factor } = this.#backdrop;
            return limits.find(
                (l) =>
                    Math.abs(this.#plot.valToPos(l.value * factor, "y") - heightOf(e)) <=
                    DRAG_REACH_PX,
            );
        };
        let held: string | undefined;
        host.addEventListener("pointerdown", (e) => {
            held = e.button === 0 ? nearest(e)?.key : undefined;
            if (held !== undefined) host.setPointerCapture(e.pointerId);
        });
        host.addEventListener("mousedown", (e) => held !== undefined && e.stopPropagation(), {
            capture: true,
        });
        host.addEventListener("pointermove", (e) => {
            if (held === undefined) host.classList.toggle("at-limit", nearest(e) !== undefined);
            else drag(held, Math.max(0, this.#plot.posToVal(heightOf(e), "y")));
        });
        for (const end of ["pointerup", "pointercancel"] as const)
            host.addEventListener(end, () => (held = undefined));
    }

    #drawFlags(): void {
        const { ctx, bbox } = this.#plot;
        const px = uPlot.pxRatio;
        ctx.save();
        ctx.setLineDash([]);
        for (const flag of this.#flags) {
            if (flag.t < this.#x[0] || flag.t > this.#x[1]) continue;
            const x = Math.round(this.#plot.valToPos(flag.t, "x", true)) + 0.5;
            ctx.lineWidth = px;
            if (isAlert(flag)) {
                drawAlertMark(this.#plot, flag, x, this.#palette, px);
                continue;
            }
            ctx.strokeStyle = ctx.fillStyle = this.#palette.flag;
            ctx.globalAlpha = 0.55;
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            ctx.globalAlpha = 1;
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x + 7 * px, bbox.top + 3 * px);
            ctx.lineTo(x, bbox.top + 6 * px);
            ctx.fill();
        }
        ctx.restore();
    }

    #drawLatest(): void {
        const { ctx, bbox } = this.#plot;
        const px = uPlot.pxRatio;
        const right = bbox.left + bbox.width;
        const x = Math.min(right, this.#plot.valToPos(this.#latestAt, "x", true));
        const seen = this.#spec.traces.flatMap((trace, s) => {
            const v = this.#latest[s];
            if (v === undefined || Number.isNaN(v)) return [];
            const y = this.#plot.valToPos(trace.below ? -v : v, "y", true);
            return [{ y, below: trace.below === true, s, text: this.#latestText[s] ?? "" }];
        });
        // Equal words at the same place are one label, e.g. four counters at zero.
        const labels = seen.filter(
            (l, i) =>
                !seen.some((o, j) => j < i && o.text === l.text && Math.abs(o.y - l.y) < 2 * px),
        );
        const apart = (FONT_PX + 2) * px;
        const places = spread(
            labels.map((l) => l.y),
            apart,
            bbox.top + apart / 2,
            bbox.top + bbox.height,
        );
        ctx.save();
        ctx.font = `500 ${FONT_PX * px}px ${this.#palette.font}`;
        ctx.textBaseline = "middle";
        ctx.textAlign = "left";
        for (const { y, s } of seen) {
            ctx.fillStyle = this.#colour(s + 1);
            ctx.beginPath();
            ctx.arc(x, y, 2.5 * px, 0, 2 * Math.PI);
            ctx.fill();
        }
        labels.forEach((label, i) => {
            ctx.fillStyle = this.#colour(label.s + 1);
            ctx.fillText(label.text, right + 8 * px, places[i]!);
        });
        ctx.restore();
    }
}

function isAlert({ kind }: Flag): boolean {
    return kind === "warning" || kind === "critical" || kind === "resolved";
}

function stretches(data: Gathered, grid: Grid): Stretch[] {
    const out: Stretch[] = [];
    const timeAt = (i: number) => grid.timeOf(data.first + i);
    for (let i = 0; i < data.gaps.length; i += 2) {
        const from = data.gaps[i]!;
        const end = data.gaps[i + 1]!;
        out.push({
            after: from > 0 ? timeAt(from - 1) : undefined,
            before: end < data.n ? timeAt(end) : undefined,
        });
    }
    return out;
}

export function stretchText({ after, before }: Stretch): string {
    if (after === undefined && before === undefined) return "not measured";
    if (after === undefined) return `not measured before ${clockText(before!)}`;
    if (before === undefined) return `not measured since ${clockText(after)}`;
    return `not measured ${clockText(after)} – ${clockText(before)}`;
}

/* A single value between two gaps has no line; it gets a dot. */
const lonelyPoints: uPlot.Series.Points.Filter = (u, series) => {
    const values = u.data[series]!;
    const alone: number[] = [];
    for (let i = 0; i < values.length; i++)
        if (values[i] != null && values[i - 1] == null && values[i + 1] == null) alone.push(i);
    return alone.length ? alone : null;
};
