/* The dashboard's table of connections over rows that are made here: the same each time. */
import { render } from "preact";
import { systemClock } from "../../web/src/base/clock";
import { connectionColumns } from "../../web/src/pages/connection-columns";
import type { TableMessage } from "../../web/src/proto/stream";
import { FullTable } from "../../web/src/store/full-table";
import { TableLens } from "../../web/src/store/table-lens";
import { DataTable } from "../../web/src/widgets/data-table";

const ROWS = 50_000;
const STREAMED = 2000;
const COLUMNS = [
    "id", "protocol", "local", "remote", "state", "direction", "pid", "process", "unit", "rx_bytes",
    "tx_bytes", "rx_rate", "tx_rate", "rtt_ms", "retransmits", "opened", "method", "remote_name",
];

let seed = 1;
function random(): number {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

function row(i: number): unknown[] {
    const six = (v: number) => Number(v.toPrecision(6));
    const bytes = Math.floor(random() * 1e9);
    return [
        i + 1, "tcp", `10.0.0.1:${1024 + (i % 60_000)}`, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:443`,
        "established", i % 3 ? "out" : "in", 1000 + (i % 500), `process-${i % 500}`, `unit-${i % 50}.service`,
        bytes, bytes >> 3, six(random() * 1e6), six(random() * 1e5), six(random() * 100), i % 7,
        1_764_000_000_000 + i, "ebpf", null,
    ];
}

const all = Array.from({ length: ROWS }, (_, i) => row(i));
let tell: ((m: TableMessage) => void) | undefined;
let t = 1_764_000_000_000;

function message(full: boolean, rows: unknown[][]): TableMessage {
    t += 1000;
    const head = { type: "table" as const, channel: "connections", seq: t / 1000, t };
    return { ...head, full, total: ROWS, columns: COLUMNS, rows, removed: [] };
}

/* As over the wire: text that has to be read. Written once, since the server does that elsewhere. */
const texts = new Map<number, string>();
function textOf(offset: number, limit: number): string {
    let text = texts.get(offset);
    if (text === undefined) {
        const rows = all.slice(offset, offset + limit);
        texts.set(offset, (text = JSON.stringify({ t, total: ROWS, columns: COLUMNS, rows })));
    }
    return text;
}

const full = new FullTable(
    {
        getJson(address) {
            const q = new URLSearchParams(address.split("?")[1]);
            const behind = /^id>(\d+)$/.exec(q.get("filter") ?? "")?.[1] ?? 0; // ids are places, from 1 on
            const text = textOf(Number(behind), Number(q.get("limit")));
            return new Promise((done) =>
                setTimeout(() => done({ ok: true, value: JSON.parse(text) as unknown }), 20),
            );
        },
        follow(_, take) {
            tell = take;
            setTimeout(() => take(message(true, all.slice(0, STREAMED))), 0);
            return () => undefined;
        },
    },
    "connections",
    systemClock,
    () => true,
);
const lens = new TableLens(full, systemClock);
lens.start();
full.showLive();

const columns = connectionColumns({ bytesAs: "bits", nowMs: Date.now() });
function App() {
    return (
        <DataTable
            name="connections"
            label="Connections"
            view={lens.view}
            painted={lens.painted}
            columns={columns}
            chosen={undefined}
            sort={lens.sort.value}
            onSort={() => undefined}
            selected={undefined}
            onOpen={() => undefined}
            held={false}
            onHold={() => undefined}
            dress=""
        />
    );
}
render(<App />, document.getElementById("app")!);

/* What bench/tables.mjs works with. */
Object.assign(window, {
    bench: {
        ready: () => full.table.value.count === ROWS && full.facts.value.readAt !== undefined,
        rows: () => lens.view.value.count,
        seek: (filter: string, sort: string) => lens.seek(filter, sort),
        /* A tick: so many of the streamed rows have changed. */
        tick: (changed: number) => {
            const rows = Array.from({ length: changed }, (_, i) => row(i));
            tell?.(message(false, rows));
        },
    },
});
