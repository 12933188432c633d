/* The pictures of the pages of flows and of DNS, made of the rows of their tables. */
import type { ColumnTable } from "../domain/column-table";
import type { BarSpec, DataTone } from "../domain/data-spec";
import { namer, sumsBy, topOf } from "../domain/table-sums";
import { brief } from "./connection-charts";

const BARS_MOST = 8;

/* rows: of how many flows; client and server are the two ends of each. */
export function applicationBars(table: ColumnTable, column: "application" | "host"): BarSpec {
    const { top, others } = topOf(sumsBy(table, { column, rx: "rx_bytes", tx: "tx_bytes" }), BARS_MOST);
    const bar = (name: string, rx: number, tx: number, key: string) => ({
        name,
        ...(key && { key }),
        parts: [
            { name: "to the client", tone: "receive" as const, value: rx },
            { name: "to the server", tone: "transmit" as const, value: tx },
        ],
    });
    return {
        kind: "bar",
        key: column,
        title: column === "application" ? "By application" : "By host",
        subtitle:
            column === "application"
                ? "recognised by nDPI from the first packets"
                : "named in the TLS handshake or by HTTP",
        measure: "bytes",
        bars: [
            ...top.map((s) => bar(brief(s.name || "(not named)"), s.rx, s.tx, s.name)),
            ...(others ? [bar(`${others.rows} others`, others.rx, others.tx, "")] : []),
        ],
    };
}

const RCODE_TONES: Readonly<Record<string, DataTone>> = {
    NOERROR: "good",
    NXDOMAIN: "warning",
    SERVFAIL: "critical",
    REFUSED: "critical",
    FORMERR: "critical",
    timeout: "critical",
};

export function rcodeBars(table: ColumnTable): BarSpec {
    const sums = sumsBy(table, { column: "rcode", rx: "", tx: "" });
    return {
        kind: "bar",
        key: "rcodes",
        title: "Answers",
        subtitle: "lookups of the table by response code",
        measure: "count",
        bars: sums.slice(0, BARS_MOST).map((s) => ({
            name: s.name || "no answer",
            ...(s.name && { key: s.name }),
            parts: [
                {
                    name: s.name || "no answer",
                    tone: RCODE_TONES[s.name] ?? (s.name ? "category-4" : "unknown"),
                    value: s.rows,
                },
            ],
        })),
    };
}

/* The slowest answer of each name. */
export function slowestBars(table: ColumnTable): BarSpec {
    const name = namer(table, "name");
    const latency = table.numbers(table.column("latency_ms"));
    const slowest = new Map<string, number>();
    for (let slot = 0; slot < table.size; slot++) {
        const ms = latency?.[slot] ?? NaN;
        if (!table.isLive(slot) || Number.isNaN(ms)) continue;
        const n = name(slot);
        slowest.set(n, Math.max(slowest.get(n) ?? 0, ms));
    }
    return {
        kind: "bar",
        key: "slowest",
        title: "Slowest names",
        subtitle: "the slowest answer of each, from query to answer",
        measure: "seconds",
        bars: [...slowest]
            .sort((a, b) => b[1] - a[1])
            .slice(0, BARS_MOST)
            .map(([n, ms]) => ({
                name: brief(n || "(root)"),
                ...(n && { key: n }),
                parts: [{ name: "slowest", tone: "category-1", value: ms / 1000 }],
            })),
    };
}
