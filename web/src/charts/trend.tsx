/* One series in one line's height, on its own scale from zero: which way is it going? */
import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useEnvironment } from "./environment";
import type { Palette } from "./palette";

interface TrendProps {
    id: number; // of the series
    severity: "warning" | "critical";
    label: string;
}

export function Trend({ id, severity, label }: TrendProps) {
    const env = useEnvironment();
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        let values = new Float64Array(0);
        return effect(() => {
            void env.painted.value;
            const { grid } = env.source;
            const palette = env.palette.value;
            if (grid && values.length !== grid.capacity) values = new Float64Array(grid.capacity);
            const n = grid && grid.head >= 0 ? grid.sum([id], values) : 0;
            const colour = severity === "critical" ? palette.critical : palette.alarm;
            draw(canvas.current!, values, n, colour, palette);
        });
    }, [env, id, severity]);
    return (
        <canvas
            ref={canvas}
            class="trend"
            data-chart="sparkline"
            data-state={env.state.value}
            role="img"
            aria-label={label}
        />
    );
}

function draw(
    canvas: HTMLCanvasElement,
    values: Float64Array,
    n: number,
    colour: string,
    palette: Palette,
): void {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const ctx = canvas.getContext("2d")!;
    ctx.clearRect(0, 0, width, height);
    ctx.fillStyle = palette.zero;
    ctx.fillRect(0, height - ratio, width, ratio);
    let peak = 0;
    for (let i = 0; i < n; i++) if (values[i]! > peak) peak = values[i]!;
    const room = height - 4 * ratio;
    const step = width / Math.max(1, values.length - 1);
    const left = width - (n - 1) * step; // the newest stands at the right edge
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = 1.4 * ratio;
    ctx.beginPath();
    let open = false;
    for (let i = 0; i < n; i++) {
        const v = values[i]!;
        if (Number.isNaN(v)) {
            open = false;
            continue;
        }
        const x = left + i * step;
        const y = height - 2 * ratio - (peak > 0 ? (v / peak) * room : 0);
        if (open) ctx.lineTo(x, y);
        else ctx.moveTo(x, y);
        open = true;
    }
    ctx.stroke();
}
