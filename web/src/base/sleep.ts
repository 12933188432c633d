/*
 * Notices that the machine slept: timers stand still while the wall clock goes on. A wall clock that
 * somebody sets looks the same, and asking once too often does no harm. A hidden page's timers are
 * held back by the browser; it does not look.
 */
import { everySeen } from "./seen";

const LOOK_MS = 1_000;
const JUMP_MS = 10_000;

export function onWake(
    woke: () => void,
    wall: () => number = () => Date.now(),
    every: (run: (seenAgain?: boolean) => void, ms: number) => unknown = everySeen,
): void {
    let last = wall();
    every((seenAgain) => {
        const now = wall();
        const jumped = !seenAgain && Math.abs(now - last) > JUMP_MS;
        last = now;
        if (jumped) woke();
    }, LOOK_MS);
}
