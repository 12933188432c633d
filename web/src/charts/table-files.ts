/* A table of the page as a file. Fetched when somebody saves one for the first time. */
import { csvText, jsonText, type Cell } from "../domain/csv";
import { fileName } from "../domain/saving";
import { saveFile } from "./download";
import type { ChartEnvironment } from "./environment";

interface Table {
    key: string;
    columns: readonly string[];
    rows(): (readonly Cell[])[];
}

export function saveTable(table: Table, env: ChartEnvironment, as: "csv" | "json"): void {
    const now = Date.now();
    const host = env.host.peek();
    const name = fileName(host, table.key, now, as);
    const rows = table.rows();
    if (as === "csv") {
        saveFile(name, csvText(table.columns, rows), "text/csv;charset=utf-8;header=present");
        return;
    }
    const metadata = { host, version: env.version.peek(), table: table.key, t: now };
    saveFile(name, jsonText(metadata, table.columns, rows), "application/json");
}
