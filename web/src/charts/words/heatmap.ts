/* How a distribution moves, in words. Parts are cells, numbered as the counts are. */
import type { Cell } from "../../domain/csv";
import type { HeatmapSpec } from "../../domain/data-spec";
import { fromToText, serverNow } from "../../domain/time";

import { counted, edge, head, inUnit, peakOf, rampOf, within, type Words } from "./words";

/* Below the lowest edge there is nothing, so the first bucket begins at zero. */
export function bucketText(spec: HeatmapSpec, bucket: number, bytesAs: "bits" | "bytes"): string {
    const { edges, measure } = spec;
    const from = edge(bucket > 0 ? edges[bucket - 1]! : 0, measure, bytesAs);
    return `${from} – ${edge(edges[bucket]!, measure, bytesAs)}`;
}

export const HEATMAP: Words<HeatmapSpec> = {
    reading(spec) {
        const known = spec.counts.some((c) => Number.isFinite(c));
        const peak = peakOf(spec.counts);
        return {
            empty: spec.steps === 0 || spec.edges.length === 0 || !known,
            legend: [],
            ramp: () => rampOf(peak, "squares", (v) => counted(Math.round(v * 10) / 10, "")),
            summary() {
                let most = 0;
                spec.counts.forEach((c, i) => {
                    if (c > (spec.counts[most] || 0)) most = i;
                });
                if (peak === 0) return `No ${spec.counted}.`;
                return `Most at ${HEATMAP.parts(spec).words(most, "bytes")}`;
            },
        };
    },
    table(spec, bytesAs) {
        const { edges, steps, measure } = spec;
        const rows: Cell[][] = [];
        for (let step = 0; step < steps; step++)
            rows.push([
                new Date(spec.fromMs + step * spec.stepMs).toISOString(),
                ...edges.map((_, b) => spec.counts[step * edges.length + b] ?? NaN),
            ]);
        const upTo = (e: number) =>
            e === Infinity ? "more" : head(`to ${inUnit(e, measure, bytesAs)}`, measure, bytesAs);
        return { columns: ["time", ...edges.map(upTo)], rows };
    },
    parts(spec) {
        const { edges, steps, counts, fromMs, stepMs } = spec;
        const rows = edges.length;
        return {
            count: steps * rows,
            words(part, bytesAs) {
                const t = fromMs + Math.floor(part / rows) * stepMs;
                const count = counts[part] ?? NaN;
                return [
                    fromToText(t, t + stepMs, serverNow()),
                    bucketText(spec, part % rows, bytesAs),
                    Number.isFinite(count) ? counted(count, spec.counted) : "not measured",
                ].join(" · ");
            },
            key: () => undefined,
            step(part, arrow) {
                const step = Math.floor(part / rows);
                const row = part % rows;
                if (arrow === "ArrowUp") return step * rows + within(row + 1, rows);
                if (arrow === "ArrowDown") return step * rows + within(row - 1, rows);
                return within(step + (arrow === "ArrowLeft" ? -1 : 1), steps) * rows + row;
            },
        };
    },
};
