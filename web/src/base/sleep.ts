/*
 * Notices that the machine slept: timers stand still while the wall clock goes on. A wall clock that
 * somebody sets looks the same, and asking once too often does no harm. A hidden page's timers are
 * held back by the browser; of the time in which it did not look the steady clock tells, which stands
 * still in the sleep of most systems.
 */
import { everySeen } from "./seen";

const LOOK_MS = 1_000;
const JUMP_MS = 10_000;

export function onWake(
    woke: () => void,
    wall: () => number = () => Date.now(),
    steady: () => number = () => performance.now(),
    every: (run: (seenAgain?: boolean) => void, ms: number) => unknown = everySeen,
): void {
    let last = { wall: wall(), steady: steady() };
    every((seenAgain) => {
        const now = { wall: wall(), steady: steady() };
        const passed = seenAgain ? now.steady - last.steady : 0; // at most LOOK_MS while somebody looks
        const jumped = Math.abs(now.wall - last.wall - passed) > JUMP_MS;
        last = now;
        if (jumped) woke();
    }, LOOK_MS);
}
