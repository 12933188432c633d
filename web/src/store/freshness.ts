/*
 * Is what we show still true? Every tick restarts a clock of two intervals; when it runs out the
 * data is stale, from the moment of the last tick.
 */
import type { Cancel, Clock } from "../base/clock";

const LEAST_MS = 600; // at very short intervals the network's own jitter must not count

export class Freshness {
    readonly #clock: Clock;
    readonly #changed: () => void;
    #timer: Cancel | undefined;
    #lastNow: number | undefined;
    #lastWall: number | undefined;
    #stale = false;

    constructor(clock: Clock, changed: () => void) {
        this.#clock = clock;
        this.#changed = changed;
    }

    get stale(): boolean {
        return this.#stale;
    }

    /* Local wall time of the newest tick; undefined before the first. */
    get since(): number | undefined {
        return this.#lastWall;
    }

    get ageMs(): number | undefined {
        return this.#lastNow === undefined ? undefined : this.#clock.now() - this.#lastNow;
    }

    tick(intervalMs: number): void {
        this.#lastNow = this.#clock.now();
        this.#lastWall = this.#clock.wall();
        this.expect(intervalMs);
        this.#set(false);
    }

    /* From now on a tick is due in `intervalMs`. */
    expect(intervalMs: number): void {
        this.#timer?.();
        const patience = Math.max(LEAST_MS, 2 * intervalMs);
        this.#timer = this.#clock.after(patience, () => this.#set(true));
    }

    /* Nobody waits for ticks. */
    rest(): void {
        this.#timer?.();
        this.#timer = undefined;
    }

    /* It is not stale after all: what made it so is over, or no tick was due. */
    recover(): void {
        this.#set(false);
    }

    /* The connection is gone, or what there is has grown old unseen. */
    lost(): void {
        this.#timer?.();
        this.#timer = undefined;
        this.#set(true);
    }

    #set(stale: boolean): void {
        if (stale === this.#stale) return;
        this.#stale = stale;
        this.#changed();
    }
}
