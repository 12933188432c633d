/*
 * Notices that the machine slept: timers stand still while the wall clock goes on. A wall clock that
 * somebody sets looks the same, and asking once too often does no harm.
 */
const LOOK_MS = 1_000;
const JUMP_MS = 10_000;


/* Returns what is to be called when timers were held back for another reason: a hidden page. */
export function onWake(
    woke: () => void,
    wall: () => number = () => Date.now(),
    every: (run: () => void, ms: number) => unknown = setInterval,
): () => void {
    let last = wall();
    every(() => {
        const now = wall();
        const jumped = Math.abs(now - last) > JUMP_MS;
        last = now;
        if (jumped) woke();
    }, LOOK_MS);
    return () => (last = wall());
}
