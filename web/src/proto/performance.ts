/* How the server is doing: the channel `performance`, and GET /api/v1/performance. */
import { asArray, asNumber, asObject, asSample, asText, type Json } from "../base/json";
import { fail, ok, type Result } from "../base/result";

/* Milliseconds, of `count` durations; NaN when there were none. */
export interface Spread {
    count: number;
    p50: number;
    p90: number;
    p99: number;
    max: number;
}

export interface ClientRow {
    id: number;
    connectedMs: number;
    address: string;
    role: string;
    subscriptions: string[];
    messages: number;
    bytes: number;
    queueBytes: number;
    conflated: number;
    dropped: number;
    roundTripMs: number; // NaN: not known yet
    latencyMs: number;
}

export interface Performance {
    type: "performance";
    seq: number;
    t: number;
    elapsedMs: number; // that the spreads are of
    connections: number;
    opened: number;
    messages: number;
    bytes: number;
    received: number;
    conflated: number;
    dropped: number;
    latency: Spread;
    roundTrip: Spread;
    cpuPct: number;
    rssBytes: number;
    stages: { name: string; spread: Spread }[]; // in their order
    clients: { total: number; rows: ClientRow[] } | undefined; // for admins
}

export function parsePerformance(o: Json): Result<Performance> {
    const seq = asNumber(o["seq"]);
    const t = asNumber(o["t"]);
    if (seq === undefined || t === undefined) return fail("performance without seq or t");
    const count = (key: string) => asNumber(o[key]) ?? 0;
    const process = asObject(o["process"]);
    return ok({
        type: "performance",
        seq,
        t,
        elapsedMs: count("elapsed_ms"),
        connections: count("connections"),
        opened: count("opened"),
        messages: count("messages"),
        bytes: count("bytes"),
        received: count("received"),
        conflated: count("conflated"),
        dropped: count("dropped"),
        latency: parseSpread(o["latency_ms"]),
        roundTrip: parseSpread(o["round_trip_ms"]),
        cpuPct: asSample(process?.["cpu_pct"]),
        rssBytes: asSample(process?.["rss_bytes"]),
        stages: Object.entries(asObject(o["stages"]) ?? {}).map(([name, spread]) => ({
            name,
            spread: parseSpread(spread),
        })),
        clients: parseClients(o["clients"]),
    });
}

function parseSpread(v: unknown): Spread {
    const o = asObject(v);
    return {
        count: asNumber(o?.["count"]) ?? 0,
        p50: asSample(o?.["p50"]),
        p90: asSample(o?.["p90"]),
        p99: asSample(o?.["p99"]),
        max: asSample(o?.["max"]),
    };
}

function parseClients(v: unknown): Performance["clients"] {
    const o = asObject(v);
    if (!o) return undefined;
    const columns = asArray(o["columns"]).map((c) => asText(c));
    return {
        total: asNumber(o["total"]) ?? 0,
        rows: asArray(o["rows"]).flatMap((cells) => {
            if (!Array.isArray(cells)) return [];
            const cell = (name: string): unknown => cells[columns.indexOf(name)];
            const count = (name: string) => asNumber(cell(name)) ?? 0;
            const id = asNumber(cell("id"));
            if (id === undefined) return [];
            return [
                {
                    id,
                    connectedMs: count("connected"),
                    address: asText(cell("address")),
                    role: asText(cell("role")),
                    subscriptions: asArray(cell("subscriptions")).map((s) => asText(s)),
                    messages: count("messages"),
                    bytes: count("bytes"),
                    queueBytes: count("queue_bytes"),
                    conflated: count("conflated"),
                    dropped: count("dropped"),
                    roundTripMs: asSample(cell("round_trip_ms")),
                    latencyMs: asSample(cell("latency_ms")),
                },
            ];
        }),
    };
}
