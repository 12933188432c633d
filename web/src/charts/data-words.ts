/*
 * What a chart says besides its picture: whether there is anything in it, its legend, a sentence for
 * those who do not see it, and its values as a table. Needs nothing of what draws.
 */
import type { Cell } from "../domain/csv";
import type { BarSpec, DataSpec, DataTone } from "../domain/data-spec";
import { quantity, text, unitOf, type ByteUnit, type Measure } from "../domain/units";
import type { ChartTable } from "./frame";

export interface Reading {
    empty: boolean;
    legend: readonly { name: string; tone: DataTone }[];
    summary(bytesAs: ByteUnit): string;
}

export interface Words<S extends DataSpec> {
    reading(spec: S): Reading;
    table(spec: S, bytesAs: ByteUnit): ChartTable;
}

/* A value in words, with its unit. */
export function said(value: number, measure: Measure, bytesAs: ByteUnit): string {
    return text(quantity(value, measure, bytesAs));
}

/* A column's head: tables have numbers in base units, so that they can be worked with. */
export function head(name: string, measure: Measure, bytesAs: ByteUnit): string {
    const unit = unitOf(measure, bytesAs);
    return unit ? `${name} (${unit})` : name;
}

const total = (bar: BarSpec["bars"][number]) => bar.parts.reduce((sum, p) => sum + (p.value || 0), 0);

const BAR: Words<BarSpec> = {
    reading(spec) {
        const legend = new Map<string, DataTone>();
        for (const bar of spec.bars) for (const p of bar.parts) legend.set(p.name, p.tone);
        return {
            empty: !spec.bars.some((b) => b.parts.some((p) => !Number.isNaN(p.value))),
            legend: legend.size > 1 ? [...legend].map(([name, tone]) => ({ name, tone })) : [],
            summary: (bytesAs) =>
                spec.bars
                    .slice(0, 3)
                    .map((b) => `${b.name} ${said(total(b), spec.measure, bytesAs)}`)
                    .join(", "),
        };
    },
    table(spec, bytesAs) {
        const names = [...new Set(spec.bars.flatMap((b) => b.parts.map((p) => p.name)))];
        return {
            columns: ["name", ...names.map((n) => head(n, spec.measure, bytesAs))],
            rows: spec.bars.map((b): Cell[] => [
                b.name,
                ...names.map((n) => b.parts.find((p) => p.name === n)?.value ?? null),
            ]),
        };
    },
};

/* Of each kind; the type says that none is missing. */
const WORDS: { [K in DataSpec["kind"]]?: Words<Extract<DataSpec, { kind: K }>> } = { bar: BAR };

function wordsOf<S extends DataSpec>(spec: S): Words<S> {
    return WORDS[spec.kind] as unknown as Words<S>;
}

export function readingOf(spec: DataSpec): Reading {
    return wordsOf(spec).reading(spec);
}

export function tableOf(spec: DataSpec, bytesAs: ByteUnit): ChartTable {
    return wordsOf(spec).table(spec, bytesAs);
}
