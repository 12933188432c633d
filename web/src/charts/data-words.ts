/* What a chart says, by its kind. */
import type { DataSpec } from "../domain/data-spec";
import type { ByteUnit } from "../domain/units";
import type { ChartTable } from "./frame";
import { BAR } from "./words/bar";
import { CALENDAR } from "./words/calendar";
import { GAUGE } from "./words/gauge";
import { HEATMAP } from "./words/heatmap";
import { HISTOGRAM } from "./words/histogram";
import { SANKEY } from "./words/sankey";
import { SCATTER } from "./words/scatter";
import { TIMELINE } from "./words/timeline";
import type { Parts, Reading, Words } from "./words/words";

/* Of each kind; the type says that none is missing. */
const WORDS: { [K in DataSpec["kind"]]: Words<Extract<DataSpec, { kind: K }>> } = {
    bar: BAR,
    gauge: GAUGE,
    heatmap: HEATMAP,
    histogram: HISTOGRAM,
    scatter: SCATTER,
    sankey: SANKEY,
    timeline: TIMELINE,
    calendar: CALENDAR,
};

function wordsOf<S extends DataSpec>(spec: S): Words<S> {
    return WORDS[spec.kind] as unknown as Words<S>;
}

export function readingOf(spec: DataSpec): Reading {
    return wordsOf(spec).reading(spec);
}

export function tableOf(spec: DataSpec, bytesAs: ByteUnit): ChartTable {
    return wordsOf(spec).table(spec, bytesAs);
}

export function partsOf(spec: DataSpec): Parts {
    return wordsOf(spec).parts(spec);
}
