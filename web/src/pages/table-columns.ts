/* How the cells of the four tables are written. */
import type { ColumnTable } from "../domain/column-table";
import { momentText } from "../domain/alerts";
import { NO_VALUE, quantity, type ByteUnit, type Measure } from "../domain/units";
import type { TableCell, TableColumn } from "../widgets/table-rows";

/* Cells are written many times a second: what they depend on is looked up, not passed. */
export interface Writing {
    bytesAs: ByteUnit;
    nowMs: number;
}

type Shape = Omit<TableColumn, "write">;
type Write = TableColumn["write"];

export function textColumn(shape: Shape, quiet = false): TableColumn {
    return {
        ...shape,
        write: (cell, table, column, slot) => {
            const text = table.text(column, slot);
            cell.set(text || NO_VALUE, "", text && !quiet ? "" : "quiet");
        },
    };
}

/* factor: from what the server gives to the measure's own unit. */
export function numberColumn(
    shape: Shape,
    measure: Measure,
    writing: Writing,
    tone = "",
    factor = 1,
): TableColumn {
    const write: Write = (cell, table, column, slot) => {
        const value = table.number(column, slot) * factor;
        const { number, unit } = quantity(value, measure, writing.bytesAs);
        const nothing = Number.isNaN(value) || value === 0;
        cell.set(number, nothing && value !== 0 ? "" : unit, nothing ? "nil" : tone);
    };
    return { downwards: true, ...shape, right: true, write };
}

export function plainNumber(shape: Shape): TableColumn {
    return {
        ...shape,
        right: true,
        write: (cell, table, column, slot) => {
            const value = table.number(column, slot);
            cell.set(Number.isNaN(value) ? NO_VALUE : String(value), "", Number.isNaN(value) ? "nil" : "");
        },
    };
}

export function momentColumn(shape: Shape, writing: Writing): TableColumn {
    return {
        downwards: true,
        ...shape,
        write: (cell, table, column, slot) => {
            const ms = table.number(column, slot);
            cell.set(Number.isNaN(ms) ? NO_VALUE : momentText(ms, writing.nowMs), "", "quiet");
        },
    };
}

/* A cell that is more than one column of the server. */
export function madeColumn(
    shape: Shape,
    write: (cell: TableCell, table: ColumnTable, slot: number) => void,
): TableColumn {
    return { ...shape, write: (cell, table, _, slot) => write(cell, table, slot) };
}

export const STATE_WORDS: Readonly<Record<string, string>> = {
    established: "established",
    listen: "listening",
    time_wait: "time wait",
    close_wait: "close wait",
    syn_sent: "SYN sent",
    syn_recv: "SYN received",
    fin_wait1: "FIN wait 1",
    fin_wait2: "FIN wait 2",
    last_ack: "last ACK",
};

export function stateColumn(shape: Shape): TableColumn {
    return {
        ...shape,
        write: (cell, table, column, slot) => {
            const state = table.text(column, slot);
            const quiet = state !== "established" && state !== "running";
            cell.set((STATE_WORDS[state] ?? state) || NO_VALUE, "", quiet ? "quiet" : "");
        },
    };
}
