/*
 * Fewer points than a screen has pixels, without losing a peak. Neighbouring steps are taken
 * together in bins whose borders are fixed in time (step number divisible by the bin), so a chart
 * that moves does not flicker. Each bin gives two points, its lowest and highest value in the order
 * in which they came. A gap inside a bin stays a gap: then one of the two is null, on the side where
 * the gap is, and the other is the value farther from zero.
 */
export interface Decimated {
    times: number[]; // ms
    traces: (number | null)[][];
}

/* Steps per bin for n steps on a width in pixels: at most two points a pixel. */
export function binFor(n: number, widthPx: number): number {
    return n <= 2 * widthPx ? 1 : Math.ceil(n / Math.max(1, widthPx));
}

export function decimate(
    traces: readonly Float64Array[],
    n: number,
    firstStep: number,
    timeOf: (step: number) => number,
    widthPx: number,
): Decimated {
    const bin = binFor(n, widthPx);
    const times: number[] = [];
    const out: (number | null)[][] = traces.map(() => []);
    if (bin === 1) {
        for (let i = 0; i < n; i++) {
            times.push(timeOf(firstStep + i));
            for (let s = 0; s < traces.length; s++) {
                const v = traces[s]![i]!;
                out[s]!.push(Number.isNaN(v) ? null : v);
            }
        }
        return { times, traces: out };
    }
    for (let start = 0; start < n; ) {
        const end = Math.min(n, start + bin - ((firstStep + start) % bin));
        times.push(timeOf(firstStep + start), timeOf(firstStep + (start + end) / 2));
        for (let s = 0; s < traces.length; s++) pushExtremes(traces[s]!, start, end, out[s]!);
        start = end;
    }
    return { times, traces: out };
}

function pushExtremes(values: Float64Array, start: number, end: number, out: (number | null)[]) {
    let low = -1;
    let high = -1;
    let gap = -1; // the first one
    for (let i = start; i < end; i++) {
        const v = values[i]!;
        if (Number.isNaN(v)) gap = gap < 0 ? i : gap;
        else {
            if (low < 0 || v < values[low]!) low = i;
            if (high < 0 || v > values[high]!) high = i;
        }
    }
    if (low < 0) out.push(null, null);
    else if (gap >= 0) {
        const far = Math.abs(values[low]!) > Math.abs(values[high]!) ? low : high;
        if (gap < far) out.push(null, values[far]!);
        else out.push(values[far]!, null);
    } else if (low <= high) out.push(values[low]!, values[high]!);
    else out.push(values[high]!, values[low]!);
}
