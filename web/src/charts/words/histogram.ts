/* One distribution, in words. */
import type { Cell } from "../../domain/csv";
import type { HistogramSpec } from "../../domain/data-spec";
import { along, counted, edge, head, inUnit, said, type Words } from "./words";

export function bucketsOf({ edges }: HistogramSpec): number {
    return Math.max(0, edges.length - 1);
}

const sum = (counts: readonly number[]) =>
    counts.reduce((all, c) => all + (Number.isFinite(c) ? c : 0), 0);

export const HISTOGRAM: Words<HistogramSpec> = {
    reading(spec) {
        const { series, counted: what, marks = [], measure } = spec;
        return {
            empty: bucketsOf(spec) === 0 || !series.some((s) => sum(s.counts) > 0),
            legend: series.length > 1 ? series.map(({ name, tone }) => ({ name, tone })) : [],
            summary: (bytesAs) =>
                [
                    ...series.map((s) => `${s.name} ${counted(sum(s.counts), what)}`),
                    ...marks.map((m) => `${m.name} ${said(m.value, measure, bytesAs)}`),
                ].join(", "),
        };
    },
    table(spec, bytesAs) {
        const { edges, series, measure } = spec;
        return {
            columns: [
                head("from", measure, bytesAs),
                head("to", measure, bytesAs),
                ...series.map((s) => (series.length > 1 ? s.name : spec.counted)),
            ],
            rows: Array.from({ length: bucketsOf(spec) }, (_, i): Cell[] => [
                inUnit(edges[i]!, measure, bytesAs),
                edges[i + 1] === Infinity ? "∞" : inUnit(edges[i + 1]!, measure, bytesAs),
                ...series.map((s) => s.counts[i] ?? null),
            ]),
        };
    },
    parts(spec) {
        const { edges, series, measure } = spec;
        const totals = series.map((s) => sum(s.counts));
        const share = (count: number, total: number) =>
            total > 0 && Number.isFinite(count)
                ? ` (${said(count / total, "ratio", "bytes")})`
                : "";
        return {
            count: bucketsOf(spec),
            words(part, bytesAs) {
                const from = edge(edges[part]!, measure, bytesAs);
                const to = edge(edges[part + 1]!, measure, bytesAs);
                const several = series.length > 1;
                const counts = series.map((s, i) => {
                    const count = s.counts[part] ?? NaN;
                    const words =
                        counted(count, several ? "" : spec.counted) + share(count, totals[i]!);
                    return several ? `${s.name} ${words}` : words;
                });
                return [`${from} – ${to}`, ...counts].join(" · ");
            },
            key: () => undefined,
            step: along(bucketsOf(spec)),
        };
    },
};
