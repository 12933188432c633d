/*
 * A chart over time as a picture of its own: what stands around it on the page (title, unit, legend
 * with values, how it was measured, which host and when) stands inside the picture, since a file goes
 * where the page does not. Traces, scale and colours are the chart's.
 */
import { decimate } from "../domain/decimate";
import type { Flag } from "../domain/flags";
import type { ChartSpec } from "../domain/trace";
import { exactText } from "../domain/time";
import { axisText, baseOf } from "../domain/units";
import { marks, timeMark, timeMarks, TIME_STEPS } from "./axis";
import { GHOST_DASH, GHOST_OPACITY, type GhostLine } from "./ghost";
import type { Band, Limit } from "./overlay";
import type { Palette } from "./palette";
import type { Mark, MeasureText, Scene } from "./scene";
import { frame, PLOT, rangeText, SCENE_HEIGHT, SCENE_WIDTH } from "./scene-frame";

const AXIS_PX = 11;
const MARK_ROOM_PX = 40;
const TIME_ROOM_PX = 84;

export interface TimeContent {
    spec: ChartSpec;
    unit: string;
    subtitle: string; // how it was measured, what is missing
    host: string;
    version: string;
    madeMs: number;
    fromMs: number;
    toMs: number;
    traces: readonly Float64Array[]; // as plotted: in the unit, below the axis negative, stacked
    own: readonly Float64Array[]; // each for itself
    n: number;
    first: number;
    timeOf(step: number): number;
    legend: readonly string[]; // newest value of each trace, in words
    unmeasured: readonly { fromMs: number; toMs: number }[];
    flags: readonly Flag[];
    bands: readonly Band[];
    limits: readonly Limit[];
    ghosts: readonly GhostLine[]; // what the window is compared with, one of each trace
    factor: number; // from the limits' units to the plotted one
    scale: readonly [number, number];
}

export function timeScene(c: TimeContent, palette: Palette, measure: MeasureText): Scene {
    const [low, high] = c.scale;
    const span = Math.max(c.toMs - c.fromMs, 1);
    const x = (t: number) => PLOT.left + ((t - c.fromMs) / span) * (PLOT.right - PLOT.left);
    const y = (v: number) => PLOT.bottom - ((v - low) / (high - low || 1)) * (PLOT.bottom - PLOT.top);
    const out = frame(
        {
            ...c,
            title: c.spec.title,
            range: rangeText(c.fromMs, c.toMs),
            legend: c.spec.traces.map((t, i) => ({
                name: t.name,
                value: c.legend[i] ?? "",
                stroke: palette[t.tone],
                dash: t.dash,
            })),
        },
        palette,
        measure,
    );
    ground(out, c, palette, x, y);
    // Stacked areas from the top one down, each over what is behind it.
    const order = c.traces.map((_, s) => s);
    for (const s of c.spec.stack ? order.reverse() : order) trace(out, c, s, palette, x, y);
    for (const line of c.ghosts) ghost(out, c, line, palette, x, y);
    limits(out, c, palette, y);
    flags(out, c, palette, x);
    newest(out, c, palette, x, y);
    return {
        width: SCENE_WIDTH,
        height: SCENE_HEIGHT,
        title: `${c.spec.title} on ${c.host}`,
        description:
            `${c.spec.title}${c.unit ? ` in ${c.unit}` : ""}, ${rangeText(c.fromMs, c.toMs)}: ` +
            c.spec.traces.map((t, i) => `${t.name} ${c.legend[i] ?? ""}`).join(", "),
        font: palette.font,
        ground: palette.surface,
        marks: out,
    };
}

function ground(
    out: Mark[],
    c: TimeContent,
    palette: Palette,
    x: (t: number) => number,
    y: (v: number) => number,
): void {
    const [low, high] = c.scale;
    const label = { size: AXIS_PX, fill: palette.quiet };
    const base = baseOf(c.spec.measure);
    for (const v of marks(low, high, (PLOT.bottom - PLOT.top) / MARK_ROOM_PX, base)) {
        const at = Math.round(y(v)) + 0.5;
        const stroke = v === 0 ? palette.zero : palette.grid;
        out.push(
            { kind: "line", points: [PLOT.left, at, PLOT.right, at], stroke, width: 1 },
            { kind: "text", x: PLOT.left - 8, y: at + 4, text: axisText(v, base), anchor: "end", ...label },
        );
    }
    const wanted = (PLOT.right - PLOT.left) / TIME_ROOM_PX;
    const least = (c.toMs - c.fromMs) / wanted;
    const step = TIME_STEPS.find((s) => s >= least) ?? TIME_STEPS.at(-1)!;
    for (const t of timeMarks(c.fromMs, c.toMs, step)) {
        const at = Math.round(x(t)) + 0.5;
        out.push(
            {
                kind: "line",
                points: [at, PLOT.top, at, PLOT.bottom],
                stroke: palette.grid,
                width: 1,
            },
            {
                kind: "text",
                x: at,
                y: PLOT.bottom + 16,
                text: timeMark(t, step),
                anchor: "middle",
                ...label,
            },
        );
    }
    for (const band of c.bands) drawBand(out, band, palette[band.tone], x, y, c);
    for (const u of c.unmeasured) {
        const from = Math.max(PLOT.left, x(u.fromMs));
        const width = Math.min(PLOT.right, x(u.toMs)) - from;
        if (width <= 0) continue;
        const height = PLOT.bottom - PLOT.top;
        const { unknown: fill, hatch } = palette;
        out.push({ kind: "box", x: from, y: PLOT.top, width, height, fill, hatch });
    }
}

