/* The same made numbers for every contender: 12 charts of 6 series, an hour of a wandering rate each. */
export const CHARTS = 12;
export const SERIES = 6;
export const POINTS = 3600;
export const STEP_MS = 100;
export const START_MS = 1_764_000_000_000;

/* Numbers that look random and are the same each time (mulberry32). */
function random(seed: number): () => number {
    let a = seed;
    return () => {
        a = (a + 0x6d2b79f5) | 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
    };
}

/* A series without end: wanders, with noise on top and now and then a peak; never below zero. */
export function wander(series: number): () => number {
    const next = random(series + 1);
    let level = 400 + 100 * (series % SERIES);
    return () => {
        level = Math.min(1500, Math.max(50, level + (next() - 0.5) * 20));
        const peak = next() > 0.995 ? 600 : 0;
        return level + next() * 80 + peak;
    };
}

/* What the page offers to who runs it. */
export interface Contender {
    tick(): void; // one new value of each series
    run?(ticks: number): void; // as many as fast as it goes
}

declare global {
    interface Window {
        contender: Contender | undefined;
    }
}
