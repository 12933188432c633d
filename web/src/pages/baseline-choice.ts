/* Which two things the page compares: as the address says, else what makes sense. */
import { WINDOW_LEAST_MS, withComparison } from "../domain/baselines";
import type { Range } from "../domain/range";
import type { Baseline, Baselines, Comparison } from "../store/baselines";

const COMPARISONS_MOST = 1000;
const INSTEAD: Range = { kind: "last", spanMs: 60 * 60_000 };

/* What is compared: the window at the top, or the last hour where that is too short for a verdict. */
export function comparedRange(range: Range): Range {
    return range.kind === "last" && range.spanMs < WINDOW_LEAST_MS ? INSTEAD : range;
}

/* The one of the address, else the newest that was saved, else the automatic one. */
export function chosenBaseline(
    list: readonly Baseline[] | undefined,
    asked: string | null,
): string | undefined {
    if (asked) return asked;
    const saved = (list ?? [])
        .filter((b) => b.kind === "saved")
        .sort((a, b) => (b.madeMs ?? 0) - (a.madeMs ?? 0));
    return (saved[0] ?? list?.[0])?.name;
}

/* What the daemon compared by itself: read and told, each once, the newest first. */
export function madeComparisons(store: Baselines): Comparison[] {
    const read = store.trend.state.value.value ?? [];
    let all = [...read].sort((a, b) => b.t - a.t);
    for (const c of store.told.value) all = withComparison(all, c, COMPARISONS_MOST);
    return all;
}

/*
 * `?comparison=T`: one that cannot be made again, because what it was compared with was never saved;
 * its counts and its most notable metrics are all there is.
 */
export function keptComparison(store: Baselines, query: URLSearchParams): Comparison | undefined {
    const asked = query.get("comparison");
    if (asked === null) return undefined;
    return madeComparisons(store).find((c) => String(c.t) === asked);
}
