/* What a stretch of the past is told by: rates of the present say nothing about it. */
import type { Interface } from "../domain/interfaces";
import type { TimeWindow } from "../store/time-window";
import { RECEIVED, SENT } from "./network-charts";

/* The interfaces with their mean rates over the window in place of those of now. */
export function meansOf({ grid, series }: TimeWindow, now: readonly Interface[]): Interface[] {
    const rates = new Map<string, { rx: number; tx: number }>();
    for (const s of series.values()) {
        const device = s.labels["device"];
        const way = s.name === RECEIVED ? "rx" : s.name === SENT ? "tx" : undefined;
        if (!grid || device === undefined || !way) continue;
        const of = rates.get(device) ?? { rx: NaN, tx: NaN };
        of[way] = grid.amount(s.id).mean;
        rates.set(device, of);
    }
    return now.map((i) => {
        const { rx, tx } = rates.get(i.device) ?? { rx: NaN, tx: NaN };
        return { ...i, rxRate: rx, txRate: tx };
    });
}
