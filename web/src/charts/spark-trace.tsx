/* One trace in a line of text: its shape, not its values; the scale is its own, and zero is in it. */
import { useMemo } from "preact/hooks";

const WIDTH = 240;
const HEIGHT = 32;

export function SparkTrace({ name, tone, values, state }: {
    name: string;
    tone: string;
    values: Float64Array;
    state: string;
}) {
    const path = useMemo(() => pathOf(values), [values]);
    return (
        <svg
            class={`spark-trace tone-${tone}`}
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            data-chart="sparkline"
            data-state={path ? state : "empty"}
            role="img"
            aria-label={`${name} over the window`}
        >
            <path d={path} />
        </svg>
    );
}

/* A gap is a gap. */
function pathOf(values: Float64Array): string {
    let low = 0;
    let high = 0;
    for (const v of values) {
        if (v < low) low = v;
        if (v > high) high = v;
    }
    const reach = high - low || 1;
    let path = "";
    let down = false;
    for (let i = 0; i < values.length; i++) {
        const v = values[i]!;
        if (!Number.isFinite(v)) {
            down = false;
            continue;
        }
        const x = ((i + 0.5) / values.length) * WIDTH;
        const y = 1 + (1 - (v - low) / reach) * (HEIGHT - 2);
        path += `${down ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
        down = true;
    }
    return path;
}
