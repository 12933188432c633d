/*
 * Tables of the past are stored once a minute, and the server gives the newest until a moment. To step
 * to the next one, later and later moments are asked for until another table comes.
 */
const FIRST_STEP_MS = 61_000;
const STEPS_MOST = 12; // 61 s doubled so often is three days

/* The moments to ask for after the table of `t`, each further away; none later than now. */
export function momentsAfter(t: number, nowMs: number): number[] {
    const moments: number[] = [];
    for (let step = FIRST_STEP_MS; moments.length < STEPS_MOST; step *= 2) {
        moments.push(Math.min(t + step, nowMs));
        if (t + step >= nowMs) break;
    }
    return moments;
}
