/* How a distribution moves over the window, as a picture: shared by the pages that have one. */
import type { HeatmapSpec } from "../domain/data-spec";
import { NO_BUCKETS, occupied, totalsOf, type Buckets } from "../domain/distribution";

export type SpreadWords = Pick<HeatmapSpec, "key" | "title" | "subtitle" | "counted">;

/* Without the rows at both ends in which there is nothing. */
export function spreadSpec(b: Buckets = NO_BUCKETS, words: SpreadWords): HeatmapSpec {
    const [first, end] = occupied(totalsOf(b));
    const width = b.edges.length;
    const rows = end - first;
    const counts = new Float64Array(b.steps * rows);
    for (let step = 0; step < b.steps; step++)
        for (let r = 0; r < rows; r++)
            counts[step * rows + r] = b.counts[step * width + first + r]!;
    return {
        kind: "heatmap",
        measure: "seconds",
        ...words,
        fromMs: b.fromMs,
        stepMs: b.stepMs,
        steps: rows > 0 ? b.steps : 0,
        edges: b.edges.slice(first, end),
        counts,
    };
}
