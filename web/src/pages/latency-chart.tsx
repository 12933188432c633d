/* How late ticks reach viewers: quantiles of the histogram that the history keeps. */
import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart } from "../charts/chart";
import { Environment, useEnvironment, type ChartEnvironment } from "../charts/environment";
import { Grid } from "../domain/grid";
import type { ChartSpec, Tone } from "../domain/trace";
import { QUANTILES, type PerformanceStore, type Quantiles } from "../store/performance";

const TONES: Record<(typeof QUANTILES)[number], Tone> = {
    p50: "category-1",
    p90: "category-3",
    p99: "category-2",
};

const SPEC: ChartSpec = {
    key: "latency",
    title: "Latency to viewers",
    measure: "milliseconds",
    least: 1,
    traces: QUANTILES.map((name) => ({ name, metrics: [name], tone: TONES[name] })),
    behind: ["netsonde_server_delivery_seconds_*"],
};

export function LatencyChart({ store }: { store: PerformanceStore }) {
    const outer = useEnvironment();
    const { value, error, loading } = store.latency.state.value;
    const environment = useMemo(
        () => environmentOf(value, loading && !value, outer),
        [value, loading && !value, outer],
    );
    return (
        <Environment.Provider value={environment}>
            <Chart
                spec={SPEC}
                size="half"
                note="tick read to viewer's word, way back included"
                empty={
                    error
                        ? `It could not be read: ${error}.`
                        : loading && !value
                          ? "Reading history…"
                          : "No viewer told of a tick in this window."
                }
            />
        </Environment.Provider>
    );
}

function environmentOf(
    quantiles: Quantiles | undefined,
    loading: boolean,
    outer: ChartEnvironment,
): ChartEnvironment {
    let grid: Grid | undefined;
    let bounds: { fromMs: number; toMs: number } | undefined;
    if (quantiles) {
        const { fromMs, toMs, stepMs } = quantiles.p50;
        bounds = { fromMs, toMs };
        grid = new Grid(stepMs, toMs - fromMs + stepMs, fromMs);
        grid.advance(grid.stepOf(toMs));
        for (const [i, name] of QUANTILES.entries()) {
            const [series] = quantiles[name].series;
            if (series) grid.fill(i + 1, series.times, series.values, stepMs);
        }
    }
    return {
        ...outer,
        source: {
            grid,
            series: new Map(
                QUANTILES.map((name, i) => [i + 1, { id: i + 1, name, labels: {}, method: "" }]),
            ),
            seriesVersion: 1,
            bounds,
            loading,
            unread: false,
        },
        painted: signal(0),
        bands: { mean: undefined, sigma: undefined, sigmas: 0 },
    };
}
