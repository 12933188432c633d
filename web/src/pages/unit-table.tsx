/*
 * Processes by the systemd unit that they belong to. Sums of the rows that are here: a table of its
 * own for the same eyes, with the same keys.
 */
import { effect, signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { ColumnTable } from "../domain/column-table";
import { namer } from "../domain/table-sums";
import { TableView, parseSortKey, sortKeyText } from "../domain/table-view";
import { wordFor } from "../domain/filter";
import { DataTable } from "../widgets/data-table";
import { usePage } from "./context";
import { SaveTable } from "./save-table";
import { numberColumn, textColumn, type Writing } from "./table-columns";
import type { TableWork } from "./table-panel";
import type { TableColumn } from "../widgets/table-rows";
import type { Cell } from "../domain/csv";

const COLUMNS = [
    "id",
    "unit",
    "processes",
    "rx_rate",
    "tx_rate",
    "rx_bytes",
    "tx_bytes",
    "local_bytes",
    "connections",
];
const SUMMED = COLUMNS.slice(3);
const NO_UNIT = "(no unit)";

/* The rows of the processes, summed by unit, into `into`. */
export function sumUnits(from: ColumnTable, into: ColumnTable, ids: Map<string, number>): void {
    const unit = namer(from, "unit");
    const process = namer(from, "process");
    const sums = new Map<string, number[]>();
    const columns = SUMMED.map((name) => from.numbers(from.column(name)));
    for (let slot = 0; slot < from.size; slot++) {
        if (!from.isLive(slot)) continue;
        const rest = process(slot) === "(unattributed)" ? "(unattributed)" : NO_UNIT;
        const name = unit(slot) || rest;
        let sum = sums.get(name);
        if (!sum) sums.set(name, (sum = [0, ...SUMMED.map(() => 0)]));
        sum[0]!++;
        columns.forEach((c, i) => (sum[i + 1]! += c?.[slot] || 0));
    }
    into.begin();
    for (const [name, sum] of sums) {
        let id = ids.get(name);
        if (id === undefined) ids.set(name, (id = ids.size + 1));
        into.put([id, name, ...sum]);
    }
    into.sweep();
}

function unitColumns(w: Writing): TableColumn[] {
    return [
        textColumn({ name: "unit", title: "Unit", width: 176, grow: 4, priority: 0, card: "title" }),
        numberColumn({ name: "processes", title: "Processes", width: 92, priority: 2 }, "count", w),
        numberColumn({ name: "rx_rate", title: "Receive", width: 104, priority: 0, card: "rx" }, "bytes/s", w, "receive"),
        numberColumn({ name: "tx_rate", title: "Transmit", width: 104, priority: 0, card: "tx" }, "bytes/s", w, "transmit"),
        numberColumn({ name: "rx_bytes", title: "Received", width: 92, priority: 1 }, "bytes", w),
        numberColumn({ name: "tx_bytes", title: "Sent", width: 92, priority: 1 }, "bytes", w),
        numberColumn({ name: "local_bytes", title: "Of it local", width: 92, priority: 3 }, "bytes", w),
        numberColumn({ name: "connections", title: "Connections", width: 96, priority: 2 }, "count", w),
    ];
}

export function UnitTable({ work, tools }: { work: TableWork; tools: ComponentChildren }) {
    const { location, preferences } = usePage();
    const columns = useMemo(() => unitColumns(work.writing), [work]);
    const own = useMemo(() => {
        const table = new ColumnTable(COLUMNS);
        return { table, view: signal(new TableView(table)), painted: signal(0) };
    }, [work]);
    const held = useSignal(false);
    const sort = parseSortKey(COLUMNS, location.place.value.query.get("unit_sort"));
    const text = sortKeyText(sort);
    useEffect(() => {
        const ids = new Map<string, number>();
        return effect(() => {
            void work.full.facts.value;
            sumUnits(work.full.table.value, own.table, ids);
            const view = own.view.peek();
            view.sortBy(parseSortKey(COLUMNS, text));
            if (!held.value || view.count === 0) view.refresh();
            own.painted.value = own.painted.peek() + 1;
        });
    }, [work, own, text]);
    work.writing.bytesAs = preferences.bytesAs.value;
    return (
        <section class="table-panel" aria-label="Units">
            <div class="table-tools">
                {tools}
                <p class="method table-count">
                    Enter shows the processes of a unit{held.value && " · order held"}
                </p>
                <SaveTable
                    table={{
                        what: "Units",
                        key: "units",
                        columns: COLUMNS.slice(1),
                        rows: () => {
                            const { order, count } = own.view.peek();
                            return [...order.subarray(0, count)].map(
                                (slot) => own.table.rowAt(slot).slice(1) as Cell[],
                            );
                        },
                    }}
                />
            </div>
            {work.full.table.value.count === 0 && (
                <p class="table-empty">No process uses the network, so no unit does.</p>
            )}
            <div class="table-place">
                <DataTable
                    name="units"
                    label="Units"
                    view={own.view}
                    painted={own.painted}
                    columns={columns}
                    chosen={undefined}
                    sort={sort}
                    onSort={(key) => location.setQuery("unit_sort", sortKeyText(key))}
                    selected={undefined}
                    onOpen={(id) => {
                        const slot = own.table.slotOf(id);
                        const unit = slot === undefined ? "" : own.table.text(1, slot);
                        const word =
                            unit === NO_UNIT
                                ? "-unit:"
                                : unit === "(unattributed)"
                                  ? wordFor("process", unit)
                                  : wordFor("unit", unit);
                        location.go(location.href("processes", { filter: word }));
                    }}
                    held={held.value}
                    onHold={(is) => (held.value = is)}
                    dress={preferences.bytesAs.value}
                />
            </div>
        </section>
    );
}
