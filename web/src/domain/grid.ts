/*
 * The window of time that a page shows: a ring of steps of equal length, one column of numbers per
 * series. Step k holds what happened in [origin + k * step, + step); it lives at k % capacity, so
 * moving on costs nothing and no times are stored. NaN is a gap.
 *
 *        oldest                    head
 *   ──────┼──────┼──────┼──────┼──────┤  every column: Float64Array(capacity)
 *
 * Two writers: `fill` sets whole steps from history, `append` adds one live tick to the step it
 * falls into (their mean). A column knows up to when it is complete, so a tick that history already
 * held is not counted twice, whatever order the two arrive in.
 */
import type { Stretch } from "./range";

export interface Column {
    values: Float64Array;
    until: number; // newest tick time that is in here; ticks up to it are ignored
    countStep: number; // the step that `count` speaks of
    count: number; // ticks in that step so far
}

export class Grid {
    readonly stepMs: number;
    readonly originMs: number;
    readonly capacity: number;
    readonly #columns = new Map<number, Column>();
    #head = -1; // newest step; -1: nothing yet
    #revision = 0;

    constructor(stepMs: number, spanMs: number, someStepStartMs: number) {
        this.stepMs = stepMs;
        this.originMs = someStepStartMs % stepMs;
        this.capacity = Math.max(2, Math.ceil(spanMs / stepMs));
    }

    get head(): number {
        return this.#head;
    }

    get oldest(): number {
        return this.#head < 0 ? 0 : Math.max(0, this.#head - this.capacity + 1);
    }

    get ids(): IterableIterator<number> {
        return this.#columns.keys();
    }

    /* Grows when something older than the newest step changes: who keeps sums has to make them anew. */
    get revision(): number {
        return this.#revision;
    }

    stepOf(t: number): number {
        return Math.floor((t - this.originMs) / this.stepMs);
    }

    timeOf(step: number): number {
        return this.originMs + step * this.stepMs;
    }

    /* The newest moment of which something is known. */
    get newestMs(): number {
        return this.#head < 0 ? NaN : this.timeOf(this.#head);
    }

    column(id: number): Column {
        let column = this.#columns.get(id);
        if (!column) {
            column = {
                values: new Float64Array(this.capacity).fill(NaN),
                until: -Infinity,
                countStep: -1,
                count: 0,
            };
            this.#columns.set(id, column);
        }
        return column;
    }

    has(id: number): boolean {
        return this.#columns.has(id);
    }

