/*
 * From the rings to what one chart needs for one paint: each trace summed up, in the unit shown,
 * with its sign, and what is to be said about it. Buffers are kept from paint to paint.
 */
import type { Grid } from "../domain/grid";
import { idsOf, type ChartSpec } from "../domain/trace";
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
    missingMs: number; // time inside the data in which no trace has a value
    methods: string[];
}

export class Gatherer {
    readonly #spec: ChartSpec;
    #version = -1;
    #ids: number[][] = [];
    #methods: string[] = [];
    #buffers: Float64Array[] = [];

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
            missingMs: 0,
            methods: this.#methods,
        };
        specs.forEach((trace, s) => {
            const values = this.#buffers[s]!;
            const n = (out.n = grid.sum(this.#ids[s]!, values));
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
        countMissing(out, grid);
        return out;
    }

    #resolve(source: ChartSource): void {
        if (source.seriesVersion === this.#version) return;
        this.#version = source.seriesVersion;
        const all = [...source.series.values()];
        this.#ids = this.#spec.traces.map((t) => idsOf(t, all));
        const methods = new Set(this.#ids.flat().map((id) => source.series.get(id)!.method));
        methods.delete("");
        this.#methods = [...methods].sort();
    }
}

function countMissing(g: Gathered, grid: Grid): void {
    let seen = false;
    let gap = 0;
    let missing = 0;
    for (let i = 0; i < g.n; i++) {
        if (g.traces.some((t) => !Number.isNaN(t[i]!))) {
            if (seen) missing += gap;
            seen = true;
            gap = 0;
        } else gap++;
    }
    g.empty = !seen;
    g.missingMs = missing * grid.stepMs;
}
