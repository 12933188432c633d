/*
 * From the rings to what one chart needs for one paint: each trace summed up, in the unit shown,
 * with its sign, stacked where asked, and what is to be said about it.
 *
 *       first        from                        n
 *         ├────────────┼───────────────────────────┼──────────┤ room
 *           has left     in the window               to come
 *           it since
 *
 * A tick adds to the end: only the newest steps are read. When the room is used up, or something
 * older has changed, all of it is read anew, and is another object. So the same object is as it was up
 * to what was its newest step.
 */
import type { Grid } from "../domain/grid";
import { idsOf, type ChartSpec, type TraceSpec } from "../domain/trace";
import { plotFactor, type ByteUnit } from "../domain/units";
import type { ChartSource } from "./environment";

export interface Gathered {
    first: number; // number of the step at index 0
    from: number; // index of the oldest step in the window; those before have left it
    n: number; // steps there are
    room: number; // steps that the arrays hold
    traces: Float64Array[]; // as drawn: below the axis negative, on top of each other when stacked
    own: Float64Array[]; // each for itself, with its sign
    empty: boolean;
    gaps: number[]; // stretches without a value in any trace: first step and one past the last, in turn
    missingMs: number; // how much of that lies inside the data
    methods: string[];
    ids: readonly (readonly number[])[]; // of each trace
}

interface Labelled {
    id: number;
    name: string;
    labels: Readonly<Record<string, string>>;
}

const NONE: ReadonlySet<string> = new Set();
const ROOM = 1.25; // of the window

export class Gatherer {
    readonly #spec: ChartSpec;
    #version = -1;
    #ids: number[][] = [];
    #perIds: number[][] = [];
    #methods: string[] = [];
    #divisor = new Float64Array(0);
    #known: Gathered | undefined;
    /* What `#known` was made of. */
    #grid: Grid | undefined;
    #revision = -1;
    #factor = NaN;
    #hidden: ReadonlySet<string> = NONE;

    constructor(spec: ChartSpec) {
        this.#spec = spec;
    }

    /* hidden: names of the traces that are not drawn; what they know is known all the same. */
    gather(
        source: ChartSource,
        bytesAs: ByteUnit,
        hidden: ReadonlySet<string> = NONE,
    ): Gathered | undefined {
        const grid = source.grid;
        if (!grid || grid.head < 0) return undefined;
        const factor = plotFactor(this.#spec.measure, bytesAs);
        const same = !this.#resolve(source) && this.#isOf(grid, factor, hidden);
        const g = same ? this.#known! : this.#begin(grid, factor, hidden);
        const at = same ? g.n - 1 : 0; // the newest step may have got more
        g.n = grid.head - g.first + 1;
        g.from = grid.oldest - g.first;
        this.#read(g, grid, at);
        countMissing(g, grid);
        return g;
    }

    #isOf(grid: Grid, factor: number, hidden: ReadonlySet<string>): boolean {
        const g = this.#known;
        return (
            g !== undefined &&
            grid === this.#grid &&
            grid.revision === this.#revision &&
            factor === this.#factor &&
            hidden === this.#hidden &&
            grid.head - g.first < g.room &&
            grid.oldest <= g.first + g.n - 1
        );
    }

