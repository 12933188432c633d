/*
 * A histogram's cumulative buckets over time, as the server stores them, taken apart into how many
 * fell into each bucket in each step. Series that differ in other labels are added up.
 */
export interface BucketSeries {
    le: number; // upper end; the last is Infinity
    times: Float64Array;
    values: Float64Array; // how many more, in the step; NaN: not sampled
}

export interface Buckets {
    edges: number[]; // upper ends, rising
    counts: Float64Array; // [step * edges.length + bucket]; NaN: not sampled
    total: number;
}

export function bucketsOf(
    series: readonly BucketSeries[],
    fromMs: number,
    stepMs: number,
    steps: number,
): Buckets {
    const edges = [...new Set(series.map((s) => s.le))].sort((a, b) => a - b);
    const n = edges.length;
    const counts = new Float64Array(steps * n).fill(NaN);
    for (const s of series) {
        const bucket = edges.indexOf(s.le);
        s.times.forEach((t, i) => {
            const step = Math.floor((t - fromMs) / stepMs);
            const value = s.values[i]!;
            if (step < 0 || step >= steps || Number.isNaN(value)) return;
            const at = step * n + bucket;
            counts[at] = (Number.isNaN(counts[at]!) ? 0 : counts[at]!) + value;
        });
    }
    let total = 0;
    for (let step = 0; step < steps; step++) {
        // From above, so that what is subtracted is still cumulative.
        for (let bucket = n - 1; bucket > 0; bucket--) {
            const at = step * n + bucket;
            counts[at] = Math.max(0, counts[at]! - counts[at - 1]!);
        }
        for (let bucket = 0; bucket < n; bucket++) total += counts[step * n + bucket]! || 0;
    }
    return { edges, counts, total };
}

/* Without the buckets above and below in which nothing ever was; one stays at each end. */
export function trimmed({ edges, counts, total }: Buckets): Buckets {
    const n = edges.length;
    const used = edges.map((_, b) => {
        for (let at = b; at < counts.length; at += n) if (counts[at]! > 0) return true;
        return false;
    });
    const first = Math.max(0, used.indexOf(true) - 1);
    const last = Math.min(n - 1, used.lastIndexOf(true) + 1);
    if (!used.includes(true)) return { edges, counts, total };
    const kept = last - first + 1;
    const steps = counts.length / n;
    const out = new Float64Array(steps * kept);
    for (let step = 0; step < steps; step++)
        out.set(counts.subarray(step * n + first, step * n + last + 1), step * kept);
    return { edges: edges.slice(first, last + 1), counts: out, total };
}
