/*
 * What all charts have around their picture: title with unit, how it was measured, legend, what is
 * being read, the same values as a table, the full screen, files. The picture itself is the child; it
 * fills the box that it is given and knows nothing of the rest.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Cell } from "../domain/csv";
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
    empty: string; // why there is nothing, and what would fill it
    save: ComponentChildren; // the menu
    table(): ChartTable; // asked while the table is open, with each painting
    children: ComponentChildren; // the picture
}

const ROWS_MOST = 500; // of a table in the page; files have all

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
                    {props.save}
                </span>
                <ul
                    class={`legend${props.tight ? " tight" : ""}${props.reading ? " reading" : ""}`}
                >
                    {props.legend}
                </ul>
                <div class="readout">{props.readout}</div>
                {summary && <p class="visually-hidden">{summary}</p>}
            </figcaption>
            {props.children}
            {state === "empty" && <p class="chart-empty">{props.empty}</p>}
            {tabled.value && <Values title={title} table={props.table()} />}
        </figure>
    );
}

/* Lies over the picture, which goes on below it: nothing moves. */
function Values({ title, table }: { title: string; table: ChartTable }) {
    const { columns, rows } = table;
    const left = rows.length - ROWS_MOST;
    return (
        <div class="chart-table" tabIndex={0} role="region" aria-label={`${title}, values`}>
            <table>
                <thead>
                    <tr>
                        {columns.map((c) => (
                            <th key={c} scope="col">
                                {c}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.slice(0, ROWS_MOST).map((row, i) => (
                        <tr key={i}>
                            {row.map((cell, k) => (
                                <td key={k} class={typeof cell === "number" ? "number-cell" : ""}>
                                    {cell === null || Number.isNaN(cell) ? "–" : cell}
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