    #begin(grid: Grid, factor: number, hidden: ReadonlySet<string>): Gathered {
        this.#grid = grid;
        this.#revision = grid.revision;
        this.#factor = factor;
        this.#hidden = hidden;
        const { traces, stack } = this.#spec;
        const room = Math.ceil(grid.capacity * ROOM) + 1;
        const fits = this.#known?.room === room && this.#known.own.length === traces.length;
        const own = fits ? this.#known!.own : traces.map(() => new Float64Array(room));
        const stacked = () => (fits ? this.#known!.traces : traces.map(() => new Float64Array(room)));
        this.#known = {
            first: grid.oldest,
            from: 0,
            n: 0,
            room,
            traces: stack ? stacked() : own,
            own,
            empty: true,
            gaps: [],
            missingMs: 0,
            methods: this.#methods,
            ids: this.#ids,
        };
        return this.#known;
    }

    /* The steps from index `at` on. */
    #read(g: Gathered, grid: Grid, at: number): void {
        const { traces, stack } = this.#spec;
        traces.forEach((trace, s) => {
            const values = g.own[s]!;
            grid.sum(this.#ids[s]!, values, g.first + at, at);
            if (trace.per) this.#divide(grid, this.#perIds[s]!, values, g, at);
            const factor = trace.below ? -this.#factor : this.#factor;
            for (let i = at; i < g.n; i++) values[i]! *= factor;
        });
        findGaps(g.gaps, g.own, at, g.n);
        traces.forEach((trace, s) => {
            if (this.#hidden.has(trace.name)) g.own[s]!.fill(NaN, at, g.n);
        });
        if (stack) pile(traces, g, at);
    }

    /* A ratio; where there is nothing to divide by, nothing is known. */
    #divide(
        grid: Grid,
        ids: readonly number[],
        values: Float64Array,
        g: Gathered,
        at: number,
    ): void {
        if (this.#divisor.length < g.room) this.#divisor = new Float64Array(g.room);
        grid.sum(ids, this.#divisor, g.first + at, at);
        for (let i = at; i < g.n; i++)
            values[i] = this.#divisor[i]! > 0 ? values[i]! / this.#divisor[i]! : NaN;
    }

    /* True: the traces are made of other series than before, or measured otherwise. */
    #resolve(source: ChartSource): boolean {
        if (source.seriesVersion === this.#version) return false;
        this.#version = source.seriesVersion;
        const before = JSON.stringify([this.#ids, this.#perIds, this.#methods]);
        const all = [...source.series.values()];
        this.#ids = this.#spec.traces.map((t) => idsOf(t, all));
        this.#perIds = this.#spec.traces.map((t) => (t.per ? divisorsOf(t, t.per, all) : []));
        const methods = new Set(this.#ids.flat().map((id) => source.series.get(id)!.method));
        methods.delete("");
        this.#methods = [...methods].sort();
        return JSON.stringify([this.#ids, this.#perIds, this.#methods]) !== before;
    }
}

/* Series of these names with the trace's values in all labels that both have. */
function divisorsOf(t: TraceSpec, names: readonly string[], all: Iterable<Labelled>): number[] {
    const ids: number[] = [];
    for (const s of all)
        if (
            names.includes(s.name) &&
            Object.entries(t.labels ?? {}).every(
                ([label, values]) => !(label in s.labels) || values.includes(s.labels[label]!),
            )
        )
            ids.push(s.id);
    return ids;
}

/*
 * Each trace on top of those before it that have a value there; a gap of one is a gap in it alone.
 * What goes down from the axis is piled on its own.
 */
function pile(specs: readonly TraceSpec[], g: Gathered, at: number): void {
    for (let i = at; i < g.n; i++) {
        let above = 0;
        let below = 0;
        for (let s = 0; s < specs.length; s++) {
            const v = g.own[s]![i]!;
            if (v !== v) g.traces[s]![i] = v;
            else if (specs[s]!.below) g.traces[s]![i] = below += v;
            else g.traces[s]![i] = above += v;
        }
    }
}

/* Indices into the traces, in pairs: where a stretch without any value begins and where it ends. */
export function gapsOf(traces: readonly Float64Array[], n: number): number[] {
    const gaps: number[] = [];
    findGaps(gaps, traces, 0, n);
    return gaps;
}

/* The same from index `at` on, where up to there is known already. */
function findGaps(gaps: number[], traces: readonly Float64Array[], at: number, n: number): void {
    while (gaps.length && gaps[gaps.length - 1]! >= at) gaps.pop();
    for (let i = at; i < n; i++) {
        let known = false;
        for (let s = 0; s < traces.length && !known; s++) known = traces[s]![i] === traces[s]![i];
        const open = gaps.length % 2 === 1;
        if (known === open) gaps.push(i);
    }
    if (gaps.length % 2 === 1) gaps.push(n);
}

/* Neither the time before the first value nor that after the last counts as missing. */
function countMissing(g: Gathered, grid: Grid): void {
    let steps = 0;
    g.empty = g.n === g.from;
    for (let i = 0; i < g.gaps.length; i += 2) {
        const from = g.gaps[i]!;
        const end = g.gaps[i + 1]!;
        if (from > g.from && end < g.n) steps += end - from;
        if (from <= g.from && end === g.n) g.empty = true;
    }
    g.missingMs = steps * grid.stepMs;
}

/* The values farthest from the axis, above and below it, among the given. */
export function peaksOf(
    traces: readonly Float64Array[],
    from: number,
    n: number,
): { above: number; below: number } {
    let above = 0;
    let below = 0;
    for (const t of traces)
        for (let i = from; i < n; i++) {
            if (t[i]! > above) above = t[i]!;
            else if (-t[i]! > below) below = -t[i]!;
        }
    return { above, below };
}

/* Of each trace at one step, unsigned; NaN when it is a gap. */
export function valuesAt(g: Gathered, i: number): number[] {
    return g.own.map((t) => (i >= g.from && i < g.n ? Math.abs(t[i]!) : NaN));
}
