/*
 * What the rows of a table come to: sums by a name, the largest first, the rest as one. Names are
 * those of a column, or made of its texts, each different text once.
 */
import type { ColumnTable } from "./column-table";

export interface Sum {
    name: string; // "" where it is not known
    rows: number;
    rx: number;
    tx: number;
}

export interface SumBy {
    column: string;
    name?: (text: string) => string;
    rx: string;
    tx: string;
    only?: (slot: number) => boolean;
}

export function sumsBy(table: ColumnTable, by: SumBy): Sum[] {
    const names = namer(table, by.column, by.name);
    const rx = table.numbers(table.column(by.rx));
    const tx = table.numbers(table.column(by.tx));
    const sums = new Map<string, Sum>();
    for (let slot = 0; slot < table.size; slot++) {
        if (!table.isLive(slot) || (by.only && !by.only(slot))) continue;
        const name = names(slot);
        let sum = sums.get(name);
        if (!sum) sums.set(name, (sum = { name, rows: 0, rx: 0, tx: 0 }));
        sum.rows++;
        sum.rx += rx?.[slot] || 0;
        sum.tx += tx?.[slot] || 0;
    }
    return [...sums.values()].sort((a, b) => b.rx + b.tx - a.rx - a.tx || b.rows - a.rows);
}

/* The name of a row, made once of each different text. */
export function namer(
    table: ColumnTable,
    column: string,
    make: (text: string) => string = (t) => t,
): (slot: number) => string {
    const texts = table.texts(table.column(column));
    if (!texts) return () => make("");
    const made: (string | undefined)[] = [];
    return (slot) => {
        const code = texts.codes[slot]!;
        return (made[code] ??= make(texts.strings[code]!));
    };
}

/* The first of them, and what the others come to. */
export function topOf(sums: readonly Sum[], most: number): { top: Sum[]; others: Sum | undefined } {
    if (sums.length <= most) return { top: [...sums], others: undefined };
    const others: Sum = { name: "", rows: 0, rx: 0, tx: 0 };
    for (const s of sums.slice(most)) {
        others.rows += s.rows;
        others.rx += s.rx;
        others.tx += s.tx;
    }
    return { top: sums.slice(0, most), others };
}

/* Without its port: 10.0.0.1:443, [fe80::1]:443, fe80::1:443. */
export function hostOf(address: string): string {
    const bracketed = /^\[([^\]]*)\]/.exec(address);
    if (bracketed) return bracketed[1]!;
    const at = address.lastIndexOf(":");
    return at < 0 ? address : address.slice(0, at);
}

export function portOf(address: string): string {
    return address.slice(address.lastIndexOf(":") + 1);
}

export function isLoopback(host: string): boolean {
    return host.startsWith("127.") || host === "::1" || host.startsWith("::ffff:127.");
}

export interface ConnectionsSummary {
    total: number;
    established: number;
    listening: number;
    peers: number; // other hosts of established ones
    local: number; // established ones that stay on this host
    states: { state: string; rows: number }[]; // the most frequent first
    retransmits: number; // segments, of those that are there
    retransmitting: number; // connections
    rttMs: number; // median; NaN: of none is known
    slowMs: number; // one in twenty is slower
    process: string; // with the most traffic, else the most connections
    rate: number; // its bytes per second
}

export function summarize(table: ColumnTable): ConnectionsSummary {
    const state = namer(table, "state");
    const host = namer(table, "remote", hostOf);
    const retransmits = table.numbers(table.column("retransmits"));
    const rtt = table.numbers(table.column("rtt_ms"));
    const states = new Map<string, number>();
    const peers = new Set<string>();
    const rtts: number[] = [];
    let [total, local, lost, losers] = [0, 0, 0, 0];
    for (let slot = 0; slot < table.size; slot++) {
        if (!table.isLive(slot)) continue;
        total++;
        const s = state(slot);
        states.set(s, (states.get(s) ?? 0) + 1);
        if (s !== "established") continue;
        const peer = host(slot);
        if (isLoopback(peer)) local++;
        else if (peer) peers.add(peer);
        const r = retransmits?.[slot] || 0;
        lost += r;
        if (r > 0) losers++;
        const ms = rtt?.[slot] ?? NaN;
        if (!Number.isNaN(ms)) rtts.push(ms);
    }
    rtts.sort((a, b) => a - b);
    const [first] = sumsBy(table, { column: "process", rx: "rx_rate", tx: "tx_rate" }).filter(
        (s) => s.name,
    );
    return {
        total,
        established: states.get("established") ?? 0,
        listening: states.get("listen") ?? 0,
        peers: peers.size,
        local,
        states: [...states]
            .map(([name, rows]) => ({ state: name, rows }))
            .sort((a, b) => b.rows - a.rows),
        retransmits: lost,
        retransmitting: losers,
        rttMs: rtts[Math.floor(rtts.length / 2)] ?? NaN,
        slowMs: rtts[Math.floor(rtts.length * 0.95)] ?? NaN,
        process: first?.name ?? "",
        rate: first ? first.rx + first.tx : 0,
    };
}

/* From process to peer to interface; the largest of each, the others as one. */
export interface FlowLink {
    process: string;
    peer: string;
    device: string;
    value: number;
}

export const OTHERS = "\u0000others"; // no name of a process, an address or a device

export function linksOf(
    table: ColumnTable,
    deviceOf: (host: string) => string,
    most: number,
): FlowLink[] {
    const process = namer(table, "process");
    const peer = namer(table, "remote", hostOf);
    const device = namer(table, "local", (a) => deviceOf(hostOf(a)));
    const columns = { rx: "rx_rate", tx: "tx_rate" };
    const largest = (column: string, name?: (text: string) => string) =>
        new Set(
            topOf(sumsBy(table, { column, ...(name && { name }), ...columns }), most).top.map(
                (s) => s.name,
            ),
        );
    const processes = largest("process");
    const peers = largest("remote", hostOf);
    const rx = table.numbers(table.column("rx_rate"));
    const tx = table.numbers(table.column("tx_rate"));
    const links = new Map<string, FlowLink>();
    for (let slot = 0; slot < table.size; slot++) {
        const value = (rx?.[slot] || 0) + (tx?.[slot] || 0);
        if (value <= 0 || !table.isLive(slot)) continue;
        const p = processes.has(process(slot)) ? process(slot) : OTHERS;
        const r = peers.has(peer(slot)) ? peer(slot) : OTHERS;
        const d = device(slot);
        const key = `${p}\u0001${r}\u0001${d}`;
        const link = links.get(key);
        if (link) link.value += value;
        else links.set(key, { process: p, peer: r, device: d, value });
    }
    return [...links.values()].sort((a, b) => b.value - a.value);
}
