/*
 * A small table that stays as it is. On a phone each row stands below the other, its first cell as
 * their head, and every cell says what it is; the roles are named because tables that are laid out
 * otherwise lose them.
 */
import type { ComponentChild } from "preact";
import { TableHeads } from "./table-heads";

export interface PlainRow {
    key: string;
    kind?: string; // a class
    cells: readonly ComponentChild[]; // as many as heads; the first names the row
}

interface PlainTableProps {
    label: string;
    heads: readonly string[];
    rows: readonly PlainRow[];
    kind?: string;
}

export function PlainTable({ label, heads, rows, kind = "" }: PlainTableProps) {
    return (
        <div class="table-box" tabIndex={0} role="region" aria-label={label}>
            <table class={`plain-table ${kind}`} role="table">
                <TableHeads heads={heads} />
                <tbody role="rowgroup">
                    {rows.map((row) => (
                        <tr key={row.key} role="row" class={row.kind ?? ""}>
                            {row.cells.map((cell, i) =>
                                i === 0 ? (
                                    <th key={i} role="rowheader" scope="row">
                                        {cell}
                                    </th>
                                ) : (
                                    <td key={i} role="cell" data-head={heads[i]}>
                                        {cell}
                                    </td>
                                ),
                            )}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
