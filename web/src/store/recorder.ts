/*
 * Numbers of one row of a table, kept while it is looked at: the server stores no history of single
 * connections. Charts read it as they read the window of the page.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { Grid } from "../domain/grid";

const SPAN_MS = 15 * 60_000;
const STEPS_LEAST = 60;

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
    #firstValues: readonly number[] = [];
    #grid: Grid | undefined;
    #first = 0;
    #newest = 0;

    constructor(names: readonly string[], intervalMs: number, method: string) {
        names.forEach((name, id) => this.series.set(id, { id, name, labels: {}, method }));
        this.#stepMs = Math.max(1, intervalMs);
    }

    get grid(): Grid | undefined {
        return this.#grid;
    }

    /* Grows to the right until it is as long as a window. */
    get bounds(): { fromMs: number; toMs: number } | undefined {
        const grid = this.#grid;
        if (!grid || grid.head < 0) return undefined;
        const toMs = grid.newestMs;
        const taken = grid.head - grid.stepOf(this.#first) + 1;
        const steps = Math.min(grid.capacity, Math.max(taken, STEPS_LEAST));
        return { fromMs: toMs - (steps - 1) * this.#stepMs, toMs };
    }

    /* Tables may come less often than ticks: how often, the first two say. */
    take(t: number, values: readonly number[]): void {
        if (t <= this.#newest) return;
        if (!this.#grid) {
            this.#first = t;
            this.#firstValues = values;
            this.#begin();
        } else {
            if (this.#newest === this.#first && t - this.#first > this.#stepMs) {
                this.#stepMs = t - this.#first;
                this.#begin();
            }
            this.#append(t, values);
        }
        this.#newest = t;
        this.#painted.value++;
    }

    #begin(): void {
        this.#grid = new Grid(this.#stepMs, Math.max(SPAN_MS, STEPS_LEAST * this.#stepMs), this.#first);
        this.#append(this.#first, this.#firstValues);
    }

    #append(t: number, values: readonly number[]): void {
        const grid = this.#grid!;
        grid.advance(grid.stepOf(t));
        values.forEach((v, id) => grid.append(id, t, v));
    }
}
