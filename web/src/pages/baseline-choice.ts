/* Which two things the page compares: as the address says, else what makes sense. */
import type { Range } from "../domain/range";
import type { Baseline } from "../store/baselines";

const LEAST_MS = 30 * 60_000; // a side needs so much for a verdict
const INSTEAD: Range = { kind: "last", spanMs: 60 * 60_000 };

/* What is compared: the window at the top, or the last hour where that is too short for a verdict. */
export function comparedRange(range: Range): Range {
    return range.kind === "last" && range.spanMs < LEAST_MS ? INSTEAD : range;
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
