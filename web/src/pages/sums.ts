/*
 * What is worked out of all rows of a table: anew when they changed, but not with each of their ticks.
 * Until they have come it is what no rows come to, so that everything has its place from the start.
 */
import { effect, useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ColumnTable } from "../domain/column-table";
import type { TableWork } from "./table-panel";

/* In a chart's place, meanwhile. */
export const READING = "Reading the table.";

const NOT_BEFORE_MS = 2000;
const REST = 20; // times as long as the work took, so that it stays below a twentieth

export function useSums<T>(
    work: TableWork,
    make: (table: ColumnTable) => T,
): ReadonlySignal<T> {
    const made = useSignal<T>(useMemo(() => make(work.full.table.peek()), [work]));
    useEffect(() => {
        let next = 0;
        let timer: number | undefined;
        let seen: unknown;
        const run = () => {
            timer = undefined;
            const began = performance.now();
            made.value = make(work.full.table.peek());
            const now = performance.now();
            next = now + Math.max(NOT_BEFORE_MS, REST * (now - began));
        };
        const stop = effect(() => {
            const { loaded, live, t } = work.full.facts.value;
            if (!loaded) return;
            // Another moment is shown at once.
            const other = live ? "live" : t;
            const wait = other === seen ? next - performance.now() : 0;
            seen = other;
            if (wait > 0) {
                timer ??= window.setTimeout(run, wait);
                return;
            }
            clearTimeout(timer);
            run();
        });
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, [work]);
    return made;
}
