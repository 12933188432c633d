/*
 * A chart over time of numbers that the page made itself (quantiles of a histogram, say): it has a
 * source of its own, whose series are named by the traces' metrics.
 */
import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { Environment, useEnvironment, type ChartEnvironment } from "../charts/environment";
import { Grid } from "../domain/grid";
import type { ChartSpec } from "../domain/trace";

export interface MadeData {
    fromMs: number;
    toMs: number; // start of the last step
    stepMs: number;
    columns: Readonly<Record<string, { times: Float64Array; values: Float64Array }>>;
}

interface MadeChartProps {
    spec: ChartSpec;
    size: "large" | "half" | "third" | "quarter";
    note: string;
    data: MadeData | undefined;
    loading: boolean;
    empty: string;
}

export function MadeChart({ spec, size, note, data, loading, empty }: MadeChartProps) {
    const outer = useEnvironment();
    const waiting = loading && !data;
    const environment = useMemo(
        () => environmentOf(data, waiting, outer),
        [data, waiting, outer],
    );
    return (
        <Environment.Provider value={environment}>
            <Chart spec={spec} size={size} note={note} empty={empty} />
        </Environment.Provider>
    );
}

function environmentOf(
    data: MadeData | undefined,
    loading: boolean,
    outer: ChartEnvironment,
): ChartEnvironment {
    const names = Object.keys(data?.columns ?? {});
    let grid: Grid | undefined;
    if (data) {
        const { fromMs, toMs, stepMs, columns } = data;
        grid = new Grid(stepMs, toMs - fromMs + stepMs, fromMs);
        grid.advance(grid.stepOf(toMs));
        for (const [i, name] of names.entries())
            grid.fill(i + 1, columns[name]!.times, columns[name]!.values, stepMs);
    }
    return {
        ...outer,
        source: {
            grid,
            series: new Map(
                names.map((name, i) => [i + 1, { id: i + 1, name, labels: {}, method: "" }]),
            ),
            seriesVersion: 1,
            bounds: data && { fromMs: data.fromMs, toMs: data.toMs },
            loading,
            unread: false,
        },
        painted: signal(0),
        bands: { mean: undefined, sigma: undefined, sigmas: 0 },
    };
}
