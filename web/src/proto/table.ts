/* Rows of a table as the server lists them, in answers and in the stream's messages. */
import { asArray, asNumber, asObject, asText } from "../base/json";

export interface Page {
    columns: readonly string[];
    rows: readonly (readonly unknown[])[];
    total: number; // rows that there are, listed or not
    t: number;
    cutFrom: number; // rows that there were when fewer were stored; 0: all were
}

export function parsePage(v: unknown): Page {
    const o = asObject(v) ?? {};
    return {
        columns: asArray(o["columns"]).map((c) => asText(c)),
        rows: asArray(o["rows"]).filter((r): r is readonly unknown[] => Array.isArray(r)),
        total: asNumber(o["total"]) ?? 0,
        t: asNumber(o["t"]) ?? 0,
        cutFrom: asNumber(o["cut_from"]) ?? 0,
    };
}
