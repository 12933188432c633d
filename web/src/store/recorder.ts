/*
 * Numbers of one row of a table, kept while it is looked at: the server stores no history of single
 * connections. Charts read it as they read the window of the page.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { Grid } from "../domain/grid";

const SPAN_MS = 15 * 60_000;
const STEPS_LEAST = 60;
const EARLY = 5;

export class Recorder {
    readonly series = new Map<
        number,
        { id: number; name: string; labels: Readonly<Record<string, string>>; method: string }
    >();
    readonly seriesVersion = 1;
    readonly loading = false;
    readonly unread = false;
    readonly #painted = signal(0);
    readonly painted: ReadonlySignal<number> = this.#painted;
    #stepMs: number;
    #grid: Grid | undefined;
    readonly #intervalMs: number;
    readonly #early: { t: number; values: readonly number[] }[] = [];
    #newest = 0;

    constructor(names: readonly string[], intervalMs: number, method: string) {
        names.forEach((name, id) => this.series.set(id, { id, name, labels: {}, method }));
        this.#stepMs = this.#intervalMs = Math.max(1, intervalMs);
    }

    get grid(): Grid | undefined {
        return this.#grid;
    }

    /* Grows to the right until it is as long as a window. */
    get bounds(): { fromMs: number; toMs: number } | undefined {
        const grid = this.#grid;
        if (!grid || grid.head < 0) return undefined;
        const toMs = grid.newestMs;
        const taken = grid.head - grid.stepOf(this.#early[0]!.t) + 1;
        const steps = Math.min(grid.capacity, Math.max(taken, STEPS_LEAST));
        return { fromMs: toMs - (steps - 1) * this.#stepMs, toMs };
    }

    /* Tables may come less often than ticks: the shortest way between the first few says how often. */
    take(t: number, values: readonly number[]): void {
        if (t <= this.#newest) return;
        this.#newest = t;
        if (this.#early.length < EARLY) {
            this.#early.push({ t, values });
            const stepMs = this.#stepOfEarly();
            if (!this.#grid || stepMs !== this.#stepMs) {
                this.#stepMs = stepMs;
                this.#begin();
                this.#painted.value++;
                return;
            }
        }
        this.#append(t, values);
        this.#painted.value++;
    }

    #stepOfEarly(): number {
        let least = Infinity;
        for (let i = 1; i < this.#early.length; i++)
            least = Math.min(least, this.#early[i]!.t - this.#early[i - 1]!.t);
        return least === Infinity ? this.#intervalMs : Math.max(this.#intervalMs, least);
    }

    #begin(): void {
        const length = Math.max(SPAN_MS, STEPS_LEAST * this.#stepMs);
        this.#grid = new Grid(this.#stepMs, length, this.#early[0]!.t);
        for (const { t, values } of this.#early) this.#append(t, values);
    }

    #append(t: number, values: readonly number[]): void {
        const grid = this.#grid!;
        grid.advance(grid.stepOf(t));
        values.forEach((v, id) => grid.append(id, t, v));
    }
}
