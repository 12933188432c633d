/* What a chart over time says in words and as a table. */
import { exactText, serverNow, zoneText } from "../domain/time";
import type { ChartSpec } from "../domain/trace";
import {
    NO_VALUE,
    plotFactor,
    quantity,
    text,
    unitOf,
    whenText,
    type ByteUnit,
} from "../domain/units";
import type { ChartSource } from "./environment";
import type { ChartTable } from "./frame";
import { valuesAt, type Gathered } from "./gather";
import { stretchText } from "./ground";
import type { Readout } from "./picture";
import { ghostAt, type GhostLine } from "./ghost";
import type { Grid } from "../domain/grid";

/* Values of a gathered trace are in plotted units already; the title says which. */
export function shortText(plotted: number, spec: ChartSpec, bytesAs: ByteUnit): string {
    if (Number.isNaN(plotted)) return NO_VALUE;
    const q = quantity(plotted / plotFactor(spec.measure, bytesAs), spec.measure, bytesAs);
    const prefix = q.unit.slice(0, q.unit.length - unitOf(spec.measure, bytesAs).length);
    return prefix ? `${q.number}\u2009${prefix}` : q.number;
}

export function spokenValues(at: Readout, spec: ChartSpec, bytesAs: ByteUnit): string {
    const factor = plotFactor(spec.measure, bytesAs);
    return spec.traces
        .map((t, i) => `${t.name} ${text(quantity(at.values[i]! / factor, spec.measure, bytesAs))}`)
        .join(", ");
}

export function readoutText(at: Readout): string {
    const time = whenText(at.flag?.t ?? at.t, serverNow());
    if (at.flag) return `${time} · ${at.flag.text}`;
    return at.unmeasured ? `${time} · ${stretchText(at.unmeasured)}` : time;
}

/* What was at that moment before, trace by trace. */
export function ghostText(
    lines: readonly GhostLine[],
    at: Readout,
    words: string,
    spec: ChartSpec,
    bytesAs: ByteUnit,
): string {
    if (lines.length === 0) return "";
    return ` · ${words}: ${lines.map((l) => shortText(ghostAt(l, at.t), spec, bytesAs)).join(" / ")}`;
}

/* Beside how a chart was measured: its newest data could not be had. */
export function outdatedText(why: string | undefined): string {
    return why === undefined ? "" : `could not be read again: ${why}`;
}

export function emptyText({ loading, unread }: ChartSource): string {
    if (loading) return "Reading history…";
    return unread ? "History could not be read." : "Nothing was measured in this window.";
}

/* Each trace's newest value and how far it went: the picture in a sentence. */
export function summaryOf(data: Gathered, spec: ChartSpec, bytesAs: ByteUnit): string {
    const factor = plotFactor(spec.measure, bytesAs);
    const said = (plotted: number) => text(quantity(plotted / factor, spec.measure, bytesAs));
    const newest = valuesAt(data, data.n - 1);
    return spec.traces
        .map((trace, s) => {
            let low = Infinity;
            let high = -Infinity;
            for (let i = data.from; i < data.n; i++) {
                const v = Math.abs(data.own[s]![i]!);
                if (v < low) low = v;
                if (v > high) high = v;
            }
            if (low > high) return `${trace.name}: not measured`;
            const now = Number.isNaN(newest[s]!) ? "not measured now" : `now ${said(newest[s]!)}`;
            return `${trace.name}: ${now}, between ${said(low)} and ${said(high)}`;
        })
        .join("; ");
}

/* The newest first. */
export function chartTable(
    data: Gathered,
    grid: Grid,
    bounds: { fromMs: number; toMs: number },
    spec: ChartSpec,
    unit: string,
): ChartTable {
    const columns = [
        `time (${zoneText(bounds.toMs)})`,
        ...spec.traces.map((t) => (unit ? `${t.name} (${unit})` : t.name)),
    ];
    const rows = [];
    for (let i = data.n - 1; i >= data.from; i--) {
        const t = grid.timeOf(data.first + i);
        if (t < bounds.fromMs || t > bounds.toMs) continue;
        rows.push([exactText(t), ...valuesAt(data, i)]);
    }
    return { columns, rows };
}
