/*
 * Few points, each with a meaning of its own: results against the number of clients, shares over the
 * comparisons of a month. Lines with dots; the horizontal axis is time or a logarithm, the vertical
 * one begins at zero. The same marks stand in the page and in what is saved.
 */
import { roundUp } from "../domain/scale";
import type { Tone } from "../domain/trace";
import { marks, timeMark, timeMarks, TIME_STEPS } from "./axis";
import type { Palette } from "./palette";
import type { Mark } from "./scene";

const AXIS_PX = 11;
const MARK_ROOM_PX = 36;
const TIME_ROOM_PX = 84;
const LABEL_ROOM_PX = 40;
const DAY_MS = 86_400_000;

export interface XyPoint {
    x: number; // epoch ms on an axis of time
    y: number; // NaN: a gap
    title: string; // in words
    key?: string; // what it opens
}

export interface XySeries {
    name: string;
    tone: Tone | "critical" | "text" | "quiet" | "flag";
    dash?: readonly number[];
    apart?: boolean; // points without a line
    faint?: boolean; // behind what it is compared with
    points: readonly XyPoint[]; // by rising x
}

export interface XyContent {
    axis: "time" | "log";
    series: readonly XySeries[];
    least: number; // the vertical axis never ends below this
    most?: number; // and never above this
    yText(value: number): string; // of a mark of the axis
}

export interface XyPlace {
    left: number;
    top: number;
    right: number;
    bottom: number;
}

export interface XyScale {
    x(value: number): number;
    y(value: number): number;
    domain: readonly [number, number];
    top: number;
}

/* Ends of the axis of a logarithm: whole powers are marks, the ends need not be. */
function logDomain(values: readonly number[]): [number, number] {
    const known = values.filter((v) => v > 0);
    if (known.length === 0) return [1, 10];
    const low = Math.min(...known);
    const high = Math.max(...known);
    return low === high ? [low / 2, high * 2] : [low, high];
}

function timeDomain(values: readonly number[]): [number, number] {
    if (values.length === 0) return [0, 1];
    const low = Math.min(...values);
    const high = Math.max(...values);
    return low === high ? [low - DAY_MS / 24, high + DAY_MS / 24] : [low, high];
}

export function xyScale(c: XyContent, at: XyPlace): XyScale {
    const points = c.series.flatMap((s) => s.points);
    const log = c.axis === "log";
    const values = points.map((p) => p.x);
    const domain = log ? logDomain(values) : timeDomain(values);
    const peak = Math.max(0, ...points.map((p) => p.y).filter((y) => !Number.isNaN(y)));
    const top = Math.min(c.most ?? Infinity, roundUp(peak * 1.04, c.least));
    const place = log ? Math.log : (v: number) => v;
    const [low, high] = domain.map(place) as [number, number];
    const width = at.right - at.left;
    return {
        x: (v) => at.left + ((place(v) - low) / (high - low)) * width,
        y: (v) => at.bottom - (v / top) * (at.bottom - at.top),
        domain,
        top,
    };
}

/* 1, 10, 100 …; where these are few also the steps between. */
export function logMarks(low: number, high: number): number[] {
    const out: number[] = [];
    const steps = high / low < 30 ? [1, 2, 5] : [1];
    for (let p = Math.floor(Math.log10(low)); 10 ** p <= high; p++)
        for (const m of steps) {
            const v = m * 10 ** p;
            if (v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9)) out.push(Number(v.toPrecision(3)));
        }
    return out;
}

export function xyMarks(c: XyContent, at: XyPlace, palette: Palette): Mark[] {
    const scale = xyScale(c, at);
    const out: Mark[] = [];
    yAxis(out, c, scale, at, palette);
    if (c.series.some((s) => s.points.length)) xAxis(out, c, scale, at, palette);
    for (const s of [...c.series].sort((a, b) => Number(b.faint ?? 0) - Number(a.faint ?? 0)))
        line(out, s, scale, palette);
    return out;
}

function label(
    x: number,
    y: number,
    text: string,
    anchor: "middle" | "end",
    palette: Palette,
): Mark {
    return { kind: "text", x, y, text, anchor, size: AXIS_PX, fill: palette.quiet };
}

function yAxis(out: Mark[], c: XyContent, scale: XyScale, at: XyPlace, palette: Palette): void {
    for (const v of marks(0, scale.top, (at.bottom - at.top) / MARK_ROOM_PX)) {
        const y = Math.round(scale.y(v)) + 0.5;
        const stroke = v === 0 ? palette.zero : palette.grid;
        const text = c.yText(v);
        out.push(
            { kind: "line", points: [at.left, y, at.right, y], stroke, width: 1 },
            label(at.left - 8, y + 4, text, "end", palette),
        );
    }
}

function xAxis(out: Mark[], c: XyContent, scale: XyScale, at: XyPlace, palette: Palette): void {
    const [low, high] = scale.domain;
    let places: { v: number; text: string }[];
    if (c.axis === "log")
        places = logMarks(low, high).map((v) => ({ v, text: v.toLocaleString("en") }));
    else {
        const least = (high - low) / ((at.right - at.left) / TIME_ROOM_PX);
        const step = TIME_STEPS.find((s) => s >= least) ?? TIME_STEPS.at(-1)!;
        places = timeMarks(low, high, step).map((v) => ({ v, text: timeMark(v, step) }));
    }
    let last = -Infinity;
    for (const { v, text } of places) {
        const x = Math.round(scale.x(v)) + 0.5;
        const points = [x, at.top, x, at.bottom];
        out.push({ kind: "line", points, stroke: palette.grid, width: 1 });
        if (x - last < LABEL_ROOM_PX) continue;
        last = x;
        out.push(label(x, at.bottom + 16, text, "middle", palette));
    }
}

function line(out: Mark[], s: XySeries, scale: XyScale, palette: Palette): void {
    const colour = palette[s.tone];
    const { dash, name: series, faint } = s;
    const opacity = faint ? 0.45 : 1;
    const width = faint ? 1.2 : 1.8;
    let run: number[] = [];
    const end = () => {
        if (run.length > 2 && !s.apart)
            out.push({ kind: "line", points: run, stroke: colour, width, dash, opacity, series });
        run = [];
    };
    for (const p of s.points) {
        if (Number.isNaN(p.y)) end();
        else run.push(scale.x(p.x), scale.y(p.y));
    }
    end();
    const r = s.points.length > 120 ? 1.6 : 3;
    for (const p of s.points) {
        if (Number.isNaN(p.y)) continue;
        out.push({
            kind: "dot",
            x: scale.x(p.x),
            y: scale.y(p.y),
            r: faint ? r * 0.7 : r,
            fill: faint ? palette.surface : colour,
            title: p.title,
            ...(faint ? { stroke: colour } : {}),
        });
    }
}

export interface Nearest {
    series: number;
    point: number;
    x: number; // pixels
    y: number;
}

/* The point that somebody means who points at (x, y); undefined where there is none. */
export function nearest(
    c: XyContent,
    scale: XyScale,
    x: number,
    y: number,
): Nearest | undefined {
    let best: Nearest | undefined;
    let least = Infinity;
    c.series.forEach((s, series) =>
        s.points.forEach((p, point) => {
            if (Number.isNaN(p.y)) return;
            const at = { x: scale.x(p.x), y: scale.y(p.y) };
            const far = Math.abs(at.x - x) + 0.25 * Math.abs(at.y - y);
            if (far >= least) return;
            least = far;
            best = { series, point, ...at };
        }),
    );
    return best;
}
