/*
 * Time as a thing that is passed in, so that tests turn the hands themselves.
 * `now` is monotonic milliseconds for ages and delays, `wall` is epoch milliseconds for showing.
 */
export type Cancel = () => void;

export interface Clock {
    now(): number;
    wall(): number;
    after(ms: number, run: () => void): Cancel;
}

export const systemClock: Clock = {
    now: () => performance.now(),
    wall: () => Date.now(),
    after(ms, run) {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
    },
};

/* For tests: nothing happens until `advance` says so; timers run in order of their time. */
export class FakeClock implements Clock {
    #now = 0;
    #timers: { at: number; run: () => void }[] = [];

    now(): number {
        return this.#now;
    }

    wall(): number {
        return 1_764_000_000_000 + this.#now;
    }

    after(ms: number, run: () => void): Cancel {
        const timer = { at: this.#now + ms, run };
        this.#timers.push(timer);
        return () => {
            this.#timers = this.#timers.filter((t) => t !== timer);
        };
    }

    get pending(): number {
        return this.#timers.length;
    }

    advance(ms: number): void {
        const end = this.#now + ms;
        for (;;) {
            const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
            if (!due) break;
            this.#timers = this.#timers.filter((t) => t !== due);
            this.#now = due.at;
            due.run();
        }
        this.#now = end;
    }
}
