/* The pictures of the connections' page, made of the rows of its table. */
import type { ColumnTable } from "../domain/column-table";
import type { BarSpec, DataTone, SankeySpec, ScatterSpec } from "../domain/data-spec";
import { linksOf, namer, OTHERS, sumsBy, summarize, topOf } from "../domain/table-sums";
import type { ChartSpec } from "../domain/trace";
import type { Interface } from "../domain/interfaces";
import { STATE_WORDS } from "./table-columns";

const POINTS_MOST = 2000;
const NAMED = 3;
const SANKEY_MOST = 12;
const TONES: readonly DataTone[] = ["category-1", "category-2", "category-3"];
const NAMELESS = "(unknown)";

/* What is told of a name that is too long for its place. */
export function brief(name: string, most = 40): string {
    return name.length > most ? name.slice(0, most - 1) + "…" : name;
}

export function statesChart(table: ColumnTable): BarSpec {
    const { states } = summarize(table);
    return {
        kind: "bar",
        key: "states",
        title: "States",
        subtitle: "connections and sockets that listen",
        measure: "count",
        bars: states.slice(0, 8).map(({ state, rows }) => ({
            name: (STATE_WORDS[state] ?? state) || NAMELESS,
            key: state,
            parts: [{ name: "sockets", tone: "category-1", value: rows }],
        })),
    };
}

export function rttChart(table: ColumnTable): ScatterSpec {
    const rtt = table.numbers(table.column("rtt_ms"));
    const rx = table.numbers(table.column("rx_rate"));
    const tx = table.numbers(table.column("tx_rate"));
    const process = namer(table, "process");
    const remote = namer(table, "remote");
    const state = namer(table, "state");
    const top = sumsBy(table, { column: "process", rx: "rx_rate", tx: "tx_rate" })
        .filter((s) => s.name)
        .slice(0, NAMED)
        .map((s) => s.name);
    const slots: number[] = [];
    const rate = (slot: number) => (rx?.[slot] || 0) + (tx?.[slot] || 0);
    for (let slot = 0; slot < table.size; slot++)
        if (table.isLive(slot) && state(slot) === "established" && !Number.isNaN(rtt?.[slot] ?? NaN))
            slots.push(slot);
    const known = slots.length;
    if (known > POINTS_MOST) slots.sort((a, b) => rate(b) - rate(a)).length = POINTS_MOST;
    const groups = new Map<string, { x: number; y: number; title: string; key: string }[]>();
    for (const name of [...top, ""]) groups.set(name, []);
    for (const slot of slots) {
        const name = process(slot);
        groups.get(top.includes(name) ? name : "")!.push({
            x: rtt![slot]! / 1000,
            y: rate(slot),
            title: `${brief(name || NAMELESS)} ${remote(slot)}`,
            key: String(table.idOf(slot)),
        });
    }
    return {
        kind: "scatter",
        key: "rtt",
        title: "Round trip and throughput",
        subtitle:
            known > POINTS_MOST
                ? `the ${POINTS_MOST} busiest of ${known} established connections`
                : "each established TCP connection, by the kernel's smoothed round trip",
        x: { title: "round trip", measure: "seconds", log: true },
        y: { title: "throughput", measure: "bytes/s", log: true },
        groups: [...groups]
            .filter(([, points]) => points.length)
            .map(([name, points]) => ({
                name: name ? brief(name, 24) : "others",
                tone: name ? TONES[top.indexOf(name)]! : "category-4",
                points,
            })),
    };
}

/* Which interface an address is of; what is of none of them is "". */
export function deviceFinder(interfaces: readonly Interface[]): (host: string) => string {
    const devices = new Map<string, string>();
    for (const i of interfaces)
        for (const a of i.addresses) devices.set(a.replace(/\/.*$/, ""), i.device);
    return (host) =>
        devices.get(host) ??
        (host.startsWith("127.") || host === "::1"
            ? "lo"
            : (devices.get(host.replace(/^::ffff:/, "")) ?? ""));
}

export function pathsChart(table: ColumnTable, interfaces: readonly Interface[]): SankeySpec {
    const links = linksOf(table, deviceFinder(interfaces), SANKEY_MOST);
    const name = (text: string) => (text === OTHERS ? "others" : brief(text || NAMELESS, 28));
    const nodes = new Map<string, SankeySpec["nodes"][number]>();
    const sums = new Map<string, { from: string; to: string; value: number }>();
    const node = (column: number, text: string): string => {
        const id = `${column} ${text}`;
        const key = text && text !== OTHERS && column < 2 ? { key: `${column} ${text}` } : {};
        if (!nodes.has(id))
            nodes.set(id, {
                id,
                name: name(text),
                column,
                tone: column === 0 ? "category-1" : column === 1 ? "category-4" : "category-3",
                ...key,
            });
        return id;
    };
    const link = (from: string, to: string, value: number) => {
        const key = `${from}\u0001${to}`;
        const sum = sums.get(key);
        if (sum) sum.value += value;
        else sums.set(key, { from, to, value });
    };
    for (const l of links) {
        const [process, peer, device] = [node(0, l.process), node(1, l.peer), node(2, l.device)];
        link(process, peer, l.value);
        link(peer, device, l.value);
    }
    return {
        kind: "sankey",
        key: "paths",
        title: "Who talks to whom",
        subtitle: "process, peer, interface; received and sent together, by socket",
        measure: "bytes/s",
        nodes: [...nodes.values()],
        links: [...sums.values()],
    };
}

export function processBars(table: ColumnTable, title: string, column: string): BarSpec {
    const { top, others } = topOf(sumsBy(table, { column, rx: "rx_bytes", tx: "tx_bytes" }), 8);
    const bar = (name: string, rx: number, tx: number, key?: string) => ({
        name,
        ...(key && { key }),
        parts: [
            { name: "received", tone: "receive" as const, value: rx },
            { name: "sent", tone: "transmit" as const, value: tx },
        ],
    });
    return {
        kind: "bar",
        key: `${column}-bars`,
        title,
        subtitle: "payload since netsonde started, on all interfaces",
        measure: "bytes",
        bars: [
            ...top.map((s) => bar(brief(s.name || (column === "unit" ? "(no unit)" : NAMELESS)), s.rx, s.tx, s.name)),
            ...(others ? [bar(`${others.rows} others`, others.rx, others.tx)] : []),
        ],
    };
}

/* Of one connection, while it is looked at. */
export const RECORDED = ["rx_rate", "tx_rate", "rtt"] as const;

export const RATES_CHART: ChartSpec = {
    key: "connection-rates",
    title: "Throughput",
    measure: "bytes/s",
    least: 1000,
    behind: [],
    traces: [
        { name: "receive", metrics: ["rx_rate"], tone: "receive", area: true },
        { name: "transmit", metrics: ["tx_rate"], tone: "transmit", area: true, below: true },
    ],
};

export const RTT_CHART: ChartSpec = {
    key: "connection-rtt",
    title: "Round trip",
    measure: "milliseconds",
    least: 0.0001,
    behind: [],
    traces: [{ name: "smoothed", metrics: ["rtt"], tone: "category-1" }],
};
