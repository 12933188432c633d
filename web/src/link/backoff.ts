/*
 * How long to wait before trying again: doubling from half a second to half a minute, each time
 * between half and all of that, so that many pages do not come back in the same instant.
 */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;

export function backoffMs(attempt: number, random: () => number = Math.random): number {
    const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
    return whole * (0.5 + random() / 2);
}
