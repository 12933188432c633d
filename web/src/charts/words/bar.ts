/* Ranked parts, in words. */
import type { Cell } from "../../domain/csv";
import type { BarSpec, DataTone } from "../../domain/data-spec";
import { along, exact, head, inUnit, named, said, type Words } from "./words";

type Bar = BarSpec["bars"][number];

/* Of what is known; NaN where nothing is. */
export function totalOf({ parts }: Bar): number {
    const known = parts.filter((p) => Number.isFinite(p.value));
    return known.length ? known.reduce((sum, p) => sum + p.value, 0) : NaN;
}

/* Names of parts, each once, in the order of their first appearance. */
export function partNames({ bars }: BarSpec): string[] {
    return [...new Set(bars.flatMap((b) => b.parts.map((p) => p.name)))];
}

export const BAR: Words<BarSpec> = {
    reading(spec) {
        const legend = new Map<string, DataTone>();
        for (const bar of spec.bars) for (const p of bar.parts) legend.set(p.name, p.tone);
        return {
            empty: !spec.bars.some((b) => !Number.isNaN(totalOf(b))),
            legend: legend.size > 1 ? [...legend].map(([name, tone]) => ({ name, tone })) : [],
            summary: (bytesAs) =>
                spec.bars
                    .slice(0, 3)
                    .map((b) => `${named(b.name)} ${said(totalOf(b), spec.measure, bytesAs)}`)
                    .join(", "),
        };
    },
    table(spec, bytesAs) {
        const names = partNames(spec);
        return {
            columns: ["name", ...names.map((n) => head(n, spec.measure, bytesAs)), "note"],
            rows: spec.bars.map((b): Cell[] => [
                b.name,
                ...names.map((n) => {
                    const part = b.parts.find((p) => p.name === n);
                    return part ? inUnit(part.value, spec.measure, bytesAs) : null;
                }),
                b.note ?? "",
            ]),
        };
    },
    parts({ bars, measure }) {
        return {
            count: bars.length,
            words(part, bytesAs) {
                const bar = bars[part]!;
                const shares = bar.parts.map(
                    (p) => `${p.name} ${exact(p.value, measure, bytesAs)}`,
                );
                return [
                    `${named(bar.name)} ${exact(totalOf(bar), measure, bytesAs)}`,
                    bar.parts.length > 1 ? shares.join(", ") : "",
                    bar.note ?? "",
                ]
                    .filter(Boolean)
                    .join(" · ");
            },
            key: (part) => bars[part]?.key,
            step: along(bars.length),
        };
    },
};
