/* A stored histogram over a window, bucket by bucket. */
import { ok, type Result } from "../base/result";
import type { BucketSeries } from "../domain/buckets";
import { parseHistory } from "../proto/history";
import type { TableSource } from "./full-table";

export interface ReadBuckets {
    fromMs: number;
    stepMs: number;
    steps: number;
    series: BucketSeries[];
}

/* metric: the name that ends in _bucket. */
export async function readBuckets(
    source: Pick<TableSource, "getJson">,
    metric: string,
    from: string,
    to: string,
    points: number,
    signal: AbortSignal,
): Promise<Result<ReadBuckets>> {
    const q = new URLSearchParams({ metric, from, to, points: String(points), agg: "sum" });
    const answer = await source.getJson(`api/v1/query?${q}`, signal);
    if (!answer.ok) return answer;
    const history = parseHistory(answer.value);
    if (!history.ok) return history;
    const { fromMs, toMs, stepMs } = history.value;
    const series = history.value.series.flatMap(({ info, times, values }): BucketSeries[] => {
        const le = info.labels["le"] ?? "";
        const edge = le === "+Inf" ? Infinity : Number(le);
        return le === "" || Number.isNaN(edge) ? [] : [{ le: edge, times, values }];
    });
    const steps = Math.min(points + 1, Math.round((toMs - fromMs) / stepMs) + 1);
    return ok({ fromMs, stepMs, steps, series });
}