function drawBand(
    out: Mark[],
    { times, low, high }: Band,
    fill: string,
    x: (t: number) => number,
    y: (v: number) => number,
    { fromMs, toMs }: TimeContent,
): void {
    const known = (i: number) =>
        !Number.isNaN(low[i]!) && times[i]! >= fromMs && times[i]! <= toMs;
    const held = (v: number) => Math.max(PLOT.top, Math.min(PLOT.bottom, y(v)));
    for (let i = 0; i < times.length;) {
        let end = i;
        while (end < times.length && known(end)) end++;
        if (end > i + 1) {
            const points: number[] = [];
            for (let k = i; k < end; k++) points.push(x(times[k]!), held(high[k]!));
            for (let k = end - 1; k >= i; k--) points.push(x(times[k]!), held(low[k]!));
            out.push({ kind: "area", points, fill, opacity: 0.13 });
        }
        i = end + 1;
    }
}

/* Lines of what is known, never over a gap; a single value between two gaps is a dot. */
function trace(
    out: Mark[],
    c: TimeContent,
    s: number,
    palette: Palette,
    x: (t: number) => number,
    y: (v: number) => number,
): void {
    const spec = c.spec.traces[s]!;
    const stroke = palette[spec.tone];
    const width = PLOT.right - PLOT.left;
    const d = decimate([c.traces[s]!], c.n, c.first, (k) => c.timeOf(k), width);
    const { times, n } = d;
    const values = d.traces[0]!;
    const zero = y(0);
    const inside = (i: number) =>
        !Number.isNaN(values[i]!) && times[i]! >= c.fromMs && times[i]! <= c.toMs;
    for (let i = 0; i < n;) {
        let end = i;
        const points: number[] = [];
        while (end < n && inside(end)) {
            points.push(x(times[end]!), y(values[end]!));
            end++;
        }
        if (end === i + 1)
            out.push({ kind: "dot", x: points[0]!, y: points[1]!, r: 1.5, fill: stroke });
        if (end > i + 1) {
            if (spec.area || c.spec.stack) {
                const closed = [points[0]!, zero, ...points, points[points.length - 2]!, zero];
                const area = { kind: "area" as const, points: closed };
                if (c.spec.stack) out.push({ ...area, fill: palette.surface, opacity: 1 });
                out.push({ ...area, fill: stroke, opacity: c.spec.stack ? 0.42 : 0.18 });
            }
            const { dash, name: series } = spec;
            out.push({ kind: "line", points, stroke, width: 1.4, dash, series });
        }
        i = end + 1;
    }
}

/* Over the traces, as areas hide what is behind them: faint and dashed as on the page. */
function ghost(
    out: Mark[],
    { fromMs, toMs }: TimeContent,
    { tone, times, values, level }: GhostLine,
    palette: Palette,
    x: (t: number) => number,
    y: (v: number) => number,
): void {
    const line = { kind: "line" as const, stroke: palette[tone], width: 1.2, dash: GHOST_DASH, opacity: GHOST_OPACITY };
    if (level !== undefined) {
        const points = [PLOT.left, y(level), PLOT.right, y(level)];
        if (!Number.isNaN(level)) out.push({ ...line, points });
        return;
    }
    const inside = (i: number) =>
        !Number.isNaN(values[i]!) && times[i]! >= fromMs && times[i]! <= toMs;
    for (let i = 0; i < times.length;) {
        const points: number[] = [];
        for (; i < times.length && inside(i); i++) points.push(x(times[i]!), y(values[i]!));
        if (points.length > 2) out.push({ ...line, points });
        i++;
    }
}

function limits(out: Mark[], c: TimeContent, palette: Palette, y: (v: number) => number): void {
    const tones = { warning: palette.alarm, critical: palette.critical, clear: palette.quiet };
    for (const l of c.limits) {
        const at = y(l.value * c.factor);
        if (at < PLOT.top || at > PLOT.bottom) continue;
        const stroke = tones[l.tone];
        const dash = l.tone === "clear" ? [2, 4] : [7, 4];
        out.push(
            { kind: "line", points: [PLOT.left, at, PLOT.right, at], stroke, width: 1.4, dash },
            { kind: "text", x: PLOT.left + 6, y: at - 4, text: l.name, size: AXIS_PX, fill: stroke },
        );
    }
}

function flags(out: Mark[], c: TimeContent, palette: Palette, x: (t: number) => number): void {
    const tones: Partial<Record<Flag["kind"], string>> = {
        warning: palette.alarm,
        critical: palette.critical,
        resolved: palette.quiet,
    };
    for (const f of c.flags) {
        if (f.t < c.fromMs || f.t > c.toMs) continue;
        const at = Math.round(x(f.t)) + 0.5;
        const stroke = tones[f.kind] ?? palette.flag;
        const alert = f.kind in tones;
        const top = alert ? PLOT.bottom - 22 : PLOT.top;
        const bottom = PLOT.bottom;
        out.push({ kind: "line", points: [at, top, at, bottom], stroke, width: 1, opacity: 0.6 });
        const y = alert ? bottom - 5 : PLOT.top + 3;
        out.push({ kind: "dot", x: at, y, r: 3, fill: stroke, title: `${exactText(f.t)} ${f.text}` });
    }
}

/* The newest values beside their lines, as on the page. */
function newest(
    out: Mark[],
    c: TimeContent,
    palette: Palette,
    x: (t: number) => number,
    y: (v: number) => number,
): void {
    c.spec.traces.forEach((t, s) => {
        const v = c.n > 0 ? c.traces[s]![c.n - 1]! : NaN;
        if (Number.isNaN(v)) return;
        const at = x(Math.min(c.toMs, c.timeOf(c.first + c.n - 1)));
        out.push({ kind: "dot", x: at, y: y(v), r: 2.5, fill: palette[t.tone] });
    });
}
