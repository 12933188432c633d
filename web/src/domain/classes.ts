/*
 * A few classes for many values, so that a colour can be read back: their ends are fixed by a round
 * number above the largest value, and so change rarely. Zero is a class of its own, below the first.
 */
import { roundUp } from "./scale";

export const CLASSES = 6;

/* Upper ends, rising. Squares leave room below for what is rare, which counts need. */
export function classEnds(peak: number, spacing: "even" | "squares"): number[] {
    const top = roundUp(peak, Number.MIN_VALUE);
    return Array.from({ length: CLASSES }, (_, i) => {
        const part = (i + 1) / CLASSES;
        return i === CLASSES - 1 ? top : top * (spacing === "even" ? part : part * part);
    });
}

/* 0 is nothing, 1 to CLASSES; undefined: not measured. */
export function classOf(value: number, ends: readonly number[]): number | undefined {
    if (!Number.isFinite(value)) return undefined;
    if (value <= 0) return 0;
    let k = 0;
    while (k < ends.length - 1 && value > ends[k]!) k++;
    return k + 1;
}
