/* Who uses the network most now: rows of the table of processes as the overview lists them. */
export interface Talker {
    id: number;
    name: string;
    unit: string; // the systemd unit; "" for none
    rxRate: number; // NaN where unknown, here and below
    txRate: number;
    rxBytes: number;
    txBytes: number;
}

type Row = readonly unknown[];

/* At most `most`, the busiest first; who is idle by what was moved before. */
export function talkersOf(columns: readonly string[], rows: readonly Row[], most: number): Talker[] {
    const at = new Map(columns.map((c, i) => [c, i]));
    const number = (row: Row, name: string) => {
        const v = row[at.get(name) ?? -1];
        return typeof v === "number" ? v : NaN;
    };
    const word = (row: Row, name: string) => {
        const v = row[at.get(name) ?? -1];
        return typeof v === "string" ? v : "";
    };
    return rows
        .map((row) => ({
            id: number(row, "id"),
            name: word(row, "process"),
            unit: word(row, "unit"),
            rxRate: number(row, "rx_rate"),
            txRate: number(row, "tx_rate"),
            rxBytes: number(row, "rx_bytes"),
            txBytes: number(row, "tx_bytes"),
        }))
        .sort((a, b) => rate(b) - rate(a) || amount(b) - amount(a) || a.id - b.id)
        .slice(0, most);
}

function rate(t: Talker): number {
    return (t.rxRate || 0) + (t.txRate || 0);
}

function amount(t: Talker): number {
    return (t.rxBytes || 0) + (t.txBytes || 0);
}
