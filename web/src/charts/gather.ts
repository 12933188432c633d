/*
 * From the rings to what one chart needs for one paint: each trace summed up, in the unit shown,
 * with its sign, and what is to be said about it. Buffers are kept from paint to paint.
 */
import type { Grid } from "../domain/grid";
import { idsOf, type ChartSpec, type TraceSpec } from "../domain/trace";
import { plotFactor, type ByteUnit } from "../domain/units";
import type { ChartSource } from "./environment";

export interface Gathered {
    n: number; // steps with a place in the window
    first: number; // number of the oldest step
    traces: Float64Array[];
    latest: number[]; // newest value of each trace, unsigned; NaN when it is a gap
    above: number; // largest value over the axis, and under it
    below: number;
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

export class Gatherer {
    readonly #spec: ChartSpec;
    #version = -1;
    #ids: number[][] = [];
    #perIds: number[][] = [];
    #methods: string[] = [];
    #buffers: Float64Array[] = [];
    #divisor = new Float64Array(0);

    constructor(spec: ChartSpec) {
        this.#spec = spec;
    }

    gather(source: ChartSource, bytesAs: ByteUnit): Gathered | undefined {
        const grid = source.grid;
        if (!grid || grid.head < 0) return undefined;
        this.#resolve(source);
        const { traces: specs, measure } = this.#spec;
        if (this.#buffers.length !== specs.length || this.#buffers[0]!.length !== grid.capacity)
            this.#buffers = specs.map(() => new Float64Array(grid.capacity));
        const factor = plotFactor(measure, bytesAs);
        const out: Gathered = {
            n: 0,
            first: grid.oldest,
            traces: this.#buffers,
            latest: [],
            above: 0,
            below: 0,
            empty: true,
            gaps: [],
            missingMs: 0,
            methods: this.#methods,
            ids: this.#ids,
        };
        specs.forEach((trace, s) => {
            const values = this.#buffers[s]!;
            const n = (out.n = grid.sum(this.#ids[s]!, values));
            if (trace.per) this.#divide(grid, this.#perIds[s]!, values, n);
            let peak = 0;
            for (let i = 0; i < n; i++) {
                values[i]! *= factor;
                if (values[i]! > peak) peak = values[i]!;
            }
            out.latest.push(n ? values[n - 1]! : NaN);
            if (trace.below) {
                out.below = Math.max(out.below, peak);
                for (let i = 0; i < n; i++) values[i] = -values[i]!;
            } else out.above = Math.max(out.above, peak);
        });
        out.gaps = gapsOf(out.traces, out.n);
        countMissing(out, grid);
        return out;
    }

    /* A ratio; where there is nothing to divide by, nothing is known. */
    #divide(grid: Grid, ids: readonly number[], values: Float64Array, n: number): void {
        if (this.#divisor.length < grid.capacity) this.#divisor = new Float64Array(grid.capacity);
        grid.sum(ids, this.#divisor);
        for (let i = 0; i < n; i++)
            values[i] = this.#divisor[i]! > 0 ? values[i]! / this.#divisor[i]! : NaN;
    }

    #resolve(source: ChartSource): void {
        if (source.seriesVersion === this.#version) return;
        this.#version = source.seriesVersion;
        const all = [...source.series.values()];
        this.#ids = this.#spec.traces.map((t) => idsOf(t, all));
        this.#perIds = this.#spec.traces.map((t) => (t.per ? divisorsOf(t, t.per, all) : []));
        const methods = new Set(this.#ids.flat().map((id) => source.series.get(id)!.method));
        methods.delete("");
        this.#methods = [...methods].sort();
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

/* Indices into the traces, in pairs: where a stretch without any value begins and where it ends. */
export function gapsOf(traces: readonly Float64Array[], n: number): number[] {
    const gaps: number[] = [];
    for (let i = 0; i < n; i++) {
        let known = false;
        for (const t of traces) known ||= !Number.isNaN(t[i]!);
        const open = gaps.length % 2 === 1;
        if (known === open) gaps.push(i);
    }
    if (gaps.length % 2 === 1) gaps.push(n);
    return gaps;
}

/* Neither the time before the first value nor that after the last counts as missing. */
function countMissing(g: Gathered, grid: Grid): void {
    g.empty = g.n === 0 || (g.gaps[0] === 0 && g.gaps[1] === g.n);
    let steps = 0;
    for (let i = 0; i < g.gaps.length; i += 2)
        if (g.gaps[i]! > 0 && g.gaps[i + 1]! < g.n) steps += g.gaps[i + 1]! - g.gaps[i]!;
    g.missingMs = steps * grid.stepMs;
}
