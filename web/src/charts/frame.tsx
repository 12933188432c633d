/*
 * What all charts have around their picture: title with unit, how it was measured, legend, what is
 * being read, the same values as a table, the full screen, files. The picture itself is the child; it
 * fills the box that it is given and knows nothing of the rest.
 */
import { effect, useSignal, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Cell } from "../domain/csv";
import { NO_VALUE } from "../domain/units";
import { FullMark, TableMark } from "./frame-marks";

export type ChartKind =
    | "line"
    | "area"
    | "bar"
    | "gauge"
    | "heatmap"
    | "histogram"
    | "scatter"
    | "sankey"
    | "sparkline"
    | "timeline"
    | "calendar";

export type ChartSize = "large" | "half" | "third" | "quarter";

/* The values that a chart shows, for eyes and screen readers, and for files. */
export interface ChartTable {
    columns: readonly string[]; // with their units
    rows: readonly (readonly Cell[])[];
}

interface FrameProps {
    kind: ChartKind;
    chartKey: string;
    size: ChartSize;
    state: "live" | "paused" | "stale" | "empty";
    title: string;
    unit?: string | undefined;
    subtitle: string;
    summary?: string | undefined; // of the picture, in a sentence, for those who do not see it
    legend?: ComponentChildren; // items of a list
    tight?: boolean; // values take the place of names where there is little room
    reading?: boolean; // something is being read: the legend has its values
    readout?: ComponentChildren;
    speaks?: boolean; // what is read is told to a screen reader, too
    empty: string; // why there is nothing, and what would fill it
    save: ComponentChildren; // the menu
    table(): ChartTable; // asked while the table is open
    painted?: ReadonlySignal<number> | undefined; // and again when this changes
    children: ComponentChildren; // the picture
}

const ROWS_MOST = 500; // of a table in the page; files have all
const ANEW_MS = 1000; // between two readings of a table that changes

export function Frame(props: FrameProps) {
    const figure = useRef<HTMLElement>(null);
    const tabled = useSignal(false);
    const full = useSignal(false);
    useEffect(() => {
        const changed = () => (full.value = document.fullscreenElement === figure.current);
        document.addEventListener("fullscreenchange", changed);
        return () => document.removeEventListener("fullscreenchange", changed);
    }, []);
    const toggleFull = () => {
        if (document.fullscreenElement) void document.exitFullscreen();
        else void figure.current?.requestFullscreen();
    };
    const { kind, chartKey, size, state, title, unit, subtitle, summary } = props;
    return (
        <figure
            ref={figure}
            class={`chart chart-${size}`}
            data-chart={kind}
            data-state={state}
            data-key={chartKey}
        >
            <figcaption>
                <h3>
                    {title} {unit && <span class="unit">{unit}</span>}
                </h3>
                <p class="method" title={subtitle}>
                    {subtitle}
                </p>
                <span class="chart-tools">
                    <span class="chart-quiet">
                        <button
                            type="button"
                            class="chart-tool"
                            aria-pressed={tabled.value}
                            aria-label={`${title} as a table`}
                            title="As a table"
                            onClick={() => (tabled.value = !tabled.value)}
                        >
                            <TableMark />
                        </button>
                        {document.fullscreenEnabled && (
                            <button
                                type="button"
                                class="chart-tool"
                                aria-pressed={full.value}
                                aria-label={`${title} on the full screen`}
                                title={full.value ? "Leave the full screen (Esc)" : "Full screen"}
                                onClick={toggleFull}
                            >
                                <FullMark />
                            </button>
                        )}
                    </span>
                    {props.save}
                </span>
                <ul
                    class={`legend${props.tight ? " tight" : ""}${props.reading ? " reading" : ""}`}
                >
                    {props.legend}
                </ul>
                <div class="readout" aria-live={props.speaks ? "polite" : "off"}>
                    {props.readout}
                </div>
                {summary && <p class="visually-hidden">{summary}</p>}
            </figcaption>
            {props.children}
            {state === "empty" && <p class="chart-empty">{props.empty}</p>}
            {tabled.value && <Values title={title} table={props.table} painted={props.painted} />}
        </figure>
    );
}

interface ValuesProps {
    title: string;
    table(): ChartTable;
    painted: ReadonlySignal<number> | undefined;
}

/* Lies over the picture, which goes on below it: nothing moves. */
function Values({ title, table, painted }: ValuesProps) {
    const looks = useSignal(0);
    useEffect(() => {
        let last = performance.now();
        return effect(() => {
            void painted?.value;
            const now = performance.now();
            if (now - last < ANEW_MS) return;
            last = now;
            looks.value = now;
        });
    }, [painted]);
    void looks.value;
    const { columns, rows } = table();
    const left = rows.length - ROWS_MOST;
    return (
        <div class="chart-table" tabIndex={0} role="region" aria-label={`${title}, values`}>
            <table>
                <thead>
                    <tr>
                        {columns.map((c) => (
                            <th key={c} scope="col">
                                <bdi>{c}</bdi>
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.slice(0, ROWS_MOST).map((row, i) => (
                        <tr key={i}>
                            {row.map((cell, k) => (
                                <td key={k} class={typeof cell === "number" ? "number-cell" : ""}>
                                    <bdi>{cellText(cell)}</bdi>
                                </td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
            {left > 0 && <p class="quiet">{left} more are in the files.</p>}
        </div>
    );
}

/* Whole numbers of up to four digits as they are, others to four; thousands apart. */
function cellText(cell: Cell): string {
    if (typeof cell !== "number") return cell ?? NO_VALUE;
    if (!Number.isFinite(cell)) return Number.isNaN(cell) ? NO_VALUE : cell > 0 ? "∞" : "−∞";
    const exact = Number.isInteger(cell) && Math.abs(cell) < 1e4;
    const shown = exact ? cell : Number(cell.toPrecision(4));
    return shown.toLocaleString("en", { maximumFractionDigits: 9 }).replace(/,/g, "\u2009");
}
