/*
 * Tables as files. CSV after RFC 4180, and safe to open in a spreadsheet: a text cell that a program
 * would take for a formula begins with an apostrophe, by the same rule as the server's exports.
 * Numbers are numbers and never quoted.
 */
export type Cell = string | number | null;

const FORMULA = /^[=+\-@\t\r\n]/;
/* The same behind what a program may be set to separate by: quotes in the midst of a line mean nothing to it. */
const HIDDEN = /([;\t\r\n])(?="*[=+\-@])/g;

export function csvCell(cell: Cell): string {
    if (cell === null) return "";
    if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
    const text = (FORMULA.test(cell) ? "'" : "") + cell.replace(HIDDEN, "$1'");
    return /[",;\t\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

export function csvText(header: readonly string[], rows: Iterable<readonly Cell[]>): string {
    const lines = [header.map(csvCell).join(",")];
    for (const row of rows) lines.push(row.map(csvCell).join(","));
    return lines.join("\r\n") + "\r\n";
}

/* What JSON has no word for is null. */
export function jsonCell(cell: Cell): Cell {
    return typeof cell === "number" && !Number.isFinite(cell) ? null : cell;
}

export function jsonText(
    metadata: Readonly<Record<string, unknown>>,
    columns: readonly string[],
    rows: readonly (readonly Cell[])[],
): string {
    return (
        JSON.stringify({
            metadata: { ...metadata, rows: rows.length },
            columns,
            rows: rows.map((row) => row.map(jsonCell)),
        }) + "\n"
    );
}
