/* Where the history of a window is asked for; apart from the window so that boot.ts can ask, too. */
import { rangeQuery, type Range } from "../domain/range";
import { historyAddress } from "../proto/history";

export const WINDOW_STEPS = 900; // that a window is cut into, at most

export function windowAddress(range: Range, metrics: readonly string[], match: readonly string[]): string {
    return historyAddress({ metrics, match, ...rangeQuery(range), points: WINDOW_STEPS });
}
