/* How late ticks reach viewers: quantiles of the histogram that the history keeps. */
import { useMemo } from "preact/hooks";
import type { ChartSpec, Tone } from "../domain/trace";
import { outdated } from "../store/remote";
import { QUANTILES, type PerformanceStore, type Quantiles } from "../store/performance";
import { MadeChart, type MadeData } from "./made-chart";

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
    const { value, error, loading } = store.latency.state.value;
    const data = useMemo(() => value && madeOf(value), [value]);
    return (
        <MadeChart
            spec={SPEC}
            size="half"
            note="tick read to viewer's word, way back included"
            data={data}
            loading={loading}
            outdated={outdated(store.latency.state.value)}
            empty={
                error
                    ? `It could not be read: ${error}.`
                    : loading && !value
                      ? "Reading history…"
                      : "No viewer told of a tick in this window."
            }
        />
    );
}

function madeOf(quantiles: Quantiles): MadeData {
    const { fromMs, toMs, stepMs } = quantiles.p50;
    const columns: Record<string, { times: Float64Array; values: Float64Array }> = {};
    for (const name of QUANTILES) {
        const [series] = quantiles[name].series;
        if (series) columns[name] = series;
    }
    return { fromMs, toMs, stepMs, columns };
}
