/*
 * A chart over time of numbers that the page made itself (quantiles of a histogram, say): it has a
 * source of its own, whose series are named by the traces' metrics. What it is compared with is made,
 * too: another time of the same traces, or their mean and spread at all times.
 */
import { computed, signal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { outdatedText } from "../charts/chart-words";
import {
    Environment,
    useEnvironment,
    type BandSource,
    type ChartEnvironment,
    type ChartSource,
    type GhostSource,
} from "../charts/environment";
import type { ChartSize } from "../charts/frame";
import { Grid } from "../domain/grid";
import type { ChartSpec } from "../domain/trace";

export interface MadeData {
    fromMs: number;
    toMs: number; // start of the last step
    stepMs: number;
    columns: Readonly<Record<string, { times: Float64Array; values: Float64Array }>>;
}

/* The same traces at another time, with its own times. */
export interface MadeGhost {
    data: MadeData | undefined;
    shiftMs: number;
    words: string; // what it is, or why it is not there
}

/* What is usual of each trace, at all times. */
export interface MadeLevels {
    columns: Readonly<Record<string, { mean: number; sigma: number }>>;
    sigmas: number;
}

interface MadeChartProps {
    spec: ChartSpec;
    size: ChartSize;
    note: string;
    data: MadeData | undefined;
    loading: boolean;
    empty: string;
    outdated?: string | undefined; // what is shown is old: why newer could not be read
    ghost?: MadeGhost | undefined;
    levels?: MadeLevels | undefined;
}

export function MadeChart(props: MadeChartProps) {
    const { spec, size, note, data, loading, empty, ghost, levels } = props;
    const outer = useEnvironment();
    const made = useMemo(() => new Made(outer), [outer]);
    made.set(data, loading && !data, ghost, levels);
    const { outdated } = props;
    useLayoutEffect(() => void (made.outdated.value = outdated !== undefined), [made, outdated]);
    // The picture stays and is painted anew; what it shows has changed since.
    useLayoutEffect(() => made.paint(), [made, data, loading, ghost, levels]);
    return (
        <Environment.Provider value={made.environment}>
            <Chart
                spec={spec}
                size={size}
                note={[note, outdatedText(outdated)].filter(Boolean).join(" · ")}
                empty={empty}
            />
        </Environment.Provider>
    );
}

const NO_SOURCE: ChartSource = {
    grid: undefined,
    series: new Map(),
    seriesVersion: 0,
    bounds: undefined,
    loading: false,
    unread: false,
};
const NO_GHOST: GhostSource = { ...NO_SOURCE, shiftMs: undefined, words: "" };
const NO_BANDS: BandSource = { mean: undefined, sigma: undefined, sigmas: 0 };

class Made {
    readonly environment: ChartEnvironment;
    readonly outdated = signal(false);
    readonly #painted = signal(0);
    #version = 0;
    #source = NO_SOURCE;
    #ghost = NO_GHOST;
    #bands = NO_BANDS;
    #of: readonly unknown[] = [];

    constructor(outer: ChartEnvironment) {
        const source = () => this.#source;
        const ghost = () => this.#ghost;
        const bands = () => this.#bands;
        this.environment = {
            ...outer,
            painted: this.#painted,
            state: computed(() => (this.outdated.value ? "stale" : outer.state.value)),
            get source() {
                return source();
            },
            get ghost() {
                return ghost();
            },
            get bands() {
                return bands();
            },
        };
    }

    set(
        data: MadeData | undefined,
        loading: boolean,
        ghost: MadeGhost | undefined,
        levels: MadeLevels | undefined,
    ): void {
        const of = [data, loading, ghost, levels];
        if (of.every((v, i) => v === this.#of[i]) && this.#of.length) return;
        this.#of = of;
        const version = ++this.#version;
        this.#source = { ...sourceOf(data, version), loading };
        this.#ghost = ghost
            ? { ...sourceOf(ghost.data, version), shiftMs: ghost.shiftMs, words: ghost.words }
            : NO_GHOST;
        this.#bands = levels && data ? bandsOf(data, levels) : NO_BANDS;
    }

    paint(): void {
        this.#painted.value++;
    }
}

function gridOf({ fromMs, toMs, stepMs }: MadeData): Grid {
    const grid = new Grid(stepMs, toMs - fromMs + stepMs, fromMs);
    grid.advance(grid.stepOf(toMs));
    return grid;
}

function sourceOf(data: MadeData | undefined, seriesVersion: number): ChartSource {
    if (!data) return { ...NO_SOURCE, seriesVersion };
    const names = Object.keys(data.columns);
    const grid = gridOf(data);
    for (const [i, name] of names.entries())
        grid.fill(i + 1, data.columns[name]!.times, data.columns[name]!.values, data.stepMs);
    return {
        grid,
        series: new Map(
            names.map((name, i) => [i + 1, { id: i + 1, name, labels: {}, method: "" }]),
        ),
        seriesVersion,
        bounds: { fromMs: data.fromMs, toMs: data.toMs },
        loading: false,
        unread: false,
    };
}

function bandsOf(data: MadeData, { columns, sigmas }: MadeLevels): BandSource {
    const [mean, sigma] = [gridOf(data), gridOf(data)];
    const times = Float64Array.of(data.fromMs);
    const length = data.toMs - data.fromMs + data.stepMs;
    for (const [i, name] of Object.keys(data.columns).entries()) {
        const level = columns[name];
        if (!level) continue;
        mean.fill(i + 1, times, Float64Array.of(level.mean), length);
        sigma.fill(i + 1, times, Float64Array.of(level.sigma), length);
    }
    return { mean, sigma, sigmas };
}
