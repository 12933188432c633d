/*
 * A histogram's series (`_bucket{le}`, cumulative, as Prometheus has them) as what falls between one
 * edge and the next, step by step.
 */
export interface Buckets {
    fromMs: number;
    stepMs: number;
    steps: number;
    edges: readonly number[]; // upper ends, rising; the last is Infinity
    counts: Float64Array; // [step * edges.length + bucket]; NaN where nothing was sampled
}

interface BucketSeries {
    labels: Readonly<Record<string, string>>;
    times: Float64Array;
    values: Float64Array; // what was counted in the step
}

export const NO_BUCKETS: Buckets = {
    fromMs: 0,
    stepMs: 1000,
    steps: 0,
    edges: [],
    counts: new Float64Array(0),
};

export function edgeOf(le: string | undefined): number {
    if (le === "+Inf") return Infinity;
    return le === undefined || le === "" ? NaN : Number(le);
}

/* Several series with one edge (of several devices, say) are added up. */
export function bucketsOf(
    series: readonly BucketSeries[],
    fromMs: number,
    toMs: number,
    stepMs: number,
): Buckets {
    const known = series.filter((s) => !Number.isNaN(edgeOf(s.labels["le"])));
    const edges = [...new Set(known.map((s) => edgeOf(s.labels["le"])))].sort((a, b) => a - b);
    const steps = Math.max(0, Math.round((toMs - fromMs) / stepMs) + 1);
    const width = edges.length;
    const upTo = new Float64Array(steps * width).fill(NaN);
    for (const s of known) {
        const bucket = edges.indexOf(edgeOf(s.labels["le"]));
        for (let i = 0; i < s.times.length; i++) {
            const step = Math.round((s.times[i]! - fromMs) / stepMs);
            const v = s.values[i]!;
            if (step < 0 || step >= steps || Number.isNaN(v)) continue;
            const at = step * width + bucket;
            upTo[at] = (upTo[at]! || 0) + v;
        }
    }
    const counts = new Float64Array(upTo.length);
    for (let step = 0; step < steps; step++) {
        let before = 0;
        for (let b = 0; b < width; b++) {
            const v = upTo[step * width + b]!;
            // Buckets are read one after the other, so one may be a count ahead of the next.
            counts[step * width + b] = Number.isNaN(v) ? NaN : Math.max(0, v - before);
            if (!Number.isNaN(v)) before = Math.max(before, v);
        }
    }
    return { fromMs, stepMs, steps, edges, counts };
}

/* Of all steps together. */
export function totalsOf({ steps, edges, counts }: Buckets): number[] {
    const totals = edges.map(() => 0);
    for (let step = 0; step < steps; step++)
        for (let b = 0; b < edges.length; b++) totals[b]! += counts[step * edges.length + b]! || 0;
    return totals;
}

/*
 * Within its bucket as if all were spread evenly, as histogram_quantile() of Prometheus does; beyond
 * the last edge that is a number: that edge. NaN of nothing.
 */
export function quantileOf(edges: readonly number[], counts: readonly number[], q: number): number {
    const all = counts.reduce((a, b) => a + b, 0);
    if (all === 0) return NaN;
    let rest = q * all;
    for (let b = 0; b < edges.length; b++) {
        const n = counts[b]!;
        if (rest > n || n === 0) {
            rest -= n;
            continue;
        }
        const low = b > 0 ? edges[b - 1]! : 0;
        return edges[b] === Infinity ? low : low + ((edges[b]! - low) * rest) / n;
    }
    return edges.findLast((e) => e < Infinity) ?? NaN;
}

/* Without the empty buckets at both ends: what is left to draw, [first, end). */
export function occupied(totals: readonly number[]): [number, number] {
    const first = totals.findIndex((n) => n > 0);
    return first < 0 ? [0, 0] : [first, totals.findLastIndex((n) => n > 0) + 1];
}
