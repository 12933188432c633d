/*
 * The messages of the stream, in both directions. parseMessage never throws: what it cannot
 * understand is a failure with a reason, what it does not know (a newer server) is "unknown".
 */
import { asArray, asNumber, asObject, asSample, asText, parseJson, type Json } from "../base/json";
import { parsePage } from "./table";
import { fail, ok, type Result } from "../base/result";
import {
    parseAlertMessage,
    parseAlertSet,
    parseAnomalies,
    type AlertMessage,
    type AlertSet,
    type Anomalies,
} from "./alerts";
import { parseSeries, type SeriesInfo } from "./series";

export const SUBPROTOCOL = "netsonde.v1";

export interface Hello {
    type: "hello";
    version: string;
    host: string;
    intervalMs: number;
    session: string;
    channels: string[];
}

export interface SeriesMessage {
    type: "series";
    series: SeriesInfo[];
}

/* ids[i] has values[i]; NaN is a gap. */
export interface Metrics {
    type: "metrics";
    seq: number;
    t: number;
    ids: Int32Array;
    values: Float64Array;
}

export interface StreamEvent {
    type: "event";
    seq: number;
    t: number;
    kind: string;
    fields: Json;
}

export interface Gap {
    type: "gap";
    channel: string;
    from: number;
    to: number;
    reason: string;
}

export interface TableMessage {
    type: "table";
    channel: string;
    seq: number;
    t: number;
    /* The whole table: rows that are not in it are gone. */
    full: boolean;
    total: number; // rows that pass the filter, sent or not
    columns: readonly string[];
    rows: readonly (readonly unknown[])[];
    removed: number[];
}

/* Of a channel that one page alone reads, and takes apart itself. */
export interface Document {
    type: "document";
    channel: string;
    seq: number;
    body: Json;
}

export interface Answer {
    type: "ok" | "pong" | "error";
    id: number | undefined;
    code: string;
    message: string;
}

export type ServerMessage =
    | Hello
    | SeriesMessage
    | Metrics
    | StreamEvent
    | Gap
    | TableMessage
    | Document
    | AlertMessage
    | AlertSet
    | Anomalies
    | Answer
    | { type: "unknown"; name: string };

export function parseMessage(text: string): Result<ServerMessage> {
    const o = asObject(parseJson(text));
    if (!o) return fail("a message that is not a JSON object");
    const type = asText(o["type"]);
    switch (type) {
        case "hello":
            return ok(parseHello(o));
        case "series":
            return ok({
                type,
                series: asArray(o["series"])
                    .map(parseSeries)
                    .filter((s) => s !== undefined),
            });
        case "metrics":
            return parseMetrics(o);
        case "event":
            return parseEvent(o);
        case "gap":
            return ok({
                type,
                channel: asText(o["channel"]),
                from: asNumber(o["from"]) ?? 0,
                to: asNumber(o["to"]) ?? 0,
                reason: asText(o["reason"], "unknown"),
            });
        case "table":
            return parseTable(o);
        case "performance":
        case "baseline":
        case "benchmark":
            return ok({ type: "document", channel: type, seq: asNumber(o["seq"]) ?? 0, body: o });
        case "alert":
            return parseAlertMessage(o);
        case "alert_state":
            return parseAlertSet(o);
        case "anomalies":
            return parseAnomalies(o);
        case "ok":
        case "pong":
        case "error":
            return ok({
                type,
                id: asNumber(o["id"]),
                code: asText(o["code"]),
                message: asText(o["message"]),
            });
        case "":
            return fail("a message without a type");
        default:
            return ok({ type: "unknown", name: type });
    }
}

function parseHello(o: Json): Hello {
    const interval = asNumber(o["interval_ms"]) ?? 1000;
    return {
        type: "hello",
        version: asText(o["version"]),
        host: asText(o["host"]),
        intervalMs: Math.min(Math.max(interval, 1), 3_600_000),
        session: String(o["session"] ?? ""),
        channels: asArray(o["channels"]).filter((c) => typeof c === "string"),
    };
}

function parseMetrics(o: Json): Result<Metrics> {
    const seq = asNumber(o["seq"]);
    const t = asNumber(o["t"]);
    if (seq === undefined || t === undefined) return fail("metrics without seq or t");
    const pairs = asArray(o["values"]);
    const ids = new Int32Array(pairs.length);
    const values = new Float64Array(pairs.length);
    let n = 0;
    for (const pair of pairs) {
        if (!Array.isArray(pair) || !Number.isInteger(pair[0])) continue;
        ids[n] = pair[0] as number;
        values[n++] = asSample(pair[1]);
    }
    return ok({ type: "metrics", seq, t, ids: ids.subarray(0, n), values: values.subarray(0, n) });
}

export function parseEvent(o: Json): Result<StreamEvent> {
    const t = asNumber(o["t"]);
    if (t === undefined) return fail("an event without t");
    const kind = asText(o["kind"], "unknown");
    return ok({ type: "event", seq: asNumber(o["seq"]) ?? 0, t, kind, fields: o });
}

function parseTable(o: Json): Result<TableMessage> {
    const channel = asText(o["channel"]);
    if (channel === "") return fail("a table without a channel");
    const { columns, rows, total, t } = parsePage(o);
    return ok({
        type: "table",
        channel,
        seq: asNumber(o["seq"]) ?? 0,
        t,
        full: o["full"] === true,
        total,
        columns,
        rows,
        removed: asArray(o["removed"]).filter((id): id is number => typeof id === "number"),
    });
}

/* What a client wants of one channel; a second subscription replaces the first. */
export interface Subscription {
    channel: string;
    metric?: string[];
    match?: string[];
    intervalMs?: number;
    since?: number;
    /* Of tables: which rows, which of them first, how many. */
    filter?: string;
    sort?: string;
    limit?: number;
}

export function subscribeText(id: number, s: Subscription): string {
    return JSON.stringify({
        op: "subscribe",
        id,
        channel: s.channel,
        metric: s.metric,
        match: s.match,
        interval_ms: s.intervalMs,
        since: s.since,
        filter: s.filter || undefined,
        sort: s.sort || undefined,
        limit: s.limit,
    });
}

export function unsubscribeText(id: number, channel: string): string {
    return JSON.stringify({ op: "unsubscribe", id, channel });
}

/* This tick has arrived: the server measures how long that took. */
export function ackText(seq: number): string {
    return JSON.stringify({ op: "ack", seq });
}

export function pingText(id: number): string {
    return JSON.stringify({ op: "ping", id });
}