    /* Makes `step` part of the window; older steps fall out at the other end. */
    advance(step: number): void {
        if (step <= this.#head) return;
        const fresh = this.#head < 0 ? this.capacity : Math.min(step - this.#head, this.capacity);
        for (const { values } of this.#columns.values())
            for (let i = 0; i < fresh; i++) values[(step - i) % this.capacity] = NaN;
        this.#head = step;
    }

    /*
     * Sets whole steps from history: values[i] holds for every step that begins in
     * [times[i], + lengthMs). Times rise; those outside the window are left out.
     */
    fill(id: number, times: Float64Array, values: Float64Array, lengthMs: number): void {
        if (times.length === 0) return;
        this.#revision++;
        const column = this.column(id).values;
        this.advance(this.stepOf(times[times.length - 1]! + lengthMs - 1));
        const oldest = this.oldest;
        for (let i = 0; i < times.length; i++) {
            const first = this.stepOf(times[i]!);
            const last = Math.max(first, this.stepOf(times[i]! + lengthMs - 1));
            for (let step = Math.max(first, oldest); step <= last; step++)
                column[step % this.capacity] = values[i]!;
        }
    }

    /*
     * Adds one tick, or the mean of `ticks` of them. What is already in, or older than the window,
     * changes nothing.
     */
    append(id: number, t: number, value: number, ticks = 1): void {
        const column = this.column(id);
        if (t <= column.until) return;
        column.until = t;
        const step = this.stepOf(t);
        this.advance(step);
        if (step < this.oldest || Number.isNaN(value)) return;
        if (step < this.#head) this.#revision++;
        const i = step % this.capacity;
        if (column.countStep !== step) {
            column.countStep = step;
            column.count = 0;
        }
        const n = column.count;
        column.count = n + ticks;
        column.values[i] = n === 0 ? value : (column.values[i]! * n + value * ticks) / (n + ticks);
    }

    /* The value of one step; NaN outside. */
    at(id: number, step: number): number {
        if (step < this.oldest || step > this.#head) return NaN;
        return this.#columns.get(id)?.values[step % this.capacity] ?? NaN;
    }

    /*
     * What a rate amounts to over the window, its mean, and the oldest step in which it is known. A
     * step that live ticks, tickMs apart, are still filling counts for as long as they speak of.
     */
    amount(id: number, tickMs = Infinity): { amount: number; mean: number; first: number } {
        let sum = 0;
        let known = 0;
        let first = this.#head + 1;
        const column = this.#columns.get(id);
        for (let step = this.#head; column && step >= this.oldest; step--) {
            const v = column.values[step % this.capacity]!;
            if (Number.isNaN(v)) continue;
            const open = step === this.#head && column.countStep === step;
            const share = open ? Math.min(1, (column.count * tickMs) / this.stepMs) : 1;
            sum += v * share;
            known += share;
            first = step;
        }
        return { amount: (sum * this.stepMs) / 1000, mean: sum / known, first };
    }

    /* How many steps from `first` on have a value in none of the columns. */
    unknown(ids: readonly number[], first: number): number {
        const out = new Float64Array(this.capacity);
        const n = this.sum(ids, out);
        let count = 0;
        for (let i = Math.max(0, first - this.oldest); i < n; i++)
            if (Number.isNaN(out[i]!)) count++;
        return count;
    }

    /*
     * Where it has no value: stretches of epoch ms, each from its first step to the end of its last; what
     * is before the oldest step is not known either. The newest step may get a value still and is none.
     */
    gaps(id: number): Stretch[] {
        const found: Stretch[] = [];
        let begin: number | undefined;
        const end = (step: number) => {
            if (begin === undefined) return;
            const fromMs = begin === this.oldest ? -Infinity : this.timeOf(begin);
            found.push({ fromMs, toMs: this.timeOf(step) });
            begin = undefined;
        };
        for (let step = this.oldest; step <= this.#head; step++) {
            if (Number.isNaN(this.at(id, step))) begin ??= step;
            else end(step);
        }
        if (begin !== this.#head) end(this.#head + 1);
        return found;
    }

    /* Forgets a column in which nothing is known any more. True: there is none now. */
    forget(id: number): boolean {
        const column = this.#columns.get(id);
        if (column && !column.values.every(Number.isNaN)) return false;
        this.#columns.delete(id);
        return true;
    }

    /*
     * Writes the sum of the given columns from step `first` on, which lies in the window, into
     * out[at…] and returns how many steps that are. A step in which none of them has a value is a gap.
     */
    sum(ids: readonly number[], out: Float64Array, first = this.oldest, at = 0): number {
        const n = this.#head < 0 ? 0 : this.#head - first + 1;
        out.fill(NaN, at, at + n);
        const start = first % this.capacity; // the ring's two halves follow each other from here
        const wrap = Math.min(n, this.capacity - start);
        for (const id of ids) {
            const values = this.#columns.get(id)?.values;
            if (!values) continue;
            addTo(out, at, values, start, wrap);
            addTo(out, at + wrap, values, 0, n - wrap);
        }
        return n;
    }
}

function addTo(out: Float64Array, at: number, values: Float64Array, from: number, n: number): void {
    for (let i = 0; i < n; i++) {
        const v = values[from + i]!;
        const sum = out[at + i]!;
        if (v === v) out[at + i] = sum === sum ? sum + v : v; // NaN differs from itself
    }
}
