/*
 * A table cell's worth of history: receive above, transmit below, on one scale for the whole column
 * or on the row's own, which the caller sets and says. Drawn by hand; at this size a chart library
 * has nothing to add.
 */
import { effect, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useEnvironment } from "./environment";
import { gapsOf } from "./gather";
import { hatchOf } from "./hatch";
import type { Palette } from "./palette";

export interface SparkData {
    receive: Float64Array;
    transmit: Float64Array;
    n: number;
    first: number; // number of the oldest step
    capacity: number; // steps that the full width stands for
    peak: number;
}

export interface SparkColumn {
    peak: number; // of the column
    shared: boolean; // one scale for all rows; false: each row has its own
    rows: ReadonlyMap<string, SparkData>;
}

export function Sparkline({
    column,
    device,
}: {
    column: ReadonlySignal<SparkColumn>;
    device: string;
}) {
    const env = useEnvironment();
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(
        () =>
            effect(() => {
                const { rows, peak, shared } = column.value;
                const row = rows.get(device);
                draw(
                    canvas.current!,
                    row,
                    shared ? peak : (row?.peak ?? 0),
                    env.palette.value,
                    !env.source.loading && !env.source.unread,
                );
            }),
        [column, device, env],
    );
    const state = column.value.rows.has(device) ? env.state.value : "empty";
    return (
        <canvas
            ref={canvas}
            class="sparkline"
            data-chart="sparkline"
            data-state={state}
            role="img"
            aria-label={`Traffic of ${device} over the window`}
        />
    );
}

function draw(
    canvas: HTMLCanvasElement,
    data: SparkData | undefined,
    peak: number,
    palette: Palette,
    complete: boolean,
): void {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const ctx = canvas.getContext("2d")!;
    ctx.clearRect(0, 0, width, height);
    const middle = Math.round(height / 2);
    ctx.fillStyle = palette.zero;
    ctx.fillRect(0, middle, width, Math.max(1, Math.floor(ratio)));
    if (!data || data.n === 0) return;
    if (complete) {
        const step = width / data.capacity;
        const left = width - data.n * step;
        const gaps = gapsOf([data.receive, data.transmit], data.n);
        ctx.fillStyle = hatchOf(ctx, palette, ratio);
        for (let i = 0; i < gaps.length; i += 2) {
            const from = left + gaps[i]! * step;
            ctx.fillRect(from, 0, (gaps[i + 1]! - gaps[i]!) * step, height);
        }
    }
    const scale = (middle - ratio) / Math.max(peak, 1);
    bars(ctx, data, data.receive, palette.receive, (v) => [middle - v * scale, v * scale], width);
    bars(ctx, data, data.transmit, palette.transmit, (v) => [middle + ratio, v * scale], width);
}

/* One bar a device pixel or so, as high as the highest value in it; a gap is an empty bar. */
function bars(
    ctx: CanvasRenderingContext2D,
    data: SparkData,
    values: Float64Array,
    colour: string,
    place: (v: number) => [number, number],
    width: number,
): void {
    const bin = Math.max(1, Math.ceil(data.capacity / width));
    const step = width / data.capacity;
    const left = width - data.n * step; // the newest stands at the right edge
    ctx.fillStyle = colour;
    for (let i = 0; i < data.n;) {
        const end = Math.min(data.n, i + bin - ((data.first + i) % bin));
        let high = NaN;
        for (let k = i; k < end; k++)
            if (!(values[k]! <= high) && !Number.isNaN(values[k]!)) high = values[k]!;
        if (high > 0) {
            const [y, h] = place(high);
            ctx.fillRect(left + i * step, y, (end - i) * step + 0.5, h);
        }
        i = end;
    }
}
