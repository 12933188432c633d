/*
 * What changed in a stretch of time: for each series how far its mean lies from that of the stretch
 * before, in units of how much it usually moves (Cohen's d with the deviation of both pooled). The
 * unit is at least a hundredth of the level: a series that never moved ranks high when it does, but
 * finitely, and one that hardly moves does not rank high for hardly anything.
 */
export interface ChangeSeries {
    name: string;
    labels: Readonly<Record<string, string>>;
    unit: string;
    kind: "counter" | "gauge";
    times: Float64Array;
    values: Float64Array;
}

export interface Change {
    name: string;
    labels: Readonly<Record<string, string>>;
    unit: string;
    kind: "counter" | "gauge";
    before: number;
    after: number;
    effect: number; // signed; 0.8 and more is called large
}

const STEPS_LEAST = 4; // on either side: below that nothing is said
export const EFFECT_LEAST = 0.5;
const EFFECT_MOST = 99;

interface Side {
    n: number;
    mean: number;
    variance: number;
}

function sideOf(s: ChangeSeries, within: (t: number) => boolean): Side {
    let n = 0;
    let mean = 0;
    let squares = 0;
    for (let i = 0; i < s.times.length; i++) {
        const v = s.values[i]!;
        if (!Number.isFinite(v) || !within(s.times[i]!)) continue;
        n++;
        const off = v - mean;
        mean += off / n;
        squares += off * (v - mean);
    }
    return { n, mean, variance: n > 1 ? squares / (n - 1) : 0 };
}

/* The stretch begins at `splitMs`; what lies before that is the stretch before. */
export function changesOf(series: readonly ChangeSeries[], splitMs: number, most: number): Change[] {
    const changes: Change[] = [];
    for (const s of series) {
        const a = sideOf(s, (t) => t < splitMs);
        const b = sideOf(s, (t) => t >= splitMs);
        if (a.n < STEPS_LEAST || b.n < STEPS_LEAST) continue;
        const pooled = Math.sqrt(
            ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / (a.n + b.n - 2),
        );
        const unit = Math.max(pooled, Math.max(Math.abs(a.mean), Math.abs(b.mean)) / 100);
        if (unit === 0) continue;
        const effect = Math.max(-EFFECT_MOST, Math.min(EFFECT_MOST, (b.mean - a.mean) / unit));
        if (Math.abs(effect) < EFFECT_LEAST) continue;
        const { name, labels, kind } = s;
        changes.push({ name, labels, unit: s.unit, kind, before: a.mean, after: b.mean, effect });
    }
    return changes.sort((x, y) => Math.abs(y.effect) - Math.abs(x.effect)).slice(0, most);
}
